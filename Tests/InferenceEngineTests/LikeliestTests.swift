import Core
import Foundation
import InferenceEngine
import KernelDispatch
import TestSupport
import Testing

/// What a session tells about the next character, beside ``ProbabilityTests``.
@Suite struct LikeliestTests {
    @Test("The likeliest characters are ranked by logit, then by character, the end of a document last")
    func ranking() throws {
        let bytes = try constantModel(
            logits: [1, 3, 2, 3, 9, 3], characters: "abcd", hasUnknown: true, hasEndOfDocument: true)
        let session = try session(bytes)
        #expect(session.likeliest(3).map(\.character) == ["b", "d", nil])
        #expect(session.likeliest(100).map(\.character) == ["b", "d", nil, "c", "a"])
        #expect(session.likeliest(1).map(\.character) == ["b"])
        #expect(session.likeliest(0).isEmpty)
        #expect(session.likeliest(-1).isEmpty)
        let probabilities = session.probabilities()
        #expect(session.likeliest(5).map(\.probability) == [1, 3, 5, 2, 0].map { probabilities[$0] })
    }

    @Test(
        "They are those of a full sort, and the first is the greedy choice", arguments: Backend.available)
    func sorted(backend: Backend) throws {
        let session = try session(
            randomModel(
                .gru, characters: String(String.UnicodeScalarView((0x400..<0x4C8).compactMap(Unicode.Scalar.init)))),
            backend: backend)
        for _ in 0..<20 {
            let logits = session.logits()
            let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
            for count in [1, 5, 199, 1000] {
                #expect(
                    session.likeliest(count).map(\.character)
                        == order.prefix(count).map { session.model.vocabulary.character(of: $0) })
            }
            let greedy = try session.copy()
            try greedy.setTemperature(0)
            #expect(greedy.next() == session.likeliest(1)[0].character)
            _ = session.next()
        }
    }

    @Test("Probabilities, their logarithms and logits agree, of one character and of all")
    func forms() throws {
        let session = try session(randomModel(.lstm, characters: "abé\u{1F600}", hasUnknown: true, range: 2))
        try session.feed("ab")
        let (probabilities, logarithms, logits) = (
            session.probabilities(), session.logProbabilities(), session.logits()
        )
        #expect(logits.count == 6)
        let choices: [Unicode.Scalar?] = ["a", "b", "é", "\u{1F600}", "x", nil]
        for (symbol, character) in choices.enumerated() {
            #expect(try session.probability(of: character) == probabilities[symbol])
            let logarithm = try session.logProbability(of: character)
            #expect(Float(logarithm) == logarithms[symbol])
            #expect(abs(logarithm - log(Double(probabilities[symbol]))) < 1e-6)
            // Only the end of a document needs a reading of its own.
            let scored = try session.copy()
            let score =
                try character.map { try scored.score(String($0)).logProbability }
                ?? scored.score("", end: true).logProbability
            #expect(score == logarithm)
        }
        #expect(session.logits() == logits)
    }

    @Test("What the model does not know has no probability")
    func unknown() throws {
        let session = try session(randomModel(.gru, characters: "ab", hasEndOfDocument: false))
        session.unknownCharacters = .skip
        let error = #expect(throws: ChargenError.self) { try session.probability(of: "x") }
        #expect(error?.kind == .unknownCharacter)
        #expect(error?.message == "'x' (U+0078) is not in the model's vocabulary")
        let noEnd = #expect(throws: ChargenError.self) { try session.logProbability(of: nil as Unicode.Scalar?) }
        #expect(noEnd?.kind == .unknownCharacter)
        #expect(noEnd?.message == "this model has not learned where documents end")
    }

    @Test(
        "Questions before the first character change nothing, though a line break is read for them",
        arguments: Cell.allCases, [true, false])
    func questionsAtTheBeginning(cell: Cell, hasEndOfDocument: Bool) throws {
        let bytes = try randomModel(cell, characters: "abc\n", hasEndOfDocument: hasEndOfDocument)
        func asked() throws -> Session {
            let session = try session(bytes, seed: 3)
            #expect(session.likeliest(2).count == 2)
            #expect(session.logits() == session.logits())
            return session
        }
        let (fed, askedAndFed) = (try session(bytes, seed: 3), try asked())
        try fed.feed("ab")
        try askedAndFed.feed("ab")
        #expect(fed.logitBits == askedAndFed.logitBits)
        #expect(try asked().text(50) == session(bytes, seed: 3).text(50))
        #expect(try asked().score("ab") == session(bytes, seed: 3).score("ab"))
        // They tell of what a text would begin with.
        let first = try session(bytes).score("b").logProbability
        #expect(try asked().logProbability(of: "b") == first)
        let batched = try asked()
        _ = try Batch(batched.model, capacity: 1).feed([batched], ["ab"])
        #expect(fed.logitBits == batched.logitBits)
    }
}
