import Core
import InferenceEngine
import TestSupport
import Testing

@Suite struct SamplingTests {
    @Test("The same seed gives the same text, another seed another", arguments: Cell.allCases)
    func seeds(cell: Cell) throws {
        let bytes = try randomModel(cell)
        let texts = try [1, 1, 2, .max].map { try session(bytes, seed: $0).text(200) }
        #expect(texts[0] == texts[1])
        #expect(Set(texts).count == 3)
    }

    @Test("A new session has temperature 1 and seed 0")
    func defaults() throws {
        let bytes = try randomModel(.gru)
        let model = try Model(bytes)
        #expect(try Session(model).text(100) == session(bytes, temperature: 1, seed: 0).text(100))
    }

    @Test("Greedy takes the likeliest symbol, whatever the seed", arguments: Cell.allCases)
    func greedy(cell: Cell) throws {
        let bytes = try randomModel(cell, range: 1)
        let greedy = try session(bytes, temperature: 0, seed: 1)
        for _ in 0..<100 {
            let likeliest = greedy.withLogits { logits in logits.indices.max { logits[$0] < logits[$1] } }
            #expect(greedy.next() == likeliest.flatMap { greedy.model.vocabulary.character(of: $0) })
        }
        #expect(
            try session(bytes, temperature: 0, seed: 1).text(100) == session(bytes, temperature: 0, seed: 2).text(100))
    }

    @Test("At a tie greedy takes the first symbol")
    func tie() throws {
        let bytes = try constantModel(logits: [1, 2, 2, 2], characters: "abcd")
        #expect(try session(bytes, temperature: 0).text(5) == "bbbbb")
    }

    @Test("The lowest temperature is all but greedy, the highest all but uniform")
    func extremes() throws {
        let bytes = try constantModel(logits: [0, 0.5, 0.1, -2], characters: "abcd")
        #expect(try session(bytes, temperature: 0.001).text(1000) == String(repeating: "b", count: 1000))
        let text = try session(bytes, temperature: 1000).text(40_000)
        for character in "abcd" {
            // Four standard deviations of a binomial with n = 40,000 and p = 1/4.
            #expect(abs(text.count { $0 == character } - 10_000) < 4 * 87)
        }
    }

    @Test(
        "A temperature outside its range is refused and changes nothing",
        arguments: [-1, 0.0009, 1001, .infinity, .nan] as [Float])
    func temperatureRange(temperature: Float) throws {
        let session = try session(randomModel(.rnn), temperature: 0.5)
        let error = #expect(throws: ChargenError.self) { try session.setTemperature(temperature) }
        #expect(error?.kind == .invalidArgument)
        #expect(error?.message.contains("0 (greedy) or from 0.001 to 1000") == true)
        #expect(session.temperature == 0.5)
    }

    @Test("After a reset the text repeats, and settings stay", arguments: Cell.allCases)
    func reset(cell: Cell) throws {
        let session = try session(randomModel(cell), temperature: 0.8, seed: 5)
        let beginning = session.logitBits
        try session.feed("hello")
        let text = session.text(100)
        session.reset()
        #expect(session.logitBits == beginning)
        #expect(session.temperature == 0.8)
        try session.feed("hello")
        #expect(session.text(100) == text)
    }

    @Test("A new seed restarts the randomness and leaves what was read")
    func seedOnly() throws {
        let bytes = try randomModel(.lstm)
        let session = try session(bytes, seed: 1)
        _ = session.text(50)
        let logits = session.logitBits
        session.seed = 2
        #expect(session.logitBits == logits)
        session.reset()
        #expect(try session.text(50) == SamplingTests.text(bytes, seed: 2))
    }

    private static func text(_ bytes: [UInt8], seed: UInt64) throws -> String {
        try InferenceEngineTests.session(bytes, seed: seed).text(50)
    }
}
