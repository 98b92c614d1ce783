// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// The functions of a session, which a `chargen_session` points to. `@c @implementation` makes the
// compiler compare each with its declaration in include/chargen.h, which describes it.

/// The object behind a handle, or nil for NULL.
func existing(_ handle: OpaquePointer?) -> Session? {
    existing(handle, Session.self)
}

// MARK: - Lifetime

@c @implementation
public func chargen_session_create(
    _ model: OpaquePointer?, _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    session?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let session = try required(session, "session")
        session.pointee = try handle(Session(model))
    }
}

@c @implementation
public func chargen_session_create_sharing(
    _ other: OpaquePointer?, _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    session?.pointee = nil
    return status { () throws(ChargenError) in
        let other = try object(other, Session.self, "other")
        let session = try required(session, "session")
        session.pointee = try handle(Session(sharing: other))
    }
}

@c @implementation
public func chargen_session_size(_ session: OpaquePointer?, _ shared: UnsafeMutablePointer<Int>?) -> Int {
    let session = existing(session)
    shared?.pointee = session?.sharedSize ?? 0
    return session?.size ?? 0
}

@c @implementation
public func chargen_session_clone(
    _ session: OpaquePointer?, _ clone: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    clone?.pointee = nil
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let clone = try required(clone, "clone")
        clone.pointee = try handle(session.copy())
    }
}

@c @implementation
public func chargen_session_free(_ session: OpaquePointer?) {
    release(session, Session.self)
}

// MARK: - Generating

@c @implementation
public func chargen_session_generate(
    _ session: OpaquePointer?, _ max_characters: Int, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
    _ length: UnsafeMutablePointer<Int>?
) -> chargen_status {
    length?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let room = UnsafeMutableRawBufferPointer(mutating: try checkedBytes(buffer, "buffer", capacity, "capacity"))
        let length = try required(length, "length")
        length.pointee = try session.generate(limit: limit(max_characters), into: room)
        try checkInterrupt(session)
    }
}

@c @implementation
public func chargen_session_stream(
    _ session: OpaquePointer?, _ max_characters: Int, _ callback: chargen_character_callback?,
    _ user: UnsafeMutableRawPointer?
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let callback = try required(callback, "callback")
        session.generate(limit: limit(max_characters)) { character in
            withCText(of: character) { callback($0, $1, user) == 0 }
        }
        try checkInterrupt(session)
    }
}

/// Calls `body` with a character's UTF-8, NUL-terminated, and its length without the NUL.
private func withCText(of character: Unicode.Scalar, _ body: (UnsafePointer<CChar>, Int) -> Bool) -> Bool {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 5) { text in
        text.baseAddress.map { body($0, write(character, to: $0)) } ?? false
    }
}

@c @implementation
public func chargen_session_next(
    _ session: OpaquePointer?, _ character: UnsafeMutablePointer<UInt32>?
) -> chargen_status {
    character?.pointee = 0
    return status { () throws(ChargenError) in
        let session = Unmanaged<Session>.fromOpaque(UnsafeRawPointer(try required(session, "session")))
        let character = try required(character, "character")
        // Without counting a reference, which costs a twentieth of a character of a small model.
        if let next = session._withUnsafeGuaranteedRef({ $0.next() }) {
            character.pointee = next.value
        } else {
            try checkInterrupt(session.takeUnretainedValue())
            character.pointee = end(of: session.takeUnretainedValue())
        }
    }
}

@c @implementation
public func chargen_session_feed(
    _ session: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.feed(try checkedBytes(text, "text", length, "length"))
    }
}

@c @implementation
public func chargen_session_feed_character(_ session: OpaquePointer?, _ character: UInt32) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.feed(character: try checkedChoice(character))
    }
}

@c @implementation
public func chargen_session_feed_piece(
    _ session: OpaquePointer?, _ piece: UnsafePointer<CChar>?, _ length: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.feed(piece: try checkedBytes(piece, "piece", length, "length"))
    }
}

@c @implementation
public func chargen_session_ended(_ session: OpaquePointer?) -> Int32 {
    existing(session)?.hasEnded == true ? 1 : 0
}

@c @implementation
public func chargen_session_reset(_ session: OpaquePointer?) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").reset()
    }
}

// MARK: - Settings

@c @implementation
public func chargen_session_set_temperature(_ session: OpaquePointer?, _ temperature: Float) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setTemperature(temperature)
    }
}

@c @implementation
public func chargen_session_set_seed(_ session: OpaquePointer?, _ seed: UInt64) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").seed = seed
    }
}

@c @implementation
public func chargen_session_set_top_k(_ session: OpaquePointer?, _ k: Int) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setTopK(limit(k))
    }
}

@c @implementation
public func chargen_session_set_top_p(_ session: OpaquePointer?, _ p: Float) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setTopP(p)
    }
}

@c @implementation
public func chargen_session_set_min_p(_ session: OpaquePointer?, _ p: Float) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setMinP(p)
    }
}

@c @implementation
public func chargen_session_set_penalties(
    _ session: OpaquePointer?, _ repetition: Float, _ frequency: Float, _ window: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.setPenalties(repetition: repetition, frequency: frequency, window: limit(window))
    }
}

@c @implementation
public func chargen_session_set_bias(
    _ session: OpaquePointer?, _ character: UInt32, _ bias: Float
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.setBias(bias, of: try checkedChoice(character))
    }
}

@c @implementation
public func chargen_session_set_allowed(
    _ session: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.setAllowedCharacters(try checkedBytes(text, "text", length, "length"))
    }
}

/// The character that an argument stands for, nil for the end of a document.
///
/// - Throws: `unknownCharacter` if it is neither.
func checkedChoice(_ character: UInt32) throws(ChargenError) -> Unicode.Scalar? {
    guard let choice = choice(character) else {
        throw ChargenError(.unknownCharacter, "the argument 'character' is not a Unicode scalar value")
    }
    return choice
}

/// What a session may choose: a character, or the end of a document as nil within; nil if the
/// number is neither.
private func choice(_ character: UInt32) -> Unicode.Scalar?? {
    character == CHARGEN_END_OF_DOCUMENT ? .some(nil) : Unicode.Scalar(character).map { .some($0) }
}

@c @implementation
public func chargen_session_temperature(_ session: OpaquePointer?) -> Float {
    existing(session)?.temperature ?? 0
}

@c @implementation
public func chargen_session_seed(_ session: OpaquePointer?) -> UInt64 {
    existing(session)?.seed ?? 0
}

@c @implementation
public func chargen_session_top_k(_ session: OpaquePointer?) -> Int {
    existing(session)?.topK ?? 0
}

@c @implementation
public func chargen_session_top_p(_ session: OpaquePointer?) -> Float {
    existing(session)?.topP ?? 0
}

@c @implementation
public func chargen_session_min_p(_ session: OpaquePointer?) -> Float {
    existing(session)?.minP ?? 0
}

@c @implementation
public func chargen_session_repetition_penalty(_ session: OpaquePointer?) -> Float {
    existing(session)?.repetitionPenalty ?? 0
}

@c @implementation
public func chargen_session_frequency_penalty(_ session: OpaquePointer?) -> Float {
    existing(session)?.frequencyPenalty ?? 0
}

@c @implementation
public func chargen_session_penalty_window(_ session: OpaquePointer?) -> Int {
    existing(session)?.penaltyWindow ?? 0
}

@c @implementation
public func chargen_session_bias(_ session: OpaquePointer?, _ character: UInt32) -> Float {
    guard let session = existing(session), let character = choice(character) else { return 0 }
    return session.bias(of: character)
}

@c @implementation
public func chargen_session_allows(_ session: OpaquePointer?, _ character: UInt32) -> Int32 {
    guard let session = existing(session), let character = choice(character) else { return 0 }
    return session.allows(character) ? 1 : 0
}

@c @implementation
public func chargen_session_threads(_ session: OpaquePointer?) -> Int {
    existing(session)?.threads ?? 0
}

@c @implementation
public func chargen_session_set_threads(_ session: OpaquePointer?, _ threads: Int) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setThreads(threads)
    }
}
