import CIntrinsics
import Core

// Greedy choice and sampling. The weights of the symbols are integers, whose sum is exact in any
// order: neither vector width nor the number of threads changes which symbol a random word picks.

/// The index of the largest logit, the lowest such index at a tie; 0 if none is above −∞.
///
/// - Parameter logits: `count` floats, in a buffer padded to a multiple of ``laneCount``.
func indexOfMaximum(_ logits: UnsafePointer<Float>, count: Int) -> Int {
    let maximum = maximum(logits, count: count)
    // Scalar: at most a pass up to the maximum, and a step has one.
    for index in 0..<count where logits[index] == maximum { return index }
    return 0
}

/// The largest of `count` logits in a padded buffer; −∞ if none is above. NaN does not count.
@inline(__always)
private func maximum(_ logits: UnsafePointer<Float>, count: Int) -> Float {
    // Floats are compared, here and below, and masks not combined: anything else compiles to loops
    // over the lanes.
    var maxima = Vector(repeating: -.infinity)
    for j in stride(from: 0, to: count, by: laneCount) {
        var row = Vector(at: logits + j)
        if count - j < laneCount {
            row.replace(with: -.infinity, where: laneNumbers .>= Float(count - j))
        }
        maxima.replace(with: row, where: row .> maxima)
    }
    let a = maxima.lowHalf.replacing(with: maxima.highHalf, where: maxima.highHalf .> maxima.lowHalf)
    let b = a.lowHalf.replacing(with: a.highHalf, where: a.highHalf .> a.lowHalf)
    let c = b.lowHalf.replacing(with: b.highHalf, where: b.highHalf .> b.lowHalf)
    return c[1] > c[0] ? c[1] : c[0]
}

/// Makes the logits −∞ of symbols that a mask lacks.
///
/// - Parameters:
///   - logits: `count` floats, in a buffer padded to a multiple of ``laneCount``.
///   - mask: A bit for each symbol, from the lowest bit of the first word on.
func excludeSymbols(_ logits: UnsafeMutablePointer<Float>, count: Int, mask: UnsafePointer<UInt16>) {
    var laneBits = SIMD16<Int32>(repeating: 0)
    for lane in 0..<laneCount { laneBits[lane] = 1 << Int32(lane) }
    for j in stride(from: 0, to: count, by: laneCount) {
        let bits = SIMD16<Int32>(repeating: Int32(mask[j / laneCount])) & laneBits
        var row = Vector(at: logits + j)
        row.replace(with: -.infinity, where: ci_floats(bits) .== 0)
        row.store(at: logits + j)
    }
}

/// Turns logits into integer weights: ⌊2^31 · exp((logit − maximum) · inverseTemperature)⌋.
///
/// A NaN weighs nothing.
///
/// - Parameters:
///   - logits: `count` floats, in a buffer padded to a multiple of ``laneCount``. Left as they are.
///   - weights: `count` integers on return, each at most 2^31, in a buffer padded likewise; the
///     padding becomes zeros.
/// - Returns: The sum of the weights; 0 only when the logits hold infinities or are all NaN.
func sampleWeights(
    _ logits: UnsafePointer<Float>, count: Int, inverseTemperature: Float, into weights: UnsafeMutablePointer<UInt32>
) -> UInt64 {
    let maximum = maximum(logits, count: count)
    var totals = SIMD8<UInt64>(repeating: 0)
    for j in stride(from: 0, to: count, by: laneCount) {
        var exponentials = exponential((Vector(at: logits + j) - maximum) * inverseTemperature)
        if count - j < laneCount {
            exponentials.replace(with: 0, where: laneNumbers .>= Float(count - j))
        }
        let scaled = scaledToInteger(exponentials)
        UnsafeMutableRawPointer(weights + j).storeBytes(of: scaled, as: SIMD16<UInt32>.self)
        let pairs = unsafeBitCast(scaled, to: SIMD8<UInt64>.self)
        totals = totals &+ (pairs & SIMD8(repeating: 0xFFFF_FFFF)) &+ (pairs &>> SIMD8(repeating: 32))
    }
    return totals.wrappedSum()
}

/// ⌊2^31 · x⌋ for 0 ≤ x ≤ 1, and 0 for NaN.
@inline(__always)
private func scaledToInteger(_ x: Vector) -> SIMD16<UInt32> {
    let bits = unsafeBitCast(x, to: SIMD16<UInt32>.self)
    let mantissa = (bits & SIMD16(repeating: 0x7F_FFFF)) | SIMD16(repeating: 0x80_0000)
    // x is the mantissa times 2^(exponent − 150). Shifts count modulo 32; where that matters the
    // result is replaced.
    let exponent = bits &>> SIMD16(repeating: 23)
    let shiftedLeft = mantissa &<< (exponent &- SIMD16(repeating: 119))
    let shiftedRight = mantissa &>> (SIMD16(repeating: 119) &- exponent)
    let result = shiftedLeft.replacing(with: shiftedRight, where: x .< 0x1p-8)
    return SIMD16(repeating: 0).replacing(with: result, where: x .>= 0x1p-31)
}

/// The symbol that a random word picks: the first whose running sum of weights exceeds ⌊word ·
/// total / 2^64⌋.
///
/// - Parameters:
///   - weights: As ``sampleWeights(_:count:inverseTemperature:into:)`` leaves them.
///   - total: The sum of the weights, not 0.
func pickSymbol(_ weights: UnsafePointer<UInt32>, count: Int, total: UInt64, word: UInt64) -> Int {
    let target = word.multipliedFullWidth(by: total).high
    var sum: UInt64 = 0
    for j in stride(from: 0, to: count, by: laneCount) {
        let pairs = UnsafeRawPointer(weights + j).loadUnaligned(as: SIMD8<UInt64>.self)
        let block = ((pairs & SIMD8(repeating: 0xFFFF_FFFF)) &+ (pairs &>> SIMD8(repeating: 32))).wrappedSum()
        if sum &+ block > target {
            for index in j..<count {
                sum &+= UInt64(weights[index])
                if sum > target { return index }
            }
        }
        sum &+= block
    }
    return count - 1
}
