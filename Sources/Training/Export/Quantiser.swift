import ModelFormat

/// Rounds trained weights to fewer bits.
enum Quantiser {
    /// A matrix in another type, each value as near to the original as the type's grid allows.
    ///
    /// - Parameters:
    ///   - matrix: rows × columns finite values, row after row.
    ///   - type: What to turn it into.
    static func quantise(_ matrix: [Float], rows: Int, columns: Int, type: ElementType) -> EncodedTensor {
        switch type {
        case .float32: return .float32(matrix)
        case .bfloat16: return .bfloat16(matrix.map { bfloat16($0) })
        case .int8:
            let (values, scales) = quantise(matrix, columns: columns, groupSize: columns, grid: .int8) { $0 }
            return .int8(values, scales: scales)
        case .int4:
            let (values, scales) = quantise(
                matrix, columns: columns, groupSize: ElementType.groupSize, grid: .int4
            ) { widened(bfloat16($0)) }
            return .int4(values, scales: scales.map { bfloat16($0) })
        }
    }

    /// The integers that a value's quotient with its scale is rounded to.
    private struct Grid {
        let smallest: Float
        let largest: Float
        /// The shares of the range from zero to the farthest value that the search tries to cover.
        let shares: [Float]

        // With few integers it pays to cut off the farthest values and step more finely among the rest: a fifth less
        // squared error on trained weights. With many it does not.
        static let int8 = Grid(smallest: -127, largest: 127, shares: [1])
        static let int4 = Grid(smallest: -8, largest: 7, shares: (0...48).map { 1.125 - Float($0) / 64 })
    }

    /// Quantises each group of a row with the scale, of those tried, that gives the smallest sum of squared errors.
    private static func quantise(
        _ matrix: [Float], columns: Int, groupSize: Int, grid: Grid, roundScale: (Float) -> Float
    ) -> (values: [Int8], scales: [Float]) {
        var values: [Int8] = []
        var scales: [Float] = []
        values.reserveCapacity(matrix.count)
        for row in stride(from: 0, to: matrix.count, by: columns) {
            for start in stride(from: row, to: row + columns, by: groupSize) {
                let group = matrix[start..<min(start + groupSize, row + columns)]
                let scale = bestScale(group, grid, roundScale)
                scales.append(scale)
                for value in group { values.append(scale == 0 ? 0 : Int8(rounded(value / scale, to: grid))) }
            }
        }
        return (values, scales)
    }

    private static func bestScale(
        _ group: ArraySlice<Float>, _ grid: Grid, _ roundScale: (Float) -> Float
    ) -> Float {
        var needed: Float = 0
        for value in group { needed = max(needed, value > 0 ? value / grid.largest : value / grid.smallest) }
        var best: Float = 0
        var smallestError = Double.infinity
        for share in grid.shares {
            let scale = roundScale(needed * share)
            // So small that it became 0: so are the values.
            guard scale > 0 else { continue }
            var sum: Float = 0
            for value in group {
                let quotient = value / scale
                let error = quotient - rounded(quotient, to: grid)
                sum += error * error
            }
            let error = Double(sum) * Double(scale) * Double(scale)
            if error < smallestError { (best, smallestError) = (scale, error) }
        }
        return best
    }

    /// The nearest integer of the grid; of two the even one.
    @inline(__always)
    private static func rounded(_ quotient: Float, to grid: Grid) -> Float {
        // Beside 1.5 · 2²³ a float has no bits left below one, and the processor does the rounding. A call of `rint` for
        // each value, as without SSE 4.1, would take most of the time.
        let shift: Float = 0x1.8p23
        return (min(max(quotient, grid.smallest), grid.largest) + shift) - shift
    }

    /// The upper half of the nearest float that has zeros in the lower; of two the even one, and never an infinity.
    private static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let upper = UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
        return upper & 0x7FFF == 0x7F80 ? upper - 1 : upper
    }

    private static func widened(_ bits: UInt16) -> Float {
        Float(bitPattern: UInt32(bits) << 16)
    }
}
