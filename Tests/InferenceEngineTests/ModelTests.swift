import Core
import Foundation
import InferenceEngine
import ModelFormat
import TestSupport
import Testing

@Suite struct ModelTests {
    @Test("A model from a file is the model from memory")
    func file() throws {
        let bytes = try randomModel(.lstm)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("é.cgw").path
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let session = try Session(Model(contentsOf: path))
            #expect(try session.text(100) == InferenceEngineTests.session(bytes).text(100))
        }
    }

    @Test("A file larger than the first read is read whole")
    func largeFile() throws {
        let bytes = try randomModel(.lstm, layers: 2, hiddenSize: 200)
        #expect(bytes.count > 1 << 20)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("large.cgw").path
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(try Session(Model(contentsOf: path)).text(20) == session(bytes).text(20))
        }
    }

    @Test("What cannot be read is an error with the path and the system's reason")
    func unreadable() throws {
        try withTemporaryFolder { folder in
            let missing = folder.appendingPathComponent("no.cgw").path
            let error = #expect(throws: ChargenError.self) { try Model(contentsOf: missing) }
            #expect(error?.kind == .fileAccess)
            #expect(error?.message == "cannot read the model from '\(missing)': No such file or directory")
            let directory = #expect(throws: ChargenError.self) { try Model(contentsOf: folder.path) }
            #expect(directory?.kind == .fileAccess)
            #expect(directory?.message == "cannot read the model from '\(folder.path)': Is a directory")
        }
    }

    @Test("An empty file is refused as no model")
    func empty() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("empty.cgw").path
            try Data().write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: ChargenError.self) { try Model(contentsOf: path) }
            #expect(error?.kind == .invalidModel)
        }
    }

    @Test("A model tells its shape, characters and provenance, and needs its bytes no longer")
    func description() throws {
        var bytes = try randomModel(.gru, layers: 3, hiddenSize: 7, characters: "ba")
        let model = try Model(bytes)
        let expected = try session(bytes).text(50)
        for index in bytes.indices { bytes[index] = 0 }
        #expect(model.shape == ModelShape(cell: .gru, layers: 3, hiddenSize: 7, vocabularySize: 3))
        #expect(model.vocabulary.characters == [0x61, 0x62])
        #expect(model.vocabulary.hasEndOfDocument)
        #expect(model.provenance == "{\"chargen\":\"test\"}")
        #expect(try Session(model).text(50) == expected)
    }

    @Test("Sessions of one model do not disturb each other, on many threads")
    func threads() async throws {
        let bytes = try randomModel(.lstm)
        let model = try Model(bytes)
        let expected = try (0..<8).map { try session(bytes, seed: $0).text(300) }
        try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for seed in 0..<8 {
                group.addTask {
                    let session = try Session(model)
                    session.seed = UInt64(seed)
                    return (seed, session.text(300))
                }
            }
            for try await (seed, text) in group { #expect(text == expected[seed]) }
        }
    }
}
