// The LSTM's step. The sums of the gates i, f, g, o are s = W·x + b + U·h + d; what follows is pointwise, and stands with
// its formulas in the kernels `lstmStep` and `lstmStepBackward`.

extension RecurrentLayer {
    func lstmForward(_ step: Int, _ row: Int) {
        let place = place(step, row)
        let state = place * width
        let next = state + rows * width
        backend.lstmStep(
            sums.pointer + place * sumStride, cells.pointer + state, cells.pointer + next, cellTangents.pointer + state,
            hidden.pointer + next, width)
    }

    func lstmBackward(_ step: Int, _ row: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) {
        let place = place(step, row)
        let state = place * width
        trainingBackend.lstmStepBackward(
            sums.pointer + place * sumStride, cells.pointer + state, cellTangents.pointer + state,
            hiddenGradient + state, carriedGradient.pointer + row * width, width)
    }
}
