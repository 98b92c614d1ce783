// The simple recurrent network (Elman 1990): h' = tanh(W·x + b + U·h + d).

extension RecurrentLayer {
    func rnnForward(_ parameters: LayerParameters, _ step: Int) {
        let state = rows * width
        let sums = gates.pointer + step * state
        addRecurrence(parameters, step)
        backend.hyperbolicTangent(sums, state)
        (output + step * state).update(from: sums, count: state)
    }

    func rnnBackward(_ parameters: LayerParameters, _ step: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) {
        let state = rows * width
        let place = step * state
        trainingBackend.rnnStepBackward(gates.pointer + place, output + place, hiddenGradient + place, state)
        addRecurrenceGradient(parameters, step, hiddenGradient)
    }
}
