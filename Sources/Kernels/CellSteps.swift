// The pointwise part of one time step of each cell, after the matrix products. `width` is the hidden size padded to a
// multiple of `laneCount`; each gate is a block of `width` floats. Padded lanes start as zeros and stay zeros.

/// One step of an LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).
///
/// c' = σ(f) · c + σ(i) · tanh(g) and h' = σ(o) · tanh(c').
///
/// - Parameters:
///   - gates: The four sums i, f, g, o (PyTorch's order) on entry, their activations on return.
///   - cell: c, and c' on return when it is also `nextCell`.
///   - cellTangent: tanh(c') on return, which training's backward pass needs.
@export(interface)
public func lstmStep(
    gates: UnsafeMutablePointer<Float>, cell: UnsafePointer<Float>, nextCell: UnsafeMutablePointer<Float>,
    cellTangent: UnsafeMutablePointer<Float>, hidden: UnsafeMutablePointer<Float>, width: Int
) {
    // A loop for each function, so that the steps of a loop do not wait for each other.
    sigmoid(gates, count: 2 * width)
    hyperbolicTangent(gates + 2 * width, count: width)
    sigmoid(gates + 3 * width, count: width)
    for j in stride(from: 0, to: width, by: laneCount) {
        let (i, f) = (Vector(at: gates + j), Vector(at: gates + width + j))
        let next = (i * Vector(at: gates + 2 * width + j)).adding(f, times: Vector(at: cell + j))
        let tangent = hyperbolicTangent(next)
        next.store(at: nextCell + j)
        tangent.store(at: cellTangent + j)
        (Vector(at: gates + 3 * width + j) * tangent).store(at: hidden + j)
    }
}

/// One step of a GRU (Cho et al. 2014), in PyTorch's variant: the reset gate is applied after the matrix product.
///
/// n = tanh(n_x + σ(r) · n_h) and h' = (1 − σ(z)) · n + σ(z) · h.
///
/// - Parameters:
///   - reset, update: The sums r and z on entry, their activations on return.
///   - candidate: n_x, the candidate's sum over the input, on entry; n on return.
///   - hiddenCandidate: n_h, the candidate's sum over the hidden state, with its own bias.
///   - hidden: h; may be `nextHidden`.
@export(interface)
public func gruStep(
    reset: UnsafeMutablePointer<Float>, update: UnsafeMutablePointer<Float>, candidate: UnsafeMutablePointer<Float>,
    hiddenCandidate: UnsafePointer<Float>, hidden: UnsafePointer<Float>, nextHidden: UnsafeMutablePointer<Float>,
    width: Int
) {
    sigmoid(reset, count: width)
    sigmoid(update, count: width)
    for j in stride(from: 0, to: width, by: laneCount) {
        let r = Vector(at: reset + j)
        let n = hyperbolicTangent(Vector(at: candidate + j).adding(r, times: Vector(at: hiddenCandidate + j)))
        n.store(at: candidate + j)
        // n + z · (h − n), which is (1 − z) · n + z · h.
        n.adding(Vector(at: update + j), times: Vector(at: hidden + j) - n).store(at: nextHidden + j)
    }
}
