import Core

// Top-k, top-p and min-p, as cuts of integer weights. They are ranked from the largest to the
// smallest, equal ones by their symbols, ascending. Sorting would take longer than the network's
// step: the place of a cut is found bit by bit, as the largest threshold that leaves enough above
// it.

/// Sets the weights that three cuts remove to 0: top-k, top-p, min-p, in this order.
///
/// - Parameters:
///   - weights: As ``sampleWeights(_:count:inverseTemperature:into:)`` leaves them, the largest
///     2^31.
///   - total: The sum of the weights, not 0.
///   - most: Top-k: the most weights to keep, at least 1.
///   - share: Top-p: keeps the shortest run of the ranking whose sum exceeds ⌊share · sum / 2^64⌋.
///   - least: Min-p: the least weight to keep, at most 2^31.
/// - Returns: The sum of the weights that are kept, not 0.
func cutWeights(
    _ weights: UnsafeMutablePointer<UInt32>, count: Int, total: UInt64, most: Int, share: UInt64, least: UInt32
) -> UInt64 {
    var total = total
    if most < count {
        total = keepRun(weights, count: count, most: most, target: .max)
    }
    if share < .max {
        let target = share.multipliedFullWidth(by: total).high
        total = keepRun(weights, count: count, most: .max, target: target)
    }
    if least > 0 {
        total = keep(weights, count: count, from: least)
    }
    return total
}

/// Keeps the shortest run of the ranking that has `most` weights or a sum above `target`. There is
/// one.
@inline(__always)
private func keepRun(_ weights: UnsafeMutablePointer<UInt32>, count: Int, most: Int, target: UInt64) -> UInt64 {
    // The run reaches below `threshold + 2 · bit` and not below `threshold`.
    var threshold: UInt32 = 0
    var bit: UInt32 = 1 << 31
    // The weights from `threshold`, and from `threshold + 2 · bit`.
    var reached = count
    var above = 0
    var sumAbove: UInt64 = 0
    // No weight is above 2^31.
    while bit > 0, threshold < 1 << 31, reached - above > 1 {
        // Top-k needs no sums.
        let from: (number: Int, sum: UInt64) =
            target < .max
            ? weightsFrom(threshold | bit, weights, count: count)
            : (numberFrom(threshold | bit, weights, count: count), 0)
        if from.number >= most || from.sum > target {
            threshold |= bit
            reached = from.number
        } else {
            above = from.number
            sumAbove = from.sum
        }
        bit >>= 1
    }
    if reached - above > 1, threshold > 0 {
        // The weights between the two bounds are equal.
        let ties =
            target < .max
            ? min(UInt64(most - above), (target - sumAbove) / UInt64(threshold) + 1) : UInt64(most - above)
        return keep(weights, count: count, above: threshold, ties: ties)
    }
    return keep(weights, count: count, from: threshold)
}

private typealias Words = SIMD16<UInt32>

@inline(__always)
private func words(_ weights: UnsafeMutablePointer<UInt32>, _ index: Int) -> Words {
    UnsafeRawPointer(weights + index).loadUnaligned(as: Words.self)
}

/// 1 in the lanes whose word is less than that of the threshold, which is not 0; else 0. Both are
/// at most 2^31: the sign of the difference tells.
@inline(__always)
private func smaller(_ words: Words, _ threshold: Words) -> Words {
    (words &- threshold) &>> Words(repeating: 31)
}

/// A sum of words in two parts, which do not overflow with as many words as a vocabulary has.
private struct WordSum {
    private var high = Words(repeating: 0)
    private var low = Words(repeating: 0)

    @inline(__always)
    mutating func add(_ words: Words) {
        high = high &+ (words &>> Words(repeating: 16))
        low = low &+ (words & Words(repeating: 0xFFFF))
    }

    @inline(__always)
    var total: UInt64 { pairSum(high) &<< 16 &+ pairSum(low) }

    @inline(__always)
    private func pairSum(_ words: Words) -> UInt64 {
        let pairs = unsafeBitCast(words, to: SIMD8<UInt64>.self)
        return ((pairs & SIMD8(repeating: 0xFFFF_FFFF)) &+ (pairs &>> SIMD8(repeating: 32))).wrappedSum()
    }
}

/// The number of weights of at least `threshold`, which is not 0.
@inline(__always)
private func numberFrom(_ threshold: UInt32, _ weights: UnsafeMutablePointer<UInt32>, count: Int) -> Int {
    let threshold = Words(repeating: threshold)
    var less = Words(repeating: 0)
    var length = 0
    for index in stride(from: 0, to: count, by: laneCount) {
        less = less &+ smaller(words(weights, index), threshold)
        length += laneCount
    }
    return length - Int(less.wrappedSum())
}

/// The number and the sum of the weights of at least `threshold`, which is not 0.
@inline(__always)
private func weightsFrom(
    _ threshold: UInt32, _ weights: UnsafeMutablePointer<UInt32>, count: Int
) -> (number: Int, sum: UInt64) {
    let threshold = Words(repeating: threshold)
    var less = Words(repeating: 0)
    var sum = WordSum()
    var length = 0
    for index in stride(from: 0, to: count, by: laneCount) {
        let words = words(weights, index)
        let isLess = smaller(words, threshold)
        less = less &+ isLess
        sum.add(words & (isLess &- Words(repeating: 1)))
        length += laneCount
    }
    return (length - Int(less.wrappedSum()), sum.total)
}

/// Sets the weights below `threshold` to 0.
///
/// - Returns: The sum of the others.
@inline(__always)
private func keep(_ weights: UnsafeMutablePointer<UInt32>, count: Int, from threshold: UInt32) -> UInt64 {
    let threshold = Words(repeating: max(threshold, 1))
    var sum = WordSum()
    for index in stride(from: 0, to: count, by: laneCount) {
        let words = words(weights, index)
        let kept = words & (smaller(words, threshold) &- Words(repeating: 1))
        UnsafeMutableRawPointer(weights + index).storeBytes(of: kept, as: Words.self)
        sum.add(kept)
    }
    return sum.total
}

/// Sets the weights below `threshold` to 0, and those equal to it but the first `ties`.
///
/// - Returns: The sum of the others.
private func keep(
    _ weights: UnsafeMutablePointer<UInt32>, count: Int, above threshold: UInt32, ties: UInt64
) -> UInt64 {
    var sum: UInt64 = 0
    var ties = ties
    for index in 0..<count {
        var weight = weights[index]
        if weight == threshold, ties > 0 {
            ties -= 1
        } else if weight <= threshold {
            weight = 0
        }
        weights[index] = weight
        sum &+= UInt64(weight)
    }
    return sum
}
