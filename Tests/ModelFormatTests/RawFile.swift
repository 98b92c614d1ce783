import CSupport
import Testing

/// A `.cgw` file taken apart by the offsets in docs/cgw-format.md, to be altered and put together
/// again with correct checksums, so that a reader finds the alteration and not a checksum.
struct RawFile {
    var magic: [UInt8]
    var version: UInt32
    /// nil for the length that is right.
    var headerLength: UInt32?
    var fileLength: UInt64?
    var cell: UInt32
    var layers: UInt32
    var hiddenSize: UInt32
    var characterCount: UInt32
    var specialSymbols: UInt32
    var provenanceLength: UInt32
    var characters: [UInt32]
    var provenance: [UInt8]
    var entries: [Entry]
    /// Between the directory and the header's checksum, and after the last tensor: nothing.
    var afterDirectory: [UInt8] = []
    var afterTensors: [UInt8] = []

    struct Entry {
        var elementType: UInt32
        /// nil for the checksum and the length that are right.
        var checksum: UInt32?
        var length: UInt64?
        var frame: [UInt8]
    }

    /// Takes apart a file that is intact.
    init(_ bytes: [UInt8]) {
        func word(_ offset: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) } }
        magic = Array(bytes[0..<8])
        version = word(8)
        cell = word(24)
        layers = word(28)
        hiddenSize = word(32)
        characterCount = word(36)
        specialSymbols = word(40)
        provenanceLength = word(44)
        var offset = 48
        characters = (0..<Int(characterCount)).map { word(48 + 4 * $0) }
        offset += 4 * characters.count
        provenance = Array(bytes[offset..<offset + Int(provenanceLength)])
        offset += provenance.count
        var frameOffset = Int(word(12))
        entries = []
        while offset + 4 < Int(word(12)) {
            let length = Int(word(offset + 8))
            entries.append(Entry(elementType: word(offset), frame: Array(bytes[frameOffset..<frameOffset + length])))
            offset += 16
            frameOffset += length
        }
    }

    var bytes: [UInt8] {
        var directory: [UInt8] = []
        for entry in entries {
            directory += littleEndian(entry.elementType)
            directory += littleEndian(entry.checksum ?? crc32(entry.frame))
            directory += littleEndian(entry.length ?? UInt64(entry.frame.count))
        }
        let variable = characters.flatMap { littleEndian($0) } + provenance + directory + afterDirectory
        let length = 48 + variable.count + 4
        let tensors = entries.flatMap(\.frame) + afterTensors
        var header = magic + littleEndian(version) + littleEndian(headerLength ?? UInt32(length))
        header += littleEndian(fileLength ?? UInt64(length + tensors.count))
        for field in [cell, layers, hiddenSize, characterCount, specialSymbols, provenanceLength] {
            header += littleEndian(field)
        }
        header += variable
        return header + littleEndian(crc32(header)) + tensors
    }
}

private func littleEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    (0..<Integer.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Integer(8 * $0)) }
}

/// CRC-32 bit by bit, straight from its definition.
func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
}

/// A zstd frame of `bytes`.
func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let length = ZSTD_compress(&frame, frame.count, bytes, bytes.count, 1)
    return Array(frame[..<length])
}

/// The bytes of a zstd frame that says how many it has.
func decompressed(_ frame: [UInt8]) throws -> [UInt8] {
    let size = ZSTD_getFrameContentSize(frame, frame.count)
    var bytes = [UInt8](repeating: 0, count: Int(size))
    try #require(ZSTD_decompress(&bytes, bytes.count, frame, frame.count) == bytes.count)
    return bytes
}
