import Foundation

/// A message in the encoding of Protocol Buffers (protobuf.dev/programming-guides/encoding): fields
/// with numbers, one after the other.
struct ProtobufMessage {
    private(set) var bytes = Data()

    /// The wire types that are written.
    private enum WireType: UInt64 {
        case varint = 0
        case length = 2
    }

    /// Adds an integer of at least 0.
    mutating func add(_ field: UInt64, _ value: Int) {
        append(field << 3 | WireType.varint.rawValue)
        append(UInt64(value))
    }

    mutating func add(_ field: UInt64, _ text: String) {
        add(field, Data(text.utf8))
    }

    mutating func add(_ field: UInt64, _ message: ProtobufMessage) {
        add(field, message.bytes)
    }

    mutating func add(_ field: UInt64, _ data: Data) {
        append(field << 3 | WireType.length.rawValue)
        append(UInt64(data.count))
        bytes.append(data)
    }

    /// Appends seven bits a byte, the lowest first; all bytes but the last have their highest bit
    /// set.
    private mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F | 0x80))
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
