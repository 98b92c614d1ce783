import Core
import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Runs whose files somebody has edited")
struct EditedRunTests {
    /// Runs `body` with a stopped training of five updates.
    private func withRun(_ body: (RunFolder) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let text = folder.path + "/text.txt"
            try sampleText(characters: 2500).write(toFile: text, atomically: true, encoding: .utf8)
            var settings = Settings(corpus: CorpusSource(paths: [text]))
            (settings.layers, settings.hiddenSize, settings.batchSize, settings.time) = (1, 6, 4, 15)
            (settings.epochs, settings.reportInterval) = (2, 2)
            let run = RunFolder(path: folder.path + "/run")
            let training = try TrainingRun(settings, folder: run)
            _ = try training.train(shouldStop: { training.progress.updates == 5 })
            try body(run)
        }
    }

    /// Replaces a checkpoint's description by what `edit` makes of its JSON.
    private func edit(_ run: RunFolder, _ edit: (inout [String: Any]) -> Void) throws {
        let url = URL(fileURLWithPath: run.lastCheckpointPath)
        var file = try Safetensors(Data(contentsOf: url))
        let json = Data(try #require(file.metadata["chargen"]).utf8)
        var object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        edit(&object)
        file.metadata["chargen"] = String(
            decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys), as: UTF8.self)
        try file.encoded().write(to: url)
    }

    /// The message with which the training does not go on; nil if it goes on.
    private func refusal(_ run: RunFolder) throws -> String? {
        do {
            var updates = 0
            _ = try TrainingRun(resuming: run).train(shouldStop: { updates == 2 }, onUpdate: { _ in updates += 1 })
            return nil
        } catch let error as TrainingError {
            return error.description
        }
    }

    @Test(
        "a number of the progress that is impossible is named",
        arguments: [
            ("epoch", Int.min), ("epoch", 0), ("epoch", 1 << 40), ("updatesInEpoch", -1), ("updatesInEpoch", 1 << 62),
            ("updatesInEpoch", 4), ("updates", Int.max), ("updates", -1), ("updates", 6), ("reports", -1),
            ("reports", 6), ("lossCount", Int.max), ("leaps", 20), ("leaps", -1), ("rollbacks", 6),
            ("plannedUpdates", -1), ("validationsSinceBest", 6), ("reduction", 2), ("reduction", -1),
        ])
    func progress(name: String, value: Int) throws {
        try withRun { run in
            try edit(run) { object in
                var progress = object["progress"] as? [String: Any] ?? [:]
                progress[name] = value
                object["progress"] = progress
            }
            let refusal = try #require(try refusal(run))
            #expect(refusal.contains("'\(name)'") && refusal.contains(run.lastCheckpointPath), "\(refusal)")
        }
    }

    @Test("no value of any field ends the process: it is refused, or the training goes on")
    func everyField() throws {
        try withRun { run in
            let url = URL(fileURLWithPath: run.lastCheckpointPath)
            let whole = try Data(contentsOf: url)
            let values: [Any] = [
                -1, 0, 1, 1 << 31, 1 << 48, 1 << 62, Int.max, Int.min, 1e308, 0.5, NSNull(), "x", [Int](), [-1],
                [1 << 32],
            ]
            var fields: [(group: String?, name: String)] = []
            try edit(run) { object in
                fields = object.keys.map { (nil, $0) }
                for (group, value) in object {
                    fields += (value as? [String: Any] ?? [:]).keys.map { (group, $0) }
                }
            }
            #expect(fields.count > 50)
            // These only cost time or memory that the values ask for.
            for field in fields where !["threads", "time", "batchSize"].contains(field.name) {
                for value in values {
                    try whole.write(to: url)
                    try edit(run) { object in
                        guard let group = field.group else { return object[field.name] = value }
                        var part = object[group] as? [String: Any] ?? [:]
                        part[field.name] = value
                        object[group] = part
                    }
                    do { _ = try refusal(run) } catch {}
                    _ = try? Checkpoint(path: run.lastCheckpointPath).modelFile()
                }
            }
        }
    }

    @Test("a checkpoint of a later version is refused, and one of this or an earlier version is not")
    func version() throws {
        try withRun { run in
            for (version, isLater) in [("99.0.0", true), ("0.99", true), ("0.1.0", false), (chargenVersion, false)] {
                try edit(run) { $0["version"] = version }
                let refusal = try refusal(run)
                #expect((refusal != nil) == isLater)
                #expect(!isLater || refusal?.contains("it is of chargen \(version), and this is") == true)
            }
        }
    }

    @Test(
        "a state or moment that no training reaches is refused",
        arguments: [
            ("state.hidden", Float(3e38)), ("state.hidden", -1.01), ("state.hidden", .nan), ("state.cell", 1e6),
            ("adam.second.fc.bias", -1),
        ])
    func tensors(name: String, value: Float) throws {
        try withRun { run in
            let url = URL(fileURLWithPath: run.lastCheckpointPath)
            var file = try Safetensors(Data(contentsOf: url))
            file.tensors[name]?.elements[1] = value
            try file.encoded().write(to: url)
            #expect(try #require(try refusal(run)).contains("tensor '\(name)' has the value"))
        }
    }

    @Test("edited settings are named, and a file without settings is said to be none; unchanged ones are no news")
    func settings() throws {
        try withRun { run in
            #expect(try TrainingRun(resuming: run, change: { $0.threads = 2 }).notes.isEmpty)
            #expect(try TrainingRun(resuming: run).notes.isEmpty)
            let url = URL(fileURLWithPath: run.path + "/settings.json")
            let text = try String(contentsOf: url, encoding: .utf8)
            let edited = text.replacing(#""epochs" : 2"#, with: #""epochs" : 7, "lerningRate" : 1"#)
            try edited.write(to: url, atomically: true, encoding: .utf8)
            let note = try #require(try TrainingRun(resuming: run).notes.first)
            #expect(note.hasPrefix("settings.json has other values of epochs, lerningRate; "), "\(note)")
            try "{".write(to: url, atomically: true, encoding: .utf8)
            let settings = try Checkpoint(path: run.lastCheckpointPath).settings
            #expect(try #require(run.settingsNote(settings)).contains("no settings that can be read"))
        }
    }

    @Test("lines that cannot be read are counted and stay; one that is torn at the end goes in silence")
    func lines() throws {
        try withRun { run in
            let url = URL(fileURLWithPath: run.metricsPath)
            let reports = try String(contentsOf: url, encoding: .utf8)
            try run.append(Sample(update: 2, text: "a"))
            let samples = URL(fileURLWithPath: run.path + "/samples.jsonl")
            let sample = try String(contentsOf: samples, encoding: .utf8)
            try ("mine\n" + reports + "torn").write(to: url, atomically: true, encoding: .utf8)
            try ("mine\nyours\n" + sample + "torn").write(to: samples, atomically: true, encoding: .utf8)
            #expect(
                try TrainingRun(resuming: run).notes == [
                    "metrics.jsonl has 1 line that cannot be read as a report",
                    "samples.jsonl has 2 lines that cannot be read as a sample",
                ])
            #expect(try String(contentsOf: url, encoding: .utf8) == "mine\n" + reports)
            #expect(try String(contentsOf: samples, encoding: .utf8) == "mine\nyours\n" + sample)
        }
    }
}
