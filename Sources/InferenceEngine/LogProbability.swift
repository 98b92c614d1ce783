import CIntrinsics
import Core
import KernelDispatch
import ModelFormat

/// What turns a symbol's logit into the natural logarithm of its probability: NaN if the logits
/// overflowed.
struct LogSoftmax {
    private let maximum: Double
    /// The logarithm of the sum of the exponentials of all logits less the maximum.
    private let logarithmOfSum: Double

    /// - Parameters:
    ///   - logits: One for each symbol, in a buffer padded to whole vectors.
    ///   - exponentials: Memory for as many; the logits themselves are overwritten if it is theirs.
    init(of logits: UnsafePointer<Float>, exponentials: UnsafeMutablePointer<Float>, _ model: Model) {
        let count = model.shape.vocabularySize
        let maximum = logits[model.backend.kernels.indexOfMaximum(logits, count)]
        self.maximum = Double(maximum)
        logarithmOfSum = logarithm(
            writeExponentials(of: logits, count: count, minus: maximum, to: exponentials, model))
    }

    func callAsFunction(_ logit: Float) -> Double { Double(logit) - maximum - logarithmOfSum }
}

/// The natural logarithm of a symbol's probability, NaN if the logits overflowed. Overwrites the
/// logits.
///
/// - Parameter logits: One for each symbol, in a buffer padded to whole vectors.
func takeLogProbability(of symbol: Int, _ logits: UnsafeMutablePointer<Float>, _ model: Model) -> Double {
    let logit = logits[symbol]
    return LogSoftmax(of: logits, exponentials: logits, model)(logit)
}

/// Writes the probabilities of symbols, or of what else has logits; NaN if the logits overflowed.
///
/// - Parameters:
///   - logits: `count`, in a buffer padded to whole vectors.
///   - probabilities: Memory for as many, which may be theirs.
func writeProbabilities(
    of logits: UnsafePointer<Float>, count: Int, to probabilities: UnsafeMutablePointer<Float>, _ model: Model
) {
    let maximum = logits[model.backend.kernels.indexOfMaximum(logits, count)]
    let sum = writeExponentials(of: logits, count: count, minus: maximum, to: probabilities, model)
    for index in 0..<count {
        probabilities[index] = sum >= 1 && sum.isFinite ? Float(Double(probabilities[index]) / sum) : .nan
    }
}

/// - Returns: The sum of the exponentials, in the logits' order.
private func writeExponentials(
    of logits: UnsafePointer<Float>, count: Int, minus maximum: Float, to target: UnsafeMutablePointer<Float>,
    _ model: Model
) -> Double {
    // The padding may exceed the maximum. With the arguments in this order, a NaN stays one.
    for index in 0..<padded(count) { target[index] = min(logits[index] - maximum, 0) }
    model.backend.kernels.exponential(target, padded(count))
    var sum = 0.0
    for index in 0..<count { sum += Double(target[index]) }
    return sum
}

/// The natural logarithm of a finite number of at least 1; NaN stays NaN. The same bits on every
/// system, unlike libm's.
///
/// ln(2^k · f) = k · ln 2 + 2 · artanh((f − 1) / (f + 1)), with f from √½ to √2, so that the first
/// power left out of artanh's series, s^27, is below 2^−68.
package func logarithm(_ x: Double) -> Double {
    guard x >= 1, x.isFinite else { return .nan }
    var exponent = Double(x.exponent)
    var fraction = x.significand
    if fraction > 1.414_213_562_373_095_1 {
        exponent += 1
        fraction /= 2
    }
    let s = (fraction - 1) / (fraction + 1)
    let square = s * s
    var series = 1 / 25.0
    for denominator in stride(from: 23.0, through: 1, by: -2) {
        series = series * square + 1 / denominator
    }
    return exponent * 0.693_147_180_559_945_3 + 2 * s * series
}
