import Foundation
import KernelDispatch
import ModelFormat

/// The rows of a minibatch that one thread computes, with all the memory for it.
///
/// B is the number of these rows, T the number of time steps, V the number of symbols.
final class Shard {
    /// The gradients of this shard's part of the loss.
    let gradients: Parameters

    private let layout: ParameterLayout
    private let backend: Backend
    private let trainingBackend: TrainingBackend
    private var rows = 0
    private var time = 0
    private var layers: [RecurrentLayer] = []
    /// [T, B], time-major.
    private var inputs: AlignedBuffer<Int32>
    private var targets: AlignedBuffer<Int32>
    /// [T + 1]: a row's symbols as the corpus has them.
    private var window: AlignedBuffer<Int32>
    /// [T, B, outputWidth]: the logits, then their gradients.
    private var logits: AlignedBuffer<Float>
    /// [T, B, width]: the gradient of a layer's output, and that of the layer below.
    private var hiddenGradient: AlignedBuffer<Float>
    private var inputGradient: AlignedBuffer<Float>

    init(_ layout: ParameterLayout, backend: Backend) throws(ModelError) {
        self.layout = layout
        self.backend = backend
        trainingBackend = TrainingBackend.matching(backend)
        gradients = try Parameters(layout)
        inputs = try AlignedBuffer(count: 0, for: "a minibatch")
        targets = inputs
        window = inputs
        logits = try AlignedBuffer(count: 0, for: "a minibatch")
        hiddenGradient = logits
        inputGradient = logits
    }

    /// Makes room for minibatches of up to `rows` × `time`. What fits already costs nothing.
    func prepare(rows: Int, time: Int) throws(ModelError) {
        if layers.isEmpty || rows > capacity.rows || time > capacity.time {
            let most = (rows: max(rows, capacity.rows), time: max(time, capacity.time))
            let count = most.rows * most.time
            inputs = try AlignedBuffer(count: count, for: "a minibatch")
            targets = try AlignedBuffer(count: count, for: "a minibatch")
            window = try AlignedBuffer(count: most.time + 1, for: "a minibatch")
            logits = try AlignedBuffer(count: count * layout.outputWidth, for: "a minibatch's logits")
            hiddenGradient = try AlignedBuffer(count: count * layout.width, for: "a minibatch's gradients")
            inputGradient = try AlignedBuffer(count: count * layout.width, for: "a minibatch's gradients")
            layers = []
            for _ in 0..<layout.shape.layers {
                layers.append(
                    try RecurrentLayer(
                        cell: layout.shape.cell, width: layout.width, rows: most.rows, time: most.time,
                        backend: backend))
            }
            capacity = most
        }
        self.rows = rows
        self.time = time
        for layer in layers { layer.rows = rows }
    }

    private var capacity = (rows: 0, time: 0)

    // MARK: - Data

    /// Takes this shard's rows of a minibatch from the corpus: row `first` of the minibatch becomes row 0.
    func gather(_ minibatch: Minibatch, from corpus: Corpus, first: Int) {
        for row in 0..<rows {
            let start = minibatch.starts[first + row]
            corpus.copySymbols(start..<start + time + 1, to: window.pointer)
            for step in 0..<time {
                inputs.pointer[step * rows + row] = window.pointer[step]
                targets.pointer[step * rows + row] = window.pointer[step + 1]
            }
        }
    }

    /// Starts from rows `first`… of `state`; from zeros if it is nil.
    func load(_ state: RecurrentState?, first: Int) {
        for (index, layer) in layers.enumerated() {
            exchange(state?.hidden, index, layer.hidden, step: 0, first: first, store: false, state?.rows)
            exchange(state?.cells, index, layer.cells, step: 0, first: first, store: false, state?.rows)
        }
    }

    /// Leaves the states after the last step in `state`.
    func store(in state: RecurrentState, first: Int) {
        for (index, layer) in layers.enumerated() {
            exchange(state.hidden, index, layer.hidden, step: time, first: first, store: true, state.rows)
            exchange(state.cells, index, layer.cells, step: time, first: first, store: true, state.rows)
        }
    }

    private func exchange(
        _ outer: AlignedBuffer<Float>?, _ layer: Int, _ inner: AlignedBuffer<Float>, step: Int, first: Int, store: Bool,
        _ outerRows: Int?
    ) {
        guard inner.count > 0 else { return }
        let count = rows * layout.width
        let place = inner.pointer + step * count
        guard let outer, let outerRows else { return place.update(repeating: 0, count: count) }
        let outerPlace = outer.pointer + (layer * outerRows + first) * layout.width
        if store { outerPlace.update(from: place, count: count) } else { place.update(from: outerPlace, count: count) }
    }

    // MARK: - Passes

    /// The forward pass: leaves the logits [T, B, V].
    func forward(_ parameters: Parameters) {
        for (index, layer) in layers.enumerated() {
            layer.forward(parameters.layer(index), input: input(of: index), time: time)
        }
        let count = rows * time
        guard let last = layers.last else { return }
        for row in 0..<count {
            (logits.pointer + row * layout.outputWidth).update(from: parameters.outputBias, count: layout.outputWidth)
        }
        MatrixProduct.add(
            Matrix(last.output, count, layout.width),
            transposed: Matrix(parameters.outputWeights, layout.outputWidth, layout.width),
            to: Matrix(logits.pointer, count, layout.outputWidth))
    }

    /// The sum of the cross-entropies, in nats; turns the logits into the gradient of `scale` times that sum.
    func loss(scale: Float) -> Double {
        var loss = 0.0
        for row in 0..<rows * time {
            let (sum, targetLogit) = trainingBackend.softmaxGradient(
                logits.pointer + row * layout.outputWidth, layout.shape.vocabularySize, Int(targets.pointer[row]), scale
            )
            loss += log(Double(sum)) - Double(targetLogit)
        }
        return loss
    }

    /// The backward pass, after ``loss(scale:)``: leaves ``gradients``.
    func backward(_ parameters: Parameters) {
        let count = rows * time
        guard let last = layers.last else { return }
        gradients.pointer.update(repeating: 0, count: gradients.count)
        let logitGradient = Matrix(logits.pointer, count, layout.outputWidth)
        MatrixProduct.add(
            transposed: logitGradient, Matrix(last.output, count, layout.width),
            to: Matrix(gradients.outputWeights, layout.outputWidth, layout.width))
        last.addRows(of: logitGradient, to: gradients.outputBias)
        MatrixProduct.set(
            Matrix(hiddenGradient.pointer, count, layout.width), to: logitGradient,
            Matrix(parameters.outputWeights, layout.outputWidth, layout.width))
        for index in layers.indices.reversed() {
            layers[index].backward(
                parameters.layer(index), gradients.layer(index), input: input(of: index), time: time,
                hiddenGradient: hiddenGradient.pointer, inputGradient: index > 0 ? inputGradient.pointer : nil)
            swap(&hiddenGradient, &inputGradient)
        }
    }

    private func input(of layer: Int) -> RecurrentLayer.Input {
        layer == 0 ? .symbols(inputs.pointer) : .hidden(layers[layer - 1].output)
    }

    /// The logits of a row at a time step, V of them, after ``forward(_:)``.
    func logits(row: Int, step: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(
            start: logits.pointer + (step * rows + row) * layout.outputWidth, count: layout.shape.vocabularySize)
    }
}
