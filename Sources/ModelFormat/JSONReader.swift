import Core

/// A place in a JSON text, from which values are read without building the rest.
///
/// It finds the values of a text that is JSON. In one that is not it may find some, but reads
/// nothing outside the text.
struct JSONReader {
    private let text: UnsafeRawBufferPointer
    private var offset = 0

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    /// The place of a key's value in the object that is here; nil if there is no object, or no such
    /// key, written without escapes.
    @inline(never)
    func value(of key: StaticString) -> JSONReader? {
        var reader = self
        guard reader.take(UInt8(ascii: "{")) else { return nil }
        repeat {
            reader.skipSpace()
            let start = reader.offset + 1
            guard reader.skipString() else { return nil }
            let length = reader.offset - 1 - start
            guard reader.take(UInt8(ascii: ":")) else { return nil }
            if hasBytes(of: key, at: start, count: length) { return reader }
            reader.skipValue()
        } while reader.take(UInt8(ascii: ","))
        return nil
    }

    /// The string that is here, with its escapes resolved, as UTF-8; nil if there is none, or one
    /// of more than `limit` bytes.
    func string(limit: Int) -> [UInt8]? {
        var reader = self
        guard reader.skipString() else { return nil }
        let end = reader.offset - 1
        reader = self
        reader.skipSpace()
        reader.offset += 1
        var result: [UInt8] = []
        while reader.offset < end {
            let byte = text[reader.offset]
            reader.offset += 1
            if byte != UInt8(ascii: "\\") {
                result.append(byte)
            } else if let character = reader.takeEscapedCharacter() {
                for byte in character.utf8 { result.append(byte) }
            } else {
                return nil
            }
            guard result.count <= limit else { return nil }
        }
        return result
    }

    /// The integer from 0 to 2⁶⁴ − 1 that is here, in digits; nil if there is none.
    func integer() -> UInt64? {
        guard let (digits, places) = decimal(), places == 0 else { return nil }
        return digits
    }

    /// The string of eight hexadecimal digits that is here; nil if there is none.
    @inline(never)
    func checksum() -> UInt32? {
        var reader = self
        guard reader.take(UInt8(ascii: "\"")), let high = reader.takeCodeUnit(), let low = reader.takeCodeUnit(),
            reader.takeByte() == UInt8(ascii: "\"")
        else { return nil }
        return high << 16 | low
    }

    /// The number of at least 0 that is here, without an exponent; nil if there is none.
    func number() -> Float? {
        guard let (digits, places) = decimal() else { return nil }
        // A quotient of integers below 2⁵³ is the double next to the number.
        var divisor = 1.0
        for _ in 0..<places { divisor *= 10 }
        return Float(Double(digits) / divisor)
    }

    // MARK: - Tokens

    private func hasBytes(of key: StaticString, at start: Int, count: Int) -> Bool {
        guard count == key.utf8CodeUnitCount else { return false }
        for index in 0..<count where text[start + index] != key.utf8Start[index] { return false }
        return true
    }

    private mutating func skipSpace() {
        while offset < text.count {
            switch text[offset] {
            case 0x09, 0x0A, 0x0D, 0x20: offset += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard offset < text.count, text[offset] == byte else { return false }
        offset += 1
        return true
    }

    /// Goes beyond a string. False if there is none, or if it does not end.
    @inline(never)
    private mutating func skipString() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while offset < text.count {
            let byte = text[offset]
            offset += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    /// Goes beyond a value, to the comma or the bracket after it.
    private mutating func skipValue() {
        var level = 0
        while offset < text.count {
            switch text[offset] {
            case UInt8(ascii: "\""):
                if !skipString() { return }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): level += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if level == 0 { return }
                level -= 1
            case UInt8(ascii: ","):
                if level == 0 { return }
            default: break
            }
            offset += 1
        }
    }

    /// Takes what follows a backslash in a string, which ends after it.
    private mutating func takeEscapedCharacter() -> Unicode.Scalar? {
        let byte = text[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"):
            guard let high = takeCodeUnit() else { return nil }
            guard high & 0xFC00 == 0xD800 else { return Unicode.Scalar(high) }
            // Two of them are a character beyond U+FFFF.
            guard takeByte() == UInt8(ascii: "\\"), takeByte() == UInt8(ascii: "u"), let low = takeCodeUnit(),
                low & 0xFC00 == 0xDC00
            else { return nil }
            return Unicode.Scalar(0x1_0000 + (high & 0x3FF) << 10 + (low & 0x3FF))
        default: return nil
        }
    }

    private mutating func takeByte() -> UInt8? {
        guard offset < text.count else { return nil }
        offset += 1
        return text[offset - 1]
    }

    /// Takes four hexadecimal digits.
    @inline(never)
    private mutating func takeCodeUnit() -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = takeByte() else { return nil }
            let letter = byte | 0x20
            if UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
                value = value << 4 | UInt32(byte & 15)
            } else if UInt8(ascii: "a")...UInt8(ascii: "f") ~= letter {
                value = value << 4 | UInt32(letter & 15 + 9)
            } else {
                return nil
            }
        }
        return value
    }

    /// The digits that are here, and the number of them behind a point.
    @inline(never)
    private func decimal() -> (digits: UInt64, places: Int)? {
        var reader = self
        reader.skipSpace()
        var digits: UInt64 = 0
        var count = 0
        var point: Int?
        while let byte = reader.takeByte() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (product, isTooLarge) = digits.multipliedReportingOverflow(by: 10)
                let (sum, isStillTooLarge) = product.addingReportingOverflow(UInt64(byte & 15))
                if isTooLarge || isStillTooLarge { return nil }
                digits = sum
                count += 1
            case UInt8(ascii: ".") where point == nil && count > 0: point = count
            case 0x09, 0x0A, 0x0D, 0x20, UInt8(ascii: ","), UInt8(ascii: "}"):
                return count == 0 ? nil : (digits, count - (point ?? count))
            default: return nil
            }
        }
        return nil
    }
}
