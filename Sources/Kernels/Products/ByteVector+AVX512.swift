#if AVX512
    import CIntrinsics

    /// Sixty-four bytes: four for each of sixteen rows. One AVX-512 register.
    struct ByteVector {
        fileprivate let bytes: __m512i

        @inline(__always)
        fileprivate init(_ bytes: __m512i) {
            self.bytes = bytes
        }

        /// Reads sixty-four bytes.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            bytes = source.loadUnaligned(as: __m512i.self)
        }

        /// The same four bytes for every row.
        @inline(__always)
        init(repeatingFourAt source: UnsafeRawPointer) {
            bytes = _mm512_set1_epi32(source.loadUnaligned(as: Int32.self))
        }

        /// The lower half of each byte.
        @inline(__always)
        var lowNibbles: ByteVector {
            ByteVector(_mm512_and_si512(bytes, _mm512_set1_epi8(15)))
        }

        /// The upper half of each byte.
        @inline(__always)
        var highNibbles: ByteVector {
            ByteVector(_mm512_srli_epi16(bytes, 4)).lowNibbles
        }
    }

    /// Sixteen 32-bit accumulators of products of bytes.
    struct ByteAccumulators {
        private var accumulators: __m512i

        /// Sixteen accumulators to start from.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            accumulators = source.loadUnaligned(as: __m512i.self)
        }

        /// Adds the products of each row's four pairs of bytes.
        @inline(__always)
        mutating func add(unsigned: ByteVector, signed: ByteVector) {
            accumulators = _mm512_dpbusd_epi32(accumulators, unsigned.bytes, signed.bytes)
        }

        /// The accumulators as floats.
        @inline(__always)
        var floats: Vector {
            _mm512_cvtepi32_ps(accumulators)
        }
    }

    /// Sixteen accumulators of thirty-two products of a nibble, 0 to 15, and a signed byte.
    struct NibbleAccumulators {
        private var accumulators = _mm512_setzero_si512()

        @inline(__always) init() {}

        /// Adds the products of each row's four pairs.
        @inline(__always)
        mutating func add(nibbles: ByteVector, signed: ByteVector) {
            accumulators = _mm512_dpbusd_epi32(accumulators, nibbles.bytes, signed.bytes)
        }

        /// The accumulators plus `correction`, as floats.
        @inline(__always)
        func floats(adding correction: Int32) -> Vector {
            _mm512_cvtepi32_ps(_mm512_add_epi32(accumulators, _mm512_set1_epi32(correction)))
        }
    }
#endif
