// Greedy choice and sampling. The weights of the symbols are integers, whose sum is exact in any order: no vector
// width and no number of threads can change which symbol a random word picks.

/// The index of the largest logit, the lowest such index at a tie; 0 if none is above −∞.
@export(interface)
public func indexOfMaximum(_ logits: UnsafePointer<Float>, count: Int) -> Int {
    var best = 0
    var maximum = -Float.infinity
    for index in 0..<count where logits[index] > maximum {
        best = index
        maximum = logits[index]
    }
    return best
}

/// Turns logits into integer weights: ⌊2^31 · exp((logit − maximum) · inverseTemperature)⌋.
///
/// A logit that is not a number weighs nothing.
///
/// - Parameters:
///   - logits: `count` floats, in a buffer padded to a multiple of ``laneCount``. Overwritten.
///   - weights: `count` integers on return, each at most 2^31.
/// - Returns: The sum of the weights; 0 only when the logits hold infinities or no number at all.
@export(interface)
public func sampleWeights(
    _ logits: UnsafeMutablePointer<Float>, count: Int, inverseTemperature: Float,
    into weights: UnsafeMutablePointer<UInt32>
) -> UInt64 {
    let maximum = Vector(repeating: logits[indexOfMaximum(logits, count: count)])
    let scale = Vector(repeating: inverseTemperature)
    for j in stride(from: 0, to: count, by: laneCount) {
        exponential((Vector(at: logits + j) - maximum) * scale).store(at: logits + j)
    }
    var total: UInt64 = 0
    for index in 0..<count {
        let value = logits[index]
        // Also false for a NaN, which no integer conversion accepts.
        let weight = value > 0 && value <= 1 ? UInt32(value * 0x1p31) : 0
        weights[index] = weight
        total &+= UInt64(weight)
    }
    return total
}

/// The symbol that a random word picks: the first whose running sum of weights exceeds ⌊word · total / 2^64⌋.
///
/// - Parameter total: The sum of the weights, not 0.
@export(interface)
public func pickSymbol(_ weights: UnsafePointer<UInt32>, count: Int, total: UInt64, word: UInt64) -> Int {
    let target = word.multipliedFullWidth(by: total).high
    var sum: UInt64 = 0
    for index in 0..<count {
        sum &+= UInt64(weights[index])
        if sum > target { return index }
    }
    return count - 1
}
