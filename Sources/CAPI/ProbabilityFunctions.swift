// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine
import ModelFormat

// Functions that tell what may come next. include/chargen.h describes them.

@c @implementation
public func chargen_session_probabilities(
    _ session: OpaquePointer?, _ probabilities: UnsafeMutablePointer<UnsafePointer<Float>?>?,
    _ count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    give(session, probabilities, "probabilities", count) { $0.currentProbabilities() }
}

@c @implementation
public func chargen_session_log_probabilities(
    _ session: OpaquePointer?, _ log_probabilities: UnsafeMutablePointer<UnsafePointer<Float>?>?,
    _ count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    give(session, log_probabilities, "log_probabilities", count) { $0.currentLogProbabilities() }
}

@c @implementation
public func chargen_session_logits(
    _ session: OpaquePointer?, _ logits: UnsafeMutablePointer<UnsafePointer<Float>?>?,
    _ count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    give(session, logits, "logits", count) { $0.currentLogits() }
}

/// Gives numbers that are in the session's memory.
private func give(
    _ session: OpaquePointer?, _ numbers: UnsafeMutablePointer<UnsafePointer<Float>?>?, _ name: StaticString,
    _ count: UnsafeMutablePointer<Int>?, _ compute: (Session) -> UnsafeBufferPointer<Float>
) -> chargen_status {
    numbers?.pointee = nil
    count?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let numbers = try required(numbers, name)
        let result = compute(session)
        numbers.pointee = result.baseAddress
        count?.pointee = result.count
    }
}

@c @implementation
public func chargen_session_probability(
    _ session: OpaquePointer?, _ character: UInt32, _ probability: UnsafeMutablePointer<Float>?
) -> chargen_status {
    probability?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let probability = try required(probability, "probability")
        probability.pointee = try session.probability(of: try checkedChoice(character))
    }
}

@c @implementation
public func chargen_session_log_probability(
    _ session: OpaquePointer?, _ character: UInt32, _ log_probability: UnsafeMutablePointer<Double>?
) -> chargen_status {
    log_probability?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let logProbability = try required(log_probability, "log_probability")
        logProbability.pointee = try session.logProbability(of: try checkedChoice(character))
    }
}

@c @implementation
public func chargen_session_likeliest(
    _ session: OpaquePointer?, _ k: Int, _ characters: UnsafeMutablePointer<UInt32>?,
    _ probabilities: UnsafeMutablePointer<Float>?, _ count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    count?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let characters = try required(characters, "characters")
        let count = try required(count, "count")
        let found = session.rankLikeliest(UnsafeMutableBufferPointer(start: characters, count: limit(k)))
        let all = session.currentProbabilities()
        for rank in 0..<found {
            let symbol = Int(characters[rank])
            characters[rank] = session.model.vocabulary.character(of: symbol)?.value ?? CHARGEN_END_OF_DOCUMENT
            probabilities?[rank] = all[symbol]
        }
        count.pointee = found
    }
}
