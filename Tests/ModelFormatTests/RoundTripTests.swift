import Core
import ModelFormat
import TestSupport
import Testing

@Suite struct RoundTripTests {
    struct Case: Sendable {
        var cell: Cell
        var layers: Int
        var hiddenSize: Int
        var characters: [UInt32]
        var hasEndOfDocument: Bool
        var provenance: String
    }

    static let cases = Cell.allCases.flatMap { cell in
        [
            Case(
                cell: cell, layers: 1, hiddenSize: 1, characters: [0x61], hasEndOfDocument: false, provenance: ""),
            Case(
                cell: cell, layers: 1, hiddenSize: 16, characters: [0, 0x0A, 0x7F], hasEndOfDocument: true,
                provenance: "{}"),
            Case(
                cell: cell, layers: 3, hiddenSize: 21, characters: [0x61, 0xE9, 0x4E2D, 0x1F600, 0x10FFFF],
                hasEndOfDocument: true, provenance: "{\"corpus\":\"é中😀\"}"),
        ]
    }

    @Test("What is written is read again", arguments: cases)
    func roundTrip(_ model: Case) throws {
        let vocabulary = try #require(
            Vocabulary(characters: model.characters, hasEndOfDocument: model.hasEndOfDocument))
        let shape = ModelShape(
            cell: model.cell, layers: model.layers, hiddenSize: model.hiddenSize, vocabularySize: vocabulary.count)
        var random = SplitMix64(seed: 1)
        // Every finite float must be preserved: any bit pattern whose exponent bits are not all
        // set.
        let tensors = (0..<shape.tensorCount).map { index in
            (0..<shape.tensor(index).count).map { _ in
                let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
                return value.isFinite ? value : -0.0
            }
        }
        let bytes = try ModelFile.encode(
            shape: shape, vocabulary: vocabulary, provenance: model.provenance, tensors: tensors.map { .float32($0) })
        try bytes.withUnsafeBytes { bytes in
            let file = try ModelFile(bytes)
            #expect(file.shape == shape)
            #expect(file.vocabulary == vocabulary)
            #expect(file.provenance == model.provenance)
        }
        #expect(try modelTensors(bytes).map { $0.map(\.bitPattern) } == tensors.map { $0.map(\.bitPattern) })
    }

    @Test("The file is the bytes that the specification describes")
    func layout() throws {
        let bytes = try randomModel(.gru, layers: 2, hiddenSize: 3, characters: "aé", range: 0.5, seed: 7)
        let raw = RawFile(bytes)
        #expect(raw.magic == [0x89] + Array("CGW\r\n\u{1A}\n".utf8))
        #expect(raw.version == 1)
        #expect(raw.cell == 1)
        #expect(raw.layers == 2)
        #expect(raw.hiddenSize == 3)
        #expect(raw.characters == [0x61, 0xE9])
        #expect(raw.specialSymbols == 1)
        #expect(raw.provenance == Array("{\"chargen\":\"test\"}".utf8))
        #expect(raw.entries.map(\.elementType) == [UInt32](repeating: 0, count: 10))
        #expect(raw.bytes == bytes)
    }

    @Test(
        "Every choice of special symbols has its value, and is read again",
        arguments: [
            (false, false, false, 0), (false, true, false, 1), (false, true, true, 2), (true, false, false, 4),
            (true, true, false, 5), (true, true, true, 6),
        ] as [(Bool, Bool, Bool, UInt32)])
    func specialSymbols(hasUnknown: Bool, hasEnd: Bool, carriesDocuments: Bool, field: UInt32) throws {
        let bytes = try randomModel(
            .rnn, characters: "aé", hasUnknown: hasUnknown, hasEndOfDocument: hasEnd, carriesDocuments: carriesDocuments
        )
        #expect(RawFile(bytes).specialSymbols == field)
        let file = try bytes.withUnsafeBytes { bytes in
            let file = try ModelFile(bytes)
            return (vocabulary: file.vocabulary, shape: file.shape)
        }
        #expect(
            file.vocabulary
                == Vocabulary(
                    characters: [0x61, 0xE9], hasUnknown: hasUnknown, hasEndOfDocument: hasEnd,
                    carriesDocuments: carriesDocuments))
        #expect(file.shape.vocabularySize == 2 + (hasUnknown ? 1 : 0) + (hasEnd ? 1 : 0))
    }

    @Test("The checksum is that of zlib")
    func checksum() {
        // The check value of CRC-32/ISO-HDLC in Greg Cook's catalogue of CRC algorithms.
        #expect(crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    }

    @Test("Tensors have PyTorch's names, in PyTorch's order")
    func names() {
        let shape = ModelShape(cell: .lstm, layers: 2, hiddenSize: 5, vocabularySize: 7)
        #expect(
            (0..<shape.tensorCount).map {
                "\(shape.tensor($0).name) \(shape.tensor($0).rows)x\(shape.tensor($0).columns)"
            }
                == [
                    "rnn.weight_ih_l0 20x7", "rnn.weight_hh_l0 20x5", "rnn.bias_ih_l0 20x1", "rnn.bias_hh_l0 20x1",
                    "rnn.weight_ih_l1 20x5", "rnn.weight_hh_l1 20x5", "rnn.bias_ih_l1 20x1", "rnn.bias_hh_l1 20x1",
                    "fc.weight 7x5", "fc.bias 7x1",
                ])
        #expect(shape.parameterCount == 20 * (7 + 5 + 2) + 20 * (5 + 5 + 2) + 7 * 6)
    }
}
