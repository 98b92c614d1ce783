import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("GPTQ")
struct GPTQTests {
    /// Statistics of states that are sums of a few random patterns, so that units are correlated.
    private func correlatedStates(_ units: Int) -> HiddenStatistics {
        var statistics = HiddenStatistics(units: units)
        let patterns = (0..<units / 3).map { denseWeights(units, seed: UInt64(100 + $0)) }
        for row in 0..<units {
            for column in row..<units {
                statistics.covariance[row * units + column] =
                    patterns.reduce(row == column ? 0.01 : 0) { $0 + Double($1[row] * $1[column]) }
            }
        }
        return statistics
    }

    /// The sum over rows of eᵀ·H·e, where e are the errors of a row and H is the covariance.
    private func productError(
        _ encoded: EncodedTensor, _ matrix: [Float], _ statistics: HiddenStatistics
    ) -> Double {
        let columns = statistics.mean.count
        let errors = zip(encoded.values(columns: columns), matrix).map { Double($0) - Double($1) }
        var sum = 0.0
        for start in stride(from: 0, to: errors.count, by: columns) {
            for a in 0..<columns {
                for b in a..<columns {
                    let product = errors[start + a] * errors[start + b] * statistics.covariance[a * columns + b]
                    sum += a == b ? product : 2 * product
                }
            }
        }
        return sum
    }

    @Test("keeps a matrix that is on the grid, for any states", arguments: [3, 31, 32, 33, 70])
    func exact(columns: Int) {
        let matrix = gridMatrix(columns: columns, groupSize: 32, -8...7, negatives: true)
        for statistics in [HiddenStatistics(units: columns), correlatedStates(columns)] {
            let (tensor, meanErrors) = GPTQ(statistics).quantise(matrix)
            #expect(tensor.values(columns: columns) == matrix)
            #expect(meanErrors.allSatisfy { $0 == 0 })
        }
    }

    @Test("rounds to the nearest without statistics: errors are at most half a step, except for clipped values")
    func nearest() throws {
        let columns = 70
        let matrix = denseWeights(40 * columns)
        let encoded = GPTQ(HiddenStatistics(units: columns)).quantise(matrix).tensor
        guard case .int4(let integers, let scales) = encoded else { return #expect(Bool(false)) }
        var squares = 0.0
        for (place, integer) in integers.enumerated() {
            let (row, column) = place.quotientAndRemainder(dividingBy: columns)
            let scale = Quantiser.widened(scales[row * 3 + column / 32])
            let error = matrix[place] - Float(integer) * scale
            let isClipped = matrix[place] / scale < -8 || matrix[place] / scale > 7
            #expect(abs(error) <= 0.501 * abs(scale) || isClipped)
            squares += Double(error * error)
        }
        // The variance of the weights is 1/3.
        #expect(squares / Double(matrix.count) < 0.0075 / 3)
    }

    @Test("changes products with correlated states less than rounding each weight by itself")
    func correlated() {
        let columns = 90
        let matrix = denseWeights(50 * columns, seed: 5)
        let states = correlatedStates(columns)
        let plain = GPTQ(HiddenStatistics(units: columns)).quantise(matrix).tensor
        let fitted = GPTQ(states).quantise(matrix).tensor
        #expect(productError(fitted, matrix, states) < 0.5 * productError(plain, matrix, states))
    }

    @Test("returns the error of the product with a constant state, for a bias")
    func meanErrors() {
        let columns = 40
        let matrix = denseWeights(30 * columns, seed: 8)
        var statistics = HiddenStatistics(units: columns)
        statistics.mean = denseWeights(columns, seed: 9).map { Double($0) }
        let (tensor, meanErrors) = GPTQ(statistics).quantise(matrix)
        func product(_ matrix: [Float], _ row: Int) -> Double {
            (0..<columns).reduce(0) { $0 + Double(matrix[row * columns + $1]) * statistics.mean[$1] }
        }
        let rounded = tensor.values(columns: columns)
        for row in 0..<30 {
            #expect(abs(product(rounded, row) + Double(meanErrors[row]) - product(matrix, row)) < 1e-6)
        }
        #expect(meanErrors.contains { abs($0) > 0.01 })
    }

    @Test("keeps zeros, and makes of extreme values a tensor that a file can hold")
    func extremes() throws {
        for statistics in [HiddenStatistics(units: 3), correlatedStates(3)] {
            let encoded = GPTQ(statistics).quantise(extremeMatrix).tensor
            #expect(encoded.values(columns: 3).prefix(6).allSatisfy { $0 == 0 })
            #expect(try isWritable(encoded))
        }
    }
}
