import Core
import Foundation
import InferenceEngine
import TestSupport
import Testing

@Suite("trainer import")
struct ImportCommandTests {
    /// Runs `body` in a folder with the weights of a GRU, `weights.safetensors`, its characters,
    /// `chars.json`, and a text of them, `text.txt`.
    private func withNetwork(_ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            var random = SplitMix64(seed: 1)
            var header: [String: Any] = [:]
            var data = Data()
            let shapes = [
                "gru.weight_ih_l0": [24, 5], "gru.weight_hh_l0": [24, 8], "gru.bias_ih_l0": [24],
                "gru.bias_hh_l0": [24],
                "fc.weight": [5, 8], "fc.bias": [5],
            ]
            for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
                let start = data.count
                for _ in 0..<shape.reduce(1, *) {
                    let value = Float(random.next() >> 40) * 0x1p-23 - 1
                    withUnsafeBytes(of: value) { data.append(contentsOf: $0) }
                }
                header[name] = ["dtype": "F32", "shape": shape, "data_offsets": [start, data.count]]
            }
            let json = try JSONSerialization.data(withJSONObject: header)
            let file = withUnsafeBytes(of: UInt64(json.count)) { Data($0) } + json + data
            try file.write(to: folder.appendingPathComponent("weights.safetensors"))
            try Data(#"{"a": 0, "b": 1, "c": 2, "d": 3, " ": 4}"#.utf8).write(
                to: folder.appendingPathComponent("chars.json"))
            try Data("abcd dcba abba".utf8).write(to: folder.appendingPathComponent("text.txt"))
            try body(folder)
        }
    }

    @Test("writes a model that generates, passes its self-test and can be trained further", arguments: ["f32", "int4"])
    func wholeJob(weights: String) throws {
        try withNetwork { folder in
            let result = try Command.trainer(
                "import", "weights.safetensors", "--vocabulary", "chars.json", "--weights", weights, "--text",
                "text.txt",
                in: folder)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("model.cgw: ") && result.errors.contains(", from weights.safetensors"))
            let line = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
            #expect(line["weights"] as? String == weights && (line["bitsPerCharacter"] as? Double ?? 0) > 1)
            let inspection = try Command.trainer("inspect", "model.cgw", in: folder).output
            #expect(inspection.contains("cell:        gru\n") && inspection.contains("self-test:   passed\n"))
            #expect(inspection.contains(#""file" : "weights.safetensors""#))
            #expect(try Command.trainer("generate", "model.cgw", "--length", "9", in: folder).output.utf8.count == 10)
            guard weights == "f32" else { return }
            let training = try Command.trainer(
                "train", "text.txt", "--from", "model.cgw", "--batch", "1", "--time", "4", "--epochs", "1",
                "--validation",
                "0", "--run", "run", in: folder)
            #expect(training.status == 0, "\(training.errors)")
        }
    }

    @Test("compares the model's logits with the network's")
    func logits() throws {
        try withNetwork { folder in
            func run() throws -> Command.Result {
                try Command.trainer(
                    "import", "weights.safetensors", "--vocabulary", "chars.json", "--text", "text.txt", "--logits",
                    "logits",
                    in: folder)
            }
            func write(_ rows: [[Float]]) throws {
                let header =
                    #"{"logits":{"dtype":"F32","shape":[\#(rows.count),5],"data_offsets":[0,\#(rows.count * 20)]}}"#
                let file = withUnsafeBytes(of: UInt64(header.utf8.count)) { Data($0) } + Data(header.utf8)
                try (file + rows.flatMap { $0 }.withUnsafeBytes { Data($0) }).write(
                    to: folder.appendingPathComponent("logits"))
            }
            _ = try Command.trainer("import", "weights.safetensors", "--vocabulary", "chars.json", in: folder)
            let session = try Session(Model(contentsOf: folder.path + "/model.cgw"))
            var rows: [[Float]] = try "abcd dcba ".map {
                try session.feed(String($0))
                // The space is the network's last symbol and the model's first.
                let logits = session.logits()
                return Array(logits.dropFirst()) + logits.prefix(1)
            }
            try write(rows)
            let result = try run()
            #expect(
                result.status == 0
                    && result.errors.contains(
                        "the logits after 10 characters differ from the network's by at most 0.0\n"),
                "\(result.errors)")
            rows[7][2] += 0.1
            try write(rows)
            let refused = try run()
            #expect(
                refused.status == 1 && refused.errors.contains("after character 8 of the text"), "\(refused.errors)")
            rows[7][2] = .nan
            try write(rows)
            #expect(try run().errors.contains("cannot import 'logits': tensor 'logits' has a value that is not finite"))
            try write([[Float]](repeating: rows[0], count: 15))
            #expect(try run().errors.contains("the logits are of 15 characters, and the text has 14 characters"))
        }
    }

    @Test("replaces models and nothing else")
    func output() throws {
        try withNetwork { folder in
            func run(_ output: String) throws -> Command.Result {
                try Command.trainer(
                    "import", "weights.safetensors", "--vocabulary", "chars.json", "--output", output, in: folder)
            }
            for _ in 0..<2 { #expect(try run("other.cgw").status == 0) }
            let refused = try run("text.txt")
            #expect(refused.status == 1, "\(refused.errors)")
            #expect(refused.errors.contains("'text.txt': it exists, and is not a .cgw file"))
            #expect(
                try String(contentsOf: folder.appendingPathComponent("text.txt"), encoding: .utf8).hasPrefix("abcd"))
        }
    }

    @Test("names the file that is wrong")
    func faults() throws {
        try withNetwork { folder in
            for (weights, vocabulary, message) in [
                ("missing", "chars.json", "cannot import 'missing': No such file or directory\n"),
                ("weights.safetensors", "missing", "cannot import 'missing': No such file or directory\n"),
                ("weights.safetensors", ".", "cannot import '.': Is a directory\n"),
                ("text.txt", "chars.json", "cannot import 'text.txt': it is not a safetensors file"),
                ("weights.safetensors", "text.txt", "cannot import 'text.txt': it is neither a JSON array"),
            ] {
                let result = try Command.trainer("import", weights, "--vocabulary", vocabulary, in: folder)
                #expect(result.status == 1 && result.errors.contains(message), "\(result.errors)")
                #expect(!FileManager.default.fileExists(atPath: folder.path + "/model.cgw"))
            }
            let usage = try Command.trainer("import", "weights.safetensors", in: folder)
            #expect(usage.status == 64 && usage.errors.contains("--vocabulary"))
        }
    }
}
