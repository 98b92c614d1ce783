import Core
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("Training, however it is distributed")
struct ExactnessTests {
    /// The parameters, as bits, after a few updates of a network with uneven sizes and more columns
    /// than a chunk has.
    private func parameters(
        _ cell: Cell, _ rule: Settings.UpdateRule, threads: Int, backend: Backend, precision: Settings.Precision,
        slices: Int
    ) throws -> [UInt32] {
        let corpus = try testCorpus(sampleText(characters: 1000))
        let shape = ModelShape(cell: cell, layers: 2, hiddenSize: 70, vocabularySize: corpus.vocabulary.count)
        let network = try Network(
            shape, threads: threads, backend: backend, precision: precision, resetSymbol: 3,
            dropout: Dropout(states: 0.2, weights: 0.1), slices: slices)
        var random = SplitMix64(seed: 3)
        network.parameters.initialise(range: 0.1, forgetBias: 1, random: &random)
        let optimiser = try Optimiser(network, rule, weightDecay: 0.1, averaging: 0.9)
        let state = try RecurrentState(network.layout, rows: 11)
        for update in 0..<3 {
            let minibatch = corpus.minibatch(starts: (0..<11).map { $0 * 80 + update * 25 }, time: 25)
            _ = try network.gradient(
                minibatch, of: corpus, state: state, noise: update > 0 ? Noise(seed: 1, update: update) : nil)
            optimiser.update(learningRate: 0.01, clipping: .norm(1))
        }
        return try [network.parameters, #require(optimiser.averages)].flatMap { parameters in
            UnsafeBufferPointer(start: parameters.pointer, count: parameters.count).map(\.bitPattern)
        }
    }

    @Test(
        "gives the same bits on any number of threads and with every backend, other ones of slices",
        arguments: [
            (Cell.rnn, Settings.UpdateRule.adam), (.gru, .adam), (.lstm, .adam), (.gru, .muon),
        ], Settings.Precision.allCases)
    func exactness(model: (Cell, Settings.UpdateRule), precision: Settings.Precision) throws {
        func bits(_ threads: Int, _ backend: Backend, _ slices: Int) throws -> [UInt32] {
            try parameters(
                model.0, model.1, threads: threads, backend: backend, precision: precision, slices: slices)
        }
        for slices in [1, 4] {
            let expected = try bits(1, .portable, slices)
            for backend in Backend.available {
                // The processor's instruction for bfloat16 rounds in another way.
                let isOwn = precision == .bf16 && backend.hasBFloat16
                let wanted = isOwn ? try bits(1, backend, slices) : expected
                for threads in [1, 2, 3, 16] {
                    #expect(
                        try bits(threads, backend, slices) == wanted,
                        "\(backend.name), \(threads) threads, slices: \(slices)")
                }
            }
        }
        #expect(try bits(1, .portable, 1) != bits(1, .portable, 4))
    }
}
