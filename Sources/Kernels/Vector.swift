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

    /// A polynomial of fifth degree by Horner's scheme, with one rounding a step. The coefficients,
    /// from that of the highest power on, are not near 0.
    @inline(__always)
    func polynomial(_ a: Float, _ b: Float, _ c: Float, _ d: Float, _ e: Float, _ f: Float) -> Vector {
        #if AVX512 || AVX2 || arch(arm64)
            var sum = Vector(repeating: b).adding(Vector(repeating: a), times: self)
            sum = Vector(repeating: c).adding(sum, times: self)
            sum = Vector(repeating: d).adding(sum, times: self)
            sum = Vector(repeating: e).adding(sum, times: self)
            return Vector(repeating: f).adding(sum, times: self)
        #else
            return ci_polynomial(self, a, b, c, d, e, f)
        #endif
    }

    /// `self + a × b` with one rounding, where a or b is an integer and their significands have at
    /// most 24 bits together.
    @inline(__always)
    func adding(_ a: Vector, timesExactly b: Vector) -> Vector {
        #if AVX512 || AVX2 || arch(arm64)
            addingProduct(a, b)
        #else
            ci_add_exact_product(a, b, self)
        #endif
    }

    /// `self + a × b` with one rounding, where the product is a float, or so small that the sum
    /// does not depend on it.
    @inline(__always)
    func adding(_ a: Vector, timesExactlyInRange b: Vector) -> Vector {
        #if AVX512 || AVX2 || arch(arm64)
            addingProduct(a, b)
        #else
            self + a * b
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
