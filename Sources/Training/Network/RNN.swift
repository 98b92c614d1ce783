// The step of the simple recurrent network (Elman 1990): h' = tanh(W·x + b + U·h + d).

extension RecurrentLayer {
    func rnnForward(_ step: Int, _ row: Int) {
        let place = place(step, row) * width
        backend.hyperbolicTangent(sums.pointer + place, width)
        (output + place).update(from: sums.pointer + place, count: width)
    }

    func rnnBackward(_ step: Int, _ row: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) {
        let place = place(step, row) * width
        trainingBackend.rnnStepBackward(sums.pointer + place, output + place, hiddenGradient + place, width)
    }
}
