/// Writes the fields of a snapshot one after the other, little-endian; without memory it only
/// counts their bytes.
struct SnapshotWriter {
    private let target: UnsafeMutableRawPointer?
    /// The number of bytes so far.
    private(set) var count = 0

    init(to target: UnsafeMutableRawPointer?) {
        self.target = target
    }

    mutating func write<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        target?.storeBytes(of: value.littleEndian, toByteOffset: count, as: Value.self)
        count += MemoryLayout<Value>.size
    }

    mutating func write(_ value: Int) { write(UInt64(value)) }
    mutating func write(_ value: Bool) { write(value ? 1 : 0 as UInt8) }
    mutating func write(_ value: Float) { write(value.bitPattern) }

    mutating func write(_ values: UnsafePointer<Float>, count: Int) {
        for index in 0..<count { write(values[index]) }
    }
}
