import Core
import Foundation
import InferenceEngine
import KernelDispatch
import TestSupport
import Testing

@Suite struct ProbabilityTests {
    @Test("Probabilities sum to 1 and are the softmax of the logits", arguments: Backend.available)
    func sum(backend: Backend) throws {
        for cell in Cell.allCases {
            let session = try session(randomModel(cell, range: 2), backend: backend)
            for symbol in 0..<session.model.shape.vocabularySize {
                session.feed(symbol: symbol)
                let exact = session.withLogits { logits in
                    let sum = logits.reduce(0) { $0 + exp(Double($1)) }
                    return logits.map { Double($0) - log(sum) }
                }
                let logProbabilities = exact.indices.map { session.logProbability(of: $0) }
                #expect(abs(logProbabilities.reduce(0) { $0 + exp($1) } - 1) <= 1e-6)
                #expect(zip(logProbabilities, exact).allSatisfy { abs($0 - $1) <= 1e-6 })
            }
        }
    }

    @Test("To ask for a probability changes nothing, whatever the temperature")
    func noEffect() throws {
        let bytes = try randomModel(.lstm)
        let asking = try session(bytes, temperature: 0.5, seed: 8)
        let plain = try session(bytes, temperature: 0.5, seed: 8)
        for _ in 0..<50 {
            let probability = asking.logProbability(of: 3)
            #expect(probability == asking.logProbability(of: 3))
            #expect(asking.logitBits == plain.logitBits)
            #expect(asking.next() == plain.next())
        }
    }

    @Test("A text's score is the sum over its characters, with the same bits in one call, in pieces and on threads")
    func score() throws {
        let text = Array("the quick brown fox jumps over the lazy dog and goes on".utf8)
        for cell in Cell.allCases {
            let bytes = try randomModel(cell, layers: 3, hiddenSize: 70, range: 0.8)
            let plain = try session(bytes)
            var expected = 0.0
            for byte in text {
                let symbol = try #require(plain.model.vocabulary.symbol(of: UInt32(byte)))
                expected += plain.logProbability(of: symbol)
                try plain.feed([byte])
            }
            for threads in [1, 2] {
                let whole = try session(bytes)
                try whole.setThreads(threads)
                let score = try text.withUnsafeBytes { try whole.score($0) }
                #expect(score.characters == text.count)
                #expect(score.logProbability.bitPattern == expected.bitPattern)
                #expect(whole.logitBits == plain.logitBits)
            }
            let pieces = try session(bytes)
            var sum = 0.0
            for byte in text { sum += try [byte].withUnsafeBytes { try pieces.score($0).logProbability } }
            #expect(sum.bitPattern == expected.bitPattern)
        }
    }

    @Test("An empty text scores 0 and changes nothing; skipped characters do not count")
    func scoreOfLittle() throws {
        let bytes = try randomModel(.lstm)
        let scored = try session(bytes)
        let empty = try [UInt8]().withUnsafeBytes { try scored.score($0) }
        #expect(empty.logProbability == 0)
        #expect(empty.characters == 0)
        scored.unknownCharacters = .skip
        let skipped = try Array("Ωa".utf8).withUnsafeBytes { try scored.score($0) }
        let plain = try session(bytes)
        let expected = try Array("a".utf8).withUnsafeBytes { try plain.score($0) }
        #expect(skipped == expected)
        #expect(skipped.characters == 1)
        #expect(scored.logitBits == plain.logitBits)
    }

    @Test(
        "A document's score is that of its characters and its end, alone and in a batch with others",
        arguments: Cell.allCases, [true, false])
    func documents(cell: Cell, carriesDocuments: Bool) throws {
        let bytes = try randomModel(cell, carriesDocuments: carriesDocuments, range: 0.8)
        let texts = ["a longer text than one block", "", "b", "abc"]
        let model = try Model(bytes)
        let (batched, whole, parts) = try (sessions(4), sessions(4), sessions(4))
        func sessions(_ count: Int) throws -> [Session] { try (0..<count).map { _ in try Session(model) } }
        let batch = try Batch(model, capacity: 4)
        // The second round begins after the end of a document.
        for _ in 0..<2 {
            let scores = try batch.score(batched, texts, end: true)
            for (index, text) in texts.enumerated() {
                let score = try whole[index].score(text, end: true)
                #expect(score == scores[index])
                #expect(score.characters == text.count + 1)
                let sum = try parts[index].scoreCharacters(text).reduce(0, +)
                #expect(sum + (try parts[index].logProbability(of: nil as Unicode.Scalar?)) == score.logProbability)
                try parts[index].feed(character: nil)
                for session in [batched[index], whole[index], parts[index]] { #expect(session.hasEnded) }
                #expect(whole[index].logitBits == parts[index].logitBits)
                #expect(whole[index].logitBits == batched[index].logitBits)
            }
        }
    }

    @Test("An unlikely symbol has its true logarithm, not that of 0")
    func unlikely() throws {
        let session = try session(constantModel(logits: [0, -500], characters: "ab"))
        #expect(session.logProbability(of: 0) == 0)
        #expect(session.logProbability(of: 1) == -500)
    }
}
