import CIntrinsics
import Core
import Testing

// Other processors have the instruction.
#if arch(x86_64)
    /// a · b + c with a single rounding, where the processor has no instruction for it, against the
    /// standard library's.
    @Suite struct FusedMultiplyAddTests {
        /// Sixteen cases at once.
        private struct Cases {
            var a = SIMD16<Float>()
            var b = SIMD16<Float>()
            var c = SIMD16<Float>()

            subscript(lane: Int) -> (Float, Float, Float) {
                get { (a[lane], b[lane], c[lane]) }
                set { (a[lane], b[lane], c[lane]) = newValue }
            }
        }

        /// Calls `make` for each lane of `count` vectors, and returns the number of cases that two
        /// roundings, to a double and to a float, would get wrong.
        private func check(
            _ count: Int, _ make: (inout SplitMix64) -> (Float, Float, Float)
        ) -> Int {
            var generator = SplitMix64(seed: 1)
            var hard = 0
            for _ in 0..<count {
                var cases = Cases()
                for lane in 0..<16 { cases[lane] = make(&generator) }
                let result = ci_fused_multiply_add(cases.a, cases.b, cases.c)
                for lane in 0..<16 {
                    let (a, b, c) = cases[lane]
                    let expected = c.addingProduct(a, b)
                    #expect(
                        result[lane].bitPattern == expected.bitPattern || result[lane].isNaN && expected.isNaN,
                        "\(a) · \(b) + \(c) is \(expected), not \(result[lane])")
                    if Float(Double(a) * Double(b) + Double(c)) != expected, !expected.isNaN { hard += 1 }
                }
            }
            return hard
        }

        @Test func `any three floats, infinities and NaNs included`() {
            _ = check(20_000) { generator in
                (
                    Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())),
                    Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())),
                    Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
                )
            }
        }

        @Test func `products that are half of the addend's last place, a little more and a little less`() {
            let hard = check(5_000) { generator in
                let word = generator.next()
                let c = Float(sign: .plus, exponent: 10, significand: 1 + Float(word & 0x7FFFFF) * 0x1p-23)
                // A product of 2^-14, half of the last place of c, or one that is not quite that.
                let (i, j) = (Float((word >> 32) & 3), Float((word >> 34) & 3))
                let sign: Float = (word >> 36) & 1 == 0 ? 1 : -1
                return (sign * 0x1p-7 * (1 + i * 0x1p-23), 0x1p-7 * (1 - j * 0x1p-24), c)
            }
            #expect(hard > 1000)
        }

        @Test func `subnormal results, where a float has fewer bits`() {
            let hard = check(20_000) { generator in
                let word = generator.next()
                // The product is half of the last place of a subnormal number, or not quite that.
                let c = Float(bitPattern: UInt32(truncatingIfNeeded: word) & 0x80FF_FFFF)
                let (i, j) = (Float((word >> 32) & 3), Float((word >> 34) & 3))
                return (0x1p-75 * (1 + i * 0x1p-23), 0x1p-75 * (1 - j * 0x1p-24), c)
            }
            #expect(hard > 1000)
        }

        @Test func `sums that cancel all but the last places`() {
            _ = check(20_000) { generator in
                let word = generator.next()
                let a = Float(bitPattern: 0x3000_0000 | UInt32(truncatingIfNeeded: word) & 0x0FFF_FFFF)
                let b = Float(bitPattern: 0x3000_0000 | UInt32(truncatingIfNeeded: word >> 32) & 0x0FFF_FFFF)
                return (a, b, -(a * b).nextUp)
            }
        }

        /// Compares rows times a vector with chains of the standard library's fused multiply-adds.
        ///
        /// - Parameter make: A number of the given kind: 0 for the sums, 1 for the matrix, 2 for
        ///   the vector.
        private func checkRows(_ make: (inout SplitMix64, Int) -> Float) {
            var generator = SplitMix64(seed: 3)
            for round in 0..<300 {
                let (columns, stride) = (round % 50, 16 * (1 + round % 3))
                let matrix = (0..<max(1, columns * stride)).map { _ in make(&generator, 1) }
                let vector = (0..<max(1, columns)).map { _ in make(&generator, 2) }
                let start = (0..<16).map { _ in make(&generator, 0) }
                var sums = start
                ci_add_rows_times_vector(&sums, matrix, stride, vector, columns)
                for lane in 0..<16 {
                    let expected = (0..<columns).reduce(start[lane]) {
                        $0.addingProduct(matrix[$1 * stride + lane], vector[$1])
                    }
                    #expect(
                        sums[lane].bitPattern == expected.bitPattern || sums[lane].isNaN && expected.isNaN,
                        "\(columns) columns: \(expected), not \(sums[lane])")
                }
            }
        }

        @Test func `rows times a vector of usual numbers, and of integers, whose sums are often half-way`() {
            checkRows { generator, _ in Float(Int32(truncatingIfNeeded: generator.next())) * 0x1p-31 }
            // Sums of 25 to 28 bits.
            checkRows { generator, kind in
                let word = generator.next()
                return kind == 0 ? Float(word >> 40) : Float(word & 0xFFF) - 2048
            }
        }

        @Test func `rows times a vector of any numbers, very large and very small ones`() {
            checkRows { generator, _ in Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())) }
            for exponent in [-140, -75, -66, 30, 60, 120] {
                checkRows { generator, kind in
                    let word = generator.next()
                    let number = Float(Int32(truncatingIfNeeded: word)) * 0x1p-31
                    // Some zeros of both signs.
                    return word >> 60 == 0
                        ? number * 0
                        : kind == 2 ? number : number * Float(sign: .plus, exponent: exponent, significand: 1)
                }
            }
        }

        @Test func `a product without rounding, and one that overflows before the sum`() {
            var generator = SplitMix64(seed: 2)
            for round in 0..<2_000 {
                var cases = Cases()
                for lane in 0..<16 {
                    let word = generator.next()
                    let scale = Float(bitPattern: UInt32(truncatingIfNeeded: word) & 0x7FFF_0000)
                    let integer = Float(Int16(truncatingIfNeeded: word >> 32))
                    let addend = Float(bitPattern: UInt32(truncatingIfNeeded: word >> 32))
                    cases[lane] = (integer, round % 2 == 0 && scale.isFinite ? scale : 0x1p-20, addend)
                }
                let result = ci_add_exact_product(cases.a, cases.b, cases.c)
                for lane in 0..<16 {
                    let (a, b, c) = cases[lane]
                    let expected = c.addingProduct(a, b)
                    #expect(result[lane].bitPattern == expected.bitPattern || result[lane].isNaN && expected.isNaN)
                }
            }
        }
    }
#endif
