#if arch(arm64)
    import CIntrinsics

    /// Sixty-four bytes: four for each of sixteen rows. Four NEON registers.
    struct ByteVector {
        fileprivate let a: SIMD16<Int8>
        fileprivate let b: SIMD16<Int8>
        fileprivate let c: SIMD16<Int8>
        fileprivate let d: SIMD16<Int8>

        /// Applies `function` to each register.
        @inline(__always)
        private init(_ v: ByteVector, _ function: (SIMD16<Int8>) -> SIMD16<Int8>) {
            (a, b, c, d) = (function(v.a), function(v.b), function(v.c), function(v.d))
        }

        /// Reads sixty-four bytes.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            a = source.loadUnaligned(as: SIMD16<Int8>.self)
            b = (source + 16).loadUnaligned(as: SIMD16<Int8>.self)
            c = (source + 32).loadUnaligned(as: SIMD16<Int8>.self)
            d = (source + 48).loadUnaligned(as: SIMD16<Int8>.self)
        }

        /// The same four bytes for every row.
        @inline(__always)
        init(repeatingFourAt source: UnsafeRawPointer) {
            a = unsafeBitCast(SIMD4(repeating: source.loadUnaligned(as: Int32.self)), to: SIMD16<Int8>.self)
            (b, c, d) = (a, a, a)
        }

        /// The lower half of each byte.
        @inline(__always)
        var lowNibbles: ByteVector {
            ByteVector(self) { $0 & SIMD16(repeating: 0x0F) }
        }

        /// The upper half of each byte.
        @inline(__always)
        var highNibbles: ByteVector {
            ByteVector(self) {
                let bytes = unsafeBitCast($0, to: SIMD16<UInt8>.self) &>> SIMD16(repeating: 4)
                return unsafeBitCast(bytes, to: SIMD16<Int8>.self)
            }
        }
    }

    /// Sixteen 32-bit accumulators of products of bytes.
    struct ByteAccumulators {
        private var a = SIMD4<Int32>(repeating: 0)
        private var b = SIMD4<Int32>(repeating: 0)
        private var c = SIMD4<Int32>(repeating: 0)
        private var d = SIMD4<Int32>(repeating: 0)

        /// Zeros: ``add(unsigned:signed:)`` needs no correction.
        @inline(__always)
        init(at source: UnsafeRawPointer) {}

        @inline(__always)
        fileprivate init() {}

        /// Adds the products of each row's four pairs of bytes, the unsigned ones less the 64 that
        /// makes them so: the processor multiplies signed bytes only.
        @inline(__always)
        mutating func add(unsigned: ByteVector, signed: ByteVector) {
            let offset = SIMD16<Int8>(repeating: 64)
            a = ci_add_byte_products(a, unsigned.a &- offset, signed.a)
            b = ci_add_byte_products(b, unsigned.b &- offset, signed.b)
            c = ci_add_byte_products(c, unsigned.c &- offset, signed.c)
            d = ci_add_byte_products(d, unsigned.d &- offset, signed.d)
        }

        /// Adds the products of each row's four pairs of bytes.
        @inline(__always)
        fileprivate mutating func add(_ v: ByteVector, _ w: ByteVector) {
            a = ci_add_byte_products(a, v.a, w.a)
            b = ci_add_byte_products(b, v.b, w.b)
            c = ci_add_byte_products(c, v.c, w.c)
            d = ci_add_byte_products(d, v.d, w.d)
        }

        /// The accumulators as floats.
        @inline(__always)
        var floats: Vector { floats(adding: 0) }

        /// The accumulators plus `correction`, as floats.
        @inline(__always)
        fileprivate func floats(adding correction: Int32) -> Vector {
            let correction = SIMD4(repeating: correction)
            return ci_floats(
                SIMD16(
                    lowHalf: SIMD8(lowHalf: a &+ correction, highHalf: b &+ correction),
                    highHalf: SIMD8(lowHalf: c &+ correction, highHalf: d &+ correction)))
        }
    }

    /// Sixteen accumulators of thirty-two products of a nibble, 0 to 15, and a signed byte.
    struct NibbleAccumulators {
        private var accumulators = ByteAccumulators()

        @inline(__always) init() {}

        /// Adds the products of each row's four pairs.
        @inline(__always)
        mutating func add(nibbles: ByteVector, signed: ByteVector) {
            accumulators.add(nibbles, signed)
        }

        /// The accumulators plus `correction`, as floats.
        @inline(__always)
        func floats(adding correction: Int32) -> Vector {
            accumulators.floats(adding: correction)
        }
    }
#endif
