import Core
import ModelFormat
import Testing

@testable import Training

/// Compares gradients with the slope of the loss, for shapes that PyTorch's numbers do not cover.
@Suite("Gradients are the slope of the loss")
struct FiniteDifferenceTests {
    @Test("in a random direction, for every cell and tensor", arguments: Cell.allCases)
    func slope(cell: Cell) throws {
        let shape = ModelShape(cell: cell, layers: 3, hiddenSize: 19, vocabularySize: 23)
        let network = try Network(shape, threads: 2, backend: #require(.chosen()))
        var random = SplitMix64(seed: 7)
        network.parameters.initialise(range: 0.4, forgetBias: 1, random: &random)
        var symbols = SymbolBuffer(symbolCount: 23, capacity: 100)
        for _ in 0..<100 { symbols.append(Int32(random.next() % 23)) }
        let vocabulary = try #require(Vocabulary(characters: (0..<23).map { 0x61 + $0 }, hasEndOfDocument: false))
        let corpus = Corpus(symbols: symbols, vocabulary: vocabulary, documentCount: 1, sha256: "")
        let minibatch = Minibatch(starts: [0, 13, 31, 50, 72], time: 9)

        _ = try network.gradient(minibatch, of: corpus, state: nil)
        for index in 0..<shape.tensorCount {
            let gradient = network.gradients.tensor(index)
            // Along the gradient's own signs the slope is the sum of the magnitudes: nothing
            // cancels.
            let direction: [Float] = gradient.map { $0 < 0 ? -1 : 1 }
            let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0 * $1.1) }
            let elements = network.parameters.tensor(index)
            // The loss rises by about 2e-3: far more than its rounding error, and little enough to
            // be linear.
            let step = Float(1e-3 / max(expected, 1e-3))
            func loss(_ sign: Float) throws -> Double {
                network.parameters.setTensor(index, zip(elements, direction).map { $0 + sign * step * $1 })
                return try network.loss(minibatch, of: corpus, state: nil)
            }
            let measured = (try loss(1) - loss(-1)) / (2 * Double(step))
            network.parameters.setTensor(index, elements)
            #expect(abs(measured - expected) <= 0.01 * expected + 1e-4, "\(shape.tensor(index).name)")
        }
    }
}
