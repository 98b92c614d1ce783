// The integer arithmetic of int8 and int4 weights: exact, so that every implementation gives the
// same bits. This is the portable one; the files beside it use the processor's own dot products.

#if !AVX2 && !AVX512
    /// Sixty-four bytes: four for each of sixteen rows.
    struct ByteVector {
        fileprivate let words: SIMD16<Int32>

        @inline(__always)
        fileprivate init(_ words: SIMD16<Int32>) {
            self.words = words
        }

        /// Reads sixty-four bytes.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            words = source.loadUnaligned(as: SIMD16<Int32>.self)
        }

        /// The same four bytes for every row.
        @inline(__always)
        init(repeatingFourAt source: UnsafeRawPointer) {
            words = SIMD16(repeating: source.loadUnaligned(as: Int32.self))
        }

        /// The lower half of each byte.
        @inline(__always)
        var lowNibbles: ByteVector {
            ByteVector(words & SIMD16(repeating: 0x0F0F_0F0F))
        }

        /// The upper half of each byte.
        @inline(__always)
        var highNibbles: ByteVector {
            ByteVector(words &>> SIMD16(repeating: 4)).lowNibbles
        }

        /// Byte `index` of each row.
        @inline(__always)
        private func unsigned(_ index: Int32) -> SIMD16<Int32> {
            (words &>> SIMD16(repeating: 8 * index)) & SIMD16(repeating: 0xFF)
        }

        /// Byte `index` of each row, whose upper bit is its sign.
        @inline(__always)
        private func signed(_ index: Int32) -> SIMD16<Int32> {
            (words &<< SIMD16(repeating: 24 - 8 * index)) &>> SIMD16(repeating: 24)
        }

        /// The sum of the products of each row's four pairs of bytes, an unsigned one of `self` and
        /// a signed one.
        @inline(__always)
        fileprivate func products(_ other: ByteVector) -> SIMD16<Int32> {
            unsigned(0) &* other.signed(0) &+ unsigned(1) &* other.signed(1) &+ unsigned(2) &* other.signed(2)
                &+ unsigned(3) &* other.signed(3)
        }
    }

    /// Sixteen 32-bit accumulators of products of bytes.
    struct ByteAccumulators {
        private var accumulators: SIMD16<Int32>

        /// Sixteen accumulators to start from.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            accumulators = source.loadUnaligned(as: SIMD16<Int32>.self)
        }

        /// Adds the products of each row's four pairs of bytes.
        @inline(__always)
        mutating func add(unsigned: ByteVector, signed: ByteVector) {
            accumulators = accumulators &+ unsigned.products(signed)
        }

        /// The accumulators as floats.
        @inline(__always)
        var floats: Vector {
            Vector(accumulators)
        }
    }

    /// Sixteen accumulators of thirty-two products of a nibble, 0 to 15, and a signed byte.
    struct NibbleAccumulators {
        private var accumulators = SIMD16<Int32>(repeating: 0)

        @inline(__always) init() {}

        /// Adds the products of each row's four pairs.
        @inline(__always)
        mutating func add(nibbles: ByteVector, signed: ByteVector) {
            accumulators = accumulators &+ nibbles.products(signed)
        }

        /// The accumulators plus `correction`, as floats.
        @inline(__always)
        func floats(adding correction: Int32) -> Vector {
            Vector(accumulators &+ SIMD16(repeating: correction))
        }
    }
#endif
