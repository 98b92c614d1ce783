import KernelDispatch
import Kernels
import ModelFormat
import Threads

/// A recurrent network in training: its parameters, and their gradients over a minibatch.
///
/// An update has three phases, each shared out among the threads: the parameters are packed for the products; the rows of
/// the minibatch go forward and back through all layers, each thread with its own rows; the gradients of the parameters
/// are computed in parts, each over all rows. Every number is one chain of operations in an order that depends on none of
/// this, so the result is the same on any number of threads and with every backend.
final class Network: TeamWork {
    let layout: ParameterLayout
    let parameters: Parameters
    /// The gradients of the last ``gradient(_:of:state:)``.
    let gradients: Parameters
    let backend: Backend
    let trainingBackend: TrainingBackend
    let team: Team

    private let layers: [LayerWeights]
    private let output: PackedWeights
    private var activations: Activations
    private let division: RowDivision
    /// What the members of the team do next.
    private var task = Task.packing

    /// What is shared out.
    private enum Task {
        case packing
        case rows(Pass)
        case gradients
    }

    /// A minibatch on its way through the network.
    private struct Pass {
        let minibatch: Minibatch
        let corpus: Corpus
        let state: RecurrentState?
        let purpose: Purpose
    }

    /// What a minibatch goes through the network for.
    private enum Purpose {
        case logits, loss, gradient
    }

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
        team = try Team(size: threads)
        division = try RowDivision(parts: threads)
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
        try take(Pass(minibatch: minibatch, corpus: corpus, state: state, purpose: .loss))
        return meanLoss
    }

    /// The mean cross-entropy of a minibatch, in nats a symbol; its gradients are left in ``gradients``.
    func gradient(_ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?) throws(ModelError) -> Double {
        try take(Pass(minibatch: minibatch, corpus: corpus, state: state, purpose: .gradient))
        share(.gradients, parts: gradientParts)
        return meanLoss
    }

    /// The logits after every symbol of a minibatch's rows, [row][step][symbol].
    func logits(_ minibatch: Minibatch, of corpus: Corpus) throws(ModelError) -> [[[Float]]] {
        try take(Pass(minibatch: minibatch, corpus: corpus, state: nil, purpose: .logits))
        return (0..<minibatch.starts.count).map { row in
            (0..<minibatch.time).map { Array(activations.output.logits(row: row, step: $0)) }
        }
    }

    // MARK: - Phases

    /// Takes a minibatch through the network: forward, and for its gradient back.
    private func take(_ pass: Pass) throws(ModelError) {
        let (count, time) = (pass.minibatch.starts.count, pass.minibatch.time)
        if !activations.fit(rows: count, time: time) {
            activations = try Activations(
                layout, rows: max(count, activations.rows), time: max(time, activations.time), threads: team.size,
                backend, trainingBackend)
            _ = activations.fit(rows: count, time: time)
        }
        share(.packing, parts: packingParts)
        division.divide(rows: count)
        // A part a thread: with fewer rows at once the weights would be read more often.
        share(.rows(pass), parts: team.size)
    }

    private func share(_ task: Task, parts: Int) {
        self.task = task
        team.perform(self, parts: parts)
    }

    override func perform(part: Int, member: Int) {
        let scratch = activations.scratch[member].pointer
        switch task {
        case .packing: pack(part: part)
        case .rows(let pass): take(pass, part: part, scratch)
        case .gradients: setGradients(part: part, scratch)
        }
    }

    /// The parts of all matrices as one list: those of the layers, then those of the output.
    private var packingParts: Int { layers.reduce(output.parts) { $0 + $1.parts } }

    /// Takes over a part of the parameters as they are now.
    private func pack(part: Int) {
        var part = part
        for layer in layers {
            if part < layer.parts { return layer.pack(part: part, trainingBackend) }
            part -= layer.parts
        }
        output.pack(part: part, trainingBackend)
    }

    /// Takes a thread's rows of a minibatch through the network.
    private func take(_ pass: Pass, part: Int, _ scratch: UnsafeMutablePointer<Float>) {
        let rows = division[part]
        guard !rows.isEmpty else { return }
        let start = ContinuousClock.now
        let (minibatch, time) = (pass.minibatch, pass.minibatch.time)
        for row in rows {
            activations.gather(minibatch, from: pass.corpus, row: row)
            activations.load(pass.state, row: row)
        }
        for (index, layer) in activations.layers.enumerated() {
            layer.forward(
                layers[index], input: activations.input(of: index), rows: rows, time: time, scratch: scratch)
        }
        if let state = pass.state {
            for row in rows { activations.store(in: state, row: row) }
        }
        switch pass.purpose {
        case .logits:
            activations.output.forward(
                output, bias: parameters.outputBias, hidden: activations.lastHidden, rows: rows, steps: 0..<time,
                scratch: scratch)
        case .loss: loss(rows, hiddenGradient: nil, scratch)
        case .gradient: backward(rows, scratch)
        }
        division.note(part, took: .now - start)
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

    /// The columns of a part of the gradients: an even share of a block of sums, at most as many as the products take,
    /// and so few that there is a part for each thread.
    private var partSize: Int {
        let blocks = shape.cell.sumCount
        let parts = max(
            (layout.width + transposedProductRows - 1) / transposedProductRows, (team.size + blocks - 1) / blocks)
        return padded((layout.width + parts - 1) / parts)
    }

    /// The parts of the gradients: those of the layers by turns, so that each thread's are a mixture, then those of the
    /// output.
    private var gradientParts: Int {
        activations.layers[0].gradientParts(size: partSize) * layers.count
            + activations.output.gradientParts(size: partSize)
    }

    /// Leaves a part of the gradients of the parameters, after the rows have been taken back.
    private func setGradients(part: Int, _ scratch: UnsafeMutablePointer<Float>) {
        let size = partSize
        let layerParts = activations.layers[0].gradientParts(size: size) * layers.count
        guard part < layerParts else {
            return activations.output.setGradients(
                part: part - layerParts, size: size, weights: gradients.outputWeights, bias: gradients.outputBias,
                hidden: activations.lastHidden, time: activations.time, scratch: scratch)
        }
        let index = part % layers.count
        activations.layers[index].setGradients(
            part: part / layers.count, size: size, gradients.layer(index), input: activations.input(of: index),
            time: activations.time, scratch: scratch)
    }
}
