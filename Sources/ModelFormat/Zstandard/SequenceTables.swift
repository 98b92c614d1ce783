import CSupport

/// The codes of a block's sequences, each of which copies literals and then bytes from before:
/// RFC 8878, 3.1.1.3.2. A block may use those of the block before.
struct SequenceTables: ~Copyable {
    private var literalLengths: FiniteStateEntropy
    private var offsets: FiniteStateEntropy
    private var matchLengths: FiniteStateEntropy
    /// The last three offsets.
    private var recent = (1, 4, 8)

    init(
        literalLengths: consuming FiniteStateEntropy, offsets: consuming FiniteStateEntropy,
        matchLengths: consuming FiniteStateEntropy
    ) {
        self.literalLengths = literalLengths
        self.offsets = offsets
        self.matchLengths = matchLengths
    }

    /// Begins a frame.
    mutating func clear() {
        literalLengths.clear()
        offsets.clear()
        matchLengths.clear()
        recent = (1, 4, 8)
    }

    /// Decodes and executes a block's sequences.
    ///
    /// - Parameters:
    ///   - section: Their bytes, to the block's end.
    ///   - start: The content so far, `written` bytes.
    ///   - room: The most bytes that the block may have.
    /// - Returns: The bytes that it has; nil if it is invalid.
    mutating func execute(
        _ section: UnsafePointer<UInt8>, _ size: Int, literals: UnsafePointer<UInt8>, _ literalCount: Int,
        _ start: UnsafeMutablePointer<UInt8>, _ written: Int, _ room: Int
    ) -> Int? {
        guard size > 0 else { return nil }
        var count = Int(section[0])
        var place = 1
        if count >= 128 {
            let length = count == 255 ? 2 : 1
            guard size > length else { return nil }
            count =
                count == 255 ? Int(section[1]) + Int(section[2]) << 8 + 0x7F00 : (count - 128) << 8 + Int(section[1])
            place += length
        }
        guard count > 0 else {
            guard size == place, literalCount <= room else { return nil }
            memcpy(start + written, literals, literalCount)
            return literalCount
        }
        guard size > place, section[place] & 3 == 0 else { return nil }
        let modes = section[place]
        place += 1
        guard
            SequenceTables.read(
                &literalLengths, modes >> 6, section, size, &place, 36, 9, literalLengthProbabilities, 6),
            SequenceTables.read(&offsets, modes >> 4 & 3, section, size, &place, 32, 8, offsetProbabilities, 5),
            SequenceTables.read(
                &matchLengths, modes >> 2 & 3, section, size, &place, 53, 9, matchLengthProbabilities, 6),
            let bits = BackwardBits(section + place, count: size - place)
        else { return nil }
        return execute(bits, count, literals, literalCount, start, written, room)
    }

    /// Reads a code in one of the four modes.
    private static func read(
        _ table: inout FiniteStateEntropy, _ mode: UInt8, _ section: UnsafePointer<UInt8>, _ size: Int,
        _ place: inout Int, _ symbols: Int, _ accuracy: Int, _ predefined: StaticString, _ predefinedAccuracy: Int
    ) -> Bool {
        switch mode {
        case 0: table.set(predefined, accuracy: predefinedAccuracy)
        case 1:
            guard place < size, section[place] < symbols else { return false }
            table.set(section[place])
            place += 1
        case 2:
            guard let length = table.read(section + place, count: size - place, symbols: symbols, maximum: accuracy)
            else {
                table.clear()
                return false
            }
            place += length
        default: return table.accuracy >= 0
        }
        return true
    }

    private mutating func execute(
        _ bits: BackwardBits, _ count: Int, _ literals: UnsafePointer<UInt8>, _ literalCount: Int,
        _ start: UnsafeMutablePointer<UInt8>, _ written: Int, _ room: Int
    ) -> Int? {
        var bits = bits
        var literalState = bits.read(UInt64(literalLengths.accuracy))
        var offsetState = bits.read(UInt64(offsets.accuracy))
        var matchState = bits.read(UInt64(matchLengths.accuracy))
        var literal = 0
        var target = written
        let end = written + room
        for sequence in 0..<count {
            bits.reload()
            guard !bits.isBeyond else { return nil }
            let (l, o, m) = (
                literalLengths.states[literalState], offsets.states[offsetState], matchLengths.states[matchState]
            )
            let offsetValue = UInt64(1) << UInt64(o.symbol) + UInt64(UInt(bitPattern: bits.read(UInt64(o.symbol))))
            bits.reload()
            let matchLength = lengthOfMatch(m.symbol, &bits)
            let literalLength = lengthOfLiterals(l.symbol, &bits)
            guard let offset = offset(offsetValue, withoutLiterals: literalLength == 0) else { return nil }
            if sequence + 1 < count {
                bits.reload()
                literalState = Int(l.base) + bits.read(UInt64(l.bits))
                matchState = Int(m.base) + bits.read(UInt64(m.bits))
                offsetState = Int(o.base) + bits.read(UInt64(o.bits))
            }
            guard literalLength <= literalCount - literal, literalLength + matchLength <= end - target,
                offset <= target + literalLength
            else { return nil }
            if literalLength <= 16, literalCount - literal >= 16, end - target >= 16 {
                copySixteen(start + target, literals + literal)
            } else {
                memcpy(start + target, literals + literal, literalLength)
            }
            literal += literalLength
            target += literalLength
            if matchLength <= 16, offset >= 16, end - target >= 16 {
                copySixteen(start + target, start + target - offset)
            } else {
                copyMatch(start + target, offset, matchLength)
            }
            target += matchLength
        }
        bits.reload()
        let rest = literalCount - literal
        guard bits.isAtEnd, rest <= end - target else { return nil }
        memcpy(start + target, literals + literal, rest)
        return target + rest - written
    }

    /// An offset from its coded value, which may be one of the recent ones.
    @inline(__always)
    private mutating func offset(_ value: UInt64, withoutLiterals: Bool) -> Int? {
        if value > 3 {
            guard let offset = Int(exactly: value - 3) else { return nil }
            recent = (offset, recent.0, recent.1)
            return offset
        }
        switch Int(value) + (withoutLiterals ? 1 : 0) {
        case 1: break
        case 2: recent = (recent.1, recent.0, recent.2)
        case 3: recent = (recent.2, recent.0, recent.1)
        default:
            guard recent.0 > 1 else { return nil }
            recent = (recent.0 - 1, recent.0, recent.1)
        }
        return recent.0
    }
}

/// Copies sixteen bytes, for up to so many: what is beyond them is written again.
@inline(__always)
private func copySixteen(_ target: UnsafeMutablePointer<UInt8>, _ source: UnsafePointer<UInt8>) {
    UnsafeMutableRawPointer(target).storeBytes(
        of: UnsafeRawPointer(source).loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
}

/// Copies bytes from `offset` before, which may be bytes of the same copy.
@inline(__always)
private func copyMatch(_ target: UnsafeMutablePointer<UInt8>, _ offset: Int, _ count: Int) {
    let source = target - offset
    if offset >= count {
        memcpy(target, source, count)
    } else {
        for index in 0..<count { target[index] = source[index] }
    }
}

@inline(__always)
private func lengthOfLiterals(_ code: UInt8, _ bits: inout BackwardBits) -> Int {
    guard code >= 16 else { return Int(code) }
    let extra = UInt64(code < 20 ? 1 : code < 22 ? 2 : code < 24 ? 3 : code == 24 ? 4 : code - 19)
    let base =
        switch code {
        case 16...19: 16 + 2 * Int(code - 16)
        case 20, 21: 24 + 4 * Int(code - 20)
        case 22, 23: 32 + 8 * Int(code - 22)
        case 24: 48
        default: 1 << Int(extra)
        }
    return base + bits.read(extra)
}

@inline(__always)
private func lengthOfMatch(_ code: UInt8, _ bits: inout BackwardBits) -> Int {
    guard code >= 32 else { return Int(code) + 3 }
    let extra = UInt64(
        code < 36 ? 1 : code < 38 ? 2 : code < 40 ? 3 : code < 42 ? 4 : code == 42 ? 5 : code - 36)
    let base =
        switch code {
        case 32...35: 35 + 2 * Int(code - 32)
        case 36, 37: 43 + 4 * Int(code - 36)
        case 38, 39: 51 + 8 * Int(code - 38)
        case 40, 41: 67 + 16 * Int(code - 40)
        case 42: 99
        default: 3 + 1 << Int(extra)
        }
    return base + bits.read(extra)
}

// The probabilities that the format gives (RFC 8878, 3.1.1.3.2.2), in units of 1/64 and 1/32: "1"
// is 0, "2" is 1, and "0" is −1, less than one.
private let literalLengthProbabilities: StaticString = "543333333333322233333333343222220000"
private let matchLengthProbabilities: StaticString = "25433333322222222222222222222222222222222222220000000"
private let offsetProbabilities: StaticString = "22222233322222222222222200000"
