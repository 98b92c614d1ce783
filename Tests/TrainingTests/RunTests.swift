import Core
import Foundation
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("A training run")
struct RunTests {
    /// Small settings on a text in `folder`.
    private func settings(_ folder: URL, _ batching: Settings.Batching, _ cell: Cell = .gru) throws -> Settings {
        let text = folder.appendingPathComponent("text.txt").path
        if !FileManager.default.fileExists(atPath: text) {
            try sampleText(characters: 2500).write(toFile: text, atomically: true, encoding: .utf8)
        }
        var settings = Settings(corpus: CorpusSource(paths: [text], documents: batching == .documents ? .line : .whole))
        settings.cell = cell
        settings.batching = batching
        settings.layers = 2
        settings.hiddenSize = 12
        settings.batchSize = 5
        settings.time = 15
        settings.stride = 7
        settings.epochs = 3
        settings.threads = 2
        settings.checkpointInterval = 4
        settings.reportInterval = 6
        return settings
    }

    private func contents(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path))
    }

    private func reports(_ folder: RunFolder) throws -> [Report] {
        try contents(folder.metricsPath).split(separator: 0x0A).map { try JSONDecoder().decode(Report.self, from: $0) }
    }

    @Test(
        "stopped and resumed, gives the same bytes as without the stop", arguments: Settings.Batching.allCases,
        Cell.allCases)
    func resume(batching: Settings.Batching, cell: Cell) throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, batching, cell)
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            #expect(try whole.train() == .finished)

            let resumed = RunFolder(path: folder.path + "/resumed")
            var updates = 0
            #expect(
                try TrainingRun(settings, folder: resumed).train(
                    shouldStop: { updates == 9 }, onUpdate: { _ in updates += 1 }) == .stopped)
            #expect(try TrainingRun(resuming: resumed).train() == .finished)
            #expect(try contents(resumed.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
            if batching != .documents {
                #expect(try contents(resumed.bestCheckpointPath) == contents(whole.folder.bestCheckpointPath))
            }
        }
    }

    @Test("killed at any update and resumed, gives the same bytes, and has each report once")
    func killed() throws {
        struct Killed: Error {}
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.epochs = 2
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            _ = try whole.train()
            let total = whole.progress.updates
            for end in 1...total {
                let run = RunFolder(path: folder.path + "/killed-\(end)")
                // An error in the loop leaves the folder as a kill does: nothing is saved.
                #expect(throws: Killed.self) {
                    let training = try TrainingRun(settings, folder: run)
                    _ = try training.train(onUpdate: { _ in if training.progress.updates == end { throw Killed() } })
                }
                // In every third run the last report is torn, as by a kill while it is written.
                if end % 3 == 0 {
                    let line = try JSONEncoder().encode(#require(reports(whole.folder).last)).prefix(end)
                    try OutputFile(run.metricsPath, O_CREAT).append(line)
                }
                let resumed = try TrainingRun(resuming: run)
                #expect(resumed.missingReports == 0)
                _ = try resumed.train()
                #expect(try contents(run.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
                let (reports, expected) = (try reports(run), try reports(whole.folder))
                #expect(reports.map(\.update) == expected.map(\.update))
                #expect(reports.map(\.trainingLoss) == expected.map(\.trainingLoss))
                #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
            }
        }
    }

    @Test("the same seed gives the same checkpoint, another seed another")
    func deterministic() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .windows)
            settings.epochs = 1
            let checkpoints = try [1, 1, 2].enumerated().map { index, seed in
                settings.seed = UInt64(seed)
                let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/\(index)"))
                _ = try run.train()
                return try contents(run.folder.lastCheckpointPath)
            }
            #expect(checkpoints[0] == checkpoints[1])
            #expect(checkpoints[0] != checkpoints[2])
        }
    }

    @Test("learns in bfloat16 nearly what it learns in floats, and resumes in it", arguments: Cell.allCases)
    func bfloat16(cell: Cell) throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams, cell)
            settings.learningRate = 0.01
            let losses = try Settings.Precision.allCases.map { precision in
                settings.precision = precision
                settings.epochs = 2
                let run = RunFolder(path: folder.path + "/\(precision)")
                _ = try TrainingRun(settings, folder: run).train()
                let resumed = try TrainingRun(resuming: run, epochs: 6)
                #expect(resumed.settings.precision == precision)
                _ = try resumed.train()
                return try #require(resumed.progress.trainingLoss)
            }
            #expect(losses[0] != losses[1])
            #expect(abs(losses[0] - losses[1]) < 0.01 * losses[0])
        }
    }

    @Test("a loss that is NaN ends the training and leaves the last good checkpoint")
    func divergence() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams, .rnn)
            settings.learningRate = 10
            settings.initialRange = 10
            settings.clipElement = 0
            settings.epochs = 1
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            // Weights of up to 1e38 overflow in the first product.
            run.network.parameters.pointer.update(repeating: 3e38, count: run.network.parameters.count)
            #expect(throws: TrainingError.diverged(update: 1)) { try run.train() }
            #expect(try Checkpoint(path: run.folder.lastCheckpointPath).progress.updates == 0)
        }
    }

    @Test("a validation loss that is NaN does the same")
    func divergenceInValidation() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams, .rnn)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            let updates = run.totalUpdates / settings.epochs
            let parameters = run.network.parameters
            #expect(throws: TrainingError.diverged(update: updates)) {
                // Training's own loss is finite to the end of the epoch.
                try run.train(onUpdate: { _ in
                    if run.progress.updates == updates {
                        parameters.pointer.update(repeating: 3e38, count: parameters.count)
                    }
                })
            }
            let kept = try Checkpoint(path: run.folder.lastCheckpointPath)
            #expect(kept.progress.updates == updates / settings.checkpointInterval * settings.checkpointInterval)
            #expect(try reports(run.folder).allSatisfy { $0.validationLoss == nil })
        }
    }

    @Test("a folder in use stays as it is, and is free when the training is over")
    func locked() throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(try settings(folder, .streams), folder: RunFolder(path: folder.path + "/run"))
            func files() throws -> [String: Data] {
                let names = try FileManager.default.contentsOfDirectory(atPath: run.folder.path)
                return try names.reduce(into: [:]) { $0[$1] = try contents(run.folder.path + "/" + $1) }
            }
            let before = try files()
            #expect(before.keys.contains("settings.json"))
            let inUse = TrainingError.invalidRun(path: run.folder.path, "another process is training in it")
            #expect(throws: inUse) { try TrainingRun(resuming: run.folder, epochs: 9) }
            #expect(try files() == before)
            _ = try run.train(onReport: { _ in
                let before = try files()
                #expect(throws: inUse) { try TrainingRun(resuming: run.folder, epochs: 9) }
                #expect(try files() == before)
            })
            #expect(try TrainingRun(resuming: run.folder, epochs: 9).settings.epochs == 9)
        }
    }

    @Test("a training can be resumed with more epochs")
    func longer() throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(try settings(folder, .streams), folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let longer = try TrainingRun(resuming: run.folder, epochs: 4)
            _ = try longer.train()
            #expect(longer.progress.epoch == 5)
        }
    }

    @Test("a changed corpus, a folder in use and a folder without a training are refused")
    func refusals() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams)
            let run = RunFolder(path: folder.path + "/run")
            _ = try TrainingRun(settings, folder: run)
            #expect(throws: TrainingError.self) { try TrainingRun(settings, folder: run) }
            #expect(throws: TrainingError.self) { try TrainingRun(resuming: RunFolder(path: folder.path)) }
            try sampleText(characters: 2500, seed: 2).write(
                toFile: settings.corpus.paths[0], atomically: true, encoding: .utf8)
            #expect(throws: TrainingError.corpusChanged) { try TrainingRun(resuming: run) }
        }
    }

    @Test("a checkpoint's model can be written with fewer bits", arguments: ElementType.allCases)
    func weightTypes(weights: ElementType) throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(
                try settings(folder, .streams, .lstm), folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let checkpoint = try Checkpoint(path: run.folder.exportedCheckpointPath())
            let original = try modelTensors(checkpoint.modelFile())
            let bytes = try checkpoint.modelFile(weights: weights)
            let rounded = try modelTensors(bytes)
            let tolerance: [ElementType: Float] = [.float32: 0, .bfloat16: 0.004, .int8: 0.01, .int4: 0.1]
            try bytes.withUnsafeBytes { bytes in
                let file = try ModelFile(bytes)
                for index in 0..<file.shape.tensorCount {
                    let type = file.elementType(index)
                    #expect(type == weights.elementType(of: file.shape.tensor(index)))
                    let largest = try #require(original[index].map(abs).max())
                    let error = try #require(zip(original[index], rounded[index]).map { abs($0 - $1) }.max())
                    #expect(error <= largest * (try #require(tolerance[type])))
                    #expect((error == 0) == (type == .float32))
                }
            }
        }
    }

    @Test("a checkpoint with a value that is not finite is not exported", arguments: ElementType.allCases)
    func notFinite(weights: ElementType) throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(
                try settings(folder, .streams), folder: RunFolder(path: folder.path + "/run"))
            let data = try contents(run.folder.lastCheckpointPath)
            var file = try Safetensors(data)
            let name = "rnn.weight_hh_l1"
            var elements = try #require(file.tensors[name]).elements
            elements[3] = .nan
            file.tensors[name] = .init(shape: [36, 12], elements: elements)
            try file.encoded().write(to: URL(fileURLWithPath: run.folder.lastCheckpointPath))
            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            #expect(
                throws: TrainingError.invalidCheckpoint(
                    path: run.folder.lastCheckpointPath, "tensor '\(name)' has a value that is not finite")
            ) { try checkpoint.modelFile(weights: weights) }
        }
    }

    @Test("a checkpoint's model file has the parameters, the vocabulary and the provenance")
    func export() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams, .lstm)
            settings.corpus.documents = .line
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let checkpoint = try Checkpoint(path: run.folder.exportedCheckpointPath())
            let bytes = try checkpoint.modelFile()
            try bytes.withUnsafeBytes { bytes in
                let file = try ModelFile(bytes)
                #expect(file.shape == run.shape)
                #expect(file.vocabulary == run.corpus.vocabulary)
                #expect(file.vocabulary.hasEndOfDocument)
                let provenance = try #require(
                    try JSONSerialization.jsonObject(with: Data(file.provenance.utf8)) as? [String: Any])
                #expect(provenance["chargen"] as? String == chargenVersion)
                #expect((provenance["corpus"] as? [String: Any])?["sha256"] as? String == run.corpus.sha256)
                let loss = try #require(provenance["validationLoss"] as? Double)
                #expect(abs(loss - (try #require(checkpoint.progress.validationLoss))) < 1e-12)
                #expect(!file.provenance.contains(folder.path))
            }
        }
    }

    @Test("provenance is bounded, however many files a corpus has, and names no folder")
    func boundedProvenance() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams, .rnn)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            var description = try Checkpoint(path: run.folder.lastCheckpointPath).description
            description.settings.corpus.paths = (0..<30_000).map {
                "/private/folder/\($0)" + String(repeating: "x", count: 240)
            }
            description.settings.corpus.list = "/private/list"
            description.settings.corpus = description.settings.corpus.withAbsolutePaths
            #expect(description.provenance.utf8.count < 4096)
            let provenance = try #require(
                try JSONSerialization.jsonObject(with: Data(description.provenance.utf8)) as? [String: Any])
            #expect(provenance["inputs"] as? Int == 30_001)
            #expect(!description.provenance.contains("private"))
        }
    }
}
