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
        total = keep(weights, count: count, from: least, ties: .max)
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
    while bit > 0, reached - above > 1 {
        let (number, sum) = weightsFrom(threshold | bit, weights, count: count)
        if number >= most || sum > target {
            threshold |= bit
            reached = number
        } else {
            above = number
            sumAbove = sum
        }
        bit >>= 1
    }
    var ties = Int.max
    if reached - above > 1, threshold > 0 {
        // All bits are known: the weights between the two bounds are equal.
        ties = Int(min(UInt64(most - above), (target - sumAbove) / UInt64(threshold) + 1))
    }
    return keep(weights, count: count, from: threshold, ties: ties)
}

/// The number and the sum of the weights of at least `threshold`, which is not 0.
@inline(__always)
private func weightsFrom(
    _ threshold: UInt32, _ weights: UnsafeMutablePointer<UInt32>, count: Int
) -> (number: Int, sum: UInt64) {
    let threshold = SIMD8<UInt64>(repeating: UInt64(threshold))
    let low = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
    var smaller = SIMD8<UInt64>(repeating: 0)
    var sums = SIMD8<UInt64>(repeating: 0)
    var length = 0
    for j in stride(from: 0, to: count, by: laneCount) {
        let pairs = UnsafeRawPointer(weights + j).loadUnaligned(as: SIMD8<UInt64>.self)
        let (first, second) = (pairs & low, pairs &>> SIMD8(repeating: 32))
        // 1 where the difference is negative.
        let firstBorrow = (first &- threshold) &>> SIMD8(repeating: 63)
        let secondBorrow = (second &- threshold) &>> SIMD8(repeating: 63)
        smaller = smaller &+ firstBorrow &+ secondBorrow
        sums = sums &+ (first & (firstBorrow &- SIMD8(repeating: 1)))
        sums = sums &+ (second & (secondBorrow &- SIMD8(repeating: 1)))
        length += laneCount
    }
    return (length - Int(smaller.wrappedSum()), sums.wrappedSum())
}

/// Sets the weights below `threshold` to 0, and those equal to it but the first `ties`.
///
/// - Returns: The sum of the others.
@inline(__always)
private func keep(
    _ weights: UnsafeMutablePointer<UInt32>, count: Int, from threshold: UInt32, ties: Int
) -> UInt64 {
    var sum: UInt64 = 0
    var ties = ties
    for index in 0..<count {
        let weight = weights[index]
        let isTie = weight == threshold
        let kept = weight > threshold || (isTie && ties > 0) ? weight : 0
        ties -= isTie ? 1 : 0
        weights[index] = kept
        sum &+= UInt64(kept)
    }
    return sum
}
