import Foundation
import InferenceEngine
import TestSupport
import Testing
import Training

@testable import Trainer

@Suite("The score of a text")
struct ScoreTests {
    /// Documents shorter and longer than the blocks in which a session reads.
    private let documents = ["a", "be", String(repeating: "the same again ", count: 5), "z"]

    @Test("is the sum over its characters, one at a time, from the start of each document", arguments: [true, false])
    func sum(hasEndOfDocument: Bool) throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("text.txt").path
            try documents.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            let model = try Model(randomModel(.gru, hasEndOfDocument: hasEndOfDocument))
            let source = CorpusSource(paths: [path], documents: .line)
            let score = try Score(of: model, on: Score.text(source, for: model))

            let session = try Session(model)
            var sum = 0.0
            var count = 0
            for document in documents {
                session.reset()
                for (place, scalar) in document.unicodeScalars.enumerated() {
                    let symbol = try #require(model.vocabulary.symbol(of: scalar.value))
                    if place > 0 || hasEndOfDocument {
                        sum -= session.logProbability(of: symbol)
                        count += 1
                    }
                    session.feed(symbol: symbol)
                }
                if let end = model.vocabulary.endOfDocument {
                    sum -= session.logProbability(of: end)
                    count += 1
                }
            }
            #expect(score.characters == count)
            #expect(abs(score.nats - sum / Double(count)) < 1e-12)
        }
    }

    @Test("is refused when there is nothing to predict")
    func nothing() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("text.txt").path
            try "a\nb".write(toFile: path, atomically: true, encoding: .utf8)
            let model = try Model(randomModel(.rnn, hasEndOfDocument: false))
            let corpus = try Score.text(CorpusSource(paths: [path], documents: .line), for: model)
            #expect(throws: (any Error).self) { try Score(of: model, on: corpus) }
        }
    }
}
