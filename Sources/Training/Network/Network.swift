import CIntrinsics
import Core
import KernelDispatch
import Kernels
import ModelFormat
import ThreadPool

/// A recurrent network in training: its parameters, and their gradients over a minibatch.
///
/// An update has three phases, each distributed among the workers of a thread pool: the parameters
/// are packed for the products; the rows of the minibatch pass through all layers forward and
/// backward, one chunk of rows per worker; the gradients of the parameters are computed in chunks,
/// each over all rows. Every number is one chain of operations in an order that depends on none of
/// this, so the result is the same on any number of threads and with every backend.
final class Network: ParallelWork {
    let layout: ParameterLayout
    let parameters: Parameters
    /// The gradients of the last ``gradient(_:of:state:noise:)``.
    let gradients: Parameters
    let backend: Backend
    let kernels: TrainingKernels
    let pool: ThreadPool
    private let resetSymbol: Int?
    private let labelColumns: Int

    private let layers: [LayerWeights]
    private let output: PackedWeights
    private var activations: Activations
    private let division: RowDivision
    private let dropout: Dropout
    /// What the workers do next.
    private var task = Task.packing(nil)

    /// The work that is distributed.
    private enum Task {
        case packing(Noise?)
        case rows(Pass)
        case gradients(Noise?)
    }

    /// A minibatch on its way through the network.
    private struct Pass {
        let minibatch: Minibatch
        let corpus: Corpus
        let state: RecurrentState?
        let purpose: Purpose
        /// The number of symbols that are predicted.
        let predictions: Int
        /// The random numbers that decide what is dropped; nil to drop nothing.
        let noise: Noise?

        init(
            _ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?, _ purpose: Purpose, noise: Noise? = nil
        ) {
            self.minibatch = minibatch
            self.corpus = corpus
            self.state = state
            self.purpose = purpose
            self.noise = noise
            predictions = max(1, minibatch.predictionCount)
        }
    }

    /// What a minibatch goes through the network for.
    private enum Purpose {
        case logits, loss, gradient
    }

    /// - Parameters:
    ///   - threads: The number of threads that work on a minibatch, at least 1.
    ///   - precision: What the products' factors are rounded to.
    ///   - resetSymbol: The symbol that is read from the initial state, wherever it stands; nil for
    ///     none.
    ///   - labelColumns: The number of columns of the shape's labels; 0 if the initial state is
    ///     zero.
    ///   - dropout: What ``gradient(_:of:state:noise:)`` drops.
    init(
        _ shape: ModelShape, threads: Int, backend: Backend, precision: Settings.Precision = .f32,
        resetSymbol: Int? = nil, labelColumns: Int = 0, dropout: Dropout = Dropout()
    ) throws(ChargenError) {
        layout = ParameterLayout(shape)
        parameters = try Parameters(layout)
        gradients = try Parameters(layout)
        self.backend = backend
        kernels = backend.trainingKernels(inBFloat16: precision == .bf16)
        pool = try ThreadPool(size: threads)
        division = try RowDivision(chunks: threads)
        var layers: [LayerWeights] = []
        for index in 0..<shape.layers {
            layers.append(
                try LayerWeights(
                    parameters.layer(index), cell: shape.cell, width: layout.width, index: index,
                    drops: dropout.weights > 0))
        }
        self.layers = layers
        self.dropout = dropout
        output = try PackedWeights(parameters.outputWeights, rows: layout.outputWidth, columns: layout.width)
        self.resetSymbol = resetSymbol
        self.labelColumns = labelColumns
        activations = try Activations(
            layout, rows: 0, time: 0, threads: threads,
            Activations.Options(resetSymbol: resetSymbol, dropout: dropout), backend, kernels)
    }

    var shape: ModelShape { layout.shape }

    /// The mean cross-entropy of a minibatch, in nats a symbol.
    ///
    /// - Parameter state: Where every row starts from, replaced by where it ends; zeros if nil.
    func loss(
        _ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?, noise: Noise? = nil
    ) throws(ChargenError) -> Double {
        let pass = Pass(minibatch, of: corpus, state: state, .loss, noise: noise)
        try take(pass)
        return activations.output.totalLoss(time: activations.time) / Double(pass.predictions)
    }

    /// The mean cross-entropy of a minibatch, in nats a symbol; its gradients are left in
    /// ``gradients``.
    ///
    /// - Parameter noise: The random numbers that decide what is dropped; nil to drop nothing.
    func gradient(
        _ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?, noise: Noise? = nil
    ) throws(ChargenError) -> Double {
        let pass = Pass(minibatch, of: corpus, state: state, .gradient, noise: noise)
        try take(pass)
        distribute(.gradients(noise), chunks: gradientChunks)
        return activations.output.totalLoss(time: activations.time) / Double(pass.predictions)
    }

    /// The logits after every symbol of a minibatch's rows, [row][step][symbol].
    func logits(_ minibatch: Minibatch, of corpus: Corpus) throws(ChargenError) -> [[[Float]]] {
        try take(Pass(minibatch, of: corpus, state: nil, .logits))
        return (0..<minibatch.rows.count).map { row in
            (0..<minibatch.time).map { Array(activations.output.logits(row: row, step: $0)) }
        }
    }

    // MARK: - Phases

    /// Takes a minibatch through the network: forward, and backward for its gradient.
    private func take(_ pass: Pass) throws(ChargenError) {
        let (count, time) = (pass.minibatch.rows.count, pass.minibatch.time)
        if !activations.fit(rows: count, time: time) {
            let (rows, steps) = (max(count, activations.rows), max(time, activations.time))
            let starts =
                shape.labelCount > 0
                ? try LabelStarts(parameters, columnCount: labelColumns, places: rows * steps) : nil
            activations = try Activations(
                layout, rows: rows, time: steps, threads: pool.size,
                Activations.Options(resetSymbol: resetSymbol, dropout: dropout, starts: starts), backend, kernels)
            _ = activations.fit(rows: count, time: time)
        }
        distribute(.packing(pass.noise), chunks: packingChunks)
        activations.isDropping = pass.noise != nil && dropout.states > 0
        division.divide(rows: count)
        // One chunk per worker: with fewer rows at once the weights would be read more often.
        distribute(.rows(pass), chunks: pool.size)
    }

    private func distribute(_ task: Task, chunks: Int) {
        self.task = task
        pool.perform(self, chunks: chunks)
    }

    override func perform(chunk: Int, worker: Int) {
        let scratch = activations.scratch[worker].pointer
        switch task {
        case .packing(let noise): pack(chunk: chunk, noise)
        case .rows(let pass): take(pass, chunk: chunk, scratch)
        case .gradients(let noise): setGradients(chunk: chunk, noise, scratch)
        }
    }

    /// The chunks of all matrices as one list: those of the layers, then those of the output.
    private var packingChunks: Int { layers.reduce(output.chunks) { $0 + $1.chunks } }

    /// Packs a chunk of the parameters as they are now.
    private func pack(chunk: Int, _ noise: Noise?) {
        var chunk = chunk
        for layer in layers {
            if chunk < layer.chunks { return layer.pack(chunk: chunk, mask(of: layer, noise), kernels) }
            chunk -= layer.chunks
        }
        output.pack(chunk: chunk, nil, kernels)
    }

    /// What is dropped of a layer's hidden weights; nil for nothing.
    private func mask(of layer: LayerWeights, _ noise: Noise?) -> DropMask? {
        noise.flatMap { dropout.weights($0, layer: layer.index) }
    }

    /// Takes a worker's rows of a minibatch through the network.
    private func take(_ pass: Pass, chunk: Int, _ scratch: UnsafeMutablePointer<Float>) {
        let rows = division[chunk]
        guard !rows.isEmpty else { return }
        let start = ContinuousClock.now
        let (minibatch, time) = (pass.minibatch, pass.minibatch.time)
        for row in rows {
            activations.gather(
                minibatch, from: pass.corpus, row: row, dropped: pass.noise.flatMap { dropout.labels($0) })
            activations.load(pass.state, row: row)
        }
        for (index, layer) in activations.layers.enumerated() {
            layer.forward(
                layers[index], input: activations.input(of: index), rows: rows, time: time, scratch: scratch)
            layer.drop(rows, time: time, pass.noise.flatMap { dropout.states($0, layer: index) })
        }
        if let state = pass.state {
            for row in rows { activations.store(in: state, row: row) }
        }
        switch pass.purpose {
        case .logits:
            activations.output.forward(
                output, bias: parameters.outputBias, hidden: activations.lastHidden, rows: rows, steps: 0..<time,
                scratch: scratch)
        case .loss: loss(pass, rows, hiddenGradient: nil, scratch)
        case .gradient: backward(pass, rows, scratch)
        }
        division.note(chunk, took: .now - start)
    }

    /// Notes some rows' losses; with memory for it, leaves the gradient of the last hidden states
    /// too.
    private func loss(
        _ pass: Pass, _ rows: Range<Int>, hiddenGradient: UnsafeMutablePointer<Float>?,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let layer = activations.output
        let time = activations.time
        let length = RecurrentLayer.steps(of: rows)
        for start in stride(from: 0, to: time, by: length) {
            let steps = start..<min(start + length, time)
            layer.forward(
                output, bias: parameters.outputBias, hidden: activations.lastHidden, rows: rows, steps: steps,
                scratch: scratch)
            layer.loss(
                targets: activations.targets.pointer, scale: 1 / Float(pass.predictions), rows: rows, steps: steps)
            if let hiddenGradient {
                layer.backward(output, hiddenGradient: hiddenGradient, rows: rows, steps: steps, scratch: scratch)
            }
        }
    }

    /// The backward pass of some rows through all layers.
    private func backward(_ pass: Pass, _ rows: Range<Int>, _ scratch: UnsafeMutablePointer<Float>) {
        var (above, below) = activations.gradients
        loss(pass, rows, hiddenGradient: above.pointer, scratch)
        for index in layers.indices.reversed() {
            activations.layers[index].backward(
                layers[index], rows: rows, time: activations.time,
                RecurrentLayer.Gradients(
                    hidden: above.pointer, input: index > 0 ? below.pointer : nil,
                    mask: pass.noise.flatMap { dropout.states($0, layer: index) }),
                scratch: scratch)
            swap(&above, &below)
        }
    }

    /// The columns of a chunk of the gradients: an even share of a block of preactivations, at most
    /// as many as the products take, and so few that there is a chunk for each worker.
    private var chunkSize: Int {
        let blocks = shape.cell.gates.blockCount
        let chunks = max(
            divideRoundingUp(layout.width, by: transposedProductRows), divideRoundingUp(pool.size, by: blocks))
        return padded(divideRoundingUp(layout.width, by: chunks))
    }

    /// The chunks of the gradients: those of the layers interleaved, so that each worker's are a
    /// mixture, then those of the output, then a chunk of each layer's part of labels' states.
    private var gradientChunks: Int {
        activations.layers[0].gradientChunks(size: chunkSize) * layers.count
            + activations.output.gradientChunks(size: chunkSize) + (shape.labelCount > 0 ? layers.count : 0)
    }

    /// Leaves a chunk of the gradients of the parameters, after the backward pass of the rows.
    private func setGradients(chunk: Int, _ noise: Noise?, _ scratch: UnsafeMutablePointer<Float>) {
        let size = chunkSize
        let layerChunks = activations.layers[0].gradientChunks(size: size) * layers.count
        let outputChunks = activations.output.gradientChunks(size: size)
        guard chunk < layerChunks + outputChunks else {
            return activations.layers[chunk - layerChunks - outputChunks].setLabelGradients(
                gradients, time: activations.time)
        }
        guard chunk < layerChunks else {
            return activations.output.setGradients(
                chunk: chunk - layerChunks, size: size, gradients, hidden: activations.lastHidden,
                time: activations.time, scratch: scratch)
        }
        let index = chunk % layers.count
        activations.layers[index].setGradients(
            chunk: chunk / layers.count, size: size, gradients.layer(index), input: activations.input(of: index),
            time: activations.time, mask: mask(of: layers[index], noise), scratch: scratch)
    }
}
