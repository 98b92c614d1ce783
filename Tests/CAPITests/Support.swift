import CAPI
import CChargen
import Core
import TestSupport

/// The error message of the last failure on this thread.
func errorMessage() -> String {
    String(cString: chargen_error_message())
}

/// A status as the header names it; the header's constants are Int in Swift.
func status(_ constant: Int) -> chargen_status {
    chargen_status(constant)
}

/// A `chargen_model`, freed with its last reference, which must outlive every use of its handle.
final class CModel: @unchecked Sendable {
    let handle: OpaquePointer?

    init(_ bytes: [UInt8]) {
        var handle: OpaquePointer?
        _ = chargen_model_load_memory(bytes, bytes.count, &handle)
        self.handle = handle
    }

    /// A small model of random weights.
    convenience init(
        _ cell: Cell = .lstm, characters: String = "abcdeé€😀 ", hasUnknown: Bool = false, hasEndOfDocument: Bool = true
    ) throws {
        try self.init(
            randomModel(cell, characters: characters, hasUnknown: hasUnknown, hasEndOfDocument: hasEndOfDocument))
    }

    deinit { chargen_model_free(handle) }
}

/// A `chargen_session`, freed with its last reference.
final class CSession: @unchecked Sendable {
    let handle: OpaquePointer?

    convenience init(_ model: CModel) { self.init(handle: model.handle) }

    /// A session of the model that a handle has.
    init(handle model: OpaquePointer?) {
        var handle: OpaquePointer?
        _ = chargen_session_create(model, &handle)
        self.handle = handle
    }

    /// Owns a handle that exists.
    init(owning handle: OpaquePointer?) {
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

    /// The score of a text.
    func score(_ text: String) -> (status: chargen_status, logProbability: Double, characters: Int) {
        // Not 0, to see that a failure makes them so.
        var (logProbability, characters) = (1.0, 1)
        let status = chargen_session_score(handle, text, text.utf8.count, &logProbability, &characters)
        return (status, logProbability, characters)
    }
}

/// A `chargen_batch`, freed with its last reference.
final class CBatch {
    let handle: OpaquePointer?

    init(_ model: CModel, capacity: Int, threads: Int = 1) {
        var handle: OpaquePointer?
        _ = chargen_batch_create(model.handle, capacity, threads, &handle)
        self.handle = handle
    }

    deinit { chargen_batch_free(handle) }

    /// The next symbol of each session.
    func next(_ sessions: [CSession?]) -> (status: chargen_status, symbols: [UInt32]) {
        var symbols = [UInt32](repeating: 1, count: sessions.count)
        let status = chargen_batch_next(handle, sessions.map { $0?.handle }, sessions.count, &symbols)
        return (status, symbols)
    }

    func feed(_ sessions: [CSession?], _ texts: [String]) -> chargen_status {
        withCTexts(texts) { chargen_batch_feed(handle, sessions.map { $0?.handle }, sessions.count, $0, $1) }
    }

    func score(_ sessions: [CSession?], _ texts: [String]) -> (status: chargen_status, logProbabilities: [Double]) {
        var scores = [Double](repeating: 1, count: sessions.count)
        let status = withCTexts(texts) {
            chargen_batch_score(handle, sessions.map { $0?.handle }, sessions.count, $0, $1, &scores)
        }
        return (status, scores)
    }

    func scoreDocuments(
        _ sessions: [CSession?], _ texts: [String]
    ) -> (status: chargen_status, logProbabilities: [Double]) {
        var scores = [Double](repeating: 1, count: sessions.count)
        let status = withCTexts(texts) {
            chargen_batch_score_documents(handle, sessions.map { $0?.handle }, sessions.count, $0, $1, &scores)
        }
        return (status, scores)
    }
}

/// Calls `body` with pointers to the bytes of texts, without final NULs, and with their lengths.
private func withCTexts<Result>(
    _ texts: [String], _ body: ([UnsafePointer<CChar>?], [Int]) -> Result
) -> Result {
    let bytes: [CChar] = texts.joined().utf8.map { CChar(bitPattern: $0) } + [0]
    return bytes.withUnsafeBufferPointer { bytes in
        var pointers: [UnsafePointer<CChar>?] = []
        var offset = 0
        for text in texts {
            pointers.append(bytes.baseAddress.map { $0 + offset })
            offset += text.utf8.count
        }
        return body(pointers, texts.map(\.utf8.count))
    }
}
