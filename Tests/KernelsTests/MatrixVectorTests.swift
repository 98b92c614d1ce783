import KernelDispatch
import Kernels
import Testing

@Suite struct MatrixVectorTests {
    @Test(
        "Each sum is one chain of fused multiply-adds over ascending columns, bit for bit", arguments: Backend.available
    )
    func chain(backend: Backend) {
        var random = SplitMix64(seed: 2)
        for rows in stride(from: laneCount, through: 176, by: laneCount) {
            for columns in 1...70 {
                let matrix = random.array(rows * columns) { $0.uniform(1) }
                let x = random.array(columns) { $0.uniform(1) }
                let biases = random.array(rows) { $0.uniform(1) }
                var packed = [Float](repeating: .nan, count: rows * columns)
                packPanels(matrix, rows: rows, columns: columns, into: &packed)
                var sums = biases
                backend.addMatrixVector(packed, rows, columns, x, &sums)
                let expected = (0..<rows).map { row in
                    (0..<columns).reduce(biases[row]) { $0.addingProduct(matrix[row * columns + $1], x[$1]) }
                }
                guard sums.bits == expected.bits else {
                    Issue.record("\(rows) × \(columns)")
                    return
                }
            }
        }
    }
}
