import Core
import TestSupport
import Testing

@testable import ModelFormat

/// The labels of a `.cgw` file.
@Suite struct LabelTests {
    private static let columns = [
        Labels.Column(name: "class", labels: ["z", "é", "a b"]), Labels.Column(name: "é", labels: ["only"]),
    ]

    @Test("Labels are read again, with their states after the output layer", arguments: Cell.allCases)
    func roundTrip(cell: Cell) throws {
        let bytes = try randomModel(cell, hiddenSize: 5, labels: Self.columns, weights: .int8)
        try bytes.withUnsafeBytes { bytes in
            let file = try ModelFile(bytes)
            let labels = try #require(file.labels)
            #expect(labels.columns.map(\.name) == ["class", "é"])
            #expect(labels.columns.map(\.labels) == [["a b", "z", "é"], ["only"]])
            #expect(file.shape.labelCount == 4)
            let tensors = (0..<file.shape.tensorCount).map { file.shape.tensor($0) }.dropFirst(10)
            #expect(
                Array(tensors.map(\.name)) == Array(["labels.hidden", "labels.cell"].prefix(cell.hasCellState ? 2 : 1)))
            for (index, tensor) in tensors.enumerated() {
                #expect((tensor.rows, tensor.columns) == (5, 10))
                #expect(file.elementType(10 + index) == .float32)
            }
            #expect(labels.label(named: "z".utf8.map { $0 }, in: 0) == 1)
            #expect(labels.label(named: "b".utf8.map { $0 }, in: 0) == nil)
            #expect(labels.row(of: 0, in: 1) == 4)
        }
        let changed = try ModelFile.replacingProvenance(of: bytes, with: "{\"other\":1}")
        try changed.withUnsafeBytes { changed in
            let file = try ModelFile(changed)
            #expect(file.provenance == "{\"other\":1}")
            #expect(file.labels == Labels(Self.columns))
        }
        #expect(try modelTensors(changed) == modelTensors(bytes))
    }

    /// The bytes of a file with labels in which a function changes those of the labels.
    private func altered(_ change: (inout [UInt8]) -> Void) throws -> [UInt8] {
        let whole = try randomModel(.rnn, hiddenSize: 2, characters: "ab", labels: Self.columns)
        let start = 48 + 4 * 2
        let length = 4 + 2 * 4 + 4 + 6 + 4 + 2 + 3 + 3 + 5
        var names = Array(whole[start..<start + length])
        change(&names)
        var bytes = Array(whole[..<start]) + names + whole[(start + length)...]
        func set(_ value: Int, _ place: Int) {
            for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
        }
        let header = (0..<4).reduce(0) { $0 | Int(whole[12 + $1]) << (8 * $1) } + names.count - length
        set(header, 12)
        set(bytes.count, 16)
        let checksum = bytes[..<(header - 4)].withUnsafeBytes { CRC32().checksum($0) }
        set(Int(checksum), header - 4)
        return bytes
    }

    @Test("Names that are no labels are refused")
    func malformed() throws {
        func isRead(_ change: (inout [UInt8]) -> Void) throws -> Bool {
            let bytes = try altered(change)
            return bytes.withUnsafeBytes { (try? ModelFile($0)) != nil }
        }
        #expect(try isRead { _ in })
        // The number of columns, of labels, and the length of the names.
        for (place, value) in [(0, 0), (0, 1), (0, 3), (0, 17), (4, 0), (4, 2), (4, 4), (8, 0), (12, 22), (12, 24)] {
            #expect(try !isRead { $0[place] = UInt8(value) }, "\(value) at \(place)")
        }
        #expect(try !isRead { $0[7] = 0x80 })
        // "class", "a b", "z", "é", "é", "only" from 16 on.
        #expect(try !isRead { $0[22] = 0x7B }, "out of order")
        #expect(
            try !isRead {
                $0[26] = 0x61; $0[27] = 0
            }, "one more name")
        #expect(try !isRead { $0[28] = 0xFF }, "not UTF-8")
        #expect(try !isRead { $0[$0.count - 1] = 0x61 }, "no NUL at the end")
        #expect(try !isRead { $0[16] = 0 }, "an empty name")
        #expect(Labels([.init(name: "a", labels: ["x"]), .init(name: "a", labels: ["x"])]) == nil)
        #expect(Labels([.init(name: "a", labels: ["x", "x"])]) == nil)
        #expect(Labels([]) == nil)
        #expect(Labels([.init(name: "a", labels: [])]) == nil)
    }

    @Test("A labelled model that carries its state is refused, and so are states of another type")
    func contradictions() throws {
        var raw = try altered { _ in }
        raw[40] += 1
        let checksum = { (bytes: [UInt8]) -> UInt32 in
            let header = (0..<4).reduce(0) { $0 | Int(bytes[12 + $1]) << (8 * $1) }
            return bytes[..<(header - 4)].withUnsafeBytes { CRC32().checksum($0) }
        }
        let header = Int(raw[12]) | Int(raw[13]) << 8
        for index in 0..<4 { raw[header - 4 + index] = UInt8(truncatingIfNeeded: checksum(raw) >> UInt32(8 * index)) }
        #expect(throws: ChargenError.self) { try raw.withUnsafeBytes { _ = try ModelFile($0) } }
        let vocabulary = try #require(Vocabulary(characters: [0x61], hasEndOfDocument: true, carriesDocuments: true))
        let shape = ModelShape(cell: .rnn, layers: 1, hiddenSize: 1, vocabularySize: 2, labelCount: 4)
        let tensors = (0..<shape.tensorCount).map {
            EncodedTensor.float32([Float](repeating: 1, count: shape.tensor($0).count))
        }
        #expect(throws: ChargenError.self) {
            try ModelFile.encode(
                shape: shape, vocabulary: vocabulary, labels: Labels(Self.columns), provenance: "", tensors: tensors)
        }
        let plain = vocabulary.with(endOfDocument: true)
        #expect(throws: ChargenError.self) {
            try ModelFile.encode(shape: shape, vocabulary: plain, provenance: "", tensors: tensors)
        }
        var wrong = tensors
        wrong[shape.labelHidden] = .bfloat16([UInt16](repeating: 0, count: 5))
        #expect(throws: ChargenError.self) {
            try ModelFile.encode(
                shape: shape, vocabulary: plain, labels: Labels(Self.columns), provenance: "", tensors: wrong)
        }
    }
}
