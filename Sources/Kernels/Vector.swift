/// The unit of all arithmetic here: sixteen floats, one AVX-512 register, two AVX2 or four SSE or NEON ones.
///
/// Every vector of hidden units or gates is padded with zeros to a multiple of ``laneCount``, so that no kernel
/// has a tail. Sixteen lanes are the same on every backend; only the instructions they become differ.
///
/// The files of this folder are compiled once for each instruction set. A function compiled for AVX-512 must never be
/// shared with a backend for older processors, as the linker does with standard-library generics. So kernels use
/// pointers, integers and SIMD values only: no arrays, no closures, no generic code that is not inlined.
@usableFromInline
typealias Vector = SIMD16<Float>

/// The number of lanes of a ``Vector``.
public let laneCount = 16

extension Vector {
    /// Reads sixteen floats; `source` needs the alignment of one `Float` only.
    @inline(__always)
    init(at source: UnsafePointer<Float>) {
        self = UnsafeRawPointer(source).loadUnaligned(as: Vector.self)
    }

    /// Writes sixteen floats; `target` needs the alignment of one `Float` only.
    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(target).storeBytes(of: self, as: Vector.self)
    }

    /// `self + a × b` with one rounding.
    @inline(__always)
    func adding(_ a: Vector, times b: Vector) -> Vector {
        addingProduct(a, b)
    }
}

/// `count` rounded up to a multiple of ``laneCount``.
public func padded(_ count: Int) -> Int {
    (count + laneCount - 1) & ~(laneCount - 1)
}
