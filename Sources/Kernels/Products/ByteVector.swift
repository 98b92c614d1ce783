// The integer arithmetic of int8 and int4 weights: exact, so that every implementation gives the
// same bits. This is the one for any processor; the files beside it use wider dot products.

#if !AVX2 && !AVX512 && !arch(arm64)
    import CIntrinsics

    /// Sixty-four bytes: four for each of sixteen rows. Two bytes are read as a number of 16 bits.
    struct ByteVector {
        fileprivate let a: SIMD8<Int16>
        fileprivate let b: SIMD8<Int16>
        fileprivate let c: SIMD8<Int16>
        fileprivate let d: SIMD8<Int16>

        /// Applies `function` to each quarter.
        @inline(__always)
        private init(_ v: ByteVector, _ function: (SIMD8<Int16>) -> SIMD8<Int16>) {
            (a, b, c, d) = (function(v.a), function(v.b), function(v.c), function(v.d))
        }

        /// Reads sixty-four bytes.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            a = source.loadUnaligned(as: SIMD8<Int16>.self)
            b = (source + 16).loadUnaligned(as: SIMD8<Int16>.self)
            c = (source + 32).loadUnaligned(as: SIMD8<Int16>.self)
            d = (source + 48).loadUnaligned(as: SIMD8<Int16>.self)
        }

        /// The same four bytes for every row.
        @inline(__always)
        init(repeatingFourAt source: UnsafeRawPointer) {
            a = unsafeBitCast(
                SIMD4(repeating: source.loadUnaligned(as: Int32.self)), to: SIMD8<Int16>.self)
            (b, c, d) = (a, a, a)
        }

        /// The lower half of each byte.
        @inline(__always)
        var lowNibbles: ByteVector {
            ByteVector(self) { $0 & SIMD8(repeating: 0x0F0F) }
        }

        /// The upper half of each byte.
        @inline(__always)
        var highNibbles: ByteVector {
            ByteVector(self) { ($0 &>> SIMD8(repeating: 4)) & SIMD8(repeating: 0x0F0F) }
        }
    }

    /// Four 32-bit numbers a row: the products of a quarter of two vectors of bytes.
    @inline(__always)
    private func products(_ unsigned: SIMD8<Int16>, _ signed: SIMD8<Int16>) -> SIMD4<Int32> {
        let eight = SIMD8<Int16>(repeating: 8)
        let even = ci_pair_products(unsigned & SIMD8(repeating: 0xFF), (signed &<< eight) &>> eight)
        let upper = (unsigned &>> eight) & SIMD8(repeating: 0xFF)
        return even &+ ci_pair_products(upper, signed &>> eight)
    }

    /// Sixteen 32-bit accumulators of products of bytes.
    struct ByteAccumulators {
        private var a: SIMD4<Int32>
        private var b: SIMD4<Int32>
        private var c: SIMD4<Int32>
        private var d: SIMD4<Int32>

        /// Sixteen accumulators to start from.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            a = source.loadUnaligned(as: SIMD4<Int32>.self)
            b = (source + 16).loadUnaligned(as: SIMD4<Int32>.self)
            c = (source + 32).loadUnaligned(as: SIMD4<Int32>.self)
            d = (source + 48).loadUnaligned(as: SIMD4<Int32>.self)
        }

        /// Sixteen times the same number.
        @inline(__always)
        fileprivate init(repeating number: Int32) {
            a = SIMD4(repeating: number)
            (b, c, d) = (a, a, a)
        }

        /// Adds the products of each row's four pairs of bytes.
        @inline(__always)
        mutating func add(unsigned: ByteVector, signed: ByteVector) {
            a = a &+ products(unsigned.a, signed.a)
            b = b &+ products(unsigned.b, signed.b)
            c = c &+ products(unsigned.c, signed.c)
            d = d &+ products(unsigned.d, signed.d)
        }

        /// The accumulators as floats.
        @inline(__always)
        var floats: Vector {
            ci_floats(
                SIMD16(lowHalf: SIMD8(lowHalf: a, highHalf: b), highHalf: SIMD8(lowHalf: c, highHalf: d)))
        }

        /// The accumulators plus `correction`, as floats.
        @inline(__always)
        fileprivate func floats(adding correction: Int32) -> Vector {
            var sums = ByteAccumulators(repeating: correction)
            sums.a = sums.a &+ a
            sums.b = sums.b &+ b
            sums.c = sums.c &+ c
            sums.d = sums.d &+ d
            return sums.floats
        }
    }

    /// Sixteen accumulators of thirty-two products of a nibble, 0 to 15, and a signed byte.
    struct NibbleAccumulators {
        private var accumulators = ByteAccumulators(repeating: 0)

        @inline(__always) init() {}

        /// Adds the products of each row's four pairs.
        @inline(__always)
        mutating func add(nibbles: ByteVector, signed: ByteVector) {
            accumulators.add(unsigned: nibbles, signed: signed)
        }

        /// The accumulators plus `correction`, as floats.
        @inline(__always)
        func floats(adding correction: Int32) -> Vector {
            accumulators.floats(adding: correction)
        }
    }
#endif
