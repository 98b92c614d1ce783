import Core
import TestSupport
import Testing

/// Files that lost bytes or changed on the way. Reading means reading every tensor.
@Suite struct DamageTests {
    private let file: [UInt8]
    private let headerLength: Int

    init() throws {
        file = try randomModel(.lstm, layers: 1, hiddenSize: 2, characters: "ab")
        headerLength = Int(file[12]) | Int(file[13]) << 8
    }

    private func failure(_ bytes: [UInt8]) -> ChargenError? {
        #expect(throws: ChargenError.self) { _ = try modelTensors(bytes) }
    }

    @Test("A file cut at any length is refused")
    func truncation() throws {
        for length in 0..<file.count {
            let error = try #require(failure(Array(file[..<length])), "\(length) bytes")
            #expect(error.kind == .invalidModel)
            let words =
                length < 8
                ? "does not begin with the .cgw signature"
                : length < 48 ? "ends within the header" : "says \(file.count) bytes, the file has \(length)"
            #expect(error.message.contains(words), "\(length) bytes: \(error.message)")
        }
    }

    @Test("A file with any one bit changed is refused")
    func bitFlips() throws {
        for bit in 0..<8 * file.count {
            var damaged = file
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let error = try #require(failure(damaged), "bit \(bit)")
            let place = bit / 8
            #expect(error.kind == (8..<12 ~= place ? .unsupportedVersion : .invalidModel), "bit \(bit)")
            let words =
                switch place {
                case 0..<8: "signature"
                case 8..<12: "format version"
                case 12..<16: "header"
                case 16..<24: "the header says"
                case 24..<headerLength: "header checksum mismatch"
                default: ": checksum mismatch"
                }
            #expect(error.message.contains(words), "bit \(bit): \(error.message)")
        }
    }

    @Test("An error of a tensor names it and its place")
    func tensorNamed() throws {
        var damaged = file
        damaged[headerLength] ^= 1
        damaged[file.count - 1] ^= 1
        let first = try #require(failure(damaged))
        #expect(
            first.message
                == "invalid model file: tensor rnn.weight_ih_l0: checksum mismatch (at byte \(headerLength)); "
                + "export or copy the file again")
        damaged[headerLength] ^= 1
        #expect(failure(damaged)?.message.contains("tensor fc.bias: checksum mismatch") == true)
    }

    @Test("A byte too many is refused")
    func appended() {
        #expect(failure(file + [0])?.kind == .invalidModel)
    }

    @Test("What is no model at all is refused")
    func notAModel() {
        for text in ["", "hello", String(repeating: "x", count: 1000)] {
            #expect(failure(Array(text.utf8))?.message.hasPrefix("not a chargen model") == true)
        }
    }
}
