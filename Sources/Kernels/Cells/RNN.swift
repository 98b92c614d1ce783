import CIntrinsics
import Core

// The simple recurrent network (Elman 1990).
//
// With the preactivation a = W·x + b + U·h + d, forward h' = tanh(a); backward, from dh', the
// gradient of h', da = dh' · (1 − h'²).

/// One step of an RNN. Its activation is h' itself; the block of preactivations stays.
func rnnForward(_ step: UnsafePointer<StepForward>) {
    let step = step.pointee
    copy(step.preactivations, to: step.nextHidden, count: step.width)
    hyperbolicTangent(step.nextHidden, count: step.width)
}

/// The backward pass of ``rnnForward(_:)``.
func rnnBackward(_ step: UnsafePointer<StepBackward>) {
    let step = step.pointee
    let (nextHidden, hiddenGradient, gradient) = (step.nextHidden, step.hiddenGradient, step.activations)
    for j in stride(from: 0, to: step.width, by: laneCount) {
        let h = Vector(at: nextHidden + j)
        (Vector(at: hiddenGradient + j) * (1 - h * h)).store(at: gradient + j)
    }
}
