import Core

/// A decoding table of finite state entropy, an entropy code: RFC 8878, 4.1.
///
/// J. Duda, "Asymmetric numeral systems: entropy coding combining speed of Huffman coding with
/// compression rate of arithmetic coding" (2013).
struct FiniteStateEntropy: ~Copyable {
    /// What a state stands for, and where it leads.
    struct State {
        /// The symbol.
        var symbol: UInt8 = 0
        /// The number of bits to read, and what to add to them, for the next state.
        var bits: UInt8 = 0
        var base: UInt16 = 0
    }

    /// The largest accuracy of any table.
    static var maximumAccuracy: Int { 9 }
    /// One more than the largest symbol of any table.
    static var symbolLimit: Int { 53 }

    let states: UnsafeMutablePointer<State>
    /// The table has 2^`accuracy` states; −1 if nothing was read into it.
    private(set) var accuracy = -1

    /// A table in `memory`, which has 2^``maximumAccuracy`` states.
    init(in memory: UnsafeMutablePointer<State>) {
        states = memory
    }

    /// Makes the table forget what was read.
    mutating func clear() {
        accuracy = -1
    }

    /// A table of a symbol that takes no bits.
    mutating func set(_ symbol: UInt8) {
        accuracy = 0
        states[0] = State(symbol: symbol)
    }

    /// A table of the probabilities that the format gives.
    mutating func set(_ probabilities: StaticString, accuracy: Int) {
        self.accuracy = accuracy
        let count = probabilities.utf8CodeUnitCount
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: FiniteStateEntropy.symbolLimit) { numbers in
            for index in 0..<count { numbers[index] = Int16(probabilities.utf8Start[index]) - 0x31 }
            _ = build(UnsafeMutableBufferPointer(rebasing: numbers[..<count]))
        }
    }

    /// Reads a table's probabilities.
    ///
    /// - Parameters:
    ///   - symbols: The number of symbols that it may have, at most ``symbolLimit``.
    ///   - maximum: The largest accuracy, at most ``maximumAccuracy``.
    /// - Returns: The number of bytes they take; nil if they are invalid.
    mutating func read(_ bytes: UnsafePointer<UInt8>, count: Int, symbols: Int, maximum: Int) -> Int? {
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: FiniteStateEntropy.symbolLimit) { numbers in
            var bits = ForwardBits(bytes: bytes, count: count)
            accuracy = bits.read(4) + 5
            guard accuracy <= maximum else { return nil }
            var remaining = 1 << accuracy
            var symbol = 0
            while remaining > 0 {
                guard symbol < symbols else { return nil }
                // A number up to remaining + 1, the smaller ones in a bit less.
                let length = Int.bitWidth - (remaining + 1).leadingZeroBitCount
                let lower = (1 << (length - 1)) - 1
                let threshold = (1 << length) - 2 - remaining
                var number = bits.read(length)
                if number & lower < threshold {
                    bits.place -= 1
                    number &= lower
                } else if number > lower {
                    number -= threshold
                }
                let probability = number - 1
                remaining -= abs(probability)
                numbers[symbol] = Int16(probability)
                symbol += 1
                guard probability == 0 else { continue }
                var zeros: Int
                repeat {
                    zeros = bits.read(2)
                    guard symbol + zeros <= symbols else { return nil }
                    for _ in 0..<zeros {
                        numbers[symbol] = 0
                        symbol += 1
                    }
                } while zeros == 3
            }
            guard remaining == 0, bits.place <= 8 * count,
                build(UnsafeMutableBufferPointer(rebasing: numbers[..<symbol]))
            else { return nil }
            return divideRoundingUp(bits.place, by: 8)
        }
    }

    /// Fills in the states from the symbols' probabilities in units of 2^−`accuracy`; −1 stands for
    /// less than one.
    private mutating func build(_ numbers: UnsafeMutableBufferPointer<Int16>) -> Bool {
        let size = 1 << accuracy
        var end = size
        for symbol in 0..<numbers.count where numbers[symbol] == -1 {
            end -= 1
            states[end].symbol = UInt8(symbol)
        }
        var place = 0
        for symbol in 0..<numbers.count where numbers[symbol] > 0 {
            for _ in 0..<numbers[symbol] {
                states[place].symbol = UInt8(symbol)
                repeat {
                    place = (place + (size >> 1) + (size >> 3) + 3) & (size - 1)
                } while place >= end
            }
        }
        guard place == 0 else { return false }
        for index in 0..<size {
            let symbol = Int(states[index].symbol)
            let next = abs(Int(numbers[symbol]))
            numbers[symbol] = Int16(next + 1)
            let bits = accuracy - (Int.bitWidth - 1 - next.leadingZeroBitCount)
            states[index].bits = UInt8(bits)
            states[index].base = UInt16((next << bits) - size)
        }
        return true
    }
}

/// Bits from the lowest of the first byte on; zeros after the last.
private struct ForwardBits {
    let bytes: UnsafePointer<UInt8>
    let count: Int
    /// The number of bits that were read.
    var place = 0

    mutating func read(_ length: Int) -> Int {
        var number = 0
        for index in 0..<length {
            let bit = place + index
            if bit / 8 < count { number |= Int(bytes[bit / 8] >> UInt8(bit % 8) & 1) << index }
        }
        place += length
        return number
    }
}
