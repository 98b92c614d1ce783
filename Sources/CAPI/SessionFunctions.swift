// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// The functions of a session, which a `chargen_session` points to. `@c @implementation` makes the
// compiler compare each with its declaration in include/chargen.h, which describes it.

// MARK: - Lifetime

@c @implementation
public func chargen_session_create(
    _ model: OpaquePointer?, _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    session?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try object(model, LoadedModel.self, "model").model
        let session = try required(session, "session")
        session.pointee = handle(try Session(model))
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
    }
}

/// Calls `body` with a character's UTF-8, NUL-terminated, and its length without the NUL.
private func withCText(of character: Unicode.Scalar, _ body: (UnsafePointer<CChar>, Int) -> Bool) -> Bool {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 5) { text in
        var length = 0
        for byte in character.utf8 {
            text[length] = CChar(bitPattern: byte)
            length += 1
        }
        text[length] = 0
        return text.baseAddress.map { body($0, length) } ?? false
    }
}

@c @implementation
public func chargen_session_next(
    _ session: OpaquePointer?, _ character: UnsafeMutablePointer<UInt32>?
) -> chargen_status {
    character?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let character = try required(character, "character")
        character.pointee = session.next()?.value ?? CHARGEN_END_OF_DOCUMENT
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
public func chargen_session_ended(_ session: OpaquePointer?) -> Int32 {
    let session = try? object(session, Session.self, "session")
    return session?.hasEnded == true ? 1 : 0
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
public func chargen_session_set_unknown(_ session: OpaquePointer?, _ unknown: chargen_unknown) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        switch Int(unknown) {
        case CHARGEN_UNKNOWN_FAIL: session.unknownCharacters = .fail
        case CHARGEN_UNKNOWN_SKIP: session.unknownCharacters = .skip
        default:
            throw ChargenError(
                .invalidArgument,
                "the argument 'unknown' is \(unknown), neither CHARGEN_UNKNOWN_FAIL nor CHARGEN_UNKNOWN_SKIP")
        }
    }
}

@c @implementation
public func chargen_session_set_threads(_ session: OpaquePointer?, _ threads: Int) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setThreads(threads)
    }
}

// MARK: - Scoring

@c @implementation
public func chargen_session_score(
    _ session: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int,
    _ log_probability: UnsafeMutablePointer<Double>?, _ character_count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    log_probability?.pointee = 0
    character_count?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let text = try checkedBytes(text, "text", length, "length")
        let logProbability = try required(log_probability, "log_probability")
        let score = try session.score(text)
        logProbability.pointee = score.logProbability
        character_count?.pointee = score.characters
    }
}
