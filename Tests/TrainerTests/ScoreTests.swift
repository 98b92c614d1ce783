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
            let score = try Score(of: model, on: Score.text(source, for: model, unknown: .fail))

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

    @Test("with unknown characters is refused with the option that leaves them out, or is that of the others")
    func unknown() throws {
        try withTemporaryFolder { folder in
            try Data(try randomModel(.gru)).write(to: folder.appendingPathComponent("model.cgw"))
            func evaluate(_ text: String, _ more: String...) throws -> Command.Result {
                try text.write(to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
                let process = try Command.start(["evaluate", "model.cgw", "text.txt"] + more, in: folder)
                process.waitUntilExit()
                return try Command.result(of: process, in: folder)
            }
            let refused = try evaluate("ab€c\n", "--documents", "line")
            #expect(refused.status == 1 && refused.output.isEmpty)
            #expect(refused.errors.contains("'€' (U+20AC)") && refused.errors.contains("byte offset 2"))
            #expect(refused.errors.contains("--unknown skip"), "\(refused.errors)")
            let lines = try evaluate("ab\nc\n")
            #expect(lines.status == 1 && lines.errors.contains("--documents line"), "\(lines.errors)")

            let known = try evaluate("abc\nab\n", "--documents", "line", "--unknown", "skip")
            let skipped = try evaluate("ab€c\n€ü\nüab\n", "--documents", "line", "--unknown", "skip")
            #expect(known.output.contains("\"unknownCharacters\":0}"), "\(known.errors)")
            #expect(skipped.status == 0)
            #expect(skipped.output == known.output.replacingOccurrences(of: "s\":0}", with: "s\":4}"))
            let shown = try Command.terminal(
                ["evaluate", "model.cgw", "text.txt", "--documents", "line", "--unknown", "skip"], in: folder)
            #expect(shown.contains("over 7 characters; 4 unknown characters are left out"), "\(shown)")

            let none = try evaluate("€\n", "--documents", "line", "--unknown", "skip")
            #expect(none.status == 1 && none.errors.contains("no character that the model knows"))
        }
    }

    @Test("is refused when there is nothing to predict")
    func nothing() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("text.txt").path
            try "a\nb".write(toFile: path, atomically: true, encoding: .utf8)
            let model = try Model(randomModel(.rnn, hasEndOfDocument: false))
            let corpus = try Score.text(CorpusSource(paths: [path], documents: .line), for: model, unknown: .fail)
            #expect(throws: ChargenError.self) { try Score(of: model, on: corpus) }
        }
    }
}
