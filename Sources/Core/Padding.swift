// The sizes that memory and kernels agree on. Inlined everywhere: a kernel needs them as constants.

/// The lanes of the kernels' vectors, on every backend.
///
/// Vectors of hidden units, of gates and of symbols are padded with zeros to a multiple of this, so that no kernel has a
/// remainder loop.
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

/// ``padded(_:)``, and an odd number of cache lines of floats: the distance between the rows of a matrix whose columns
/// are read. With a power of two, the elements of a column would fall into a few sets of the cache.
@inlinable @inline(__always)
public func paddedToOddLines(_ count: Int) -> Int {
    (divideRoundingUp(count, by: laneCount) | 1) * laneCount
}
