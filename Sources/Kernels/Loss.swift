import CIntrinsics
import Core

/// Softmax with cross-entropy: turns a row of logits into the gradient of `scale` · loss.
///
/// - Parameters:
///   - logits: `count` floats, any number, in a row padded to a multiple of ``laneCount``; the
///     padding becomes zeros.
///   - target: The symbol that followed.
/// - Returns: The terms of the loss.
func softmaxGradient(
    _ logits: UnsafeMutablePointer<Float>, count: Int, target: Int, scale: Float
) -> SoftmaxTerms {
    let last = (count - 1) & ~(laneCount - 1)
    let tail = Vector(at: logits + last)
    tail.replacing(with: -.infinity, where: laneNumbers .>= Float(count - last)).store(at: logits + last)

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
    let sum = sums.total
    let factor = scale / sum
    for j in stride(from: 0, to: count, by: laneCount) {
        (Vector(at: logits + j) * factor).store(at: logits + j)
    }
    logits[target] -= scale
    return SoftmaxTerms(sum: sum, targetLogit: targetLogit)
}
