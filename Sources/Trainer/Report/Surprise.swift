import Foundation
import InferenceEngine

/// How surprised a model was by a symbol, and what it expected.
struct Surprise {
    let symbol: Int
    let probability: Double
    /// The likeliest symbols with their probabilities, the likeliest first.
    let likeliest: [(symbol: Int, probability: Double)]

    /// −log₂ of the probability.
    var bits: Double { -log2(probability) }

    private static let likeliestCount = 5

    /// The surprise by `symbol` of a model with these logits.
    init(_ symbol: Int, logits: UnsafeBufferPointer<Float>) {
        let largest = Double(logits.max() ?? 0)
        let weights = logits.map { exp(Double($0) - largest) }
        let sum = weights.reduce(0, +)
        self.symbol = symbol
        probability = weights[symbol] / sum
        var likeliest: [(symbol: Int, probability: Double)] = []
        for (candidate, weight) in weights.enumerated() {
            if likeliest.count == Surprise.likeliestCount {
                guard weight / sum > likeliest[likeliest.count - 1].probability else { continue }
                likeliest.removeLast()
            }
            let place = likeliest.firstIndex { $0.probability < weight / sum } ?? likeliest.count
            likeliest.insert((candidate, weight / sum), at: place)
        }
        self.likeliest = likeliest
    }
}

/// How well a model predicts passages.
struct Prediction {
    /// The cross-entropy, in bits a symbol; NaN if the model's output overflows.
    let bits: Double
    /// The number of symbols predicted.
    let count: Int
    /// The first passages, symbol by symbol after the one that is given.
    let beginning: [(given: Int?, surprises: [Surprise])]

    /// - Parameter limit: The number of symbols that ``beginning`` has at most.
    /// - Throws: `ChargenError`.
    init(of passages: [Passage], by model: Model, limit: Int) throws {
        let session = try Session(model)
        var sum = 0.0
        var count = 0
        var beginning: [(given: Int?, surprises: [Surprise])] = []
        for passage in passages {
            session.reset()
            try session.setLabels(passage.labels)
            if let given = passage.given { session.feed(symbol: given) }
            let detailed = passage.symbols.prefix(max(0, limit - count))
            let surprises = detailed.map { symbol in
                let surprise = session.withLogits { Surprise(symbol, logits: $0) }
                session.feed(symbol: symbol)
                return surprise
            }
            if !surprises.isEmpty { beginning.append((passage.given, surprises)) }
            sum += surprises.reduce(0) { $0 + $1.bits }
            sum -= session.score(symbols: passage.symbols.dropFirst(detailed.count)) / log(2)
            count += passage.symbols.count
        }
        bits = sum / Double(max(1, count))
        self.count = count
        self.beginning = beginning
    }
}
