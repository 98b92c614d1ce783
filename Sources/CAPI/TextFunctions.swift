// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen

@c @implementation
public func chargen_encode(_ character: UInt32, _ text: UnsafeMutablePointer<CChar>?) -> Int {
    guard let text else { return 0 }
    guard let character = Unicode.Scalar(character) else {
        text[0] = 0
        return 0
    }
    return write(character, to: text)
}

/// Writes a character's UTF-8, and a NUL after it.
///
/// - Returns: Its length without the NUL.
func write(_ character: Unicode.Scalar, to text: UnsafeMutablePointer<CChar>) -> Int {
    var length = 0
    for byte in character.utf8 {
        text[length] = CChar(bitPattern: byte)
        length += 1
    }
    text[length] = 0
    return length
}
