/// The result of reading one character.
public enum DecodedScalar: Equatable, Sendable {
    /// A character and the number of bytes it took.
    case scalar(UInt32, length: Int)
    /// The bytes are not UTF-8.
    case invalid
    /// The bytes end within a character.
    case incomplete
}

/// Reads the UTF-8 character at `offset`, which is before the end of `bytes`.
///
/// Surrogates, overlong forms and values above U+10FFFF are invalid (Unicode 15, table 3-7).
@inline(__always)
public func decodeUTF8(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> DecodedScalar {
    let first = bytes[offset]
    if first < 0x80 { return .scalar(UInt32(first), length: 1) }
    return decodeMultibyteUTF8(bytes, at: offset, first: first)
}

@inline(never)
@usableFromInline
func decodeMultibyteUTF8(_ bytes: UnsafeRawBufferPointer, at offset: Int, first: UInt8) -> DecodedScalar {
    let length: Int
    // The range of the second byte rules out overlong forms, surrogates and values beyond Unicode.
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
        length = 3
        if first == 0xE0 { second = 0xA0...0xBF }
        if first == 0xED { second = 0x80...0x9F }
    case 0xF0...0xF4:
        length = 4
        if first == 0xF0 { second = 0x90...0xBF }
        if first == 0xF4 { second = 0x80...0x8F }
    default: return .invalid
    }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for index in 1..<length {
        guard offset + index < bytes.count else { return .incomplete }
        let byte = bytes[offset + index]
        guard index == 1 ? second.contains(byte) : (0x80...0xBF).contains(byte) else { return .invalid }
        value = value << 6 | UInt32(byte & 0x3F)
    }
    return .scalar(value, length: length)
}
