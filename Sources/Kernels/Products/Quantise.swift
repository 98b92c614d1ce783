import Core

// Activations as the integer products read them. A hidden state lies between −1 and 1, so one fixed
// scale serves all: a = round(64 · h), from −64 to 64, half to even.

/// The integers of sixteen activations. NaN counts as −1.
@inline(__always)
private func quantised(_ h: Vector) -> SIMD16<Int32> {
    let limited = Vector(repeating: -1).replacing(with: h, where: h .> -1).replacing(with: 1, where: h .> 1)
    // As in the exponential, the low bits of the sum are the rounded product.
    let shifted = Vector(repeating: roundingConstant).adding(limited, times: Vector(repeating: activationLimit))
    return unsafeBitCast(shifted, to: SIMD16<Int32>.self) &- SIMD16(repeating: Int32(roundingConstant.bitPattern))
}

/// The bytes that ``quantise(_:count:into:)`` writes.
public func quantisedLength(count: Int) -> Int { padded(count) }

/// Quantises activations for ``addInt8Product(_:)``: a + 64, a byte each.
///
/// - Parameters:
///   - values: `count` floats, in a buffer padded with zeros to whole vectors.
///   - bytes: Room for ``quantisedLength(count:)`` bytes.
func quantise(_ values: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) {
    for j in stride(from: 0, to: count, by: laneCount) {
        let a = quantised(Vector(at: values + j)) &+ SIMD16(repeating: 64)
        (bytes + j).storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: a), as: SIMD16<UInt8>.self)
    }
}

/// The bytes that ``quantiseSigned(_:count:into:)`` writes.
public func quantisedSignedLength(count: Int) -> Int { scaleGroupCount(count) * (scaleGroupSize + 4) }

/// Quantises activations for ``addInt4Product(_:)``: a, a byte each, padded with zeros to
/// groups of 32; then for each group −8 · Σ a, four bytes each.
///
/// - Parameters:
///   - values: `count` floats, in a buffer padded with zeros to whole vectors.
///   - bytes: Room for ``quantisedSignedLength(count:)`` bytes.
func quantiseSigned(_ values: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) {
    let groups = scaleGroupCount(count)
    for group in 0..<groups {
        let first = quantised(Vector(at: values + scaleGroupSize * group))
        // The padding of the values may end in the middle of a group.
        let hasSecond = scaleGroupSize * group + laneCount < count
        let second =
            hasSecond ? quantised(Vector(at: values + scaleGroupSize * group + laneCount)) : SIMD16(repeating: 0)
        let target = bytes + scaleGroupSize * group
        target.storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: first), as: SIMD16<UInt8>.self)
        (target + laneCount).storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: second), as: SIMD16<UInt8>.self)
        (bytes + scaleGroupSize * groups + 4 * group).storeBytes(
            of: -8 &* (first &+ second).wrappedSum(), as: Int32.self)
    }
}
