import Core
import Foundation
import InferenceEngine
import TestSupport
import Testing

@testable import Trainer

@Suite("A model's surprise")
struct PredictionTests {
    private let passages = [
        Passage(given: nil, symbols: [0, 5, 26, 7, 27]), Passage(given: 3, symbols: Array(repeating: 4, count: 40)),
        Passage(given: nil, symbols: [1, 27]),
    ]

    @Test("is the same symbol by symbol as in one go", arguments: [0, 3, 5, 20, 45, 100])
    func bits(limit: Int) throws {
        let model = try Model(randomModel(.gru))
        let whole = try Prediction(of: passages, by: model, limit: 0)
        let prediction = try Prediction(of: passages, by: model, limit: limit)
        #expect(prediction.count == 47 && prediction.beginning.reduce(0) { $0 + $1.surprises.count } == min(limit, 47))
        #expect(abs(prediction.bits - whole.bits) < 1e-5)
        let session = try Session(model)
        session.feed(symbol: 3)
        #expect(session.score(symbols: [4]) < 0)
        for (passage, shown) in zip(passages, prediction.beginning) {
            #expect(passage.given == shown.given)
            #expect(passage.symbols.starts(with: shown.surprises.map(\.symbol)))
        }
    }

    @Test("comes with the likeliest alternatives in order, whose probabilities are those of the softmax")
    func likeliest() {
        let logits: [Float] = [1, -2, 3, 0.5, 3, -7, 2.5]
        let sum = logits.reduce(0) { $0 + exp(Double($1)) }
        let surprise = logits.withUnsafeBufferPointer { Surprise(3, logits: $0) }
        #expect(surprise.likeliest.map(\.symbol) == [2, 4, 6, 0, 3])
        for (symbol, probability) in surprise.likeliest {
            #expect(abs(probability - exp(Double(logits[symbol])) / sum) < 1e-12)
        }
        #expect(abs(surprise.bits - log2(sum / exp(0.5))) < 1e-12)
        let few = ([0, 1] as [Float]).withUnsafeBufferPointer { Surprise(0, logits: $0) }
        #expect(few.likeliest.map(\.symbol) == [1, 0])
    }

    @Test("a NaN has the colour of the largest surprise")
    func levels() {
        let bits: [Double] = [0, 0.5, 1.9, 4.9, 7.9, 8, 1e9, .infinity, .nan]
        #expect(bits.map(SurpriseText.level) == [0, 1, 2, 4, 5, 6, 6, 6, 6])
    }
}
