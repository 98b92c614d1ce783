import Core
import Testing

@Suite struct UTF8DecodingTests {
    private func decode(_ bytes: [UInt8]) -> DecodedScalar {
        bytes.withUnsafeBytes { decodeUTF8($0, at: 0) }
    }

    /// The scalars of a text, or nil if it is not UTF-8.
    private func scalars(_ bytes: [UInt8]) -> [UInt32]? {
        bytes.withUnsafeBytes { bytes in
            var values: [UInt32] = []
            var offset = 0
            while offset < bytes.count {
                guard case .scalar(let value, let length) = decodeUTF8(bytes, at: offset) else { return nil }
                values.append(value)
                offset += length
            }
            return values
        }
    }

    @Test("Every scalar is read back, and its beginning alone is incomplete")
    func allScalars() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), let encoded = UTF8.encode(scalar) else { continue }
            let bytes = Array(encoded)
            guard decode(bytes) == .scalar(value, length: bytes.count),
                // Few suffice: the rest differ in the last byte only.
                value % 61 != 0 || (1..<bytes.count).allSatisfy({ decode(Array(bytes[..<$0])) == .incomplete })
            else {
                Issue.record("U+\(String(value, radix: 16))")
                return
            }
        }
    }

    /// The ends of every range that matters after the first byte, and what is outside.
    private let continuations: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]

    private func expectSameVerdict(_ bytes: [UInt8]) -> Bool {
        let expected = String(validating: bytes, as: UTF8.self)?.unicodeScalars.map(\.value)
        if scalars(bytes) == expected { return true }
        Issue.record("\(bytes)")
        return false
    }

    @Test("Every sequence of one or two bytes has the standard library's verdict, and longer ones at every boundary")
    func verdicts() {
        for first in UInt8.min...UInt8.max {
            guard expectSameVerdict([first]) else { return }
            for second in UInt8.min...UInt8.max {
                guard expectSameVerdict([first, second]) else { return }
                for third in continuations {
                    guard expectSameVerdict([first, second, third]) else { return }
                }
            }
        }
        for first in UInt8(0xEF)...0xF8 {
            for second in continuations {
                for third in continuations {
                    for fourth in continuations {
                        guard expectSameVerdict([first, second, third, fourth]) else { return }
                    }
                }
            }
        }
    }

    @Test("Text is read from the offset on")
    func offset() {
        Array("aé中😀".utf8).withUnsafeBytes { bytes in
            #expect(decodeUTF8(bytes, at: 1) == .scalar(0xE9, length: 2))
            #expect(decodeUTF8(bytes, at: 2) == .invalid)
            #expect(decodeUTF8(bytes, at: 3) == .scalar(0x4E2D, length: 3))
            #expect(decodeUTF8(bytes, at: 6) == .scalar(0x1F600, length: 4))
        }
    }
}
