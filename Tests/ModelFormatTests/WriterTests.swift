import Core
import ModelFormat
import Testing

/// ``ModelFile/encode(shape:vocabulary:provenance:tensors:)`` refuses everything that a reader
/// refuses.
@Suite struct WriterTests {
    private func failure(
        layers: Int = 1, hiddenSize: Int = 2, vocabularySize: Int = 2, characters: [UInt32] = [0x61, 0x62],
        provenance: String = "{}", _ alter: (inout [EncodedTensor]) -> Void = { _ in }
    ) throws -> String? {
        let vocabulary = try #require(Vocabulary(characters: characters, hasEndOfDocument: false))
        let shape = ModelShape(
            cell: .rnn, layers: layers, hiddenSize: hiddenSize, vocabularySize: vocabularySize)
        var tensors = (0..<ModelShape(cell: .rnn, layers: 1, hiddenSize: 2, vocabularySize: 2).tensorCount).map {
            EncodedTensor.float32([Float](repeating: 0.5, count: $0 % 6 == 0 || $0 == 1 || $0 == 4 ? 4 : 2))
        }
        alter(&tensors)
        do throws(ChargenError) {
            _ = try ModelFile.encode(shape: shape, vocabulary: vocabulary, provenance: provenance, tensors: tensors)
            return nil
        } catch {
            #expect(error.kind == .invalidArgument)
            return error.message
        }
    }

    @Test("The model that the other tests alter is fine")
    func valid() throws {
        #expect(try failure() == nil)
    }

    @Test(
        "A value that is not finite is refused, and its tensor named",
        arguments: [.nan, .infinity, -.infinity] as [Float])
    func notFinite(value: Float) throws {
        #expect(
            try failure { $0[1] = .float32([0, 0, 0, value]) }
                == "tensor rnn.weight_hh_l0 needs 4 values, all of them finite")
    }

    @Test("A tensor of another length is refused, and named")
    func length() throws {
        #expect(try failure { $0[5] = .float32([0, 0, 0]) } == "tensor fc.bias needs 2 values, all of them finite")
    }

    @Test("Elements that their type forbids are refused, and the tensor named")
    func elements() throws {
        let prefix = "tensor rnn.weight_hh_l0 needs 4 values"
        #expect(try failure { $0[1] = .bfloat16([0, 0, 0, 0xFF7F]) } == nil)
        for tensor: EncodedTensor in [
            .bfloat16([0, 0, 0, 0x7F80]), .bfloat16([0, 0, 0xFFC0, 0]), .bfloat16([0, 0, 0]),
        ] {
            #expect(try failure { $0[1] = tensor } == prefix + ", all of them finite")
        }
        #expect(try failure { $0[1] = .int8([-127, 127, 0, 0], scales: [0, 0x1.fffffep120]) } == nil)
        for tensor: EncodedTensor in [
            .int8([-128, 0, 0, 0], scales: [0, 1]), .int8([0, 0, 0], scales: [0, 1]), .int8([0, 0, 0, 0], scales: [1]),
            .int8([0, 0, 0, 0], scales: [1, .infinity]), .int8([0, 0, 0, 0], scales: [1, .nan]),
            .int8([0, 0, 0, 0], scales: [1, -1]), .int8([0, 0, 0, 0], scales: [1, -0.0]),
            .int8([0, 0, 0, 0], scales: [1, 0x1p121]),
        ] {
            #expect(
                try failure { $0[1] = tensor }
                    == prefix + " from -127 to 127 and 2 scales from 0 to less than 2^121")
        }
        for scales: [UInt16] in [[0, 0x7BFF], [0x8000, 0xFBFF], [0xBF80, 1]] {
            #expect(try failure { $0[1] = .int4([-8, 7, 0, 0], scales: scales) } == nil)
        }
        for tensor: EncodedTensor in [
            .int4([-9, 0, 0, 0], scales: [0, 1]), .int4([8, 0, 0, 0], scales: [0, 1]),
            .int4([0, 0, 0], scales: [0, 1]), .int4([0, 0, 0, 0], scales: [1]),
            .int4([0, 0, 0, 0], scales: [1, 0x7F80]), .int4([0, 0, 0, 0], scales: [1, 0xFFC0]),
            .int4([0, 0, 0, 0], scales: [1, 0x7C00]), .int4([0, 0, 0, 0], scales: [1, 0xFC00]),
        ] {
            #expect(
                try failure { $0[1] = tensor } == prefix + " from -8 to 7 and 2 scales between -2^121 and 2^121")
        }
    }

    @Test("A bias in another type than float32 is refused")
    func biases() throws {
        for tensor: EncodedTensor in [
            .bfloat16([0, 0]), .int8([0, 0], scales: [1, 1]), .int4([0, 0], scales: [1, 1]),
        ] {
            #expect(
                try failure { $0[2] = tensor } == "tensor rnn.bias_ih_l0 needs 32-bit floats")
        }
    }

    @Test("Matrices between hidden states that differ in their type are refused")
    func mixedTypes() throws {
        let vocabulary = try #require(Vocabulary(characters: [0x61], hasEndOfDocument: false))
        let shape = ModelShape(cell: .rnn, layers: 2, hiddenSize: 2, vocabularySize: 1)
        var tensors = (0..<shape.tensorCount).map {
            EncodedTensor.float32([Float](repeating: 0.5, count: shape.tensor($0).count))
        }
        tensors[4] = .bfloat16([0, 0, 0, 0])
        let error = #expect(throws: ChargenError.self) {
            try ModelFile.encode(shape: shape, vocabulary: vocabulary, provenance: "", tensors: tensors)
        }
        #expect(error?.kind == .invalidArgument)
        #expect(error?.message == "tensor rnn.weight_ih_l1 needs the element type of rnn.weight_hh_l0, f32")
    }

    @Test("Another number of tensors or symbols than the shape's is refused")
    func counts() throws {
        #expect(try failure { $0.removeLast() } == "the shape wants 2 symbols and 6 tensors, not 2 and 5")
        #expect(try failure(characters: [0x61]) == "the shape wants 2 symbols and 6 tensors, not 1 and 6")
    }

    @Test("Sizes beyond the format's limits are refused")
    func limits() throws {
        for (layers, hiddenSize) in [(0, 2), (65, 2), (1, 0), (1, 16_385), (-1, 2), (1, .max)] {
            #expect(
                try failure(layers: layers, hiddenSize: hiddenSize)?.hasPrefix("a model file holds 1 to 64 layers")
                    == true)
        }
        #expect(try failure(vocabularySize: 0, characters: [])?.hasPrefix("a model file holds") == true)
        #expect(try failure(vocabularySize: 65_537)?.hasPrefix("a model file holds") == true)
    }

    @Test("A provenance beyond the limit is refused")
    func provenance() throws {
        let text = String(repeating: "x", count: 1 << 20)
        #expect(try failure(provenance: text) == nil)
        #expect(try failure(provenance: text + "x") == "the provenance has 1048577 bytes, more than 1048576")
    }

    @Test("Weights that compress as no trained weights do are refused, as a reader would refuse them")
    func expansion() throws {
        let vocabulary = try #require(Vocabulary(characters: [0x61], hasEndOfDocument: false))
        let shape = ModelShape(cell: .lstm, layers: 1, hiddenSize: 256, vocabularySize: 1)
        let tensors = (0..<shape.tensorCount).map {
            EncodedTensor.float32([Float](repeating: 0, count: shape.tensor($0).count))
        }
        let error = #expect(throws: ChargenError.self) {
            try ModelFile.encode(shape: shape, vocabulary: vocabulary, provenance: "", tensors: tensors)
        }
        #expect(error?.message.contains("which readers refuse") == true)
    }
}
