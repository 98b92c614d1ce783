// The LSTM's recurrence. The sums of the gates i, f, g, o are s = W·x + b + U·h + d; what follows is pointwise, and
// stands with its formulas in the kernels `lstmStep` and `lstmStepBackward`.

extension RecurrentLayer {
    func lstmForward(_ parameters: LayerParameters, _ step: Int) {
        let state = rows * width
        let gates = gates.pointer + step * rows * gateWidth
        addRecurrence(parameters, step)
        for row in 0..<rows {
            let place = step * state + row * width
            backend.lstmStep(
                gates + row * gateWidth, cells.pointer + place, cells.pointer + place + state, extra.pointer + place,
                hidden.pointer + place + state, width)
        }
    }

    func lstmBackward(_ parameters: LayerParameters, _ step: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) {
        let gates = gates.pointer + step * rows * gateWidth
        for row in 0..<rows {
            let place = (step * rows + row) * width
            trainingBackend.lstmStepBackward(
                gates + row * gateWidth, cells.pointer + place, extra.pointer + place, hiddenGradient + place,
                cellGradient.pointer + row * width, width)
        }
        addRecurrenceGradient(parameters, step, hiddenGradient)
    }

    /// gates ← gates + d + h · Uᵀ at a step, for cells whose gates all read the hidden state alike.
    func addRecurrence(_ parameters: LayerParameters, _ step: Int) {
        let gates = gates.pointer + step * rows * gateWidth
        for row in 0..<rows {
            trainingBackend.add(parameters.hiddenBias, gates + row * gateWidth, gateWidth)
        }
        MatrixProduct.add(
            Matrix(hidden.pointer + step * rows * width, rows, width),
            transposed: Matrix(parameters.hiddenWeights, gateWidth, width), to: Matrix(gates, rows, gateWidth))
    }

    /// Adds the gradients of a step's sums, times U, to the gradient of the hidden state before the step.
    func addRecurrenceGradient(
        _ parameters: LayerParameters, _ step: Int, _ hiddenGradient: UnsafeMutablePointer<Float>
    ) {
        // Truncated backpropagation: nothing goes back beyond the first step.
        guard step > 0 else { return }
        MatrixProduct.add(
            Matrix(gates.pointer + step * rows * gateWidth, rows, gateWidth),
            Matrix(parameters.hiddenWeights, gateWidth, width),
            to: Matrix(hiddenGradient + (step - 1) * rows * width, rows, width))
    }
}
