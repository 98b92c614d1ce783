import Core
import Foundation
import InferenceEngine
import TestSupport
import Testing

@testable import Training

/// A model of documents generates them as they are, the first of a session as well as any other,
/// and is validated as it is evaluated.
@Suite("Documents in training and in generation")
struct DocumentTests {
    /// Six letters each: a capital, of which some are twice or four times as frequent as others,
    /// and five small ones.
    private func names(_ count: Int) -> [String] {
        var random = SplitMix64(seed: 11)
        let capitals = Array("AAAABBCCDE")
        let letters = Array("abcdefgh")
        return (0..<count).map { _ in
            let rest = (0..<5).map { _ in letters[Int(random.next() % 8)] }
            return String([capitals[Int(random.next() % 10)]] + rest)
        }
    }

    /// A training on the names.
    private func train(
        _ batching: Settings.Batching, cell: Cell, _ names: [String], minimumCount: Int? = nil, in folder: URL
    ) throws -> TrainingRun {
        let text = folder.appendingPathComponent("names.txt").path
        try names.joined(separator: "\n").write(toFile: text, atomically: true, encoding: .utf8)
        var settings = Settings(corpus: CorpusSource(paths: [text], documents: .line))
        settings.corpus.minimumCount = minimumCount
        settings.cell = cell
        settings.batching = batching
        settings.layers = 1
        settings.hiddenSize = 24
        settings.batchSize = 16
        settings.time = 30
        settings.stride = 5
        settings.epochs = batching == .streams ? 12 : 3
        settings.learningRate = 0.01
        settings.schedule = .cosine
        settings.threads = 2
        let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
        _ = try run.train()
        return run
    }

    @Test(
        "the first letters of new sessions have the list's distribution",
        arguments: [Settings.Batching.streams, .windows], [Cell.gru, .lstm])
    func firstLetters(batching: Settings.Batching, cell: Cell) throws {
        try withTemporaryFolder { folder in
            let names = names(2500)
            let run = try train(batching, cell: cell, names, in: folder)
            let model = try Model(run.parameters, vocabulary: run.vocabulary)
            let session = try Session(model)
            let count = 2000
            var generated: [Character: Int] = [:]
            var later: [Character: Int] = [:]
            for seed in 0..<count {
                session.seed = UInt64(seed)
                session.reset()
                let first = session.generate(limit: 50)
                generated[first.first ?? " ", default: 0] += 1
                later[session.generate(limit: 50).first ?? " ", default: 0] += 1
            }
            let expected = Dictionary(names.compactMap { $0.first }.map { ($0, 1.0) }, uniquingKeysWith: +)
            for counts in [generated, later] {
                // So small a model is not sure of what never comes first.
                let others = counts.reduce(0) { $0 + (expected[$1.key] == nil ? $1.value : 0) }
                #expect(others < count / 66, "\(counts)")
                #expect(chiSquared(expected, counts.mapValues(Double.init)) < 18.5, "\(counts)")
            }
        }
    }

    /// The statistic of two samples, the list and what is generated. With five letters, so four
    /// degrees of freedom, 18.5 has a probability of 0.001.
    private func chiSquared(_ list: [Character: Double], _ generated: [Character: Double]) -> Double {
        let (first, second) = (list.values.reduce(0, +), list.keys.reduce(0) { $0 + generated[$1, default: 0] })
        return list.reduce(0) { sum, letter in
            let count = generated[letter.key, default: 0]
            let difference = letter.value / first - count / second
            return sum + difference * difference * first * second / (letter.value + count)
        }
    }

    @Test(
        "the validation loss is what evaluation gives for the documents held out",
        arguments: [Settings.Batching.streams, .windows], [Cell.gru, .lstm])
    func validation(batching: Settings.Batching, cell: Cell) throws {
        try withTemporaryFolder { folder in
            let run = try train(batching, cell: cell, names(600), in: folder)
            let loss = try #require(run.progress.validationLoss)
            let model = try Model(run.parameters, vocabulary: run.vocabulary)
            let heldOut = try run.settings.split(run.corpus).heldOut
            #expect(heldOut.count == 30)
            var nats = 0.0
            var count = 0
            for document in heldOut {
                nats -= try Session(model).score(symbols: document.map { run.corpus[$0] })
                count += document.count
            }
            #expect(abs(nats / Double(count) - loss) < 1e-4)
        }
    }

    @Test(
        "with rare characters, the validation loss is what the engine gives for the names as they are",
        arguments: [Settings.Batching.streams, .windows], [Cell.gru, .lstm])
    func unknownSymbol(batching: Settings.Batching, cell: Cell) throws {
        try withTemporaryFolder { folder in
            // Every third name has a character that no other has, of those held out too.
            let names = names(600).enumerated().map { index, name in
                index % 3 == 0 ? String(name.dropLast()) + String(UnicodeScalar(0x4E00 + index) ?? "?") : name
            }
            let run = try train(batching, cell: cell, names, minimumCount: 2, in: folder)
            #expect((run.corpus.unknownCount, run.corpus.differentUnknownCount) == (200, 200))
            let loss = try #require(run.progress.validationLoss)
            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            let session = try Session(Model(checkpoint.modelFile()))
            let end = try #require(session.model.vocabulary.endOfDocument)
            let unknown = try #require(session.model.vocabulary.unknown)
            var nats = 0.0
            var count = 0
            var unknownCount = 0
            for document in try run.settings.split(run.corpus).heldOut {
                // Documents have seven symbols, the end among them.
                let name = names[document.lowerBound / 7]
                session.reset()
                nats -= try session.score(name).logProbability + session.logProbability(of: end)
                count += document.count
                unknownCount += document.count { run.corpus[$0] == unknown }
            }
            #expect(unknownCount > 0 && count == 7 * 30)
            #expect(abs(nats / Double(count) - loss) < 1e-4)

            // The model has learned that an unknown character comes last, and yet generates none.
            session.reset()
            try session.feed("Aabcd")
            #expect(session.logProbability(of: unknown) > -3)
            session.seed = 1
            for _ in 0..<500 {
                let name = session.generate(limit: 50)
                #expect(session.hasEnded || name.unicodeScalars.count == 50)
            }
        }
    }

    @Test("the validation loss of a text held out at its end is nearly that of a reading in one go")
    func validationOfOneText() throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("text.txt").path
            try sampleText(characters: 20_000).write(toFile: text, atomically: true, encoding: .utf8)
            var settings = Settings(corpus: CorpusSource(paths: [text]))
            (settings.hiddenSize, settings.epochs, settings.learningRate) = (24, 2, 0.01)
            (settings.batchSize, settings.heldOut, settings.validationFraction) = (10, .end, 0.2)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let heldOut = try #require(try run.settings.split(run.corpus).heldOut.first)
            let session = try Session(Model(run.parameters, vocabulary: run.vocabulary))
            session.feed(symbol: run.corpus[heldOut.lowerBound])
            let nats = -session.score(symbols: heldOut.dropFirst().map { run.corpus[$0] })
            let loss = try #require(run.progress.validationLoss)
            #expect(abs(nats / Double(heldOut.count - 1) - loss) < 1e-3)
        }
    }
}
