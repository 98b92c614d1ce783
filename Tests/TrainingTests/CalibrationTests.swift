import Core
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("Calibration")
struct CalibrationTests {
    /// Rows of a corpus, as symbols.
    private func rows(_ corpus: Corpus, starts: [Int], length: Int) -> [[Int]] {
        starts.map { start in (start..<start + length).map { corpus[$0] } }
    }

    /// A network whose logits are its last hidden state, with a unit for each symbol.
    private func transparentNetwork(_ cell: Cell, layers: Int, of corpus: Corpus) throws -> Network {
        let size = corpus.vocabulary.count
        let shape = ModelShape(cell: cell, layers: layers, hiddenSize: size, vocabularySize: size)
        let network = try Network(shape, threads: 1, backend: #require(.chosen()))
        var random = SplitMix64(seed: 4)
        network.parameters.initialise(range: 0.6, forgetBias: nil, random: &random)
        network.parameters.setTensor(
            shape.tensorCount - 2, (0..<size * size).map { $0 / size == $0 % size ? 1 : 0 })
        network.parameters.setTensor(shape.tensorCount - 1, [Float](repeating: 0, count: size))
        return network
    }

    @Test("measures the hidden states of the network", arguments: Cell.allCases, [1, 2])
    func statistics(cell: Cell, layers: Int) throws {
        let corpus = try testCorpus(sampleText(characters: 1000))
        let network = try transparentNetwork(cell, layers: layers, of: corpus)
        let minibatch = corpus.minibatch(starts: [0, 100, 310], time: 40)
        let text = rows(corpus, starts: [0, 100, 310], length: minibatch.time)
        let all = try HiddenStatistics.layers(of: network.parameters, reading: text, resetSymbol: nil)
        #expect(all.count == layers)
        let measured = try #require(all.last)

        let states = try network.logits(minibatch, of: corpus).joined().map { $0.map { Double($0) } }
        let units = network.shape.hiddenSize
        let count = Double(states.count)
        let mean = (0..<units).map { unit in states.reduce(0) { $0 + $1[unit] } / count }
        for row in 0..<units {
            #expect(abs(measured.mean[row] - mean[row]) < 1e-6)
            for column in row..<units {
                let sum = states.reduce(0) { $0 + ($1[row] - mean[row]) * ($1[column] - mean[column]) }
                #expect(abs(measured.covariance[row * units + column] - sum / count) < 1e-6)
            }
        }
        #expect(mean.contains { abs($0) > 0.01 }, "the states are hardly there")
    }

    @Test("names the package of OpenBLAS where it cannot be loaded")
    func missingLibrary() {
        let error = #expect(throws: ChargenError.self) { try OpenBLAS(library: "libmissing.so.0") }
        #expect(error?.message.contains("libmissing.so.0: cannot open") == true)
        #expect(error?.message.hasSuffix("install it (on Debian: libopenblas0)") == true)
    }

    @Test("refuses weights so large that a state is NaN")
    func overflow() throws {
        let corpus = try testCorpus(sampleText(characters: 1000))
        let network = try transparentNetwork(.gru, layers: 1, of: corpus)
        let size = network.shape.hiddenSize
        // The candidate is tanh(n_x + r · n_h), of which n_x is −∞ and n_h, from the second step
        // on, ∞.
        let huge = Float.greatestFiniteMagnitude
        for (tensor, value, columns) in [(0, -huge, size), (1, -huge, size), (2, -huge, 1), (3, huge, 1)] {
            let (others, candidate) = (2 * size * columns, size * columns)
            network.parameters.setTensor(
                tensor, [Float](repeating: 0, count: others) + [Float](repeating: value, count: candidate))
        }
        let error = #expect(throws: ChargenError.self) {
            try HiddenStatistics.layers(of: network.parameters, reading: [[0, 1, 2]], resetSymbol: nil)
        }
        #expect(error?.message == "the weights are too large: a hidden state is NaN")
    }

    @Test(
        "changes the logits of a trained model in int4 less than plain rounding, reproducibly",
        arguments: Cell.allCases)
    func gain(cell: Cell) throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("text.txt").path
            try sampleText(characters: 6000).write(toFile: text, atomically: true, encoding: .utf8)
            var settings = Settings(corpus: CorpusSource(paths: [text]))
            settings.cell = cell
            settings.hiddenSize = 40
            settings.batchSize = 8
            settings.time = 20
            settings.epochs = 12
            settings.learningRate = 0.01
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            let network = try Network(checkpoint.shape, threads: 1, backend: #require(.chosen()))
            let minibatch = run.corpus.minibatch(starts: (0..<20).map { $0 * 290 }, time: 280)
            func logits(_ bytes: [UInt8]) throws -> [Float] {
                for (index, tensor) in try modelTensors(bytes).enumerated() {
                    network.parameters.setTensor(index, tensor)
                }
                return try network.logits(minibatch, of: run.corpus).flatMap { $0.flatMap { $0 } }
            }
            let calibration = rows(run.corpus, starts: (0..<20).map { $0 * 200 }, length: 200)
            let fitted = try checkpoint.modelFile(weights: .int4, calibration: calibration)
            #expect(try checkpoint.modelFile(weights: .int4, calibration: calibration) == fitted)

            let original = try logits(checkpoint.modelFile())
            func distance(_ bytes: [UInt8]) throws -> Float {
                let squares = try zip(logits(bytes), original).map { ($0 - $1) * ($0 - $1) }
                return squares.reduce(0, +) / Float(squares.count)
            }
            let (plain, least) = (try distance(checkpoint.modelFile(weights: .int4)), try distance(fitted))
            #expect(least < 0.6 * plain, "\(least) of \(plain)")
        }
    }
}
