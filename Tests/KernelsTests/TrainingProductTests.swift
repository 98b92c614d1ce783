import CIntrinsics
import Core
import KernelDispatch
import Kernels
import Testing

/// Training's products against their definition, bit for bit, with every backend.
@Suite struct TrainingProductTests {
    @Test(
        "A product of rows is one chain of fused multiply-adds over ascending columns", arguments: Backend.available)
    func product(backend: Backend) {
        let kernels = backend.trainingKernels()
        var random = SplitMix64(seed: 6)
        var scratch: [Float] = []
        for (rows, blocks, k, columns) in [(1, 1, 16, 16), (7, 3, 48, 112), (25, 2, 304, 176), (32, 1, 560, 64)] {
            // Strides larger than the rows.
            let (aStride, cStride) = (k + 16, columns + 16)
            let inputs = random.array(rows * blocks * aStride) { $0.uniform(1) }
            let matrix = random.array(columns * k) { $0.uniform(1) }
            let start = random.array(rows * blocks * cStride) { $0.uniform(1) }
            let expected = (0..<start.count).map { index in
                let (row, column) = (index / cStride, index % cStride)
                guard column < columns else { return start[index] }
                return (0..<k).reduce(start[index]) {
                    $0.addingProduct(inputs[row * aStride + $1], matrix[column * k + $1])
                }
            }
            var packed = [Float](repeating: .nan, count: matrix.count)
            kernels.packTransposed(matrix, columns, k, &packed)
            var sums = start
            kernels.multiply(
                inputs, (aStride, rows * aStride), packed, from: nil, to: &sums, (cStride, rows * cStride),
                m: rows, blocks: blocks, n: columns, k: k, prefetch: start, &scratch)
            #expect(sums.bits == expected.bits, "\(rows) × \(blocks), \(k), \(columns)")

            // The same matrix, given as its transpose.
            let transpose = (0..<matrix.count).map { matrix[$0 % columns * k + $0 / columns] }
            packed = [Float](repeating: .nan, count: matrix.count)
            for first in stride(from: 0, to: k, by: 64) {
                kernels.packRows(transpose, first, min(first + 64, k), k, columns, &packed)
            }
            sums = start
            kernels.multiply(
                inputs, (aStride, rows * aStride), packed, from: nil, to: &sums, (cStride, rows * cStride),
                m: rows, blocks: blocks, n: columns, k: k, prefetch: start, &scratch)
            #expect(sums.bits == expected.bits, "\(rows) × \(blocks), \(k), \(columns), transposed")

            // All rows of C start from one row: with the same inputs in every row, all equal the
            // first row of the product above.
            let same = Array((0..<rows * blocks).map { _ in inputs[..<aStride] }.joined())
            sums = start
            kernels.multiply(
                same, (aStride, rows * aStride), packed, from: start, to: &sums, (cStride, rows * cStride),
                m: rows, blocks: blocks, n: columns, k: k, prefetch: nil, &scratch)
            for row in 0..<rows * blocks {
                #expect(
                    Array(sums[row * cStride..<row * cStride + columns]).bits
                        == Array(expected[..<columns]).bits,
                    "\(rows) × \(blocks), \(k), \(columns), row \(row)")
            }
        }
    }

    @Test("A transposed product is one chain of fused multiply-adds over ascending rows", arguments: Backend.available)
    func transposedProduct(backend: Backend) {
        let kernels = backend.trainingKernels()
        var random = SplitMix64(seed: 7)
        var scratch = [Float](repeating: .nan, count: transposedProductScratch)
        for (rows, k, columns) in [(1, 3, 16), (16, 100, 48), (96, 300, 112), (transposedProductRows, 513, 64)] {
            let (aStride, bStride, stride) = (rows + 5, columns + 16, columns + 32)
            let a = random.array(k * aStride) { $0.uniform(1) }
            let b = random.array(k * bStride) { $0.uniform(1) }
            let start = random.array(rows * stride) { $0.uniform(1) }
            let expected = (0..<start.count).map { index in
                let (row, column) = (index / stride, index % stride)
                guard column < columns else { return start[index] }
                return (0..<k).reduce(start[index]) {
                    $0.addingProduct(a[$1 * aStride + row], b[$1 * bStride + column])
                }
            }
            var target = start
            for first in Swift.stride(from: 0, to: k, by: transposedProductTerms) {
                kernels.multiplyTransposed(
                    Array(a[(first * aStride)...]), aStride, Array(b[(first * bStride)...]), bStride, to: &target,
                    stride, m: rows, n: columns, k: min(transposedProductTerms, k - first),
                    continuesA: first == 0, &scratch)
            }
            #expect(target.bits == expected.bits, "\(rows), \(k), \(columns)")
        }
    }

    // MARK: - bfloat16

    /// The nearest bfloat16 number, ties to even.
    private func rounded(_ value: Float) -> Float {
        let upper = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
        let next = Float(bitPattern: upper.bitPattern &+ 0x1_0000)
        let (below, above) = (abs(value - upper), abs(next - value))
        return below < above || (below == above && upper.bitPattern & 0x1_0000 == 0) ? upper : next
    }

    /// Expects the chain of rounded factors: bit for bit, or nearly where the processor has an
    /// instruction for it.
    private func expectChain(_ sums: [Float], _ expected: [Float], _ backend: Backend, _ comment: Comment) {
        if backend.hasBFloat16 {
            #expect(zip(sums, expected).allSatisfy { abs($0 - $1) < 1e-4 }, comment)
        } else {
            #expect(sums.bits == expected.bits, comment)
        }
    }

    @Test("A product in bfloat16 is the chain of the rounded factors", arguments: Backend.available)
    func pairProduct(backend: Backend) {
        let kernels = backend.trainingKernels(inBFloat16: true)
        var random = SplitMix64(seed: 8)
        for (rows, blocks, k, columns) in [(1, 1, 16, 16), (7, 2, 48, 112), (25, 1, 560, 48)] {
            let inputs = random.array(rows * blocks * k) { $0.uniform(1) }
            let matrix = random.array(columns * k) { $0.uniform(1) }
            let start = random.array(rows * blocks * columns) { $0.uniform(1) }
            let expected = (0..<start.count).map { index in
                (0..<k).reduce(start[index]) {
                    $0.addingProduct(
                        rounded(inputs[index / columns * k + $1]), rounded(matrix[index % columns * k + $1]))
                }
            }
            var scratch = [Float](repeating: .nan, count: inputs.count / 2)
            var packed = [Float](repeating: .nan, count: matrix.count / 2)
            kernels.packTransposed(matrix, columns, k, &packed)
            var sums = start
            kernels.multiply(
                inputs, (k, rows * k), packed, from: nil, to: &sums, (columns, rows * columns), m: rows,
                blocks: blocks, n: columns, k: k, prefetch: nil, &scratch)
            expectChain(sums, expected, backend, "\(rows) × \(blocks), \(k), \(columns)")

            let transpose = (0..<matrix.count).map { matrix[$0 % columns * k + $0 / columns] }
            packed = [Float](repeating: .nan, count: matrix.count / 2)
            for first in stride(from: 0, to: k, by: 64) {
                kernels.packRows(transpose, first, min(first + 64, k), k, columns, &packed)
            }
            sums = start
            kernels.multiply(
                inputs, (k, rows * k), packed, from: nil, to: &sums, (columns, rows * columns), m: rows,
                blocks: blocks, n: columns, k: k, prefetch: nil, &scratch)
            expectChain(sums, expected, backend, "\(rows) × \(blocks), \(k), \(columns), transposed")
        }
    }

    @Test("A transposed product in bfloat16 is the chain of the rounded factors", arguments: Backend.available)
    func transposedPairProduct(backend: Backend) {
        let kernels = backend.trainingKernels(inBFloat16: true)
        var random = SplitMix64(seed: 9)
        var scratch = [Float](repeating: .nan, count: transposedProductScratch)
        for (rows, k, columns) in [(16, 3, 16), (96, 300, 112), (transposedProductRows, 513, 32)] {
            let a = random.array(k * rows) { $0.uniform(1) }
            let b = random.array(k * columns) { $0.uniform(1) }
            let start = random.array(rows * columns) { $0.uniform(1) }
            let expected = (0..<start.count).map { index in
                (0..<k).reduce(start[index]) {
                    $0.addingProduct(
                        rounded(a[$1 * rows + index / columns]), rounded(b[$1 * columns + index % columns]))
                }
            }
            var target = start
            for first in stride(from: 0, to: k, by: transposedProductTerms) {
                kernels.multiplyTransposed(
                    Array(a[(first * rows)...]), rows, Array(b[(first * columns)...]), columns, to: &target, columns,
                    m: rows, n: columns, k: min(transposedProductTerms, k - first), continuesA: true, &scratch)
            }
            expectChain(target, expected, backend, "\(rows), \(k), \(columns)")
        }
    }
}

extension TrainingKernels {
    /// A product of arrays, with the strides of rows and of blocks.
    fileprivate func multiply(
        _ a: [Float], _ aStrides: (Int, Int), _ b: [Float], from bias: [Float]?, to c: inout [Float],
        _ cStrides: (Int, Int), m: Int, blocks: Int, n: Int, k: Int, prefetch: [Float]?, _ scratch: inout [Float]
    ) {
        let (biasCount, prefetchCount) = (bias?.count ?? 0, prefetch?.count ?? 0)
        withPointers([a, b, bias ?? [], prefetch ?? []], &c, &scratch) { inputs, c, scratch in
            var product = MatrixProduct(
                a: inputs[0], aStride: aStrides.0, aBlock: aStrides.1, b: inputs[1], bStride: 0,
                bias: biasCount > 0 ? inputs[2] : nil, c: c, cStride: cStrides.0, cBlock: cStrides.1, m: m,
                blocks: blocks, n: n, k: k, prefetch: prefetchCount > 0 ? inputs[3] : nil,
                prefetchCount: prefetchCount, continuesA: false, scratch: scratch)
            multiply(&product)
        }
    }

    /// A transposed product of arrays.
    fileprivate func multiplyTransposed(
        _ a: [Float], _ aStride: Int, _ b: [Float], _ bStride: Int, to c: inout [Float], _ cStride: Int, m: Int, n: Int,
        k: Int, continuesA: Bool, _ scratch: inout [Float]
    ) {
        withPointers([a, b], &c, &scratch) { inputs, c, scratch in
            var product = MatrixProduct(
                a: inputs[0], aStride: aStride, aBlock: 0, b: inputs[1], bStride: bStride, bias: nil, c: c,
                cStride: cStride, cBlock: 0, m: m, blocks: 1, n: n, k: k, prefetch: nil, prefetchCount: 0,
                continuesA: continuesA, scratch: scratch)
            multiplyTransposed(&product)
        }
    }
}

/// Calls `body` with pointers to copies of the inputs and to the outputs.
private func withPointers(
    _ inputs: [[Float]], _ c: inout [Float], _ scratch: inout [Float],
    _ body: ([UnsafePointer<Float>], UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
) {
    let copies = inputs.map { input in
        let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, input.count))
        _ = copy.initialize(from: input)
        return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    if scratch.isEmpty { scratch = [0] }
    c.withUnsafeMutableBufferPointer { c in
        scratch.withUnsafeMutableBufferPointer { scratch in
            body(
                copies.map { UnsafePointer($0.baseAddress.unsafelyUnwrapped) }, c.baseAddress.unsafelyUnwrapped,
                scratch.baseAddress.unsafelyUnwrapped)
        }
    }
}
