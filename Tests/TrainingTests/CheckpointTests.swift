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

    @Test("every truncated or damaged file is read or refused, never a crash")
    func damage() throws {
        var file = Safetensors()
        file.metadata = ["chargen": "{}"]
        file.tensors = ["x": .init(shape: [2], elements: [1, 2]), "y": .init(shape: [1], elements: [3])]
        let data = try file.encoded()
        for length in 0..<data.count {
            #expect(throws: Safetensors.FormatError.self) { try Safetensors(data.prefix(length)) }
        }
        for place in 0..<data.count {
            for bit in 0..<8 {
                var damaged = data
                damaged[place] ^= 1 << UInt8(bit)
                _ = try? Safetensors(damaged)
            }
        }
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
