import Core
import Foundation
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("Formats of export")
struct ExportFormatTests {
    /// A model with random parameters.
    private func model(_ cell: Cell, layers: Int = 2, _ vocabulary: Vocabulary) -> TrainedModel {
        let shape = ModelShape(cell: cell, layers: layers, hiddenSize: 5, vocabularySize: vocabulary.count)
        var random = SplitMix64(seed: 1)
        let tensors = (0..<shape.tensorCount).map { index in
            (0..<shape.tensor(index).count).map { _ in Float(random.next() >> 40) * 0x1p-23 - 1 }
        }
        return TrainedModel(
            shape: shape, vocabulary: vocabulary, labels: nil, provenance: "{}", tensors: tensors)
    }

    private static func vocabulary(unknown: Bool, ends: Bool, carries: Bool) throws -> Vocabulary {
        let characters = "\0\n\"\\aÅ\u{212B}\u{FEFF}😀".unicodeScalars.map(\.value).sorted()
        return try #require(
            Vocabulary(
                characters: characters, hasUnknown: unknown, hasEndOfDocument: ends, carriesDocuments: carries))
    }

    @Test("safetensors and their description are imported as the same model", arguments: Cell.allCases)
    func roundTrip(cell: Cell) throws {
        for (unknown, ends, carries) in [
            (false, false, false), (true, false, false), (false, true, true), (true, true, false),
        ] {
            let model = model(cell, try Self.vocabulary(unknown: unknown, ends: ends, carries: carries))
            try withTemporaryFolder { folder in
                let path = folder.path + "/model.safetensors"
                let files = try ExportFormat.safetensors.files(of: model, modelFile: [], path: path)
                #expect(files.map(\.path) == [folder.path + "/model.json", path])
                for (path, contents) in files { try contents.write(to: URL(fileURLWithPath: path)) }
                let again = try ImportedNetwork(weights: path, vocabulary: files[0].path).model
                #expect(again.shape == model.shape && again.vocabulary == model.vocabulary)
                let (file, expected) = (try again.modelFile(), try model.modelFile())
                #expect(
                    try ModelFile.replacingProvenance(of: file, with: "{}")
                        == ModelFile.replacingProvenance(of: expected, with: "{}"))
                // Both may be replaced by a new export, and by nothing else.
                try ExportFormat.safetensors.refuseToOverwriteOthers(path)
                for format in [ExportFormat.cgw, .onnx, .c] {
                    #expect(throws: TrainingError.self) { try format.refuseToOverwriteOthers(path) }
                }
            }
        }
    }

    @Test("an export replaces files of its own kind only", arguments: ExportFormat.allCases)
    func replacing(format: ExportFormat) throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/model"
            let model = model(.gru, try Self.vocabulary(unknown: false, ends: false, carries: false))
            for (path, contents) in try format.files(of: model, modelFile: model.modelFile(), path: path) {
                try contents.write(to: URL(fileURLWithPath: path))
            }
            try format.refuseToOverwriteOthers(path)
            var checkpoint = Safetensors()
            checkpoint.metadata = ["chargen": "{}"]
            for other in [try checkpoint.encoded(), Data("text".utf8)] {
                try other.write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: TrainingError.self) { try format.refuseToOverwriteOthers(path) }
                #expect(error?.description.contains("'\(path)': it exists, and is not") == true)
            }
        }
        try withTemporaryFolder { folder in
            try Data(#"["a"]"#.utf8).write(to: folder.appendingPathComponent("chars.json"))
            let error = #expect(throws: TrainingError.self) {
                try ExportFormat.safetensors.refuseToOverwriteOthers(folder.path + "/chars.safetensors")
            }
            #expect(error?.description.contains("chars.json'") == true)
        }
    }

    @Test("the array in C has the bytes of the file, under the file's name")
    func source() throws {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        for (path, name) in [
            ("folder/place names.c", "place_names_cgw"), ("int.c", "int_cgw"), ("2é.c", "model_2__cgw"), ("m", "m_cgw"),
        ] {
            let source = String(decoding: CSource.text(of: bytes, path: path), as: UTF8.self)
            #expect(source.contains("const size_t \(name)_length = 1000;\nconst unsigned char \(name)[1000] = {\n"))
            let array = try #require(source.split(separator: "= {\n").last).split(separator: "}")[0]
            #expect(array.split(whereSeparator: { ",\n".contains($0) }).map { UInt8($0) } == bytes)
            #expect(source.split(separator: "\n").allSatisfy { $0.utf8.count <= 100 })
        }
    }

    @Test("messages of Protocol Buffers are those of its documentation")
    func protobuf() {
        var inner = ProtobufMessage()
        inner.add(1, 150)
        #expect(Array(inner.bytes) == [0x08, 0x96, 0x01])
        var message = ProtobufMessage()
        message.add(2, "testing")
        message.add(3, inner)
        #expect(Array(message.bytes) == [0x12, 0x07] + Array("testing".utf8) + [0x1A, 0x03, 0x08, 0x96, 0x01])
        var large = ProtobufMessage()
        large.add(16, Data(repeating: 0, count: 300))
        #expect(Array(large.bytes.prefix(4)) == [0x82, 0x01, 0xAC, 0x02] && large.bytes.count == 304)
    }

    @Test("a model of 2 GB is refused by ONNX")
    func tooLarge() throws {
        let shape = ModelShape(cell: .lstm, layers: 1, hiddenSize: 16_384, vocabularySize: 2)
        let vocabulary = try #require(Vocabulary(characters: [0x61, 0x62], hasEndOfDocument: false))
        let model = TrainedModel(shape: shape, vocabulary: vocabulary, labels: nil, provenance: "{}", tensors: [])
        #expect(throws: ChargenError.self) { try ONNXModel.encode(model) }
    }
}
