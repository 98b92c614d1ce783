import CAPI
import CChargen
import ModelFormat
import TestSupport

/// The words for the last failure on this thread.
func errorMessage() -> String {
    String(cString: chargen_error_message())
}

/// A status as the header names it; the header's constants are Int in Swift.
func status(_ constant: Int) -> chargen_status {
    chargen_status(constant)
}

/// A `chargen_model`, freed with its last reference. Keep it in a variable while its handle is in use.
final class CModel: @unchecked Sendable {
    let handle: OpaquePointer?

    init(_ bytes: [UInt8]) {
        var handle: OpaquePointer?
        _ = chargen_model_load_memory(bytes, bytes.count, &handle)
        self.handle = handle
    }

    /// A small model of random weights.
    convenience init(_ cell: Cell = .lstm, characters: String = "abcdeé€😀 ", hasEndOfDocument: Bool = true) throws {
        try self.init(randomModel(cell, characters: characters, hasEndOfDocument: hasEndOfDocument))
    }

    deinit { chargen_model_free(handle) }
}

/// A `chargen_session`, freed with its last reference.
final class CSession: @unchecked Sendable {
    let handle: OpaquePointer?

    init(_ model: CModel) {
        var handle: OpaquePointer?
        _ = chargen_session_create(model.handle, &handle)
        self.handle = handle
    }

    deinit { chargen_session_free(handle) }

    func feed(_ text: String) -> chargen_status {
        chargen_session_feed(handle, text, text.utf8.count)
    }

    func next() -> UInt32 {
        var character: UInt32 = 0
        _ = chargen_session_next(handle, &character)
        return character
    }

    /// The next `count` symbols, the end of a document among them.
    func symbols(_ count: Int) -> [UInt32] {
        (0..<count).map { _ in next() }
    }

    /// What one call generates.
    func generate(_ maximum: Int, capacity: Int = 4096) -> String {
        var buffer = [CChar](repeating: 0, count: capacity)
        var length = 0
        guard chargen_session_generate(handle, maximum, &buffer, capacity, &length) == CHARGEN_OK else { return "" }
        return String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
