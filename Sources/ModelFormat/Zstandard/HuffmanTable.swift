/// A decoding table of literals' Huffman code: RFC 8878, 4.2.
struct HuffmanTable: ~Copyable {
    /// The longest code.
    static var maximumBits: Int { 11 }

    /// For each 2^`bits` next bits the symbol, and the number of its bits in the upper byte.
    let entries: UnsafeMutablePointer<UInt16>
    /// The length of the longest code; 0 if nothing was read into the table.
    private(set) var bits = 0

    /// A table in `memory`, which has 2^``maximumBits`` entries.
    init(in memory: UnsafeMutablePointer<UInt16>) {
        entries = memory
    }

    /// Makes the table forget what was read.
    mutating func clear() {
        bits = 0
    }

    /// Reads a description of the code.
    ///
    /// - Parameter scratch: For the code of the description.
    /// - Returns: The number of bytes it takes; nil if it is invalid.
    mutating func read(_ bytes: UnsafePointer<UInt8>, count: Int, scratch: inout FiniteStateEntropy) -> Int? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { weights in
            guard count > 0 else { return nil }
            let header = Int(bytes[0])
            let symbols: Int
            let length: Int
            if header >= 128 {
                symbols = header - 127
                length = 1 + (symbols + 1) / 2
                guard length <= count else { return nil }
                for index in 0..<symbols {
                    let pair = bytes[1 + index / 2]
                    weights[index] = index % 2 == 0 ? pair >> 4 : pair & 0xF
                }
            } else {
                length = 1 + header
                guard length <= count,
                    let read = HuffmanTable.readWeights(bytes + 1, count: header, into: weights, &scratch)
                else { return nil }
                symbols = read
            }
            return build(weights, symbols) ? length : nil
        }
    }

    /// Weights that two alternating states give, until the bits end.
    private static func readWeights(
        _ bytes: UnsafePointer<UInt8>, count: Int, into weights: UnsafeMutableBufferPointer<UInt8>,
        _ table: inout FiniteStateEntropy
    ) -> Int? {
        guard let start = table.read(bytes, count: count, symbols: maximumBits + 1, maximum: 6),
            var bits = BackwardBits(bytes + start, count: count - start)
        else { return nil }
        var states = (bits.read(UInt64(table.accuracy)), bits.read(UInt64(table.accuracy)))
        bits.reload()
        guard !bits.isBeyond else { return nil }
        var symbols = 0
        while symbols < 254 {
            let state = table.states[states.0]
            weights[symbols] = state.symbol
            symbols += 1
            states = (states.1, Int(state.base) + bits.read(UInt64(state.bits)))
            bits.reload()
            if bits.isBeyond {
                weights[symbols] = table.states[states.0].symbol
                return symbols + 1
            }
        }
        return nil
    }

    /// Fills in the table. A symbol of weight w > 0 has a code for 2^(w − 1) of its entries; the
    /// last symbol, without a weight, has those that remain.
    private mutating func build(_ weights: UnsafeMutableBufferPointer<UInt8>, _ symbols: Int) -> Bool {
        var total = 0
        for symbol in 0..<symbols where weights[symbol] > 0 {
            guard weights[symbol] <= HuffmanTable.maximumBits else { return false }
            total += 1 << (Int(weights[symbol]) - 1)
        }
        guard total > 0 else { return false }
        bits = Int.bitWidth - total.leadingZeroBitCount
        let rest = (1 << bits) - total
        guard bits <= HuffmanTable.maximumBits, rest & (rest - 1) == 0 else { return false }
        weights[symbols] = UInt8(rest.trailingZeroBitCount + 1)
        guard weights[...symbols].contains(1) else { return false }
        var place = 0
        for weight in 1...bits {
            let entry = UInt16(bits + 1 - weight) << 8
            for symbol in 0...symbols where Int(weights[symbol]) == weight {
                for _ in 0..<1 << (weight - 1) {
                    entries[place] = entry | UInt16(symbol)
                    place += 1
                }
            }
        }
        return true
    }

    /// Decodes a stream into `count` bytes.
    ///
    /// - Returns: Whether it had just these.
    func decode(_ bytes: UnsafePointer<UInt8>, length: Int, into target: UnsafeMutablePointer<UInt8>, count: Int)
        -> Bool
    {
        guard var stream = BackwardBits(bytes, count: length) else { return false }
        return finish(&stream, target, from: 0, to: count)
    }

    /// Decodes four streams into `count` bytes together, a quarter each. Their lengths but the
    /// last precede them.
    func decodeFour(
        _ bytes: UnsafePointer<UInt8>, length: Int, into target: UnsafeMutablePointer<UInt8>, count: Int
    ) -> Bool {
        guard length >= 6 else { return false }
        let first = Int(bytes[0]) | Int(bytes[1]) << 8
        let second = first + (Int(bytes[2]) | Int(bytes[3]) << 8)
        let third = second + (Int(bytes[4]) | Int(bytes[5]) << 8)
        let streams = bytes + 6
        let quarter = (count + 3) / 4
        guard third < length - 6, count >= 6,
            var a = BackwardBits(streams, count: first),
            var b = BackwardBits(streams + first, count: second - first),
            var c = BackwardBits(streams + second, count: third - second),
            var d = BackwardBits(streams + third, count: length - 6 - third)
        else { return false }
        let (p, q, r, s) = (target, target + quarter, target + 2 * quarter, target + 3 * quarter)
        let last = count - 3 * quarter
        let width = UInt64(bits)
        var index = 0
        // Five codes of at most 11 bits after each reload.
        while index + 5 <= last, a.isFull, b.isFull, c.isFull, d.isFull {
            a.reloadFull()
            b.reloadFull()
            c.reloadFull()
            d.reloadFull()
            for _ in 0..<5 {
                p[index] = next(&a, width)
                q[index] = next(&b, width)
                r[index] = next(&c, width)
                s[index] = next(&d, width)
                index += 1
            }
        }
        return finish(&a, p, from: index, to: quarter) && finish(&b, q, from: index, to: quarter)
            && finish(&c, r, from: index, to: quarter) && finish(&d, s, from: index, to: last)
    }

    @inline(__always)
    private func next(_ stream: inout BackwardBits, _ width: UInt64) -> UInt8 {
        let entry = entries[stream.peek(width)]
        stream.skip(UInt64(entry >> 8))
        return UInt8(truncatingIfNeeded: entry)
    }

    @inline(__always)
    private func finish(
        _ stream: inout BackwardBits, _ target: UnsafeMutablePointer<UInt8>, from start: Int, to end: Int
    ) -> Bool {
        let width = UInt64(bits)
        for index in start..<end {
            stream.reload()
            guard !stream.isBeyond else { return false }
            target[index] = next(&stream, width)
        }
        stream.reload()
        return stream.isAtEnd
    }
}
