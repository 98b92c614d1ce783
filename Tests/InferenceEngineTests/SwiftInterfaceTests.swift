import Foundation
import InferenceEngine
import TestSupport
import Testing

/// The public interface, as a package that depends on this one sees it: strings, sequences and
/// arrays.
@Suite struct SwiftInterfaceTests {
    private func model(_ cell: Cell = .lstm, hasEndOfDocument: Bool = true) throws -> Model {
        try Model(randomModel(cell, hasEndOfDocument: hasEndOfDocument, range: 0.9))
    }

    @Test("A model is loaded from bytes and from a file's path, and describes itself")
    func loading() throws {
        let bytes = try randomModel(.gru, layers: 3, hiddenSize: 7, characters: "ba€")
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.cgw").path
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            for model in [try Model(bytes), try Model(contentsOf: path)] {
                #expect(model.cell == .gru)
                #expect(model.layerCount == 3)
                #expect(model.hiddenSize == 7)
                #expect(model.parameterCount == model.shape.parameterCount)
                #expect("\(model.weightType)" == "f32")
                #expect(model.characters == ["a", "b", "€"])
                #expect(model.hasEndOfDocument)
                #expect(model.provenance.contains("chargen"))
            }
        }
    }

    @Test("An error has a kind for programs and a message for people")
    func errors() {
        do {
            _ = try Model([1, 2, 3])
            Issue.record("three bytes are no model")
        } catch {
            #expect(error.kind == ChargenError.Kind.invalidModel)
            #expect(error.message.contains("not a chargen model"))
            #expect("\(error)" == error.message)
        }
    }

    @Test("A session is a sequence of the characters that next() gives")
    func sequence() throws {
        let model = try model(hasEndOfDocument: false)
        let stepped = try Session(model)
        let expected = (0..<100).compactMap { _ in stepped.next() }
        #expect(try Array(Session(model).prefix(100)) == expected)
        #expect(try Session(model).generate(limit: 100) == String(String.UnicodeScalarView(expected)))
        var iterated: [Unicode.Scalar] = []
        let session = try Session(model)
        for character in session.prefix(40) { iterated.append(character) }
        for character in session.prefix(60) { iterated.append(character) }
        #expect(iterated == expected)
    }

    @Test("As a sequence a session ends with the document, and then gives the next one")
    func documents() throws {
        let model = try model()
        let (iterated, generated) = (try Session(model), try Session(model))
        for _ in 0..<5 {
            let document = generated.generate(limit: .max)
            #expect(generated.hasEnded)
            #expect(String(String.UnicodeScalarView(iterated)) == document)
            #expect(iterated.hasEnded)
        }
        #expect(try Session(model).generate(limit: 0).isEmpty)
    }

    @Test("Probabilities are those of scores, and asking for them does not change the text")
    func probabilities() throws {
        let model = try model()
        let session = try Session(model)
        // Settings do not count.
        try session.setTemperature(0.5)
        try session.setTopK(1)
        for _ in 0..<3 {
            let probabilities = session.probabilities()
            #expect(probabilities.count == model.characters.count + 1)
            #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
            for (probability, character) in zip(probabilities, model.characters) {
                let score = try session.copy().score(String(character))
                #expect(abs(Double(probability) - exp(score.logProbability)) < 1e-6)
            }
            let expected = try session.copy().generate(limit: 5)
            #expect(session.generate(limit: 5) == expected)
        }
    }

    @Test("Settings can be read back, and a setting that is refused changes nothing")
    func settings() throws {
        let session = try Session(model())
        #expect(session.temperature == 1 && session.seed == 0 && session.threads == 1)
        #expect(session.unknownCharacters == .fail)
        try session.setTemperature(0.5)
        session.seed = 7
        try session.setThreads(2)
        session.unknownCharacters = .skip
        #expect(throws: ChargenError.self) { try session.setTemperature(.nan) }
        #expect(throws: ChargenError.self) { try session.setThreads(0) }
        #expect(session.temperature == 0.5 && session.seed == 7 && session.threads == 2)
        #expect(session.unknownCharacters == .skip)
    }

    @Test("A copy continues as the original does, and neither disturbs the other", arguments: Cell.allCases)
    func copies(cell: Cell) throws {
        let original = try Session(model(cell))
        original.seed = 3
        try original.setTemperature(0.7)
        original.unknownCharacters = .skip
        for prompt in ["", "the quick brown fox Ω"] {
            try original.feed(prompt)
            let copy = try original.copy()
            #expect(copy.temperature == 0.7 && copy.seed == 3 && copy.unknownCharacters == .skip)
            let text = copy.text(80)
            #expect(original.text(80) == text)
            #expect(copy.hasEnded == original.hasEnded)
            copy.reset()
            original.reset()
            #expect(copy.text(80) == original.text(80))
        }
    }

    @Test("A batch reads, scores and generates as each session does alone")
    func batch() throws {
        let model = try model()
        let batch = try Batch(model, capacity: 3)
        let (together, alone) = (
            try (0..<3).map { _ in try Session(model) }, try (0..<3).map { _ in try Session(model) }
        )
        for session in together + alone { session.unknownCharacters = .skip }
        let texts = ["fox", "", "the Ω dog"]
        try batch.feed(together, texts)
        for (session, text) in zip(alone, texts) { try session.feed(text) }
        for _ in 0..<20 { #expect(try batch.next(together) == alone.map { $0.next() }) }
        let scores = try batch.score(together, texts)
        #expect(try scores == zip(alone, texts).map { try $0.score($1) })
        #expect(scores.map(\.characters) == [3, 0, 8])
        #expect(scores[0].bitsPerCharacter > 0 && scores[1].bitsPerCharacter.isNaN)
        #expect(throws: ChargenError.self) { try batch.feed(together, ["one text"]) }
    }
}
