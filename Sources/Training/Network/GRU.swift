// The GRU's step, in PyTorch's variant. The sums of r and z are W·x + b + U·h + d; the candidate has two, n_x = W·x + b
// and n_h = U·h + d, because the reset gate comes between them. What follows is pointwise, and stands with its formulas in
// the kernels `gruStep` and `gruStepBackward`. The blocks of sums are n_x, r, z, n_h.

extension RecurrentLayer {
    func gruForward(_ step: Int, _ row: Int) {
        let place = place(step, row)
        let sums = sums.pointer + place * sumStride
        let state = hidden.pointer + place * width
        backend.gruStep(sums + width, sums + 2 * width, sums, sums + 3 * width, state, state + rows * width, width)
    }

    func gruBackward(_ step: Int, _ row: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) {
        let place = place(step, row)
        let sums = sums.pointer + place * sumStride
        let gradient = hiddenGradient + place * width
        // Truncated backpropagation: at the first step the gradient of the state before it goes nowhere.
        let previous = step > 0 ? gradient - rows * width : carriedGradient.pointer + row * width
        trainingBackend.gruStepBackward(
            sums + width, sums + 2 * width, sums, sums + 3 * width, hidden.pointer + place * width, gradient, previous,
            width)
    }
}
