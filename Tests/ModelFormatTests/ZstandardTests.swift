import CSupport
import Core
import ModelFormat
import Testing

/// The decoder of zstd frames against zstd itself.
@Suite struct ZstandardTests {
    /// Bytes of several kinds: noise, few symbols, repetitions, a skewed distribution.
    private func content(_ kind: Int, count: Int, seed: UInt64) -> [UInt8] {
        var generator = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        while bytes.count < count {
            let word = generator.next()
            switch kind {
            case 0: bytes.append(UInt8(truncatingIfNeeded: word))
            case 1: bytes.append(UInt8(truncatingIfNeeded: word & (word >> 8) & 15))
            case 2: bytes.append(UInt8(truncatingIfNeeded: word.trailingZeroBitCount))
            case 3:
                // Copies from before, now and then new bytes.
                let length = Int(word % 40)
                let offset = 1 + Int((word >> 16) % UInt64(max(bytes.count, 1)))
                if offset <= bytes.count, word >> 60 != 0 {
                    for _ in 0..<length { bytes.append(bytes[bytes.count - offset]) }
                } else {
                    for index in 0..<length { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(index % 8 * 8))) }
                }
            case 4:
                // A bell curve, as weights have.
                var sum: UInt64 = 0
                for shift in 0..<8 { sum += (word >> UInt64(8 * shift)) & 31 }
                bytes.append(UInt8(sum))
            default: bytes.append(7)
            }
        }
        return Array(bytes.prefix(count))
    }

    private func compress(_ content: [UInt8], level: Int32, hasChecksum: Bool = false) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: ZSTD_compressBound(content.count))
        let context = ZSTD_createCCtx()
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, hasChecksum ? 1 : 0)
        let length = ZSTD_compress2(context, &frame, frame.count, content, content.count)
        #expect(ZSTD_isError(length) == 0)
        return Array(frame.prefix(length))
    }

    private func decompress(_ frame: [UInt8], count: Int, _ decoder: ZstandardDecoder) -> [UInt8]? {
        var target = [UInt8](repeating: 0, count: count)
        let isValid = frame.withUnsafeBytes { frame in
            target.withUnsafeMutableBufferPointer { decoder.decompress(frame, into: $0) }
        }
        return isValid ? target : nil
    }

    @Test(arguments: 0..<6) func `what zstd compresses at any level comes back`(kind: Int) throws {
        let decoder = try ZstandardDecoder()
        for count in [1, 2, 5, 31, 32, 33, 255, 256, 1000, 20_000, 300_000] {
            let content = content(kind, count: count, seed: UInt64(count))
            for level: Int32 in [-5, 1, 3, 6, 12, 19] {
                let frame = compress(content, level: level, hasChecksum: level % 2 == 0)
                let result = decompress(frame, count: count, decoder)
                #expect(result == content, "\(count) bytes at level \(level)")
                #expect(decompress(frame, count: count + 1, decoder) == nil)
                if count > 1 { #expect(decompress(frame, count: count - 1, decoder) == nil) }
            }
        }
    }

    @Test func `every truncation and any byte more is refused`() throws {
        let decoder = try ZstandardDecoder()
        for kind in 0..<6 {
            let content = content(kind, count: 700, seed: 3)
            let frame = compress(content, level: 3)
            for length in 0..<frame.count {
                #expect(decompress(Array(frame.prefix(length)), count: content.count, decoder) == nil)
            }
            #expect(decompress(frame + [0], count: content.count, decoder) == nil)
            #expect(decompress(frame + frame, count: content.count, decoder) == nil)
        }
    }

    @Test func `a damaged frame gives what zstd makes of it, or is refused`() throws {
        let decoder = try ZstandardDecoder()
        var generator = SplitMix64(seed: 9)
        var accepted = 0
        for round in 0..<6_000 {
            let content = content(round % 6, count: 100 + round % 1500, seed: UInt64(round))
            var frame = compress(content, level: Int32(round % 20), hasChecksum: round % 7 == 0)
            for _ in 0..<1 + round % 3 {
                let place = Int(generator.next() % UInt64(frame.count))
                frame[place] ^= UInt8(truncatingIfNeeded: 1 << (generator.next() % 8))
            }
            guard let result = decompress(frame, count: content.count, decoder) else { continue }
            accepted += 1
            var expected = [UInt8](repeating: 0, count: content.count)
            let length = ZSTD_decompress(&expected, expected.count, frame, frame.count)
            #expect(length == content.count)
            #expect(result == expected)
        }
        #expect(accepted > 500)
    }
}
