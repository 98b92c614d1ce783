import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Checkpoints and safetensors")
struct CheckpointTests {
    @Test("a safetensors file gives back its tensors and strings, and the same bytes for the same contents")
    func roundTrip() throws {
        var file = Safetensors()
        file.metadata = ["a": "é\n\"", "b": ""]
        file.tensors = [
            "x": .init(shape: [2, 3], elements: [1, -2, .pi, 0, Float(bitPattern: 7), 3e38]),
            "empty": .init(shape: [0], elements: []),
        ]
        let data = try file.encoded()
        let read = try Safetensors(data)
        #expect(read.tensors == file.tensors)
        #expect(read.metadata == file.metadata)
        #expect(try read.encoded() == data)
    }

    @Test("every flipped bit and every truncation of a checkpoint is refused, and any byte more")
    func damage() throws {
        try withTemporaryFolder { folder in
            let text = folder.path + "/text.txt"
            try "abababababababababab".write(toFile: text, atomically: true, encoding: .utf8)
            var settings = Settings(corpus: CorpusSource(paths: [text]))
            (settings.layers, settings.hiddenSize, settings.batchSize, settings.time) = (1, 2, 1, 4)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            var data = try Data(contentsOf: URL(fileURLWithPath: run.folder.lastCheckpointPath))
            func isRefused(_ data: Data) throws -> Bool {
                do {
                    _ = try Checkpoint(path: "x") { () throws(SystemError) in data }
                    return false
                } catch is TrainingError {
                    return true
                }
            }
            #expect(try !isRefused(data))
            for length in 0..<data.count { #expect(try isRefused(data.prefix(length)), "\(length) bytes") }
            #expect(try isRefused(data + [0]))
            for place in 0..<data.count {
                for bit: UInt8 in 0..<8 {
                    data[place] ^= 1 << bit
                    #expect(try isRefused(data), "bit \(bit) of byte \(place)")
                    data[place] ^= 1 << bit
                }
            }
        }
    }

    @Test("an edited file is said to be one, and a checkpoint of an earlier version without a checksum is read")
    func edited() throws {
        let old = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../Fuzz/Seeds/checkpoint/trained"
        _ = try Checkpoint(path: old)
        var data = try Safetensors(Data(contentsOf: URL(fileURLWithPath: old))).encoded()
        #expect(throws: Never.self) { try Checkpoint(path: "x") { () throws(SystemError) in data } }
        data[data.count - 1] ^= 1
        let error = #expect(throws: TrainingError.self) { try Checkpoint(path: "x") { () throws(SystemError) in data } }
        #expect(error?.description.contains("damaged or edited") == true)
    }

    @Test(
        "hostile headers are refused",
        arguments: [
            #"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
            #"{"x":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}}"#,
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#,
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}"#,
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            #"{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,4]}}"#,
            #"{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#,
            #"{"x":{"dtype":"I8","shape":[1],"data_offsets":[0,5]}}"#,
            #"[]"#, "",
        ])
    func hostile(header: String) {
        var data = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(contentsOf: header.utf8)
        data.append(contentsOf: [0, 0, 0, 0])
        #expect(throws: Safetensors.FormatError.self) { try Safetensors(data) }
    }

    @Test("a file that is not a checkpoint is refused with its path")
    func notACheckpoint() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/x.safetensors"
            for contents in [Data(), try Safetensors().encoded(), Data("hello, world".utf8)] {
                try contents.write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: TrainingError.self) { try Checkpoint(path: path) }
                #expect(error?.description.contains(path) == true)
            }
            #expect(throws: TrainingError.self) { try Checkpoint(path: folder.path + "/missing") }
        }
    }
}
