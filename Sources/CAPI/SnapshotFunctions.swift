// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// Snapshots and undo. include/chargen.h describes the functions.

@c @implementation
public func chargen_session_snapshot_size(_ session: OpaquePointer?) -> Int {
    existing(session)?.snapshotLength ?? 0
}

@c @implementation
public func chargen_session_snapshot(
    _ session: OpaquePointer?, _ bytes: UnsafeMutableRawPointer?, _ capacity: Int,
    _ length: UnsafeMutablePointer<Int>?
) -> chargen_status {
    length?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let room = UnsafeMutableRawBufferPointer(mutating: try checkedBytes(bytes, "bytes", capacity, "capacity"))
        let length = try required(length, "length")
        let needed = session.snapshotLength
        guard room.count >= needed else {
            throw ChargenError(
                .bufferTooSmall, "a buffer of \(room.count) bytes cannot hold a snapshot of \(needed) bytes")
        }
        try session.writeSnapshot(to: UnsafeMutableRawBufferPointer(rebasing: room[..<needed]))
        length.pointee = needed
    }
}

@c @implementation
public func chargen_session_restore(
    _ model: OpaquePointer?, _ bytes: UnsafeRawPointer?, _ length: Int,
    _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    session?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let bytes = try checkedBytes(bytes, "bytes", length, "length")
        let session = try required(session, "session")
        session.pointee = try handle(Session(restoring: bytes, model: model))
    }
}

@c @implementation
public func chargen_session_set_undo(_ session: OpaquePointer?, _ characters: Int) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setUndoCapacity(limit(characters))
    }
}

@c @implementation
public func chargen_session_undo_count(_ session: OpaquePointer?) -> Int {
    existing(session)?.undoCount ?? 0
}

@c @implementation
public func chargen_session_undo(_ session: OpaquePointer?, _ characters: Int) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").undo(limit(characters))
    }
}
