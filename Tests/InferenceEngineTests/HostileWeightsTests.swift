import Core
import InferenceEngine
import KernelDispatch
import TestSupport
import Testing

/// Finite weights so large that preactivations and logits overflow: text is still generated, and is
/// the same everywhere.
@Suite struct HostileWeightsTests {
    @Test("Overflowing weights neither trap nor differ between backends", arguments: Cell.allCases)
    func overflow(cell: Cell) throws {
        let largest = Float.greatestFiniteMagnitude
        for values: [Float] in [
            [largest], [-largest], [largest, -largest], [largest, -largest, 0, .leastNonzeroMagnitude, 1e30],
        ] {
            var random = SplitMix64(seed: 12)
            let bytes = try model(cell, hiddenSize: 20, characters: "abc\n", hasEndOfDocument: true) { _, _ in
                values[Int(random.next() % UInt64(values.count))]
            }
            for temperature: Float in [0, 0.001, 1, 1000] {
                let results = try Backend.available.map { backend in
                    let session = try session(bytes, backend: backend, temperature: temperature, seed: 1)
                    try session.feed("abc")
                    let text = session.text(100)
                    _ = session.logProbability(of: 0)
                    let likeliest = session.likeliest(3).map { $0.character?.value }
                    let beam = try Beam(session.model, width: 3, length: 4)
                    return (text, session.logitBits, likeliest, try beam.search(from: session).map(\.text))
                }
                #expect(results.allSatisfy { $0 == results[0] })
                #expect(results.allSatisfy { $0.2.count == 3 })
            }
        }
    }

    /// A model whose hidden state is 1 and whose logits are ±∞, for each sign given, or a bias
    /// alone for 0.
    private func overflowingModel(_ signs: [Float]) throws -> [UInt8] {
        try model(.rnn, characters: String("abcdef".prefix(signs.count))) { tensor, element in
            switch tensor.role {
            case .inputBias: 100
            case .outputWeight, .outputBias: signs[element] * .greatestFiniteMagnitude
            default: 0
            }
        }
    }

    @Test("A logit of +∞ is chosen, greedily and by sampling")
    func infiniteLogit() throws {
        for temperature: Float in [0, 1] {
            let session = try session(overflowingModel([0, -1, 1, 0]), temperature: temperature)
            session.feed(symbol: 0)
            #expect(session.text(20) == String(repeating: "c", count: 20))
            #expect(session.logProbability(of: 0).isNaN)
            #expect(session.likeliest(4).map(\.character) == ["c", "a", "d", "b"])
            #expect(session.likeliest(1)[0].probability.isNaN)
            #expect(try Beam(session.model, width: 3, length: 4).search(from: session).isEmpty)
        }
    }

    @Test("Of logits that are all −∞ the first symbol is chosen")
    func noLogit() throws {
        for temperature: Float in [0, 1] {
            let session = try session(overflowingModel([-1, -1]), temperature: temperature)
            session.feed(symbol: 0)
            #expect(session.text(20) == String(repeating: "a", count: 20))
            #expect(session.logProbability(of: 1).isNaN)
        }
    }
}
