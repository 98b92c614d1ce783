import Foundation
import InferenceEngine
import KernelDispatch
import ModelFormat
import Testing
import TestSupport

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

    @Test("An unlikely symbol has its true logarithm, not that of 0")
    func unlikely() throws {
        let session = try session(constantModel(logits: [0, -500], characters: "ab"))
        #expect(session.logProbability(of: 0) == 0)
        #expect(session.logProbability(of: 1) == -500)
    }
}
