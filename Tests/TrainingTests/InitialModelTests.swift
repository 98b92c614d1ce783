import Core
import Foundation
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("A training that starts from a model")
struct InitialModelTests {
    private func train(
        _ text: String, in folder: URL, _ name: String, from initial: InitialModel? = nil, epochs: Int = 4,
        rate: Double = 0.01
    ) throws -> TrainingRun {
        let path = folder.appendingPathComponent(name + ".txt").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let run = try TrainingRun(
            reading: CorpusSource(paths: [path]), folder: RunFolder(path: folder.path + "/" + name),
            startingFrom: initial
        ) { _, _ in
            var settings = Settings(corpus: CorpusSource(paths: []))
            (settings.hiddenSize, settings.batchSize, settings.time) = (16, 4, 20)
            (settings.epochs, settings.learningRate) = (epochs, rate)
            if initial != nil { settings.initialModel = folder.path + "/first" }
            return settings
        }
        _ = try run.train()
        return run
    }

    @Test("knows its old characters as before, and learns new ones", arguments: [false, true])
    func newCharacters(fromFile: Bool) throws {
        try withTemporaryFolder { folder in
            let text = sampleText(characters: 3000)
            let first = try train(text, in: folder, "first", epochs: 6)
            var path = first.folder.path
            if fromFile {
                path = folder.path + "/model.cgw"
                let checkpoint = try Checkpoint(path: first.folder.exportedCheckpointPath())
                try Data(checkpoint.modelFile()).write(to: URL(fileURLWithPath: path))
            }
            let initial = try InitialModel(path: path)
            // Another text, which lacks a character of the first and has a new one.
            let other = text.replacingOccurrences(of: "a", with: "é")
            let second = try train(other, in: folder, "second", from: initial, epochs: 1)
            #expect(second.vocabulary.characters == (first.vocabulary.characters + [0xE9]).sorted())
            let scratch = try train(other, in: folder, "scratch", epochs: 1)
            let (tuned, fresh) = (second.progress.validationLoss, scratch.progress.validationLoss)
            #expect(try #require(tuned) < #require(fresh) - 0.1)

            // With a rate of nearly nothing the logits of old characters are the old model's, up to
            // a constant.
            let kept = try train(other, in: folder, "kept", from: initial, epochs: 1, rate: 1e-9)
            let network = try Network(initial.shape, threads: 1, backend: #require(.chosen()))
            initial.copy(to: network.parameters, initial.vocabulary)
            let letters = "the be".unicodeScalars.map(\.value)
                .filter { initial.vocabulary.symbol(of: $0) != nil }
            func logits(_ network: Network, _ vocabulary: Vocabulary) throws -> [Float] {
                var symbols = SymbolBuffer(symbolCount: vocabulary.count, capacity: letters.count)
                for letter in letters { symbols.append(Int32(try #require(vocabulary.symbol(of: letter)))) }
                let corpus = Corpus(symbols: symbols, vocabulary: vocabulary, documentCount: 1, sha256: "")
                let all = try network.logits(corpus.minibatch(starts: [0], time: letters.count - 1), of: corpus)[0]
                return try initial.vocabulary.characters.map {
                    try #require(all.last)[try #require(vocabulary.symbol(of: $0))]
                }
            }
            let difference = largestDifference(
                try logits(network, initial.vocabulary), try logits(kept.network, kept.vocabulary))
            #expect(difference < 1e-4)
        }
    }

    @Test("resumes with the model's vocabulary, and gives the same bytes")
    func resume() throws {
        try withTemporaryFolder { folder in
            let text = sampleText(characters: 2000)
            let first = try train(text + "ß", in: folder, "first", epochs: 1)
            let initial = try InitialModel(path: first.folder.path)
            let whole = try train(text, in: folder, "whole", from: initial, epochs: 2)
            let half = try train(text, in: folder, "half", from: initial, epochs: 1)
            let resumed = try TrainingRun(resuming: half.folder, change: { $0.epochs = 2 })
            #expect(resumed.vocabulary.symbol(of: 0xDF) != nil)
            _ = try resumed.train()
            #expect(resumed.network.parameters.tensors == whole.network.parameters.tensors)
        }
    }

    @Test("integer weights are refused")
    func integers() throws {
        try withTemporaryFolder { folder in
            let first = try train(sampleText(characters: 2000), in: folder, "first", epochs: 1)
            let path = folder.path + "/model.cgw"
            try Data(Checkpoint(path: first.folder.lastCheckpointPath).modelFile(weights: .int8)).write(
                to: URL(fileURLWithPath: path))
            let error = #expect(throws: ChargenError.self) { try InitialModel(path: path) }
            #expect(error?.message.contains("export it in f32") == true)
            #expect(throws: TrainingError.self) { try InitialModel(path: folder.path + "/first.txt") }
        }
    }
}
