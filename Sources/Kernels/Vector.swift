import CIntrinsics

/// The unit of all arithmetic here: sixteen floats, one AVX-512 register, two AVX2 or four SSE or
/// NEON ones.
///
/// Every vector of hidden units or gates is padded with zeros to a multiple of ``laneCount``, so
/// that no kernel has a tail. Sixteen lanes are the same on every backend; only the instructions
/// they become differ.
///
/// The files of this folder are compiled once for each instruction set. A function compiled for
/// AVX-512 must never be shared with a backend for older processors, as the linker does with
/// standard-library generics. So kernels use pointers, integers and SIMD values only: no arrays, no
/// closures, no generic code that is not inlined.
typealias Vector = SIMD16<Float>

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
        #if AVX512 || AVX2 || arch(arm64)
            addingProduct(a, b)
        #else
            ci_fused_multiply_add(a, b, self)
        #endif
    }

    /// `self + a × b` with one rounding, where the significands of a and b have at most 24 bits
    /// together.
    @inline(__always)
    func adding(_ a: Vector, timesExactly b: Vector) -> Vector {
        #if AVX512 || AVX2 || arch(arm64)
            addingProduct(a, b)
        #else
            ci_add_exact_product(a, b, self)
        #endif
    }

    /// `self + scale × b` with one rounding, where `scale` is a power of two from 2^−126 to 1 and
    /// the sum, if not 0, at least 2^−126 in magnitude or a multiple of 2^−149.
    @inline(__always)
    func adding(_ b: Vector, timesPowerOfTwo scale: Vector) -> Vector {
        #if AVX512 || AVX2 || arch(arm64)
            addingProduct(scale, b)
        #else
            // The product is exact, or, as a subnormal number, rounded to the last bit of the sum.
            self + scale * b
        #endif
    }

    /// The sum of the lanes, in halves: the same tree on every backend.
    @inline(__always)
    var total: Float {
        let a = lowHalf + highHalf
        let b = a.lowHalf + a.highHalf
        let c = b.lowHalf + b.highHalf
        return c[0] + c[1]
    }
}

/// The number of each lane.
@inline(__always)
var laneNumbers: Vector { Vector(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }

/// Whether the instruction set has a fused multiply-add. Where it is a call of a function, larger
/// tiles would only make the library larger.
@inline(__always)
var hasFusedMultiplyAdd: Bool {
    #if AVX512 || AVX2 || arch(arm64)
        true
    #else
        false
    #endif
}
