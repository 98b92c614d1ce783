import Core
import ModelFormat

// `docs/snapshots.md` specifies the format.
extension Session {
    /// What a snapshot begins with.
    private static var signature: UInt64 { 0x1A0A_0D53_4743_8953 }
    /// Changes whenever the same bytes would mean something else, the numbering of a pattern's
    /// states included.
    private static var version: UInt32 { 1 }
    /// The checksum at the end.
    static var checksumLength: Int { 4 }

    /// The bytes of a ``snapshot()`` now.
    package var snapshotLength: Int {
        var writer = SnapshotWriter(to: nil)
        writeSnapshot(&writer)
        return writer.count + Session.checksumLength
    }

    /// All that decides how the text goes on, as bytes: the recurrent state, the random generator,
    /// the settings, the pattern and the place in it, stop strings and held text. Not the number of
    /// threads, an interrupt's flag, and what may be undone.
    ///
    /// - Throws: `outOfMemory`.
    public func snapshot() throws(ChargenError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: snapshotLength)
        try bytes.withUnsafeMutableBufferPointer { (bytes) throws(ChargenError) in
            try writeSnapshot(to: UnsafeMutableRawBufferPointer(bytes))
        }
        return bytes
    }

    /// Writes a snapshot into ``snapshotLength`` bytes.
    ///
    /// - Throws: `outOfMemory`.
    package func writeSnapshot(to bytes: UnsafeMutableRawBufferPointer) throws(ChargenError) {
        let crc = CRC32()
        try checkMemory()
        var writer = SnapshotWriter(to: bytes.baseAddress)
        writeSnapshot(&writer)
        writer.write(crc.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<writer.count])))
    }

    private func writeSnapshot(_ writer: inout SnapshotWriter) {
        writer.write(Session.signature)
        writer.write(Session.version)
        writer.write(model.checksum)
        stream.write(&writer)
    }

    /// A session that goes on as the one did that the snapshot was made of, on one thread.
    ///
    /// - Throws: `invalidSnapshot` if the bytes are of another model or version, or damaged;
    ///   `outOfMemory`.
    public convenience init(restoring snapshot: [UInt8], model: Model) throws(ChargenError) {
        try self.init(snapshot, count: snapshot.count, model)
    }

    private convenience init(_ snapshot: UnsafeRawPointer?, count: Int, _ model: Model) throws(ChargenError) {
        try self.init(restoring: UnsafeRawBufferPointer(start: snapshot, count: count), model: model)
    }

    /// A session of a snapshot; see ``init(restoring:model:)-([UInt8],_)``.
    package convenience init(
        restoring snapshot: UnsafeRawBufferPointer, model: Model
    ) throws(ChargenError) {
        var reader = SnapshotReader(snapshot)
        guard try reader.read(UInt64.self) == Session.signature else {
            throw ChargenError(.invalidSnapshot, "the bytes are not a snapshot of a chargen session")
        }
        let version = try reader.read(UInt32.self)
        guard version == Session.version else {
            throw ChargenError(
                .invalidSnapshot, "the snapshot has version \(version), this library reads version \(Session.version)")
        }
        let crc = CRC32()
        try checkMemory()
        // There are at least the numbers that have been read.
        let end = snapshot.count - Session.checksumLength
        var last = SnapshotReader(UnsafeRawBufferPointer(rebasing: snapshot[end...]))
        guard try last.read(UInt32.self) == crc.checksum(UnsafeRawBufferPointer(rebasing: snapshot[..<end])) else {
            throw SnapshotReader.fault("checksum mismatch")
        }
        guard try reader.read(UInt32.self) == model.checksum else {
            throw ChargenError(.invalidSnapshot, "the snapshot was made with another model")
        }
        var stream = try Stream(model)
        try stream.read(&reader)
        _ = try reader.take(Session.checksumLength)
        guard reader.isAtEnd else { throw SnapshotReader.fault("it is too long") }
        self.init(stream: stream, workspace: try Workspace(model))
    }
}
