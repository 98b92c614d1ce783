import KernelDispatch
import ModelFormat

/// One recurrent layer over a minibatch: its memory, and what all cells do alike.
///
/// B rows, T time steps, `width` padded hidden units, S blocks of sums (``Cell/sumCount``). Everything is time-major. A
/// thread takes its own rows through all steps; the rows do not touch each other. What differs between cells, the
/// pointwise step with its backward half, stands in LSTM.swift, GRU.swift and RNN.swift.
final class RecurrentLayer {
    /// What a layer reads.
    enum Input {
        /// The first layer: symbols [T, B], whose one-hot vectors are never made.
        case symbols(UnsafePointer<Int32>)
        /// The others: the hidden states [T, B, width] of the layer below.
        case hidden(UnsafeMutablePointer<Float>)
    }

    let cell: Cell
    let width: Int
    /// B, at most what the memory was made for.
    var rows: Int
    let backend: Backend
    let trainingBackend: TrainingBackend

    /// [T, B, S·width]: a step's sums, then the gates' activations, then, on the way back, the gradients of the sums.
    let sums: AlignedBuffer<Float>
    /// [T + 1, B, width]: the hidden state before the first step and after each.
    let hidden: AlignedBuffer<Float>
    /// [T + 1, B, width], an LSTM's cell states likewise; empty for other cells.
    let cells: AlignedBuffer<Float>
    /// [T, B, width]: an LSTM's tanh(c); empty for other cells.
    let cellTangents: AlignedBuffer<Float>
    /// [B, width]: the gradient of an LSTM's cell state, carried from a step to the one before; that of a GRU's hidden
    /// state before the first step, which nobody needs; empty for an RNN.
    let carriedGradient: AlignedBuffer<Float>

    init(
        cell: Cell, width: Int, rows: Int, time: Int, _ backend: Backend, _ trainingBackend: TrainingBackend
    ) throws(ModelError) {
        self.cell = cell
        self.width = width
        self.rows = rows
        self.backend = backend
        self.trainingBackend = trainingBackend
        let state = rows * width
        let isLSTM = cell == .lstm
        sums = try AlignedBuffer(count: time * state * cell.sumCount, for: "a minibatch's gates")
        hidden = try AlignedBuffer(count: (time + 1) * state, for: "a minibatch's hidden states")
        cells = try AlignedBuffer(count: isLSTM ? (time + 1) * state : 0, for: "a minibatch's cell states")
        cellTangents = try AlignedBuffer(count: isLSTM ? time * state : 0, for: "a minibatch's activations")
        carriedGradient = try AlignedBuffer(count: cell == .rnn ? 0 : state, for: "a minibatch's gradients")
    }

    /// The columns of ``sums``.
    var sumWidth: Int { cell.sumCount * width }

    /// The hidden states after each step, [T, B, width].
    var output: UnsafeMutablePointer<Float> { hidden.pointer + rows * width }

    /// The place of a row at a step among all rows.
    func place(_ step: Int, _ row: Int) -> Int { step * rows + row }

    /// The steps that go through the products with the layer below together, so many that reading the weights costs
    /// little and so few that what they leave stays in the cache.
    static func steps(of rows: Range<Int>) -> Int { max(1, 128 / max(1, rows.count)) }

    /// The most rows of a product, of all its steps together, where a thread has at most `rows` rows.
    static func largestProduct(rows: Int) -> Int { max(128, rows) }

    // MARK: - Forward

    /// Takes some rows through `time` steps, from the state at the front of ``hidden`` and ``cells``.
    func forward(
        _ weights: LayerWeights, input: Input, rows range: Range<Int>, time: Int, scratch: UnsafeMutablePointer<Float>
    ) {
        let length = RecurrentLayer.steps(of: range)
        for start in stride(from: 0, to: time, by: length) {
            let steps = start..<min(start + length, time)
            beginSums(weights, input, range, steps, scratch)
            for step in steps {
                trainingBackend.add(
                    states(hidden.pointer, step, range), weights.hidden,
                    to: sums(step, range, from: cell.firstHiddenSum), rows: range.count, steps: 1,
                    scratch: scratch)
                for row in range {
                    switch cell {
                    case .lstm: lstmForward(step, row)
                    case .gru: gruForward(step, row)
                    case .rnn: rnnForward(step, row)
                    }
                }
            }
        }
    }

    /// The sums over the biases and the layer's input.
    private func beginSums(
        _ weights: LayerWeights, _ input: Input, _ range: Range<Int>, _ steps: Range<Int>,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        for step in steps {
            for row in range {
                let place = place(step, row)
                var start = 0
                if case .symbols(let symbols) = input { start = Int(symbols[place]) }
                (sums.pointer + place * sumWidth)
                    .update(from: weights.starts.pointer + start * sumWidth, count: sumWidth)
            }
        }
        if case .hidden(let below) = input, let inputWeights = weights.input {
            trainingBackend.add(
                states(below, steps.lowerBound, range), inputWeights, to: sums(steps.lowerBound, range, from: 0),
                rows: range.count, steps: steps.count, scratch: scratch)
        }
    }

    // MARK: - Backward

    /// Goes back with some rows through the `time` steps of the last ``forward(_:input:rows:time:scratch:)``, and leaves the
    /// gradients of the sums.
    ///
    /// - Parameters:
    ///   - hiddenGradient: [T, B, width], the gradient of ``output`` from above; overwritten.
    ///   - inputGradient: [T, B, width], the gradient of the layer below's output on return; nil in the first layer.
    func backward(
        _ weights: LayerWeights, rows range: Range<Int>, time: Int, hiddenGradient: UnsafeMutablePointer<Float>,
        inputGradient: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>
    ) {
        if cell != .rnn {
            (carriedGradient.pointer + range.lowerBound * width).update(repeating: 0, count: range.count * width)
        }
        let length = RecurrentLayer.steps(of: range)
        for end in stride(from: time, to: 0, by: -length) {
            let steps = max(0, end - length)..<end
            for step in steps.reversed() {
                for row in range {
                    switch cell {
                    case .lstm: lstmBackward(step, row, hiddenGradient)
                    case .gru: gruBackward(step, row, hiddenGradient)
                    case .rnn: rnnBackward(step, row, hiddenGradient)
                    }
                }
                // Truncated backpropagation: nothing goes back beyond the first step.
                guard step > 0 else { break }
                trainingBackend.addBackward(
                    sums(step, range, from: cell.firstHiddenSum), weights.hidden,
                    to: states(hiddenGradient, step - 1, range), rows: range.count, steps: 1,
                    scratch: scratch)
            }
            guard let inputGradient, let inputWeights = weights.input else { continue }
            for step in steps {
                (inputGradient + place(step, range.lowerBound) * width)
                    .update(repeating: 0, count: range.count * width)
            }
            trainingBackend.addBackward(
                sums(steps.lowerBound, range, from: 0), inputWeights,
                to: states(inputGradient, steps.lowerBound, range), rows: range.count, steps: steps.count,
                scratch: scratch)
        }
    }

    // MARK: - Gradients of the parameters

    /// The parts of ``setGradients(part:size:_:input:time:scratch:)``: columns of the sums of the hidden state, then of
    /// the input.
    func gradientParts(size: Int) -> Int { 2 * columnParts(size) }

    private func columnParts(_ size: Int) -> Int { (cell.gateCount * width + size - 1) / size }

    /// Leaves a part of the gradients of the parameters, over all rows and time steps.
    ///
    /// - Parameters:
    ///   - size: The columns of a part, at most ``Kernels/transposedProductRows``.
    ///   - scratch: The thread's (``Activations/scratch``).
    func setGradients(
        part: Int, size: Int, _ gradients: LayerParameters, input: Input, time: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let parts = columnParts(size)
        let isHidden = part < parts
        let first = part % parts * size
        let count = min(size, cell.gateCount * width - first)
        let all = time * rows
        let source = sums.pointer + (isHidden ? cell.firstHiddenSum * width : 0) + first
        // Where both biases begin the same sums, their gradients are the same.
        let isShared = cell.sumCount == cell.gateCount
        let matrix = isHidden ? gradients.hiddenWeights : gradients.inputWeights
        let bias = (isHidden ? gradients.hiddenBias : gradients.inputBias) + first
        switch input {
        case .symbols(let symbols) where !isHidden:
            let length = cell.gateCount * width
            for symbol in 0..<gradients.symbolCount {
                (matrix + symbol * length + first).update(repeating: 0, count: count)
            }
            trainingBackend.scatterRows(source, sumWidth, all, matrix + first, length, symbols, count)
            // Each sum has gone to one symbol's row.
            setBias(bias, matrix + first, length, gradients.symbolCount, count)
            if isShared { (gradients.hiddenBias + first).update(from: bias, count: count) }
        case .hidden(let below) where !isHidden:
            setGradient(matrix + first * width, source, count, below, all, scratch)
            if !isShared { setBias(bias, source, sumWidth, all, count) }
        default:
            setGradient(matrix + first * width, source, count, hidden.pointer, all, scratch)
            if !isShared {
                setBias(bias, source, sumWidth, all, count)
            } else if case .hidden = input {
                setBias(bias, source, sumWidth, all, count)
                (gradients.inputBias + first).update(from: bias, count: count)
            }
        }
    }

    private func setBias(
        _ bias: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, _ stride: Int, _ rows: Int, _ count: Int
    ) {
        bias.update(repeating: 0, count: count)
        trainingBackend.addRows(source, stride, rows, bias, count)
    }

    private func setGradient(
        _ gradient: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, _ count: Int,
        _ states: UnsafePointer<Float>, _ depth: Int, _ scratch: UnsafeMutablePointer<Float>
    ) {
        gradient.update(repeating: 0, count: count * width)
        trainingBackend.addTransposedProduct(
            source, sumWidth, count, states, width, width, depth, gradient, width, scratch)
    }

    // MARK: - Places

    /// Blocks of sums of some rows from a step on.
    private func sums(_ step: Int, _ range: Range<Int>, from block: Int) -> Rows {
        let place = place(step, range.lowerBound) * sumWidth + block * width
        return Rows(pointer: sums.pointer + place, stride: sumWidth, step: rows * sumWidth)
    }

    /// Some rows of [T, B, width] from a step on.
    private func states(_ pointer: UnsafeMutablePointer<Float>, _ step: Int, _ range: Range<Int>) -> Rows {
        Rows(pointer: pointer + place(step, range.lowerBound) * width, stride: width, step: rows * width)
    }
}
