// The step of the simple recurrent network (Elman 1990): h' = tanh(W·x + b + U·h + d).

extension RecurrentLayer {
    func rnnForward(_ step: Int, _ row: Int) {
        let place = place(step, row)
        let sums = sums.pointer + place * sumStride
        backend.hyperbolicTangent(sums, width)
        (output + place * width).update(from: sums, count: width)
    }

    func rnnBackward(_ step: Int, _ row: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) {
        let place = place(step, row)
        let state = place * width
        trainingBackend.rnnStepBackward(
            sums.pointer + place * sumStride, output + state, hiddenGradient + state, width)
    }
}
