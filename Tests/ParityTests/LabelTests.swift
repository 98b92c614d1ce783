import Core
import Foundation
import InferenceEngine
import TestSupport
import Testing

@testable import Training

@Suite("Training and the engine agree on labels")
struct LabelTests {
    @Test(
        "the validation loss is what the engine gives for documents with their labels, which tell the texts apart",
        arguments: Cell.allCases, [Settings.Batching.streams, .windows])
    func validation(cell: Cell, batching: Settings.Batching) throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("text.csv").path
            // The label decides the first half of each word.
            let rows = (0..<600).map { index in
                "\(["x", "y", "z"][index % 3]),\(["ba", "do", "ku"][index % 3])\(index % 5)\(index % 7)"
            }
            try rows.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            var source = CorpusSource(paths: [path], csv: .numbers([2]))
            source.labels = LabelSource(columns: [LabelSource.Column("class=1")])
            var settings = Settings(corpus: source)
            (settings.batching, settings.cell, settings.layers, settings.hiddenSize) = (batching, cell, 2, 16)
            (settings.batchSize, settings.time, settings.epochs, settings.learningRate) = (8, 10, 12, 0.02)
            if batching == .windows { (settings.stride, settings.epochs) = (3, 6) }
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()

            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            let model = try Model(checkpoint.modelFile())
            let labels = try #require(run.corpus.labels)
            let session = try Session(model)
            var nats = 0.0
            var count = 0
            var right = 0
            let heldOut = try run.settings.split(run.corpus).heldOut
            for document in heldOut {
                let label = labels.label(ofDocument: labels.document(at: document.lowerBound), column: 0)
                session.reset()
                try session.setLabel(label)
                nats -= session.score(symbols: document.map { run.corpus[$0] })
                count += document.count
                let text = String(
                    String.UnicodeScalarView(
                        document.dropLast().compactMap { model.vocabulary.character(of: run.corpus[$0]) }))
                let probabilities = try session.classify(text)
                right += probabilities.firstIndex(of: probabilities.max() ?? 0) == label ? 1 : 0
            }
            #expect(abs(nats / Double(count) - (try #require(run.progress.validationLoss))) < 1e-4)
            #expect(right == heldOut.count, "of \(heldOut.count)")

            // Each label's texts, and a mixture's, are as those that were learned.
            for (label, beginning) in ["ba", "do", "ku"].enumerated() {
                session.reset()
                try session.setLabel(label)
                let texts = (0..<20).map { _ in session.generate(limit: 20) }
                #expect(texts.count { $0.hasPrefix(beginning) } >= 18, "\(texts)")
            }
        }
    }
}
