import KernelDispatch
import Kernels
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

    /// [T, B, S·width], rows ``sumStride`` apart: a step's sums, then the gates' activations, then, on the way back, the
    /// gradients of the sums.
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
    /// [width], what the gradients of the layer below start from.
    private let zeros: AlignedBuffer<Float>

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
        sums = try AlignedBuffer(count: time * rows * RecurrentLayer.sumStride(cell, width), for: "a minibatch's gates")
        hidden = try AlignedBuffer(count: (time + 1) * state, for: "a minibatch's hidden states")
        cells = try AlignedBuffer(count: isLSTM ? (time + 1) * state : 0, for: "a minibatch's cell states")
        cellTangents = try AlignedBuffer(count: isLSTM ? time * state : 0, for: "a minibatch's activations")
        carriedGradient = try AlignedBuffer(count: cell == .rnn ? 0 : state, for: "a minibatch's gradients")
        zeros = try AlignedBuffer(count: width, for: "a minibatch's gradients")
    }

    /// The distance between the rows of ``sums``: an odd number of cache lines, so that a column of them is spread over all
    /// sets of the cache.
    var sumStride: Int { RecurrentLayer.sumStride(cell, width) }

    private static func sumStride(_ cell: Cell, _ width: Int) -> Int {
        (cell.sumCount * width / laneCount | 1) * laneCount
    }

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
                    next: step + length < time ? sums(step + length, range, from: 0) : nil, scratch: scratch)
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
        let starts = weights.starts.pointer
        let length = cell.sumCount * width
        if case .hidden(let below) = input, let inputWeights = weights.input {
            trainingBackend.add(
                states(below, steps.lowerBound, range), inputWeights, from: starts,
                to: sums(steps.lowerBound, range, from: 0), rows: range.count, steps: steps.count, scratch: scratch)
        }
        for step in steps {
            for row in range {
                let place = place(step, row)
                let target = sums.pointer + place * sumStride
                switch input {
                case .symbols(let symbols): target.update(from: starts + Int(symbols[place]) * length, count: length)
                case .hidden:
                    // What the input does not add to.
                    let first = cell.gateCount * width
                    (target + first).update(from: starts + first, count: length - first)
                }
            }
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
                    next: sums(step - 1, range, from: 0), scratch: scratch)
            }
            guard let inputGradient, let inputWeights = weights.input else { continue }
            trainingBackend.addBackward(
                sums(steps.lowerBound, range, from: 0), inputWeights, from: zeros.pointer,
                to: states(inputGradient, steps.lowerBound, range), rows: range.count, steps: steps.count,
                scratch: scratch)
        }
    }

    // MARK: - Gradients of the parameters

    /// The parts of ``setGradients(part:size:_:input:time:scratch:)``: some columns of a block of sums each.
    func gradientParts(size: Int) -> Int { cell.sumCount * blockParts(size) }

    private func blockParts(_ size: Int) -> Int { (width + size - 1) / size }

    /// Leaves a part of the gradients of the parameters, over all rows and time steps.
    ///
    /// - Parameters:
    ///   - size: The columns of a part, at most ``Kernels/transposedProductRows``.
    ///   - scratch: The thread's (``Activations/scratch``).
    func setGradients(
        part: Int, size: Int, _ gradients: LayerParameters, input: Input, time: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let block = part / blockParts(size)
        let offset = part % blockParts(size) * size
        let count = min(size, width - offset)
        // The column among all sums, which is that among the input's, and the column among the hidden state's.
        let column = block * width + offset
        let hiddenColumn = column - cell.firstHiddenSum * width
        let hasHidden = hiddenColumn >= 0
        let hasInput = block < cell.gateCount
        let hiddenWeights = gradients.hiddenWeights + hiddenColumn * width
        let inputWeights = gradients.inputWeights + column * width
        let symbolWeights = gradients.inputWeights + column
        let symbolStride = cell.gateCount * width
        // Where both biases begin the same sums, their gradients are the same.
        let bias = hasHidden ? gradients.hiddenBias + hiddenColumn : gradients.inputBias + column

        if hasHidden { hiddenWeights.update(repeating: 0, count: count * width) }
        bias.update(repeating: 0, count: count)
        switch input {
        case .symbols where hasInput:
            for symbol in 0..<gradients.symbolCount {
                (symbolWeights + symbol * symbolStride).update(repeating: 0, count: count)
            }
        case .hidden where hasInput: inputWeights.update(repeating: 0, count: count * width)
        default: break
        }

        // So many rows at once that what reads them second finds them in the cache.
        for start in stride(from: 0, to: time * rows, by: transposedProductDepth) {
            let depth = min(transposedProductDepth, time * rows - start)
            let sums = sums.pointer + start * sumStride + column
            if hasHidden {
                trainingBackend.addTransposedProduct(
                    sums, sumStride, count, hidden.pointer + start * width, width, width, depth, hiddenWeights, width,
                    true, scratch)
            }
            switch input {
            case .symbols(let symbols) where hasInput:
                trainingBackend.scatterRows(
                    sums, sumStride, depth, symbolWeights, symbolStride, symbols + start, count)
            case .hidden(let below) where hasInput:
                trainingBackend.addTransposedProduct(
                    sums, sumStride, count, below + start * width, width, width, depth, inputWeights, width,
                    !hasHidden, scratch)
                trainingBackend.addRows(sums, sumStride, depth, bias, count)
            default: trainingBackend.addRows(sums, sumStride, depth, bias, count)
            }
        }

        if case .symbols = input, hasInput {
            // Each sum has gone to one symbol's row.
            trainingBackend.addRows(symbolWeights, symbolStride, gradients.symbolCount, bias, count)
        }
        if hasHidden, hasInput { (gradients.inputBias + column).update(from: bias, count: count) }
    }

    // MARK: - Places

    /// Blocks of sums of some rows from a step on.
    private func sums(_ step: Int, _ range: Range<Int>, from block: Int) -> Rows {
        let place = place(step, range.lowerBound) * sumStride + block * width
        return Rows(pointer: sums.pointer + place, stride: sumStride, step: rows * sumStride)
    }

    /// Some rows of [T, B, width] from a step on.
    private func states(_ pointer: UnsafeMutablePointer<Float>, _ step: Int, _ range: Range<Int>) -> Rows {
        Rows(pointer: pointer + place(step, range.lowerBound) * width, stride: width, step: rows * width)
    }
}
