// The GRU's recurrence, in PyTorch's variant. The sums of r and z are W·x + b + U·h + d; the candidate has two, n_x =
// W·x + b and n_h = U·h + d, because the reset gate comes between them. What follows is pointwise, and stands with its
// formulas in the kernels `gruStep` and `gruStepBackward`.

extension RecurrentLayer {
    func gruForward(_ parameters: LayerParameters, _ step: Int) {
        let state = rows * width
        let previous = Matrix(hidden.pointer + step * state, rows, width)
        let gates = gates.pointer + step * rows * gateWidth
        let candidates = extra.pointer + step * state
        for row in 0..<rows {
            trainingBackend.add(parameters.hiddenBias, gates + row * gateWidth, 2 * width)
            (candidates + row * width).update(from: parameters.hiddenBias + 2 * width, count: width)
        }
        let weights = parameters.hiddenWeights
        MatrixProduct.add(
            previous, transposed: Matrix(weights, 2 * width, width),
            to: Matrix(gates, rows, 2 * width, stride: gateWidth))
        MatrixProduct.add(
            previous, transposed: Matrix(weights + 2 * width * width, width, width),
            to: Matrix(candidates, rows, width))
        for row in 0..<rows {
            let gate = gates + row * gateWidth
            let place = row * width
            backend.gruStep(
                gate, gate + width, gate + 2 * width, candidates + place, previous.pointer + place,
                previous.pointer + state + place, width)
        }
    }

    func gruBackward(_ parameters: LayerParameters, _ step: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) {
        let state = rows * width
        let gates = gates.pointer + step * rows * gateWidth
        let candidates = extra.pointer + step * state
        // At the first step the gradient of the state before it goes nowhere (truncated backpropagation): any
        // memory of its size will do, such as the gradient of the hidden state after it, which has been read by then.
        let before = hiddenGradient + max(step - 1, 0) * state
        for row in 0..<rows {
            let place = row * width
            trainingBackend.gruStepBackward(
                gates + row * gateWidth, candidates + place, hidden.pointer + step * state + place,
                hiddenGradient + step * state + place, before + place, width)
        }
        guard step > 0 else { return }
        let weights = parameters.hiddenWeights
        let target = Matrix(before, rows, width)
        MatrixProduct.add(
            Matrix(gates, rows, 2 * width, stride: gateWidth), Matrix(weights, 2 * width, width), to: target)
        MatrixProduct.add(
            Matrix(candidates, rows, width), Matrix(weights + 2 * width * width, width, width), to: target)
    }

    /// Adds the gradients of the weights and biases of the hidden state, whose candidate block differs from the
    /// input's.
    func gruAddHiddenGradients(_ gradients: LayerParameters, _ time: Int) {
        let count = time * rows
        let states = Matrix(hidden.pointer, count, width)
        let sums = Matrix(gates.pointer, count, 2 * width, stride: gateWidth)
        let candidates = Matrix(extra.pointer, count, width)
        MatrixProduct.add(transposed: sums, states, to: Matrix(gradients.hiddenWeights, 2 * width, width))
        MatrixProduct.add(
            transposed: candidates, states, to: Matrix(gradients.hiddenWeights + 2 * width * width, width, width))
        addRows(of: sums, to: gradients.hiddenBias)
        addRows(of: candidates, to: gradients.hiddenBias + 2 * width)
    }
}
