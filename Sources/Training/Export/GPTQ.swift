import Core
import Foundation
import ModelFormat

/// Rounds matrices to int4 such that their products with a layer's hidden states change little,
/// after "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers"
/// (Frantar, Ashkboos, Hoefler and Alistarh 2022).
///
/// The columns are rounded in order. The error of each is compensated, as far as possible, by the
/// columns that are still to be rounded: units whose states are correlated can replace each other.
/// Errors are measured by H, the states' covariance: the errors e of a row change its products by
/// eᵀ·H·e in the mean square, apart from the mean of the change, which a bias compensates.
struct GPTQ {
    private let statistics: HiddenStatistics
    /// The upper triangular U with Uᵀ·U = H⁻¹, row after row.
    private let factor: [Double]

    private var columns: Int { statistics.mean.count }

    /// Prepares the rounding of matrices that are multiplied with states of these statistics.
    ///
    /// - Complexity: O(n³) for n units, about a third of a second for 1024.
    init(_ statistics: HiddenStatistics) {
        self.statistics = statistics
        let count = statistics.mean.count
        var matrix = statistics.covariance
        let diagonal = stride(from: 0, to: matrix.count, by: count + 1)
        // A hundredth of the mean variance is added, as in the paper, so that H is not nearly
        // singular, and a constant in case that all variances are 0.
        let damping = 0.01 * diagonal.reduce(0) { $0 + matrix[$1] } / Double(count) + 1e-12
        for place in diagonal { matrix[place] += damping }
        factor = GPTQ.inverseFactor(of: matrix, count)
    }

    /// The upper triangular U with Uᵀ·U = H⁻¹.
    ///
    /// It is the inverse of the upper triangular R with H = R·Rᵀ: Cholesky's decomposition from the
    /// last row up.
    ///
    /// - Parameter matrix: H, positive definite, of which only the elements from the diagonal to
    ///   the right are read.
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
            // From the last row up, U replaces R: R[i, i] · U[i] is row i of the identity minus the
            // sum of R[i, k] · U[k] over the rows k below.
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

    /// A matrix in int4, and for each row the mean error of its product with a state.
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
                    // No two rows write the same elements.
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

    /// Rounds a row, and returns the mean error of its product with a state.
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
                    compensate(weights[column] - integer * scale, at: column, in: weights)
                }
            }
        }
        return Float(meanError)
    }

    /// Changes the weights after `column` so that they compensate its error as far as possible.
    private func compensate(_ error: Double, at column: Int, in weights: UnsafeMutableBufferPointer<Double>) {
        factor.withUnsafeBufferPointer { factor in
            let row = UnsafeBufferPointer(rebasing: factor[column * columns..<(column + 1) * columns])
            let factor = error / row[column]
            for later in column + 1..<columns { weights[later] -= factor * row[later] }
        }
    }

    /// The scale that gives the smallest sum of squared errors among 25 candidates, as bfloat16
    /// bits.
    ///
    /// With the candidates the grid ends at 3/4 to 9/8 of the value of the largest magnitude. Their
    /// sign is the one with which −8, not 7, stands for that value.
    private func bestScale(_ weights: UnsafeMutableBufferPointer<Double>) -> UInt16 {
        guard let farthest = weights.max(by: { abs($0) < abs($1) }) else { return 0 }
        var best: UInt16 = 0
        var smallestError = Double.infinity
        for step in 0...24 {
            let end = 1.125 - Double(step) / 64
            let bits = Quantiser.bfloat16(Quantiser.limited(Float(-farthest / 8 * end)))
            let scale = Double(Quantiser.widened(bits))
            // A scale that is rounded to 0 gives zeros.
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

    /// The nearest integer from −8 to 7; at a tie the even one.
    @inline(__always)
    private static func rounded(_ quotient: Double) -> Double {
        // A double near 1.5 · 2⁵² has no bits below one, so the addition rounds. Without SSE 4.1,
        // `rint` would be a call for each value and take most of the time.
        let shift = 0x1.8p52
        return (min(max(quotient, -8), 7) + shift) - shift
    }
}
