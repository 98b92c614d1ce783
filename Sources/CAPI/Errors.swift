// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import CSupport
import Core

/// The status of a call. An error sets this thread's message.
func status(of call: () throws(ChargenError) -> Void) -> chargen_status {
    defer { cs_end_call() }
    do {
        try call()
        return chargen_status(CHARGEN_OK)
    } catch {
        keep(error.message)
        return error.kind.rawValue
    }
}

/// Sets this thread's message, truncated to the whole characters that fit.
private func keep(_ message: String) {
    guard let buffer = cs_thread_message() else { return }
    var length = 0
    for character in message.unicodeScalars {
        guard length + UTF8.width(character) < Int(CS_MESSAGE_SIZE) else { break }
        for byte in character.utf8 {
            buffer[length] = CChar(bitPattern: byte)
            length += 1
        }
    }
    buffer[length] = 0
}

@c @implementation
public func chargen_error_message() -> UnsafePointer<CChar>? {
    UnsafePointer(cs_thread_message())
}
