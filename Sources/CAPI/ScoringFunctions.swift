// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// Functions that read text and tell how probable it was. include/chargen.h describes them.

@c @implementation
public func chargen_session_score(
    _ session: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int,
    _ log_probability: UnsafeMutablePointer<Double>?, _ character_count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    score(session, text, length, end: false, log_probability, character_count)
}

@c @implementation
public func chargen_session_score_document(
    _ session: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int,
    _ log_probability: UnsafeMutablePointer<Double>?, _ character_count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    score(session, text, length, end: true, log_probability, character_count)
}

private func score(
    _ session: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int, end: Bool,
    _ log_probability: UnsafeMutablePointer<Double>?, _ character_count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    log_probability?.pointee = 0
    character_count?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let text = try checkedBytes(text, "text", length, "length")
        let logProbability = try required(log_probability, "log_probability")
        let score = try session.score(text, end: end)
        logProbability.pointee = score.logProbability
        character_count?.pointee = score.characters
    }
}

@c @implementation
public func chargen_session_score_characters(
    _ session: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int,
    _ log_probabilities: UnsafeMutablePointer<Double>?, _ capacity: Int, _ count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    count?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let text = try checkedBytes(text, "text", length, "length")
        _ = try checkedBytes(log_probabilities, "log_probabilities", capacity, "capacity")
        let count = try required(count, "count")
        let results = UnsafeMutableBufferPointer(start: log_probabilities, count: capacity)
        count.pointee = try session.score(text, each: results)
    }
}
