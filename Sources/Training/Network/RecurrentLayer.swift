import KernelDispatch
import ModelFormat

/// One recurrent layer over a minibatch: its memory, and what all cells do alike.
///
/// B rows, T time steps, `width` padded hidden units, G gates. Everything is time-major: the B rows of a time step are
/// contiguous. What differs between cells, the recurrence, stands with its backward half in LSTM.swift, GRU.swift and
/// RNN.swift.
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

    /// [T, B, G·width]: the gates' sums, then their activations, then, on the way back, the gradients of the sums.
    let gates: AlignedBuffer<Float>
    /// [T + 1, B, width]: the hidden state before the first step and after each.
    let hidden: AlignedBuffer<Float>
    /// [T + 1, B, width], an LSTM's cell states likewise; empty for other cells.
    let cells: AlignedBuffer<Float>
    /// [T, B, width]: an LSTM's tanh(c); a GRU's n_h, then its gradient; empty for an RNN.
    let extra: AlignedBuffer<Float>
    /// [B, width]: the gradient of an LSTM's cell state, carried from a step to the one before; empty for other cells.
    let cellGradient: AlignedBuffer<Float>

    init(cell: Cell, width: Int, rows: Int, time: Int, backend: Backend) throws(ModelError) {
        self.cell = cell
        self.width = width
        self.rows = rows
        self.backend = backend
        trainingBackend = TrainingBackend.matching(backend)
        let state = rows * width
        gates = try AlignedBuffer(count: time * state * cell.gateCount, for: "a minibatch's gates")
        hidden = try AlignedBuffer(count: (time + 1) * state, for: "a minibatch's hidden states")
        cells = try AlignedBuffer(count: cell == .lstm ? (time + 1) * state : 0, for: "a minibatch's cell states")
        extra = try AlignedBuffer(count: cell == .rnn ? 0 : time * state, for: "a minibatch's activations")
        cellGradient = try AlignedBuffer(count: cell == .lstm ? state : 0, for: "a minibatch's gradients")
    }

    /// The columns of ``gates``.
    var gateWidth: Int { cell.gateCount * width }

    /// The hidden states after each step, [T, B, width].
    var output: UnsafeMutablePointer<Float> { hidden.pointer + rows * width }

    /// Runs `time` steps from the state at the front of ``hidden`` and ``cells``.
    func forward(_ parameters: LayerParameters, input: Input, time: Int) {
        let count = time * rows
        // The first layer's look-up and the others' product fill the sums of all time steps at once.
        switch input {
        case .symbols(let symbols):
            for index in 0..<count {
                let row = gates.pointer + index * gateWidth
                row.update(from: parameters.inputWeights + Int(symbols[index]) * gateWidth, count: gateWidth)
                trainingBackend.add(parameters.inputBias, row, gateWidth)
            }
        case .hidden(let below):
            for index in 0..<count {
                (gates.pointer + index * gateWidth).update(from: parameters.inputBias, count: gateWidth)
            }
            MatrixProduct.add(
                Matrix(below, count, width), transposed: Matrix(parameters.inputWeights, gateWidth, width),
                to: Matrix(gates.pointer, count, gateWidth))
        }
        for step in 0..<time {
            switch cell {
            case .lstm: lstmForward(parameters, step)
            case .gru: gruForward(parameters, step)
            case .rnn: rnnForward(parameters, step)
            }
        }
    }

    /// Goes back through the `time` steps of the last ``forward(_:input:time:)``, and adds to the gradients.
    ///
    /// - Parameters:
    ///   - hiddenGradient: [T, B, width], the gradient of ``output`` from above; overwritten.
    ///   - inputGradient: [T, B, width], the gradient of the layer below's output on return; nil in the first layer.
    func backward(
        _ parameters: LayerParameters, _ gradients: LayerParameters, input: Input, time: Int,
        hiddenGradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?
    ) {
        cellGradient.pointer.update(repeating: 0, count: cellGradient.count)
        for step in (0..<time).reversed() {
            switch cell {
            case .lstm: lstmBackward(parameters, step, hiddenGradient)
            case .gru: gruBackward(parameters, step, hiddenGradient)
            case .rnn: rnnBackward(parameters, step, hiddenGradient)
            }
        }

        // The gradients of the weights, over all time steps at once.
        let count = time * rows
        let sums = Matrix(gates.pointer, count, gateWidth)
        switch cell {
        case .lstm, .rnn: addHiddenGradients(gradients, sums)
        case .gru: gruAddHiddenGradients(gradients, time)
        }
        addRows(of: sums, to: gradients.inputBias)
        switch input {
        case .symbols(let symbols):
            for index in 0..<count {
                let row = gradients.inputWeights + Int(symbols[index]) * gateWidth
                trainingBackend.add(gates.pointer + index * gateWidth, row, gateWidth)
            }
        case .hidden(let below):
            MatrixProduct.add(
                transposed: sums, Matrix(below, count, width), to: Matrix(gradients.inputWeights, gateWidth, width))
        }
        if let inputGradient {
            MatrixProduct.set(
                Matrix(inputGradient, count, width), to: sums, Matrix(parameters.inputWeights, gateWidth, width))
        }
    }

    /// Adds the gradients of the weights and biases of the hidden state, from those of the sums.
    private func addHiddenGradients(_ gradients: LayerParameters, _ sums: Matrix) {
        MatrixProduct.add(
            transposed: sums, Matrix(hidden.pointer, sums.rows, width),
            to: Matrix(gradients.hiddenWeights, gateWidth, width))
        addRows(of: sums, to: gradients.hiddenBias)
    }

    /// target ← target + the sum of a matrix's rows.
    func addRows(of matrix: Matrix, to target: UnsafeMutablePointer<Float>) {
        for row in 0..<matrix.rows {
            trainingBackend.add(matrix.pointer + row * matrix.stride, target, matrix.columns)
        }
    }
}
