import Core

/// Reads the fields of a snapshot, and checks that they are there.
struct SnapshotReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Whether all has been read.
    var isAtEnd: Bool { offset == bytes.count }

    /// Whether anything but the checksum follows.
    var hasMore: Bool { bytes.count - offset > Session.checksumLength }

    /// The following bytes.
    ///
    /// - Throws: `invalidSnapshot` if there are fewer.
    mutating func take(_ count: Int) throws(ChargenError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - offset else { throw SnapshotReader.fault("it ends too early") }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type) throws(ChargenError) -> Value {
        Value(littleEndian: try take(MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
    }

    /// A number of a range.
    mutating func read(in range: ClosedRange<Int>) throws(ChargenError) -> Int {
        guard let value = Int(exactly: try read(UInt64.self)), range.contains(value) else {
            throw SnapshotReader.outsideRange
        }
        return value
    }

    /// A symbol less than `count`.
    mutating func readSymbol(below count: Int) throws(ChargenError) -> Int {
        let symbol = Int(try read(UInt32.self))
        guard symbol < count else { throw SnapshotReader.outsideRange }
        return symbol
    }

    mutating func readBool() throws(ChargenError) -> Bool {
        switch try read(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw SnapshotReader.outsideRange
        }
    }

    mutating func readFloat() throws(ChargenError) -> Float { Float(bitPattern: try read(UInt32.self)) }

    mutating func read(_ values: UnsafeMutablePointer<Float>, count: Int) throws(ChargenError) {
        for index in 0..<count { values[index] = try readFloat() }
    }

    static var outsideRange: ChargenError { fault("a number is outside its range") }

    static func fault(_ reason: String) -> ChargenError {
        ChargenError(.invalidSnapshot, "the snapshot is damaged: " + reason)
    }
}
