import CSupport

/// CRC-32 as in zlib, PNG and gzip: polynomial 0xEDB88320, initial value and final inversion all
/// ones.
///
/// Processors without carry-less multiplication take sixteen bytes at a time ("slicing by 16",
/// after Kounavis and Berry 2005, who take 8): more than 2 GB/s.
package struct CRC32 {
    private let tables: [UInt32]

    package init() {
        var tables = [UInt32](repeating: 0, count: 16 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<16 * 256 {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        self.tables = tables
    }

    /// The checksum of `bytes`, or of others and then these.
    ///
    /// - Parameter previous: The checksum of the others.
    package func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            var crc = ~previous
            var offset = cs_crc32_blocks(&crc, bytes.baseAddress, bytes.count)
            while offset + 16 <= bytes.count {
                let first = word(bytes, at: offset) ^ UInt64(crc)
                let second = word(bytes, at: offset + 8)
                crc = 0
                for index in 0..<8 {
                    let shift = UInt64(8 * index)
                    crc ^= table[(15 - index) * 256 + Int(first >> shift & 0xFF)]
                    crc ^= table[(7 - index) * 256 + Int(second >> shift & 0xFF)]
                }
                offset += 16
            }
            while offset < bytes.count {
                crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[offset])]
                offset += 1
            }
            return ~crc
        }
    }

    @inline(__always)
    private func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
