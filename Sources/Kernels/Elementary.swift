import Core

// exp, sigmoid and tanh from one polynomial, the same bits on every backend.
//
// With n = round(x / ln 2) and r = x − n·ln 2, so that |r| ≤ ln 2 / 2, e^x = 2^n · (1 + q) where q
// = e^r − 1. The three functions differ only in how they put 2^n and q together; keeping q apart
// from the 1 is what makes tanh exact to a few units in the last place near zero, where 1 − e^(−2x)
// would cancel. The reduction in two steps is Cody and Waite's ("Software Manual for the Elementary
// Functions", 1980).

/// The smallest x for which 2^n is a normal number: ln 2^−126.
private let smallestExponent: Float = -87.33654

/// 1.5 · 2^23: adding it to a number below 2^22 in magnitude rounds that number to an integer, to
/// even at a tie, and leaves the integer in the low bits of the sum.
let roundingConstant: Float = 12_582_912

/// The parts of e^x = `scale` · (1 + `q`), where `scale` is a power of two and |q| ≤ √2 − 1.
///
/// - Parameter x: At most 0. Below ``smallestExponent`` it counts as that.
@inline(__always)
private func exponentialParts(_ x: Vector) -> (scale: Vector, q: Vector) {
    // The comparison is false for a NaN, which stays one.
    let x = x.replacing(with: smallestExponent, where: x .< smallestExponent)
    let shifted = Vector(repeating: roundingConstant).adding(x, times: Vector(repeating: 1.442_695_04))
    let n = shifted - roundingConstant
    // ln 2 as a sum of two floats, the first with zeros in its low bits, so that n · first is
    // exact.
    var r = x.adding(n, timesExactlyInRange: Vector(repeating: -0.693_359_375))
    r = r.adding(n, times: Vector(repeating: 2.121_944_4e-4))
    // The Taylor series of (e^r − 1 − r) / r², whose next term is below 6e-9 of e^r.
    let p = r.polynomial(1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5)
    let q = r.adding(p, times: r * r)
    // The integer n stands in the low bits of `shifted`; moved to the exponent field, it makes 2^n.
    let bits = unsafeBitCast(shifted, to: SIMD16<UInt32>.self)
    let scale = (bits &+ SIMD16(repeating: 127 &- roundingConstant.bitPattern)) &<< SIMD16(repeating: 23)
    return (unsafeBitCast(scale, to: Vector.self), q)
}

/// e^x for x ≤ 0; 0 below ``smallestExponent``.
///
/// Largest error 1.06 ULP, at −5.888854, over all floats from ``smallestExponent`` to 0.
@inline(__always)
func exponential(_ x: Vector) -> Vector {
    let (scale, q) = exponentialParts(x)
    // scale + scale · q, rounded once: the product here is exact, that in the sum may not be.
    return (scale * (q + 1)).replacing(with: 0, where: x .< smallestExponent)
}

/// 1 / (1 + e^−x), from the exponential of −|x|, which cannot overflow; 0 below
/// ``smallestExponent``.
///
/// Largest error 2.41 ULP, at −4.157294, over all floats from ``smallestExponent`` up.
@inline(__always)
func sigmoid(_ x: Vector) -> Vector {
    let e = exponential(-magnitude(x))
    return e.replacing(with: 1, where: x .>= 0) / (e + 1)
}

/// The hyperbolic tangent: −t / (t + 2) with t = e^(−2|x|) − 1, and the sign of x.
///
/// Largest error 2.50 ULP, at ±4.5050907, over all floats.
@inline(__always)
func hyperbolicTangent(_ x: Vector) -> Vector {
    let (scale, q) = exponentialParts(magnitude(x) * -2)
    // Where the product is subnormal, the sum is −1 with it and without it.
    let t = (scale - 1).adding(q, timesExactlyInRange: scale)
    return copySign(of: x, to: t / (t + 2))
}

@inline(__always)
private func magnitude(_ x: Vector) -> Vector {
    let bits = unsafeBitCast(x, to: SIMD16<UInt32>.self) & SIMD16(repeating: 0x7FFF_FFFF)
    return unsafeBitCast(bits, to: Vector.self)
}

@inline(__always)
private func copySign(of x: Vector, to y: Vector) -> Vector {
    let sign = unsafeBitCast(x, to: SIMD16<UInt32>.self) & SIMD16(repeating: 0x8000_0000)
    let bits = unsafeBitCast(magnitude(y), to: SIMD16<UInt32>.self) | sign
    return unsafeBitCast(bits, to: Vector.self)
}

/// Replaces `count` values, a multiple of ``laneCount``, by their exponentials. Every value is at
/// most 0.
func exponential(_ values: UnsafeMutablePointer<Float>, count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) {
        exponential(Vector(at: values + j)).store(at: values + j)
    }
}

/// Replaces `count` values, a multiple of ``laneCount``, by their sigmoids.
func sigmoid(_ values: UnsafeMutablePointer<Float>, count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) {
        sigmoid(Vector(at: values + j)).store(at: values + j)
    }
}

/// Replaces `count` values, a multiple of ``laneCount``, by their hyperbolic tangents.
func hyperbolicTangent(_ values: UnsafeMutablePointer<Float>, count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) {
        hyperbolicTangent(Vector(at: values + j)).store(at: values + j)
    }
}
