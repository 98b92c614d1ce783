import Core

// Loops over all elements of a tensor. None stops at the first invalid element: the compiler
// vectorises only loops without an early exit.

/// Joins the four byte planes of `count` floats.
///
/// - Returns: Whether every float is finite.
func joinFloat32(
    _ planes: UnsafePointer<UInt8>, count: Int, into floats: UnsafeMutablePointer<Float>
) -> Bool {
    let (second, third, fourth) = (planes + count, planes + 2 * count, planes + 3 * count)
    var notFinite: UInt32 = 0
    for index in 0..<count {
        let low = UInt32(planes[index]) | UInt32(second[index]) << 8
        let bits = low | UInt32(third[index]) << 16 | UInt32(fourth[index]) << 24
        notFinite |= hasFullExponent(bits)
        floats[index] = Float(bitPattern: bits)
    }
    return notFinite == 0
}

/// Joins the two byte planes of `count` bfloat16 numbers and widens them.
///
/// - Returns: Whether every number is finite.
func joinBFloat16(
    _ planes: UnsafePointer<UInt8>, count: Int, into floats: UnsafeMutablePointer<Float>
) -> Bool {
    let second = planes + count
    var notFinite: UInt32 = 0
    for index in 0..<count {
        let bits = UInt32(planes[index]) << 16 | UInt32(second[index]) << 24
        notFinite |= hasFullExponent(bits)
        floats[index] = Float(bitPattern: bits)
    }
    return notFinite == 0
}

/// 1 for the bits of an infinity or a NaN, 0 for those of any other float.
@inline(__always)
private func hasFullExponent(_ bits: UInt32) -> UInt32 {
    bits & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0
}

/// Whether the magnitudes of all scales are below the limit, and, unless `allowingSigns`, no sign
/// bit is set.
func areScales(_ scales: UnsafePointer<Float>, count: Int, allowingSigns: Bool) -> Bool {
    // The bits of floats without a sign ascend with the magnitude; infinities and NaNs are above
    // all others.
    let mask: UInt32 = allowingSigns ? 0x7FFF_FFFF : 0xFFFF_FFFF
    var outside: UInt32 = 0
    for index in 0..<count {
        outside |= scales[index].bitPattern & mask < ElementType.scaleLimit.bitPattern ? 0 : 1
    }
    return outside == 0
}

/// Copies `count` signed bytes.
///
/// - Returns: Whether none is -128.
func copyInt8(_ bytes: UnsafePointer<UInt8>, count: Int, into integers: UnsafeMutablePointer<Int8>) -> Bool {
    var found: UInt8 = 0
    for index in 0..<count {
        found |= bytes[index] == 0x80 ? 1 : 0
        integers[index] = Int8(bitPattern: bytes[index])
    }
    return found == 0
}

/// Unpacks groups of 32 four-bit numbers and subtracts 8 from each. Byte j of a group holds its
/// column j in the lower half and column j + 16 in the upper half.
///
/// - Returns: Whether every column beyond the last is 8.
func unpackInt4(
    _ bytes: UnsafePointer<UInt8>, rows: Int, columns: Int, into integers: UnsafeMutablePointer<Int8>
) -> Bool {
    let half = scaleGroupSize / 2
    let (wholeGroups, rest) = columns.quotientAndRemainder(dividingBy: scaleGroupSize)
    var bytes = bytes
    var integers = integers
    var padding: UInt8 = 0
    for _ in 0..<rows {
        for _ in 0..<wholeGroups {
            for column in 0..<half {
                integers[column] = Int8(bitPattern: bytes[column] & 0xF) &- 8
                integers[column + half] = Int8(bitPattern: bytes[column] >> 4) &- 8
            }
            bytes += half
            integers += scaleGroupSize
        }
        guard rest > 0 else { continue }
        for column in 0..<scaleGroupSize {
            let number = column < half ? bytes[column] & 0xF : bytes[column - half] >> 4
            if column < rest { integers[column] = Int8(bitPattern: number) &- 8 } else { padding |= number ^ 8 }
        }
        bytes += half
        integers += rest
    }
    return padding == 0
}
