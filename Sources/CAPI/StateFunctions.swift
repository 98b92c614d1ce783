// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// The recurrent state as floats. include/chargen.h describes the functions.

@c @implementation
public func chargen_session_state_size(_ session: OpaquePointer?) -> Int {
    existing(session)?.recurrentStateCount ?? 0
}

@c @implementation
public func chargen_session_get_state(
    _ session: OpaquePointer?, _ values: UnsafeMutablePointer<Float>?, _ count: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        session.getRecurrentState(try checkedState(values, count, session))
    }
}

@c @implementation
public func chargen_session_set_state(
    _ session: OpaquePointer?, _ values: UnsafePointer<Float>?, _ count: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.setRecurrentState(try checkedState(values, count, session))
    }
}

/// A state in the caller's memory, checked to have the size of a session's.
func checkedState<Pointer>(
    _ values: Pointer?, _ count: Int, _ session: Session
) throws(ChargenError) -> Pointer {
    let values = try required(values, "values")
    guard count == session.recurrentStateCount else {
        throw ChargenError(
            .invalidArgument, "the argument 'count' must be \(session.recurrentStateCount), the size of the state")
    }
    return values
}
