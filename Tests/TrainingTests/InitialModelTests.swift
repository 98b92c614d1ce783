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
        rate: Double = 0.01, minimumCount: Int? = nil
    ) throws -> TrainingRun {
        let path = folder.appendingPathComponent(name + ".txt").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        var source = CorpusSource(paths: [path])
        source.minimumCount = minimumCount
        let run = try TrainingRun(
            reading: source, folder: RunFolder(path: folder.path + "/" + name), startingFrom: initial
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
            initial.copy(to: network.parameters, initial.vocabulary, nil)
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

    @Test(
        "keeps the unknown symbol, gives new characters rows, and makes rare new ones unknown",
        arguments: [false, true])
    func unknownSymbol(fromFile: Bool) throws {
        try withTemporaryFolder { folder in
            let text = sampleText(characters: 2000)
            let first = try train(text + "ßü", in: folder, "first", epochs: 1, minimumCount: 2)
            #expect(first.corpus.differentUnknownCount == 2)
            var path = first.folder.path
            if fromFile {
                path = folder.path + "/model.cgw"
                try Data(Checkpoint(path: first.folder.exportedCheckpointPath()).modelFile()).write(
                    to: URL(fileURLWithPath: path))
            }
            let initial = try InitialModel(path: path)
            // The model's characters keep their rows, however rare; of the new ones the frequent
            // get rows.
            let other = text.filter { $0 != "." } + ".éé€ß"
            let second = try train(other, in: folder, "second", from: initial, epochs: 1, rate: 1e-9, minimumCount: 2)
            #expect(second.vocabulary.characters == (first.vocabulary.characters + [0xE9]).sorted())
            #expect(second.vocabulary.hasUnknown)
            #expect((second.corpus.unknownCount, second.corpus.differentUnknownCount) == (2, 2))
            let plain = try train(other, in: folder, "plain", from: initial, epochs: 1, rate: 1e-9)
            #expect(plain.vocabulary.hasUnknown && plain.corpus.unknownCount == 0)
            #expect(plain.vocabulary.characters == (second.vocabulary.characters + [0xDF, 0x20AC]).sorted())

            // At a rate of nearly nothing the unknown symbol's bias and column are the model's.
            for run in [second, plain] {
                for (index, columns) in [(0, true), (initial.shape.tensorCount - 1, false)] {
                    let (old, new) = (first.network.parameters.tensor(index), run.network.parameters.tensor(index))
                    let unknown = try #require(initial.vocabulary.unknown)
                    let newUnknown = try #require(run.vocabulary.unknown)
                    for row in 0..<(columns ? initial.shape.tensor(0).rows : 1) {
                        let before = old[row * initial.vocabulary.count + unknown]
                        #expect(abs(new[row * run.vocabulary.count + newUnknown] - before) < 1e-5)
                    }
                }
            }
        }
    }

    @Test("gets an unknown symbol that it lacks, and resumes with it")
    func newUnknownSymbol() throws {
        try withTemporaryFolder { folder in
            let text = sampleText(characters: 2000)
            let first = try train(text, in: folder, "first", epochs: 1)
            let initial = try InitialModel(path: first.folder.path)
            let whole = try train(text + "ßé", in: folder, "whole", from: initial, epochs: 2, minimumCount: 2)
            #expect(whole.vocabulary.characters == first.vocabulary.characters && whole.vocabulary.hasUnknown)
            let half = try train(text + "ßé", in: folder, "half", from: initial, epochs: 1, minimumCount: 2)
            let resumed = try TrainingRun(resuming: half.folder, change: { $0.epochs = 2 })
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
