import Core
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("Muon")
struct MuonTests {
    private let network: Network
    private let shape: ModelShape
    private let corpus: Corpus

    init() throws {
        corpus = try testCorpus(sampleText(characters: 1000))
        // A hidden size that is padded.
        shape = ModelShape(cell: .gru, layers: 2, hiddenSize: 21, vocabularySize: corpus.vocabulary.count)
        network = try Network(
            shape, threads: 2, backend: #require(Backend.available.last))
        var random = SplitMix64(seed: 3)
        network.parameters.initialise(range: 0.1, forgetBias: nil, random: &random)
    }

    /// Makes updates, and returns the gradients of a tensor in each.
    private func update(_ optimiser: Optimiser, times: Int, tensor: Int) throws -> [[Double]] {
        try (0..<times).map { update in
            let minibatch = corpus.minibatch(starts: [0, 300, 600].map { $0 + update * 25 }, time: 25)
            _ = try network.gradient(minibatch, of: corpus, state: nil)
            let gradients = network.gradients.tensor(tensor).map(Double.init)
            optimiser.update(learningRate: 0.01, clipping: .none)
            return gradients
        }
    }

    @Test("follows its definition in double precision, a gate's block at a time")
    func definition() throws {
        let hidden = shape.hiddenSize
        let optimiser = try Optimiser(network, .muon, weightDecay: 0.5, averaging: 0.9)
        let matrices = (0..<shape.tensorCount).filter { shape.tensor($0).isRecurrentMatrix }
        #expect(matrices.map { shape.tensor($0).name } == ["rnn.weight_hh_l0", "rnn.weight_ih_l1", "rnn.weight_hh_l1"])
        for tensor in matrices {
            optimiser.reset()
            var expected = network.parameters.tensor(tensor).map(Double.init)
            var averages = expected
            let gradients = try update(optimiser, times: 3, tensor: tensor)
            var moments = [Double](repeating: 0, count: expected.count)
            for (update, gradient) in gradients.enumerated() {
                for element in moments.indices { moments[element] = 0.95 * moments[element] + 0.05 * gradient[element] }
                for gate in 0..<3 {
                    let block = gate * hidden * hidden..<(gate + 1) * hidden * hidden
                    let expectedMean = block.map { 0.95 * moments[$0] + 0.05 * gradient[$0] }
                    let step = Square(hidden, expectedMean).orthogonalised()
                    for (element, direction) in zip(block, step.elements) {
                        expected[element] *= 1 - 0.01 * 0.5
                        expected[element] -= 0.01 * 0.1 * Double(hidden).squareRoot() * direction
                    }
                }
                let weight = max(0.1, 1 / Double(update + 1))
                for element in averages.indices {
                    averages[element] += weight * (expected[element] - averages[element])
                }
            }
            let name = shape.tensor(tensor).name
            #expect(largestDifference(network.parameters.tensor(tensor), expected.map(Float.init)) < 1e-5, "\(name)")
            let found = try #require(optimiser.averages).tensor(tensor)
            #expect(largestDifference(found, averages.map(Float.init)) < 1e-5, "\(name)")
        }
    }

    @Test("leaves all other tensors to Adam")
    func others() throws {
        let optimiser = try Optimiser(network, .muon)
        let before = network.parameters.tensors
        _ = try update(optimiser, times: 1, tensor: 0)
        for index in 0..<shape.tensorCount where !shape.tensor(index).isRecurrentMatrix {
            let gradients = network.gradients.tensor(index)
            // Adam's first step has the size of the learning rate.
            for (element, value) in network.parameters.tensor(index).enumerated() where abs(gradients[element]) > 1e-5 {
                #expect(abs(abs(value - before[index][element]) - 0.01) < 1e-4)
            }
        }
    }
}

/// A square matrix in double precision.
private struct Square {
    let size: Int
    var elements: [Double]

    init(_ size: Int, _ elements: [Double]) {
        self.size = size
        self.elements = elements
    }

    var transposed: Square {
        Square(size, (0..<size * size).map { elements[$0 % size * size + $0 / size] })
    }

    static func * (a: Square, b: Square) -> Square {
        let size = a.size
        return Square(
            size,
            (0..<size * size).map { place in
                (0..<size).reduce(0) {
                    $0 + a.elements[place / size * size + $1] * b.elements[$1 * size + place % size]
                }
            })
    }

    static func + (a: Square, b: Square) -> Square {
        Square(a.size, zip(a.elements, b.elements).map { $0 + $1 })
    }

    static func * (factor: Double, a: Square) -> Square {
        Square(a.size, a.elements.map { factor * $0 })
    }

    func orthogonalised() -> Square {
        let norm = elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var x = 1 / norm * self
        for _ in 0..<3 {
            let square = x * x.transposed
            x = 3.4445 * x + (-4.7750 * square + 2.0315 * (square * square)) * x
        }
        return x
    }
}
