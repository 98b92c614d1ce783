// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// The functions of a batch, which a `chargen_batch` points to. `@c @implementation` makes the
// compiler compare each with its declaration in include/chargen.h, which describes it.

@c @implementation
public func chargen_batch_create(
    _ model: OpaquePointer?, _ capacity: Int, _ threads: Int, _ batch: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    batch?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let batch = try required(batch, "batch")
        batch.pointee = try handle(Batch(model, capacity: capacity, threads: threads))
    }
}

@c @implementation
public func chargen_batch_free(_ batch: OpaquePointer?) {
    release(batch, Batch.self)
}

@c @implementation
public func chargen_batch_next(
    _ batch: OpaquePointer?, _ sessions: UnsafePointer<OpaquePointer?>?, _ count: Int,
    _ characters: UnsafeMutablePointer<UInt32>?
) -> chargen_status {
    status { () throws(ChargenError) in
        let call = try BatchCall(batch, sessions, count)
        guard call.count > 0 else { return }
        let characters = try call.list(characters, "characters")
        for index in 0..<call.count { characters[index] = 0 }
        try call.checkSessions()
        try call.batch.next(call.count, { call.session($0) }) { index, character in
            characters[index] = character?.value ?? end(of: call.session(index))
        }
    }
}

@c @implementation
public func chargen_batch_feed(
    _ batch: OpaquePointer?, _ sessions: UnsafePointer<OpaquePointer?>?, _ count: Int,
    _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int>?
) -> chargen_status {
    status { () throws(ChargenError) in
        let call = try BatchCall(batch, sessions, count)
        guard call.count > 0 else { return }
        let texts = try call.list(texts, "texts")
        let lengths = try call.list(lengths, "lengths")
        try call.checkSessions()
        try call.batch.feed(call.count, { call.session($0) }) { (index) throws(ChargenError) in
            try checkedBytes(texts[index], "texts", lengths[index], "lengths")
        }
    }
}

@c @implementation
public func chargen_batch_score(
    _ batch: OpaquePointer?, _ sessions: UnsafePointer<OpaquePointer?>?, _ count: Int,
    _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int>?,
    _ log_probabilities: UnsafeMutablePointer<Double>?
) -> chargen_status {
    score(batch, sessions, count, texts, lengths, end: false, log_probabilities)
}

@c @implementation
public func chargen_batch_score_documents(
    _ batch: OpaquePointer?, _ sessions: UnsafePointer<OpaquePointer?>?, _ count: Int,
    _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int>?,
    _ log_probabilities: UnsafeMutablePointer<Double>?
) -> chargen_status {
    score(batch, sessions, count, texts, lengths, end: true, log_probabilities)
}

private func score(
    _ batch: OpaquePointer?, _ sessions: UnsafePointer<OpaquePointer?>?, _ count: Int,
    _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int>?, end: Bool,
    _ log_probabilities: UnsafeMutablePointer<Double>?
) -> chargen_status {
    status { () throws(ChargenError) in
        let call = try BatchCall(batch, sessions, count)
        guard call.count > 0 else { return }
        let results = try call.list(log_probabilities, "log_probabilities")
        for index in 0..<call.count { results[index] = 0 }
        let texts = try call.list(texts, "texts")
        let lengths = try call.list(lengths, "lengths")
        try call.checkSessions()
        try call.batch.score(
            call.count, { call.session($0) },
            text: { (index) throws(ChargenError) in
                try checkedBytes(texts[index], "texts", lengths[index], "lengths")
            }, end: end, results: results)
    }
}

/// The arguments common to all calls of a batch.
private struct BatchCall {
    let batch: Batch
    let count: Int
    private let sessions: UnsafePointer<OpaquePointer?>?

    /// - Throws: `invalidArgument`, before any list is read that may be shorter than `count`.
    init(
        _ batch: OpaquePointer?, _ sessions: UnsafePointer<OpaquePointer?>?, _ count: Int
    ) throws(ChargenError) {
        self.batch = try object(batch, Batch.self, "batch")
        guard count >= 0, count <= self.batch.capacity else {
            throw ChargenError(
                .invalidArgument, "the argument 'count' must be at most the batch's capacity, \(self.batch.capacity)")
        }
        self.count = count
        self.sessions = sessions
    }

    /// A list of `count` elements that an argument points to.
    func list<Pointer>(_ pointer: Pointer?, _ name: StaticString) throws(ChargenError) -> Pointer {
        try required(pointer, name)
    }

    /// - Throws: `invalidArgument` if the list or a handle in it is NULL.
    func checkSessions() throws(ChargenError) {
        let sessions = try required(sessions, "sessions")
        for index in 0..<count where sessions[index] == nil {
            throw ChargenError(.invalidArgument, "session \(index) of the argument 'sessions' is NULL")
        }
    }

    /// A session by its number, once ``checkSessions()`` has passed.
    func session(_ index: Int) -> Session {
        Unmanaged<Session>.fromOpaque(
            UnsafeRawPointer(sessions.unsafelyUnwrapped[index].unsafelyUnwrapped)
        ).takeUnretainedValue()
    }
}
