import Core
import ModelFormat
import Testing

@testable import Training

/// Compares gradients with the slope of the loss, for shapes and options that PyTorch's numbers do
/// not cover.
@Suite("Gradients are the slope of the loss")
struct FiniteDifferenceTests {
    /// What is special about a pass.
    enum Option: CaseIterable {
        case plain, resets, padding, dropout, variationalDropout, weightDropout

        var dropout: Dropout {
            switch self {
            case .dropout: Dropout(states: 0.3)
            case .variationalDropout: Dropout(states: 0.3, isVariational: true)
            case .weightDropout: Dropout(weights: 0.4)
            case .plain, .resets, .padding: Dropout()
            }
        }
    }

    @Test("in a random direction, for every cell, tensor and option", arguments: Cell.allCases, Option.allCases)
    func slope(cell: Cell, option: Option) throws {
        let shape = ModelShape(cell: cell, layers: 3, hiddenSize: 19, vocabularySize: 23)
        let network = try Network(
            shape, threads: 2, backend: #require(.chosen()), resetSymbol: option == .resets ? 4 : nil,
            dropout: option.dropout)
        var random = SplitMix64(seed: 7)
        network.parameters.initialise(range: 0.4, forgetBias: 1, random: &random)
        var symbols = SymbolBuffer(symbolCount: 23, capacity: 100)
        for _ in 0..<100 {
            // Every fourth symbol or so is the one that resets.
            let symbol = Int32(random.next() % 23)
            symbols.append(option == .resets && symbol < 6 ? 4 : symbol)
        }
        let vocabulary = try #require(Vocabulary(characters: (0..<23).map { 0x61 + $0 }, hasEndOfDocument: false))
        let corpus = Corpus(symbols: symbols, vocabulary: vocabulary, documentCount: 1, sha256: "")
        var minibatch = Minibatch(of: Stretches([0..<99]), starts: [0, 13, 31, 50, 72], time: 9)
        if option == .padding {
            minibatch.rows[1].positions = 13..<17
            minibatch.rows[3].positions = 50..<50
            minibatch.rows[4].context = 5
        }
        let noise = Noise(seed: 3, update: 5)

        _ = try network.gradient(minibatch, of: corpus, state: nil, noise: noise)
        for index in 0..<shape.tensorCount {
            let slope = try Slope(of: network, tensor: index) {
                try network.loss(minibatch, of: corpus, state: nil, noise: noise)
            }
            #expect(slope.isRight, "\(shape.tensor(index).name): \(slope)")
        }
    }

    @Test("a symbol that resets gives the same loss as its rows cut in two", arguments: Cell.allCases)
    func resets(cell: Cell) throws {
        let shape = ModelShape(cell: cell, layers: 2, hiddenSize: 12, vocabularySize: 9)
        var symbols = SymbolBuffer(symbolCount: 9, capacity: 21)
        for index in 0..<21 { symbols.append(index == 8 ? 8 : Int32(index * 5 % 8)) }
        let vocabulary = try #require(Vocabulary(characters: (0..<9).map { 0x61 + $0 }, hasEndOfDocument: false))
        let corpus = Corpus(symbols: symbols, vocabulary: vocabulary, documentCount: 1, sha256: "")
        var losses: [Double] = []
        var gradients: [[Float]] = []
        for isCut in [false, true] {
            let network = try Network(shape, threads: 1, backend: #require(.chosen()), resetSymbol: isCut ? nil : 8)
            var random = SplitMix64(seed: 2)
            network.parameters.initialise(range: 0.5, forgetBias: nil, random: &random)
            var minibatch = Minibatch(of: Stretches([0..<20]), starts: isCut ? [0, 8] : [0], time: 20)
            if isCut { (minibatch.rows[0].positions, minibatch.rows[1].positions) = (0..<8, 8..<20) }
            losses.append(try network.gradient(minibatch, of: corpus, state: nil))
            gradients.append(network.gradients.tensors.flatMap { $0 })
        }
        #expect(abs(losses[0] - losses[1]) < 1e-6)
        #expect(largestDifference(gradients[0], gradients[1]) < 1e-6)
    }

    @Test("dropout keeps the expectation, and drops the share that it is asked for")
    func dropout() throws {
        let mask = try #require(Dropout(states: 0.25).states(Noise(seed: 1, update: 1), layer: 0))
        let ones = [Float](repeating: 1, count: 400)
        var sum = 0.0
        var zeros = 0
        for row in 0..<250 {
            var factors = ones
            factors.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                mask.multiply(base, to: base, count: 400, row: row)
            }
            sum += factors.reduce(0) { $0 + Double($1) }
            zeros += factors.count { $0 == 0 }
        }
        // 100,000 draws: a standard deviation of 137 of the zeros.
        #expect(abs(zeros - 25_000) < 700)
        #expect(abs(sum / 100_000 - 1) < 0.01)
    }
}

/// How fast a loss rises along the signs of a tensor's gradient.
struct Slope {
    /// As the gradient has it.
    let expected: Double
    /// As two losses have it.
    let measured: Double

    var isRight: Bool { abs(measured - expected) <= 0.01 * expected + 1e-4 }

    /// The slope of a network's loss, whose gradient has been computed.
    init(of network: Network, tensor index: Int, loss: () throws -> Double) throws {
        let gradient = network.gradients.tensor(index)
        // Along the gradient's own signs the slope is the sum of the magnitudes: nothing cancels.
        let direction: [Float] = gradient.map { $0 < 0 ? -1 : 1 }
        expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0 * $1.1) }
        let elements = network.parameters.tensor(index)
        // The loss rises by about 2e-3: far more than its rounding error, and little enough to be
        // linear.
        let step = Float(1e-3 / max(expected, 1e-3))
        func moved(_ sign: Float) throws -> Double {
            network.parameters.setTensor(index, zip(elements, direction).map { $0 + sign * step * $1 })
            return try loss()
        }
        measured = (try moved(1) - moved(-1)) / (2 * Double(step))
        network.parameters.setTensor(index, elements)
    }
}
