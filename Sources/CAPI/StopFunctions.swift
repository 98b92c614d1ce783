// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// Where calls end. include/chargen.h describes the functions.

@c @implementation
public func chargen_session_set_stop_strings(
    _ session: OpaquePointer?, _ strings: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int>?,
    _ count: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        guard count != 0 else { return try session.setStopStrings([]) }
        let strings = try required(strings, "strings")
        let lengths = try required(lengths, "lengths")
        try session.setStopStrings(count: limit(count)) { (index, body) throws(ChargenError) in
            try body(try checkedBytes(strings[index], "strings", lengths[index], "lengths"))
        }
    }
}

@c @implementation
public func chargen_session_end_reason(_ session: OpaquePointer?) -> chargen_end_reason {
    let reason =
        switch existing(session)?.endReason {
        case nil: CHARGEN_REASON_NONE
        case .limit: CHARGEN_REASON_LIMIT
        case .room: CHARGEN_REASON_BUFFER
        case .caller: CHARGEN_REASON_CALLBACK
        case .document: CHARGEN_REASON_DOCUMENT
        case .pattern: CHARGEN_REASON_PATTERN
        case .maximumLength: CHARGEN_REASON_MAX_LENGTH
        case .stopString: CHARGEN_REASON_STOP_STRING
        case .interrupt: CHARGEN_REASON_INTERRUPT
        }
    return chargen_end_reason(reason)
}

@c @implementation
public func chargen_session_stop_string(_ session: OpaquePointer?) -> Int {
    guard case .stopString(let index) = existing(session)?.endReason else { return 0 }
    return index
}

@c @implementation
public func chargen_session_held_count(_ session: OpaquePointer?) -> Int {
    existing(session)?.heldCharacters ?? 0
}

/// What stands for a character where a session's text has come to an end.
func end(of session: Session) -> UInt32 {
    if case .stopString = session.endReason { return CHARGEN_STOPPED }
    return CHARGEN_END_OF_DOCUMENT
}

/// - Throws: `interrupted` if that has ended the session's last call.
func checkInterrupt(_ session: Session) throws(ChargenError) {
    if session.endReason == .interrupt { throw ChargenError.interrupted }
}

// MARK: - Interrupts

@c @implementation
public func chargen_session_set_interrupt(_ session: OpaquePointer?, _ flag: UnsafePointer<Int32>?) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setInterrupt(flag)
    }
}

@c @implementation
public func chargen_batch_set_interrupt(_ batch: OpaquePointer?, _ flag: UnsafePointer<Int32>?) -> chargen_status {
    status { () throws(ChargenError) in
        try object(batch, Batch.self, "batch").setInterrupt(flag)
    }
}

@c @implementation
public func chargen_beam_set_interrupt(_ beam: OpaquePointer?, _ flag: UnsafePointer<Int32>?) -> chargen_status {
    status { () throws(ChargenError) in
        try object(beam, Beam.self, "beam").setInterrupt(flag)
    }
}
