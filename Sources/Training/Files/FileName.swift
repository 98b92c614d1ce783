import Core
import Foundation

/// File names, which are any bytes but NUL, as strings, and back without loss.
///
/// A byte that is not part of valid UTF-8 is the scalar U+10F700 plus the byte, of a private-use
/// plane. So is each byte of a name's own scalars of that range, which makes the mapping
/// reversible.
public enum FileName {
    private static let base: UInt32 = 0x10F700
    private static let escapes = base + 0x80...base + 0xFF

    /// The string of a name's bytes.
    public static func string(_ bytes: UnsafeRawBufferPointer) -> String {
        var name = String.UnicodeScalarView()
        var position = 0
        while position < bytes.count {
            if case .scalar(let value, let length) = decodeUTF8(bytes, at: position), !escapes.contains(value),
                let scalar = Unicode.Scalar(value)
            {
                name.append(scalar)
                position += length
            } else {
                if let escape = Unicode.Scalar(base + UInt32(bytes[position])) { name.append(escape) }
                position += 1
            }
        }
        return String(name)
    }

    /// The string of a NUL-terminated name.
    public static func string(_ name: UnsafePointer<CChar>) -> String {
        string(UnsafeRawBufferPointer(start: name, count: strlen(name)))
    }

    /// Whether a name has bytes that are not UTF-8.
    public static func hasEscape(_ name: String) -> Bool {
        name.unicodeScalars.contains { escapes.contains($0.value) }
    }

    /// The bytes of a name, without a NUL at the end.
    static func bytes(_ name: String) -> [UInt8] {
        guard hasEscape(name) else { return Array(name.utf8) }
        return name.unicodeScalars.flatMap { scalar in
            escapes.contains(scalar.value) ? [UInt8(scalar.value - base)] : Array(String(scalar).utf8)
        }
    }

    /// The bytes of a name and a NUL, for the system.
    public static func cString(_ name: String) -> [CChar] {
        bytes(name).map { CChar(bitPattern: $0) } + [0]
    }

    /// The text whose bytes a name has; nil if they are not UTF-8.
    public static func text(_ name: String) -> String? {
        hasEscape(name) ? String(validating: bytes(name), as: UTF8.self) : name
    }

    /// A name as a message shows it: bytes that are not UTF-8 as `\xE9`.
    public static func shown(_ name: String) -> String {
        guard hasEscape(name) else { return name }
        return name.unicodeScalars.map { scalar in
            escapes.contains(scalar.value)
                ? "\\x" + String(scalar.value - base, radix: 16, uppercase: true) : String(scalar)
        }.joined()
    }
}
