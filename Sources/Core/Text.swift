import CSupport

extension StaticString {
    /// The NUL-terminated text.
    public var cString: UnsafePointer<CChar> {
        UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

/// A code point in Unicode's notation, such as `U+00E9`.
public func codePoint(_ scalar: UInt32) -> String {
    let digits = String(scalar, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
}

/// Whether a terminal or a log acts on a character instead of showing it: control characters, line
/// separators, and those that override the direction of the text after them.
public func isControl(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x00...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
}

/// A file's name as a message quotes it: the end of a long one, with an escape such as `\x0A` for
/// each byte of a control character and for each that is not UTF-8.
public func quoted(path: UnsafePointer<CChar>) -> String {
    let bytes = UnsafeRawBufferPointer(start: path, count: strlen(path))
    // Leaves room for the reason in a message of the C API.
    var offset = max(0, bytes.count - 255)
    while offset > 0, offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
    var text = offset > 0 ? "'…" : "'"
    while offset < bytes.count {
        if case .scalar(let value, let length) = decodeUTF8(bytes, at: offset), !isControl(value),
            let scalar = Unicode.Scalar(value)
        {
            text.unicodeScalars.append(scalar)
            offset += length
        } else {
            text += bytes[offset] < 0x10 ? "\\x0" : "\\x"
            text += String(bytes[offset], radix: 16, uppercase: true)
            offset += 1
        }
    }
    return text + "'"
}
