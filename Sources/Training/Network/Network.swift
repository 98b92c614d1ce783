import KernelDispatch
import Kernels
import ModelFormat

/// A recurrent network in training: its parameters, and their gradients over a minibatch.
///
/// An update has three phases, each shared out among the threads: the parameters are packed for the products; the rows of
/// the minibatch go forward and back through all layers, each thread with its own rows; the gradients of the parameters
/// are computed in parts, each over all rows. Every number is one chain of operations in an order that depends on none of
/// this, so the result is the same on any number of threads and with every backend.
final class Network {
    let layout: ParameterLayout
    let parameters: Parameters
    /// The gradients of the last ``gradient(_:of:state:)``.
    let gradients: Parameters
    let backend: Backend
    let trainingBackend: TrainingBackend
    let workers: Workers

    private let layers: [LayerWeights]
    private let output: PackedWeights
    private var activations: Activations

    /// - Parameters:
    ///   - threads: The number of threads that work on a minibatch, at least 1.
    ///   - precision: What the products' factors are rounded to.
    init(
        _ shape: ModelShape, threads: Int, backend: Backend, precision: Settings.Precision = .f32
    ) throws(ModelError) {
        layout = ParameterLayout(shape)
        parameters = try Parameters(layout)
        gradients = try Parameters(layout)
        self.backend = backend
        trainingBackend = TrainingBackend.matching(backend, inBFloat16: precision == .bf16)
        workers = Workers(count: threads)
        var layers: [LayerWeights] = []
        for index in 0..<shape.layers {
            layers.append(
                try LayerWeights(
                    parameters.layer(index), cell: shape.cell, width: layout.width, isFirst: index == 0))
        }
        self.layers = layers
        output = try PackedWeights(parameters.outputWeights, rows: layout.outputWidth, columns: layout.width)
        activations = try Activations(layout, rows: 0, time: 0, threads: threads, backend, trainingBackend)
    }

    var shape: ModelShape { layout.shape }

    /// The mean cross-entropy of a minibatch, in nats a symbol.
    ///
    /// - Parameter state: Where every row starts from, replaced by where it ends; zeros if nil.
    func loss(_ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?) throws(ModelError) -> Double {
        try forward(minibatch, corpus, state) { rows, scratch in loss(rows, hiddenGradient: nil, scratch) }
        return meanLoss
    }

    /// The mean cross-entropy of a minibatch, in nats a symbol; its gradients are left in ``gradients``.
    func gradient(_ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?) throws(ModelError) -> Double {
        try forward(minibatch, corpus, state) { rows, scratch in backward(rows, scratch) }
        setGradients()
        return meanLoss
    }

    /// The logits after every symbol of a minibatch's rows, [row][step][symbol].
    func logits(_ minibatch: Minibatch, of corpus: Corpus) throws(ModelError) -> [[[Float]]] {
        try forward(minibatch, corpus, nil) { rows, scratch in
            activations.output.forward(
                output, bias: parameters.outputBias, hidden: activations.lastHidden, rows: rows,
                steps: 0..<minibatch.time, scratch: scratch)
        }
        return (0..<minibatch.starts.count).map { row in
            (0..<minibatch.time).map { Array(activations.output.logits(row: row, step: $0)) }
        }
    }

    // MARK: - Phases

    /// Takes a minibatch through the recurrent layers, and each thread's rows through `body`.
    private func forward(
        _ minibatch: Minibatch, _ corpus: Corpus, _ state: RecurrentState?,
        _ body: (_ rows: Range<Int>, _ scratch: UnsafeMutablePointer<Float>) -> Void
    ) throws(ModelError) {
        let count = minibatch.starts.count
        if !activations.fit(rows: count, time: minibatch.time) {
            activations = try Activations(
                layout, rows: max(count, activations.rows), time: max(minibatch.time, activations.time),
                threads: workers.count, backend, trainingBackend)
            _ = activations.fit(rows: count, time: minibatch.time)
        }
        pack()
        workers.onEach { thread in
            let rows = thread * count / workers.count..<(thread + 1) * count / workers.count
            guard !rows.isEmpty else { return }
            let scratch = activations.scratch[thread].pointer
            for row in rows {
                activations.gather(minibatch, from: corpus, row: row)
                activations.load(state, row: row)
            }
            for (index, layer) in activations.layers.enumerated() {
                layer.forward(
                    layers[index], input: activations.input(of: index), rows: rows, time: minibatch.time,
                    scratch: scratch)
            }
            if let state {
                for row in rows { activations.store(in: state, row: row) }
            }
            body(rows, scratch)
        }
    }

    /// Takes over the parameters as they are now.
    private func pack() {
        // All matrices' parts as one list: those of the layers, then those of the output.
        let parts = layers.reduce(output.parts) { $0 + $1.parts }
        workers.share(parts) { part, _ in
            var part = part
            for layer in layers {
                if part < layer.parts { return layer.pack(part: part, trainingBackend) }
                part -= layer.parts
            }
            output.pack(part: part, trainingBackend)
        }
    }

    /// Notes some rows' losses; with memory for it, leaves the gradient of the last hidden states too.
    private func loss(
        _ rows: Range<Int>, hiddenGradient: UnsafeMutablePointer<Float>?, _ scratch: UnsafeMutablePointer<Float>
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
                targets: activations.targets.pointer, scale: 1 / Float(activations.rows * time), rows: rows,
                steps: steps)
            if let hiddenGradient {
                layer.backward(output, hiddenGradient: hiddenGradient, rows: rows, steps: steps, scratch: scratch)
            }
        }
    }

    private var meanLoss: Double {
        activations.output.totalLoss(time: activations.time) / Double(activations.rows * activations.time)
    }

    /// Takes some rows back through all layers.
    private func backward(_ rows: Range<Int>, _ scratch: UnsafeMutablePointer<Float>) {
        var (above, below) = activations.gradients
        loss(rows, hiddenGradient: above.pointer, scratch)
        for index in layers.indices.reversed() {
            activations.layers[index].backward(
                layers[index], rows: rows, time: activations.time, hiddenGradient: above.pointer,
                inputGradient: index > 0 ? below.pointer : nil, scratch: scratch)
            swap(&above, &below)
        }
    }

    /// Leaves the gradients of the parameters, after the rows have been taken back.
    private func setGradients() {
        let size = partSize
        let outputParts = activations.output.gradientParts(size: size)
        let layerParts = activations.layers[0].gradientParts(size: size)
        workers.share(layerParts * layers.count + outputParts) { part, thread in
            let scratch = activations.scratch[thread].pointer
            guard part < layerParts * layers.count else {
                return activations.output.setGradients(
                    part: part - layerParts * layers.count, size: size, weights: gradients.outputWeights,
                    bias: gradients.outputBias, hidden: activations.lastHidden, time: activations.time,
                    scratch: scratch)
            }
            let index = part / layerParts
            activations.layers[index].setGradients(
                part: part % layerParts, size: size, gradients.layer(index), input: activations.input(of: index),
                time: activations.time, scratch: scratch)
        }
    }

    /// The columns of a part of the gradients: an even share of a block of sums, at most as many as the products take,
    /// and so few that there is a part for each thread.
    private var partSize: Int {
        let blocks = shape.cell.sumCount
        let parts = max(
            (layout.width + transposedProductRows - 1) / transposedProductRows, (workers.count + blocks - 1) / blocks)
        return padded((layout.width + parts - 1) / parts)
    }

    /// Calls `body` with consecutive parts of the parameters, each on a thread of its own.
    func inParallel(_ body: (Range<Int>) -> Void) {
        let lines = parameters.count / laneCount
        workers.onEach { thread in
            body(
                thread * lines / workers.count * laneCount..<(thread + 1) * lines / workers.count * laneCount)
        }
    }
}
