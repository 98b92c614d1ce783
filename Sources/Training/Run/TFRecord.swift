/// The record format of TensorFlow: a length, the checksum of the length, the bytes, their checksum
/// (https://www.tensorflow.org/tutorials/load_data/tfrecord).
enum TFRecord {
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        length.append(littleEndian: UInt64(bytes.count))
        var record = length
        record.append(littleEndian: maskedChecksum(length))
        record += bytes
        record.append(littleEndian: maskedChecksum(bytes))
        return record
    }

    /// The checksum, rotated and shifted by a constant, as the format has it.
    static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
        let checksum = checksum(bytes)
        return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    }

    /// CRC-32C (Castagnoli), as in iSCSI (RFC 3720).
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        return ~remainder
    }
}

extension [UInt8] {
    mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
