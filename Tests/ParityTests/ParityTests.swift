import CChargen
import Core
import Foundation
import InferenceEngine
import KernelDispatch
import TestSupport
import Testing

@testable import Training

/// Compares training and the inference engine, which share only kernels and the file format, on
/// trained models.
@Suite("Training and the engine agree")
struct ParityTests {
    @Test("on the logits of a trained model of each cell, on every backend", arguments: Cell.allCases)
    func logits(cell: Cell) throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("text.txt").path
            try sampleText(characters: 6000).write(toFile: text, atomically: true, encoding: .utf8)
            var settings = Settings(corpus: CorpusSource(paths: [text]))
            settings.cell = cell
            settings.hiddenSize = 40
            settings.batchSize = 8
            settings.time = 20
            settings.epochs = 12
            settings.learningRate = 0.01
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            var losses: [Double] = []
            _ = try run.train(onReport: { losses.append($0.trainingLoss) })
            #expect(try #require(losses.last) < #require(losses.first) - 0.5, "nothing was learned")

            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            let network = try Network(checkpoint.shape, threads: 1, backend: #require(.chosen()))
            try checkpoint.restore(network, Optimiser(network), nil)
            let length = 300
            let minibatch = Minibatch(of: Stretches([0..<run.corpus.count - 1]), starts: [100], time: length)
            let expected = try network.logits(minibatch, of: run.corpus)[0]

            let bytes = try checkpoint.modelFile()
            for backend in Backend.available {
                let model = try bytes.withUnsafeBytes { try Model(bytes: $0, backend: backend) }
                let session = try Session(model)
                var largest: Float = 0
                for step in 0..<length {
                    session.feed(symbol: run.corpus[100 + step])
                    session.withLogits { logits in
                        for (index, logit) in logits.enumerated() {
                            largest = max(largest, abs(logit - expected[step][index]))
                        }
                    }
                }
                #expect(largest <= 1e-5, "\(backend.name)")
            }
        }
    }

    @Test("on the version, as the header does")
    func version() {
        #expect(chargenVersion == String(cString: chargen_version()))
    }

    @Test("on the cross-entropy of a text")
    func crossEntropy() throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("text.txt").path
            try sampleText(characters: 3000).write(toFile: text, atomically: true, encoding: .utf8)
            var settings = Settings(corpus: CorpusSource(paths: [text]))
            settings.hiddenSize = 24
            settings.batchSize = 4
            settings.time = 25
            settings.epochs = 2
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            let network = try Network(checkpoint.shape, threads: 1, backend: #require(.chosen()))
            try checkpoint.restore(network, Optimiser(network), nil)
            let minibatch = Minibatch(of: Stretches([0..<run.corpus.count - 1]), starts: [0], time: 500)
            let expected = try network.loss(minibatch, of: run.corpus, state: nil)

            let session = try Session(Model(checkpoint.modelFile()))
            var nats = 0.0
            for place in 0..<500 {
                session.feed(symbol: run.corpus[place])
                nats -= session.logProbability(of: run.corpus[place + 1])
            }
            #expect(abs(nats / 500 - expected) < 1e-5)
        }
    }
}
