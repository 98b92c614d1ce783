// The sizes that memory and kernels agree on. Inlined everywhere, because kernels need them as
// constants.

/// The lanes of the kernels' vectors, on every backend.
///
/// Vectors of hidden units, gates and symbols are padded with zeros to a multiple of this, so that
/// no kernel has a remainder loop.
@inlinable @inline(__always)
public var laneCount: Int { 16 }

/// The columns of a row that share a scale in int4 weights. The last group of a row may have fewer.
@inlinable @inline(__always)
public var scaleGroupSize: Int { 32 }

/// The number of scales of a row of int4 weights.
@inlinable @inline(__always)
public func scaleGroupCount(_ columns: Int) -> Int {
    divideRoundingUp(columns, by: scaleGroupSize)
}

/// The quotient, rounded up.
@inlinable @inline(__always)
public func divideRoundingUp(_ count: Int, by divisor: Int) -> Int {
    (count + divisor - 1) / divisor
}

/// `count` rounded up to a multiple of ``laneCount``.
@inlinable @inline(__always)
public func padded(_ count: Int) -> Int {
    divideRoundingUp(count, by: laneCount) * laneCount
}

/// ``padded(_:)``, and an odd number of cache lines of floats: the row stride of a matrix that is
/// read by columns. With a power of two, the elements of a column would map to a few sets of the
/// cache.
@inlinable @inline(__always)
public func paddedToOddLines(_ count: Int) -> Int {
    (divideRoundingUp(count, by: laneCount) | 1) * laneCount
}
