import Core
import ModelFormat
import TestSupport
import Testing

/// What is written in each element type is read again.
@Suite struct ElementTypeTests {
    /// Whole groups of int4, and all ways to end within one.
    static let hiddenSizes = [1, 15, 16, 17, 31, 32, 33, 64]

    /// The integers and scales, or the bits of the floats.
    private func contents(_ tensor: EncodedTensor) -> [[Int]] {
        switch tensor {
        case .float32(let values): [values.map { Int($0.bitPattern) }]
        case .bfloat16(let values): [values.map(Int.init)]
        case .int8(let values, let scales): [values.map(Int.init), scales.map { Int($0.bitPattern) }]
        case .int4(let values, let scales): [values.map(Int.init), scales.map(Int.init)]
        }
    }

    private func encode(_ shape: ModelShape, _ tensors: [EncodedTensor]) throws -> [UInt8] {
        let characters = (0..<UInt32(shape.vocabularySize)).map { 0x61 + $0 }
        let vocabulary = try #require(Vocabulary(characters: characters, hasEndOfDocument: false))
        return try ModelFile.encode(shape: shape, vocabulary: vocabulary, provenance: "{}", tensors: tensors)
    }

    @Test("Every matrix in one type, whatever the number of columns", arguments: ElementType.allCases, hiddenSizes)
    func oneType(type: ElementType, hiddenSize: Int) throws {
        let shape = ModelShape(cell: .gru, layers: 2, hiddenSize: hiddenSize, vocabularySize: 5)
        var random = SplitMix64(seed: 1)
        let tensors = (0..<shape.tensorCount).map { index in
            let tensor = shape.tensor(index)
            return randomTensor(tensor.isBias ? .float32 : type, tensor, range: 2, random: &random)
        }
        #expect(try encodedTensors(encode(shape, tensors)).map(contents) == tensors.map(contents))
    }

    @Test("The tables of symbols in types of their own, read in any order into one buffer")
    func mixedTypes() throws {
        let shape = ModelShape(cell: .lstm, layers: 2, hiddenSize: 33, vocabularySize: 7)
        var random = SplitMix64(seed: 2)
        let types: [ElementType] = [
            .int8, .int4, .float32, .float32, .int4, .int4, .float32, .float32, .bfloat16, .float32,
        ]
        let tensors = types.enumerated().map {
            randomTensor($1, shape.tensor($0), range: 2, random: &random)
        }
        let bytes = try encode(shape, tensors)
        #expect(RawFile(bytes).entries.map(\.elementType) == types.map(\.rawValue))
        #expect(try encodedTensors(bytes).map(contents) == tensors.map(contents))
        try bytes.withUnsafeBytes { bytes in
            let file = try ModelFile(bytes)
            #expect((0..<types.count).map { file.elementType($0) } == types)
            let buffer = try TensorBuffer(for: file)
            for index in (0..<types.count).reversed() { try file.readTensor(index, into: buffer) }
            guard case .int8(let values, let scales) = tensors[0] else { return }
            #expect(buffer.integers.elements.prefix(values.count).elementsEqual(values))
            #expect(buffer.scales.elements.prefix(scales.count).elementsEqual(scales))
        }
    }

    @Test("A buffer has no memory for types that a file has not")
    func bufferSizes() throws {
        let bytes = try randomModel(.rnn, layers: 1, hiddenSize: 40, characters: "ab", hasEndOfDocument: false)
        try bytes.withUnsafeBytes {
            let buffer = try TensorBuffer(for: ModelFile($0))
            #expect(buffer.floats.count == 1600)
            #expect(buffer.integers.count == 0 && buffer.scales.count == 0)
        }
        let int4 = try randomModel(
            .rnn, layers: 1, hiddenSize: 40, characters: "ab", hasEndOfDocument: false, weights: .int4)
        try int4.withUnsafeBytes {
            let buffer = try TensorBuffer(for: ModelFile($0))
            #expect(buffer.floats.count == 40)
            #expect(buffer.integers.count == 1600 && buffer.scales.count == 80)
        }
    }

    @Test("Extreme values survive")
    func extremes() throws {
        let shape = ModelShape(cell: .rnn, layers: 1, hiddenSize: 2, vocabularySize: 2)
        let bias = EncodedTensor.float32([.greatestFiniteMagnitude, -.leastNonzeroMagnitude])
        let tensors: [EncodedTensor] = [
            .int8([-127, 127, 0, 1], scales: [0, 0x1.fffffep120]),
            .int4([-8, 7, 0, -1], scales: [0x7BFF, 0xFBFF]),
            bias, bias, .bfloat16([0x7F7F, 0xFF7F, 0x8000, 1]), bias,
        ]
        let bytes = try encode(shape, tensors)
        #expect(try encodedTensors(bytes).map(contents) == tensors.map(contents))
        #expect(try modelTensors(bytes).joined().allSatisfy { $0.isFinite })
    }

    /// The payloads of docs/cgw-format.md, built here from its words.
    @Test("The payloads are those of the specification")
    func payloads() throws {
        let shape = ModelShape(cell: .rnn, layers: 1, hiddenSize: 33, vocabularySize: 1)
        let zeros = EncodedTensor.float32([Float](repeating: 0, count: 33))
        let integers = (0..<33).map { Int8($0 % 16 - 8) }
        let matrix = EncodedTensor.int4(
            Array([[Int8]](repeating: integers, count: 33).joined()),
            scales: (0..<66).map { $0 % 2 == 0 ? 0x3F80 : 0xC123 })
        let raw = RawFile(
            try encode(
                shape,
                [
                    .bfloat16((0..<33).map { 0x3F00 + $0 }), matrix, zeros, zeros, .int8(integers, scales: [0.5]),
                    .float32([1]),
                ]))
        #expect(
            try decompressed(raw.entries[0].frame) == (0..<33).map { UInt8($0) } + [UInt8](repeating: 0x3F, count: 33))
        let lower = (0..<66).map { $0 % 2 == 0 ? 0x80 : 0x23 as UInt8 }
        let upper = (0..<66).map { $0 % 2 == 0 ? 0x3F : 0xC1 as UInt8 }
        // The numbers in the file: columns 0 and 16 are 0, columns 1 and 17 are 1, and so on;
        // column 32 is 0, those after it 8.
        let row = (0..<16).map { UInt8($0 << 4 | $0) } + [0x80] + [UInt8](repeating: 0x88, count: 15)
        let rows = [[UInt8]](repeating: row, count: 33).joined()
        #expect(try decompressed(raw.entries[1].frame) == lower + upper + rows)
        #expect(try decompressed(raw.entries[4].frame) == [0, 0, 0, 0x3F] + integers.map { UInt8(bitPattern: $0) })
        #expect(try decompressed(raw.entries[5].frame) == [0, 0, 0x80, 0x3F])
    }

    @Test("Models of int4 weights have their tables of symbols in int8, and every model its biases in float32")
    func modelTypes() {
        let shape = ModelShape(cell: .gru, layers: 2, hiddenSize: 5, vocabularySize: 7)
        func types(_ weights: ElementType) -> [String] {
            (0..<shape.tensorCount).map { weights.elementType(of: shape.tensor($0)).name.description }
        }
        #expect(types(.int4) == ["int8", "int4", "f32", "f32", "int4", "int4", "f32", "f32", "int8", "f32"])
        #expect(types(.int8) == ["int8", "int8", "f32", "f32", "int8", "int8", "f32", "f32", "int8", "f32"])
        #expect(types(.bfloat16) == ["bf16", "bf16", "f32", "f32", "bf16", "bf16", "f32", "f32", "bf16", "f32"])
        #expect(types(.float32) == [String](repeating: "f32", count: 10))
    }
}
