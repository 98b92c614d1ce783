import Core
import Foundation
import InferenceEngine
import KernelDispatch
import TestSupport
import Testing

/// The symbol that stands for every character that a model does not know: read, never generated.
@Suite struct UnknownSymbolTests {
    /// Models whose logits never change, with the unknown symbol by far the likeliest, and the same
    /// without it.
    private func models(hasEndOfDocument: Bool) throws -> (with: [UInt8], without: [UInt8]) {
        let end: [Float] = hasEndOfDocument ? [-2] : []
        return (
            try constantModel(
                logits: [1, 0.5, -1, 20] + end, characters: "abc", hasUnknown: true, hasEndOfDocument: hasEndOfDocument),
            try constantModel(
                logits: [1, 0.5, -1] + end, characters: "abc", hasEndOfDocument: hasEndOfDocument)
        )
    }

    @Test(
        "However likely, it is never generated: the text is that of a model without it", arguments: Backend.available,
        [false, true])
    func neverGenerated(backend: Backend, hasEndOfDocument: Bool) throws {
        let models = try models(hasEndOfDocument: hasEndOfDocument)
        for temperature in [0, 0.001, 0.5, 1, 1000] as [Float] {
            func text(_ bytes: [UInt8]) throws -> String {
                try session(bytes, backend: backend, temperature: temperature, seed: 9).text(5000)
            }
            #expect(try text(models.with) == text(models.without))
        }
    }

    @Test("In a batch each session generates what it does alone", arguments: Cell.allCases)
    func batch(cell: Cell) throws {
        let model = try Model(randomModel(cell, characters: "abc", hasUnknown: true, range: 0.9))
        func sessions() throws -> [Session] {
            try ([0, 0.5, 1, 1000] as [Float]).enumerated().map { seed, temperature in
                let session = try Session(model)
                session.seed = UInt64(seed)
                try session.setTemperature(temperature)
                return session
            }
        }
        let (alone, together) = (try sessions(), try sessions())
        let batch = try Batch(model, capacity: 4)
        try batch.feed(together, ["", "x", "aßb", "abc中"])
        for (session, text) in zip(alone, ["", "x", "aßb", "abc中"]) { try session.feed(text) }
        var ends = 0
        for _ in 0..<2000 {
            let next = try batch.next(together)
            #expect(next == alone.map { $0.next() })
            // An unknown symbol would be nil too, and no end of the document.
            #expect(zip(next, together).allSatisfy { ($0 == nil) == $1.hasEnded })
            ends += next.count { $0 == nil }
        }
        #expect(ends > 0)
    }

    @Test("It is not generated either where logits overflow", arguments: [0, 1] as [Float])
    func overflow(temperature: Float) throws {
        // The hidden state is 1. The unknown symbol's logit is infinite.
        let infinite = try model(.rnn, characters: "ab", hasUnknown: true) { tensor, element in
            switch tensor.role {
            case .inputBias: 50
            case .outputWeight, .outputBias: element == 2 ? 3e38 : 0
            default: 0
            }
        }
        let session = try session(infinite, temperature: temperature)
        try session.feed("a")
        #expect(session.withLogits { $0[2] } == .infinity)
        #expect(Set(session.text(1000)).isSubset(of: ["a", "b"]))
        // Of all others none is above negative infinity: the choice is the first symbol.
        let others = try model(.rnn, characters: "ab", hasUnknown: true) { tensor, element in
            switch tensor.role {
            case .inputBias: 50
            case .outputWeight, .outputBias: element == 2 ? 0 : -3e38
            default: 0
            }
        }
        let other = try InferenceEngineTests.session(others, temperature: temperature)
        try other.feed("a")
        #expect(other.text(100) == String(repeating: "a", count: 100))
    }

    @Test("An unknown character is read as it, and skipped if such are skipped", arguments: Cell.allCases)
    func reading(cell: Cell) throws {
        let bytes = try randomModel(cell, characters: "abc", hasUnknown: true)
        let (fed, symbols) = (try session(bytes), try session(bytes))
        let unknown = try #require(fed.model.vocabulary.unknown)
        #expect(fed.model.hasUnknown)
        try fed.feed("a😀bß")
        for symbol in [0, unknown, 1, unknown] { symbols.feed(symbol: symbol) }
        #expect(fed.logitBits == symbols.logitBits)

        let (skipping, plain) = (try session(bytes), try session(bytes))
        skipping.unknownCharacters = .skip
        #expect(try skipping.score("a😀bß") == plain.score("ab"))
        #expect(skipping.logitBits == plain.logitBits)
    }

    @Test("Its probability is that of an unknown character, and all probabilities sum to 1", arguments: Cell.allCases)
    func scores(cell: Cell) throws {
        let bytes = try randomModel(cell, characters: "abc", hasUnknown: true, range: 0.9)
        let (scored, stepped) = (try session(bytes), try session(bytes))
        let unknown = try #require(scored.model.vocabulary.unknown)
        var sum = 0.0
        // More than a block.
        let text = String(repeating: "a中bc", count: 20)
        for character in text.unicodeScalars {
            let symbol = stepped.model.vocabulary.symbol(of: character.value) ?? unknown
            sum += stepped.logProbability(of: symbol)
            stepped.feed(symbol: symbol)
        }
        let score = try scored.score(text)
        #expect(score.logProbability.bitPattern == sum.bitPattern && score.characters == 80)
        let batched = try session(bytes)
        let batch = try Batch(batched.model, capacity: 1)
        #expect(try batch.score([batched], [text]) == [score])
        #expect(batched.logitBits == scored.logitBits)
        let total = (0..<stepped.model.shape.vocabularySize).reduce(0) { $0 + exp(stepped.logProbability(of: $1)) }
        #expect(abs(total - 1) < 1e-6)
    }

    @Test("Probabilities after a character was generated are those of the model, not of the choice")
    func logitsStay() throws {
        let bytes = try randomModel(.gru, characters: "abc", hasUnknown: true)
        let (generated, fed) = (try session(bytes, temperature: 0), try session(bytes))
        for _ in 0..<20 {
            #expect(generated.logitBits == fed.logitBits)
            let character = generated.next()
            let symbol = character.flatMap { fed.model.vocabulary.symbol(of: $0.value) }
            fed.feed(symbol: try #require(symbol ?? fed.model.vocabulary.endOfDocument))
        }
    }
}
