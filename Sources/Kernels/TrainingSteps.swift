// The pointwise part of training: the backward half of each cell's step, the loss and the optimiser.
// `width` and `count` are multiples of `laneCount` unless said otherwise.

/// The backward half of ``lstmStep(gates:cell:nextCell:cellTangent:hidden:width:)``.
///
/// - Parameters:
///   - gates: The activations i, f, g, o on entry, the gradients of their sums on return.
///   - cell: c, the cell state before the step.
///   - cellTangent: tanh(c').
///   - hiddenGradient: The gradient of h'.
///   - cellGradient: The gradient of c' from later steps on entry, that of c on return.
@export(interface)
public func lstmStepBackward(
    gates: UnsafeMutablePointer<Float>, cell: UnsafePointer<Float>, cellTangent: UnsafePointer<Float>,
    hiddenGradient: UnsafePointer<Float>, cellGradient: UnsafeMutablePointer<Float>, width: Int
) {
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

/// The backward half of ``gruStep(reset:update:candidate:hiddenCandidate:hidden:nextHidden:width:)``.
///
/// - Parameters:
///   - reset, update, candidate: The activations r, z, n on entry, the gradients of their sums (n_x for n) on return.
///   - hiddenCandidate: n_h on entry, its gradient on return.
///   - hidden: h, the hidden state before the step.
///   - hiddenGradient: The gradient of h'.
///   - previousGradient: The gradient of h: the part that does not go through a matrix is added to it.
@export(interface)
public func gruStepBackward(
    reset: UnsafeMutablePointer<Float>, update: UnsafeMutablePointer<Float>, candidate: UnsafeMutablePointer<Float>,
    hiddenCandidate: UnsafeMutablePointer<Float>, hidden: UnsafePointer<Float>,
    hiddenGradient: UnsafePointer<Float>, previousGradient: UnsafeMutablePointer<Float>, width: Int
) {
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

/// The backward half of h' = tanh(s): the gradient of s.
@export(interface)
public func rnnStepBackward(
    sums: UnsafeMutablePointer<Float>, nextHidden: UnsafePointer<Float>, hiddenGradient: UnsafePointer<Float>,
    width: Int
) {
    for j in stride(from: 0, to: width, by: laneCount) {
        let h = Vector(at: nextHidden + j)
        (Vector(at: hiddenGradient + j) * (1 - h * h)).store(at: sums + j)
    }
}

/// Softmax with cross-entropy: turns a row of logits into the gradient of `scale` · loss.
///
/// - Parameters:
///   - logits: `count` floats, any number, in a row padded to a multiple of ``laneCount``; the padding becomes zeros.
///   - target: The symbol that came.
/// - Returns: Σ exp(logit − maximum) and the target's logit − maximum: the loss is the logarithm of the first minus
///   the second.
@export(interface)
public func softmaxGradient(
    logits: UnsafeMutablePointer<Float>, count: Int, target: Int, scale: Float
) -> (sum: Float, targetLogit: Float) {
    let lanes = Vector(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    let last = (count - 1) & ~(laneCount - 1)
    let tail = Vector(at: logits + last)
    tail.replacing(with: -.infinity, where: lanes .>= Float(count - last)).store(at: logits + last)

    var maxima = Vector(at: logits)
    for j in stride(from: laneCount, to: count, by: laneCount) {
        let row = Vector(at: logits + j)
        maxima.replace(with: row, where: row .> maxima)
    }
    var maximum = maxima[0]
    for lane in 1..<laneCount where maxima[lane] > maximum { maximum = maxima[lane] }

    let targetLogit = logits[target] - maximum
    var sums = Vector(repeating: 0)
    for j in stride(from: 0, to: count, by: laneCount) {
        let e = exponential(Vector(at: logits + j) - maximum)
        e.store(at: logits + j)
        sums += e
    }
    let sum = total(sums)
    let factor = scale / sum
    for j in stride(from: 0, to: count, by: laneCount) {
        (Vector(at: logits + j) * factor).store(at: logits + j)
    }
    logits[target] -= scale
    return (sum, targetLogit)
}

/// The sum of the squares of `count` values.
@export(interface)
public func sumOfSquares(_ values: UnsafePointer<Float>, count: Int) -> Double {
    // Blocks short enough for a float, summed in a double.
    let blockLength = 256 * laneCount
    var sum = 0.0
    for start in stride(from: 0, to: count, by: blockLength) {
        var squares = Vector(repeating: 0)
        for j in stride(from: start, to: min(start + blockLength, count), by: laneCount) {
            let value = Vector(at: values + j)
            squares = squares.adding(value, times: value)
        }
        sum += Double(total(squares))
    }
    return sum
}

/// target ← target + source, for `count` values.
@export(interface)
public func add(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) {
        (Vector(at: target + j) + Vector(at: source + j)).store(at: target + j)
    }
}

/// One update of Adam (Kingma and Ba 2015, algorithm 1).
///
/// - Parameters:
///   - scale: What the gradients are multiplied with first.
///   - limit: The largest magnitude that a scaled gradient keeps; infinity for any.
///   - decay1, decay2: 1 − β1 and 1 − β2, each rounded once: in floats 1 − 0.999 would be off by 5e-5 of itself.
///   - stepSize: The learning rate divided by 1 − β1^t.
///   - secondCorrection: 1 / √(1 − β2^t).
@export(interface)
public func adamUpdate(
    parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>,
    firstMoments: UnsafeMutablePointer<Float>, secondMoments: UnsafeMutablePointer<Float>, count: Int,
    scale: Float, limit: Float, decay1: Float, decay2: Float, stepSize: Float, secondCorrection: Float, epsilon: Float
) {
    for j in stride(from: 0, to: count, by: laneCount) {
        var g = Vector(at: gradients + j) * scale
        g.replace(with: limit, where: g .> limit)
        g.replace(with: -limit, where: g .< -limit)
        let oldM = Vector(at: firstMoments + j)
        let oldV = Vector(at: secondMoments + j)
        let m = oldM + (g - oldM) * decay1
        let v = oldV + (g * g - oldV) * decay2
        m.store(at: firstMoments + j)
        v.store(at: secondMoments + j)
        let denominator = v.squareRoot() * secondCorrection + epsilon
        (Vector(at: parameters + j) - m * stepSize / denominator).store(at: parameters + j)
    }
}

/// The sum of the lanes, in halves: the same tree on every backend.
@inline(__always)
private func total(_ v: Vector) -> Float {
    let a = v.lowHalf + v.highHalf
    let b = a.lowHalf + a.highHalf
    let c = b.lowHalf + b.highHalf
    return c[0] + c[1]
}
