#if AVX2
    import CIntrinsics

    /// Sixty-four bytes: four for each of sixteen rows. Two AVX2 registers.
    struct ByteVector {
        fileprivate let low: __m256i
        fileprivate let high: __m256i

        @inline(__always)
        fileprivate init(low: __m256i, high: __m256i) {
            self.low = low
            self.high = high
        }

        /// Reads sixty-four bytes.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            low = source.loadUnaligned(as: __m256i.self)
            high = (source + 32).loadUnaligned(as: __m256i.self)
        }

        /// The same four bytes for every row.
        @inline(__always)
        init(repeatingFourAt source: UnsafeRawPointer) {
            low = _mm256_set1_epi32(source.loadUnaligned(as: Int32.self))
            high = low
        }

        /// The lower half of each byte.
        @inline(__always)
        var lowNibbles: ByteVector {
            let mask = _mm256_set1_epi8(15)
            return ByteVector(low: _mm256_and_si256(low, mask), high: _mm256_and_si256(high, mask))
        }

        /// The upper half of each byte.
        @inline(__always)
        var highNibbles: ByteVector {
            ByteVector(low: _mm256_srli_epi16(low, 4), high: _mm256_srli_epi16(high, 4)).lowNibbles
        }
    }

    /// Sixteen 32-bit accumulators of products of bytes.
    struct ByteAccumulators {
        private var low: __m256i
        private var high: __m256i

        /// Sixteen accumulators to start from.
        @inline(__always)
        init(at source: UnsafeRawPointer) {
            low = source.loadUnaligned(as: __m256i.self)
            high = (source + 32).loadUnaligned(as: __m256i.self)
        }

        /// Adds the products of each row's four pairs of bytes. With `unsigned` at most 128
        /// and `signed` at least −127, two products fit in 16 bits.
        @inline(__always)
        mutating func add(unsigned: ByteVector, signed: ByteVector) {
            let ones = _mm256_set1_epi16(1)
            low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned.low, signed.low), ones))
            high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned.high, signed.high), ones))
        }

        /// The accumulators as floats.
        @inline(__always)
        var floats: Vector {
            Vector(lowHalf: _mm256_cvtepi32_ps(low), highHalf: _mm256_cvtepi32_ps(high))
        }
    }

    /// Sixteen accumulators of thirty-two products of a nibble, 0 to 15, and a signed byte. Two
    /// sums of sixteen products a row, at most 16 · 15 · 127 < 2^15 in magnitude, fit in 16 bits
    /// each.
    struct NibbleAccumulators {
        private var low = _mm256_setzero_si256()
        private var high = _mm256_setzero_si256()

        @inline(__always) init() {}

        /// Adds the products of each row's four pairs.
        @inline(__always)
        mutating func add(nibbles: ByteVector, signed: ByteVector) {
            low = _mm256_add_epi16(low, _mm256_maddubs_epi16(nibbles.low, signed.low))
            high = _mm256_add_epi16(high, _mm256_maddubs_epi16(nibbles.high, signed.high))
        }

        /// The accumulators plus `correction`, as floats.
        @inline(__always)
        func floats(adding correction: Int32) -> Vector {
            let ones = _mm256_set1_epi16(1)
            let correction = _mm256_set1_epi32(correction)
            return Vector(
                lowHalf: _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_madd_epi16(low, ones), correction)),
                highHalf: _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_madd_epi16(high, ones), correction)))
        }
    }
#endif
