import Core
import Foundation
import ModelFormat

/// Rounds matrices to int4 such that their products with a layer's hidden states change little, after "GPTQ: Accurate
/// Post-Training Quantization for Generative Pre-trained Transformers" (Frantar, Ashkboos, Hoefler and Alistarh 2022).
///
/// The columns are rounded in order. What the rounding of one does to the products is made up for, as far as that is
/// possible, by the columns that are still to be rounded; units whose states vary together can stand in for each other.
/// Errors are measured by H, the states' covariance: the errors e of a row change its products by eᵀ·H·e in the mean
/// square, not counting the mean of the change, which a bias can take back.
struct GPTQ {
    private let statistics: HiddenStatistics
    /// The upper triangular U with Uᵀ·U = H⁻¹, row after row.
    private let factor: [Double]

    private var columns: Int { statistics.mean.count }

    /// Prepares for matrices whose products with states of these statistics matter.
    ///
    /// - Complexity: O(n³) for n units, about a third of a second for 1024.
    init(_ statistics: HiddenStatistics) {
        self.statistics = statistics
        let count = statistics.mean.count
        var matrix = statistics.covariance
        let diagonal = stride(from: 0, to: matrix.count, by: count + 1)
        // A hundredth of the mean variance more, as in the paper, keeps H far from singular; the rest, from 0.
        let damping = 0.01 * diagonal.reduce(0) { $0 + matrix[$1] } / Double(count) + 1e-12
        for place in diagonal { matrix[place] += damping }
        factor = GPTQ.inverseFactor(of: matrix, count)
    }

    /// The upper triangular U with Uᵀ·U = H⁻¹.
    ///
    /// It is the inverse of R, upper triangular, with H = R·Rᵀ: Cholesky's decomposition begun at the last row.
    ///
    /// - Parameter matrix: H, positive definite, of which only the elements from the diagonal to the right are read.
    private static func inverseFactor(of matrix: [Double], _ count: Int) -> [Double] {
        var matrix = matrix
        matrix.withUnsafeMutableBufferPointer { r in
            for column in (0..<count).reversed() {
                for row in (0...column).reversed() {
                    var sum = r[row * count + column]
                    for k in column + 1..<count { sum -= r[row * count + k] * r[column * count + k] }
                    r[row * count + column] = row == column ? sum.squareRoot() : sum / r[column * count + column]
                }
            }
            // From the last row up, U takes the place of R: R[i, i] · U[i] is row i of the identity, less the sum of
            // R[i, k] · U[k] over the rows k below.
            for row in (0..<count).reversed() {
                let above = Array(r[row * count..<(row + 1) * count])
                for column in row..<count { r[row * count + column] = column == row ? 1 : 0 }
                for k in row + 1..<count {
                    for column in k..<count { r[row * count + column] -= above[k] * r[k * count + column] }
                }
                for column in row..<count { r[row * count + column] /= above[row] }
            }
        }
        return matrix
    }

    // MARK: - Rounding

    /// A matrix in int4, and for each row what its product with a state loses in the mean.
    ///
    /// - Parameter matrix: Rows of finite values, a column for each unit.
    /// - Complexity: O(n²) for each row of n columns.
    func quantise(_ matrix: [Float]) -> (tensor: EncodedTensor, meanErrors: [Float]) {
        let rows = matrix.count / columns
        let groups = scaleGroupCount(columns)
        var values = [Int8](repeating: 0, count: matrix.count)
        var scales = [UInt16](repeating: 0, count: rows * groups)
        var meanErrors = [Float](repeating: 0, count: rows)
        values.withUnsafeMutableBufferPointer { values in
            scales.withUnsafeMutableBufferPointer { scales in
                meanErrors.withUnsafeMutableBufferPointer { meanErrors in
                    // Each row has elements of its own.
                    nonisolated(unsafe) let (values, scales, meanErrors) = (values, scales, meanErrors)
                    DispatchQueue.concurrentPerform(iterations: rows) { row in
                        let places = row * columns..<(row + 1) * columns
                        meanErrors[row] = roundRow(
                            matrix[places], into: UnsafeMutableBufferPointer(rebasing: values[places]),
                            UnsafeMutableBufferPointer(rebasing: scales[row * groups..<(row + 1) * groups]))
                    }
                }
            }
        }
        return (.int4(values, scales: scales), meanErrors)
    }

    /// Rounds a row, and returns what its product with a state loses in the mean.
    private func roundRow(
        _ row: ArraySlice<Float>, into values: UnsafeMutableBufferPointer<Int8>,
        _ scales: UnsafeMutableBufferPointer<UInt16>
    ) -> Float {
        var weights = row.map { Double($0) }
        var meanError = 0.0
        weights.withUnsafeMutableBufferPointer { weights in
            for start in stride(from: 0, to: columns, by: scaleGroupSize) {
                let group = start..<min(start + scaleGroupSize, columns)
                let bits = bestScale(UnsafeMutableBufferPointer(rebasing: weights[group]))
                let scale = Double(Quantiser.widened(bits))
                scales[start / scaleGroupSize] = bits
                for column in group {
                    let integer = scale == 0 ? 0 : GPTQ.rounded(weights[column] / scale)
                    values[column] = Int8(integer)
                    meanError += (Double(row[row.startIndex + column]) - integer * scale) * statistics.mean[column]
                    makeUp(for: weights[column] - integer * scale, at: column, in: weights)
                }
            }
        }
        return Float(meanError)
    }

    /// Changes the weights after `column` so that they make up for its error as well as they can.
    private func makeUp(for error: Double, at column: Int, in weights: UnsafeMutableBufferPointer<Double>) {
        factor.withUnsafeBufferPointer { factor in
            let row = UnsafeBufferPointer(rebasing: factor[column * columns..<(column + 1) * columns])
            let share = error / row[column]
            for later in column + 1..<columns { weights[later] -= share * row[later] }
        }
    }

    /// The scale, of those tried, that gives the smallest sum of squared errors, as bfloat16 bits.
    ///
    /// With those tried, the grid ends at three quarters of the farthest value, a bit beyond it, or between. Their sign
    /// is the one with which it ends at −8 there, not at 7.
    private func bestScale(_ weights: UnsafeMutableBufferPointer<Double>) -> UInt16 {
        guard let farthest = weights.max(by: { abs($0) < abs($1) }) else { return 0 }
        var best: UInt16 = 0
        var smallestError = Double.infinity
        for step in 0...24 {
            let share = 1.125 - Double(step) / 64
            let bits = Quantiser.bfloat16(Quantiser.limited(Float(-farthest / 8 * share)))
            let scale = Double(Quantiser.widened(bits))
            // So small that it became 0: so are the values.
            guard scale != 0 else { continue }
            var sum = 0.0
            for weight in weights {
                let error = weight - GPTQ.rounded(weight / scale) * scale
                sum += error * error
            }
            if sum < smallestError { (best, smallestError) = (bits, sum) }
        }
        return best
    }

    /// The nearest integer from −8 to 7; of two the even one.
    @inline(__always)
    private static func rounded(_ quotient: Double) -> Double {
        // Beside 1.5 · 2⁵² a double has no bits left below one, and the processor does the rounding. A call of `rint` for
        // each value, as without SSE 4.1, would take most of the time.
        let shift = 0x1.8p52
        return (min(max(quotient, -8), 7) + shift) - shift
    }
}
