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

    @Test(
        "stopped and resumed, gives the same bytes as without the stop", arguments: Settings.Batching.allCases,
        Cell.allCases)
    func resume(batching: Settings.Batching, cell: Cell) throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, batching, cell)
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            #expect(try whole.train() == .finished)

            let parts = RunFolder(path: folder.path + "/parts")
            var updates = 0
            #expect(
                try TrainingRun(settings, folder: parts).train(
                    shouldStop: { updates == 9 }, onUpdate: { _ in updates += 1 }) == .stopped)
            #expect(try TrainingRun(resuming: parts).train() == .finished)
            #expect(try contents(parts.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
            if batching != .documents {
                #expect(try contents(parts.bestCheckpointPath) == contents(whole.folder.bestCheckpointPath))
            }
        }
    }

    @Test("killed at any update, goes on from the last checkpoint to the same bytes, each report kept once")
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
                // An error out of the loop leaves the folder as a kill would: nothing is saved on the way out.
                #expect(throws: Killed.self) {
                    let training = try TrainingRun(settings, folder: run)
                    _ = try training.train(onUpdate: { _ in if training.progress.updates == end { throw Killed() } })
                }
                _ = try TrainingRun(resuming: run).train()
                #expect(try contents(run.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
                let lines = try contents(run.metricsPath).split(separator: 0x0A)
                let reports = try lines.map { try JSONDecoder().decode(Report.self, from: $0) }
                let expected = whole.folder.reports(.max)
                #expect(reports.map(\.update) == expected.map(\.update))
                #expect(reports.map(\.trainingLoss) == expected.map(\.trainingLoss))
            }
        }
    }

    @Test("the same seed and threads give the same checkpoint, another seed another")
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

    @Test("a loss that is no number ends the training and leaves the last good checkpoint")
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

    @Test("more epochs can be asked for when resuming")
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

    @Test("a checkpoint's model file has the parameters, the vocabulary and where it comes from")
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
                #expect(provenance["chargen"] as? String == TrainingRun.version)
                #expect((provenance["corpus"] as? [String: Any])?["sha256"] as? String == run.corpus.sha256)
                let loss = try #require(provenance["validationLoss"] as? Double)
                #expect(abs(loss - (try #require(checkpoint.progress.validationLoss))) < 1e-12)
                #expect(!file.provenance.contains(folder.path))
            }
        }
    }
}
