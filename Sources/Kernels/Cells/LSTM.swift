import CIntrinsics
import Core

// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers,
// Schmidhuber and Cummins 2000).
//
// With the preactivations a = W·x + b + U·h + d of the gates i, f, g, o, forward:
//
//     i = σ(a_i)   f = σ(a_f)   g = tanh(a_g)   o = σ(a_o)
//     c' = f · c + i · g
//     h' = o · tanh(c')
//
// Backward, from dh', the gradient of h', and dc', that of c' from later steps:
//
//     dc   = dc' + dh' · o · (1 − tanh(c')²)
//     da_i = dc · g · i · (1 − i)          da_f = dc · c · f · (1 − f)
//     da_g = dc · i · (1 − g²)             da_o = dh' · tanh(c') · o · (1 − o)
//     and the gradient of c is dc · f

/// One step of an LSTM. The blocks are i, f, g, o.
///
/// `cellTangent` may be the first block: it is written after that has been read.
func lstmForward(_ step: UnsafePointer<StepForward>) {
    let step = step.pointee
    guard let cell = step.cell, let nextCell = step.nextCell, let cellTangent = step.cellTangent else { return }
    let (gates, nextHidden, width) = (step.preactivations, step.nextHidden, step.width)
    // A loop for each function, so that the instructions of one iteration do not wait for each
    // other.
    sigmoid(gates, count: 2 * width)
    hyperbolicTangent(gates + 2 * width, count: width)
    sigmoid(gates + 3 * width, count: width)
    for j in stride(from: 0, to: width, by: laneCount) {
        let (i, f) = (Vector(at: gates + j), Vector(at: gates + width + j))
        let next = (i * Vector(at: gates + 2 * width + j)).adding(f, times: Vector(at: cell + j))
        let tangent = hyperbolicTangent(next)
        next.store(at: nextCell + j)
        tangent.store(at: cellTangent + j)
        (Vector(at: gates + 3 * width + j) * tangent).store(at: nextHidden + j)
    }
}

/// The backward pass of ``lstmForward(_:)``.
func lstmBackward(_ step: UnsafePointer<StepBackward>) {
    let step = step.pointee
    guard let cell = step.cell, let cellTangent = step.cellTangent, let cellGradient = step.carriedGradient else {
        return
    }
    let (gates, hiddenGradient, width) = (step.activations, step.hiddenGradient, step.width)
    for j in stride(from: 0, to: width, by: laneCount) {
        let i = Vector(at: gates + j)
        let f = Vector(at: gates + width + j)
        let g = Vector(at: gates + 2 * width + j)
        let o = Vector(at: gates + 3 * width + j)
        let tangent = Vector(at: cellTangent + j)
        let dh = Vector(at: hiddenGradient + j)
        let dc = Vector(at: cellGradient + j) + dh * o * (1 - tangent * tangent)
        (dc * g * i * (1 - i)).store(at: gates + j)
        (dc * Vector(at: cell + j) * f * (1 - f)).store(at: gates + width + j)
        (dc * i * (1 - g * g)).store(at: gates + 2 * width + j)
        (dh * tangent * o * (1 - o)).store(at: gates + 3 * width + j)
        (dc * f).store(at: cellGradient + j)
    }
}
