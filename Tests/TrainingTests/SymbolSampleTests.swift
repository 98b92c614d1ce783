import Core
import Foundation
import KernelDispatch
import ModelFormat
import Testing

@testable import Training

/// A softmax over a minibatch's targets and some drawn symbols.
@Suite("Sampled softmax")
struct SymbolSampleTests {
    private static let symbolCount = 150

    /// A text of 100 symbols of 150, a third of which are among the first ten.
    private let corpus: Corpus

    init() throws {
        var random = SplitMix64(seed: 7)
        var symbols = SymbolBuffer(symbolCount: Self.symbolCount, capacity: 100)
        for _ in 0..<100 {
            let limit = random.next().isMultiple(of: 3) ? 10 : UInt64(Self.symbolCount)
            symbols.append(Int32(random.next() % limit))
        }
        let vocabulary = try #require(
            Vocabulary(characters: (0..<UInt32(Self.symbolCount)).map { 0x4E00 + $0 }, hasEndOfDocument: false))
        corpus = Corpus(symbols: symbols, vocabulary: vocabulary, documentCount: 1, sha256: "")
    }

    private func network(
        _ cell: Cell = .gru, drawn: Int, threads: Int = 1, backend: Backend? = nil,
        precision: Settings.Precision = .f32, slices: Int = 1
    ) throws -> Network {
        let network = try Network(
            ModelShape(cell: cell, layers: 2, hiddenSize: 19, vocabularySize: Self.symbolCount), threads: threads,
            backend: backend ?? #require(.chosen()), precision: precision, dropout: Dropout(drawnSymbols: drawn),
            slices: slices)
        var random = SplitMix64(seed: 7)
        network.parameters.initialise(range: 0.4, forgetBias: 1, random: &random)
        return network
    }

    private let minibatch = Minibatch(of: Stretches([0..<99]), starts: [0, 13, 31, 50, 72], time: 9)

    @Test("has the gradients that are the slope of its loss", arguments: Cell.allCases, [1, 3])
    func slope(cell: Cell, slices: Int) throws {
        let network = try network(cell, drawn: 20, threads: 2, slices: slices)
        let noise = Noise(seed: 3, update: 5)
        _ = try network.gradient(minibatch, of: corpus, state: nil, noise: noise)
        for index in 0..<network.shape.tensorCount {
            let slope = try Slope(of: network, tensor: index) {
                try network.loss(minibatch, of: corpus, state: nil, noise: noise)
            }
            #expect(slope.isRight, "\(network.shape.tensor(index).name): \(slope)")
        }
    }

    @Test("gives no gradient to a symbol that is neither a target nor drawn, and one to each target")
    func zeros() throws {
        let network = try network(drawn: 20)
        let targets = Set(
            minibatch.rows.flatMap { row in row.positions.map { corpus[$0 + 1] } })
        let rows = try (0..<30).map { update -> Set<Int> in
            _ = try network.gradient(minibatch, of: corpus, state: nil, noise: Noise(seed: 3, update: update))
            let weights = network.gradients.tensor(network.shape.tensorCount - 2)
            let biases = network.gradients.tensor(network.shape.tensorCount - 1)
            let rows = (0..<Self.symbolCount).filter { row in weights[row * 19..<row * 19 + 19].contains { $0 != 0 } }
            #expect(rows == biases.indices.filter { biases[$0] != 0 })
            return Set(rows)
        }
        for row in rows {
            #expect(row.isSuperset(of: targets))
            // As many as are drawn, and those that fill the last vector.
            #expect((20..<20 + laneCount).contains(row.count - targets.count))
        }
        // Each symbol that is no target is drawn sooner or later.
        #expect(rows.reduce(into: Set()) { $0.formUnion($1) }.count == Self.symbolCount)
    }

    @Test("has the mean over all symbols as its expectation: e to the loss of a symbol by itself")
    func expectation() throws {
        let single = Minibatch(of: Stretches([0..<99]), starts: [31], time: 1)
        let network = try network(drawn: 20)
        let expected = exp(try network.loss(single, of: corpus, state: nil))
        let losses = try (0..<4000).map {
            exp(try network.loss(single, of: corpus, state: nil, noise: Noise(seed: 1, update: $0)))
        }
        let mean = losses.reduce(0, +) / Double(losses.count)
        let variance = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(losses.count - 1)
        let error = (variance / Double(losses.count)).squareRoot()
        #expect(variance > 0)
        #expect(abs(mean - expected) < 4 * error, "\(mean) ± \(error), expected \(expected)")
    }

    @Test("is the softmax if all symbols would be drawn, and for validation", arguments: [120, 10_000])
    func all(drawn: Int) throws {
        func bits(_ drawn: Int, _ noise: Noise?) throws -> ([UInt32], Double) {
            let network = try network(drawn: drawn)
            let loss = try network.gradient(minibatch, of: corpus, state: nil, noise: noise)
            return (network.gradients.tensors.flatMap { $0.map(\.bitPattern) }, loss)
        }
        let noise = Noise(seed: 1, update: 1)
        let expected = try bits(0, noise)
        #expect(try bits(drawn, noise) == expected)
        #expect(try bits(20, nil) == expected)
        #expect(try bits(20, noise) != expected)
    }

    @Test(
        "gives the same bits on any number of threads and with every backend", arguments: Settings.Precision.allCases,
        [1, 4])
    func exactness(precision: Settings.Precision, slices: Int) throws {
        func bits(_ threads: Int, _ backend: Backend) throws -> [UInt32] {
            let network = try network(
                drawn: 20, threads: threads, backend: backend, precision: precision, slices: slices)
            let optimiser = try Optimiser(network, .muon, weightDecay: 0.1)
            for update in 0..<3 {
                _ = try network.gradient(
                    minibatch, of: corpus, state: nil, noise: Noise(seed: 1, update: update))
                optimiser.update(learningRate: 0.01, clipping: .norm(1))
            }
            return network.parameters.tensors.flatMap { $0.map(\.bitPattern) }
        }
        let expected = try bits(1, .portable)
        for backend in Backend.available {
            // The processor's instruction for bfloat16 rounds in another way.
            let isOwn = precision == .bf16 && backend.hasBFloat16
            let wanted = isOwn ? try bits(1, backend) : expected
            for threads in [1, 2, 5] {
                #expect(try bits(threads, backend) == wanted, "\(backend.name), \(threads) threads")
            }
        }
    }
}
