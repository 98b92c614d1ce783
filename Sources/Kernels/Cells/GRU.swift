import CIntrinsics
import Core

// Gated recurrent unit (Cho et al. 2014), in PyTorch's variant: the reset gate is applied after the
// matrix product.
//
// With the preactivations a = W·x + b + U·h + d of the gates r and z, and n_x = W·x + b and n_h =
// U·h + d of the candidate, forward:
//
//     r = σ(a_r)   z = σ(a_z)   n = tanh(n_x + r · n_h)
//     h' = (1 − z) · n + z · h
//
// Backward, from dh', the gradient of h':
//
//     dn_x = dh' · (1 − z) · (1 − n²)      dn_h = dn_x · r
//     da_r = dn_x · n_h · r · (1 − r)      da_z = dh' · (h − n) · z · (1 − z)
//     and the gradient of h is dh' · z, plus what passes through U

/// One step of a GRU. The blocks are n_x, r, z, n_h; n takes the place of n_x, and n_h stays.
func gruForward(_ step: UnsafePointer<StepForward>) {
    let step = step.pointee
    let (hidden, nextHidden) = (step.hidden, step.nextHidden)
    let (candidate, width) = (step.preactivations, step.width)
    let (reset, update, hiddenCandidate) = (candidate + width, candidate + 2 * width, candidate + 3 * width)
    sigmoid(reset, count: 2 * width)
    for j in stride(from: 0, to: width, by: laneCount) {
        let r = Vector(at: reset + j)
        let n = hyperbolicTangent(Vector(at: candidate + j).adding(r, times: Vector(at: hiddenCandidate + j)))
        n.store(at: candidate + j)
        // n + z · (h − n), which is (1 − z) · n + z · h.
        n.adding(Vector(at: update + j), times: Vector(at: hidden + j) - n).store(at: nextHidden + j)
    }
}

/// The backward pass of ``gruForward(_:)``.
func gruBackward(_ step: UnsafePointer<StepBackward>) {
    let step = step.pointee
    guard let previousGradient = step.carriedGradient else { return }
    let (hidden, hiddenGradient) = (step.hidden, step.hiddenGradient)
    let (candidate, width) = (step.activations, step.width)
    let (reset, update, hiddenCandidate) = (candidate + width, candidate + 2 * width, candidate + 3 * width)
    for j in stride(from: 0, to: width, by: laneCount) {
        let r = Vector(at: reset + j)
        let z = Vector(at: update + j)
        let n = Vector(at: candidate + j)
        let dh = Vector(at: hiddenGradient + j)
        let dn = dh * (1 - z) * (1 - n * n)
        (dn * Vector(at: hiddenCandidate + j) * r * (1 - r)).store(at: reset + j)
        (dh * (Vector(at: hidden + j) - n) * z * (1 - z)).store(at: update + j)
        dn.store(at: candidate + j)
        (dn * r).store(at: hiddenCandidate + j)
        Vector(at: previousGradient + j).adding(dh, times: z).store(at: previousGradient + j)
    }
}
