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

/// Sets this thread's message. One that is too long has "…" in place of its middle, which is a
/// piece of a name or of a text, so that its end, the reason, stays whole.
private func keep(_ message: String) {
    guard let buffer = cs_thread_message() else { return }
    let room = Int(CS_MESSAGE_SIZE) - 1
    let count = message.utf8.count
    // The bytes that stay at both ends, at most: whole characters do.
    let head = count > room ? room / 4 : count
    let tail = room - head - 3
    var place = 0
    var length = 0
    func append(_ character: Unicode.Scalar) {
        for byte in character.utf8 {
            buffer[length] = CChar(bitPattern: byte)
            length += 1
        }
    }
    var isCut = false
    for character in message.unicodeScalars {
        let start = place
        place += UTF8.width(character)
        if place <= head || start >= count - tail {
            append(character)
        } else if !isCut {
            append("…")
            isCut = true
        }
    }
    buffer[length] = 0
}

@c @implementation
public func chargen_error_message() -> UnsafePointer<CChar>? {
    UnsafePointer(cs_thread_message())
}
