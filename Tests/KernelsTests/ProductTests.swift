import CIntrinsics
import Core
import KernelDispatch
import Kernels
import Testing

/// Every product against its definition, bit for bit, for each type of weights, backend and number
/// of vectors.
@Suite struct ProductTests {
    private static let sizes = [
        (16, 1), (16, 33), (48, 7), (64, 64), (80, 70), (128, 130), (176, 31), (96, 40), (240, 5),
    ]
    private static let counts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15]

    /// Runs a product with random sums to start from, which lie farther apart than they need.
    private func expectProduct(
        _ product: (UnsafePointer<PackedProduct>) -> Void, packed: [UInt8], rows: Int, columns: Int,
        operands: [[UInt8]],
        _ expected: (_ row: Int, _ vector: Int, _ start: Float) -> Float,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var random = SplitMix64(seed: 5)
        let stride = rows + 16
        for count in Self.counts {
            let start = random.array(count * stride) { $0.uniform(1) }
            var sums = start
            let length = operands[0].count
            Array(operands.prefix(count).joined()).withUnsafeBytes { bytes in
                let inputs = (0..<count).map { bytes.baseAddress.unsafelyUnwrapped + $0 * length }
                packed.withUnsafeBytes { packed in
                    inputs.withUnsafeBufferPointer { inputs in
                        sums.withUnsafeMutableBufferPointer { sums in
                            var arguments = PackedProduct(
                                weights: packed.baseAddress.unsafelyUnwrapped, rows: rows, columns: columns,
                                inputs: inputs.baseAddress.unsafelyUnwrapped, count: count,
                                outputs: sums.baseAddress.unsafelyUnwrapped, stride: stride)
                            product(&arguments)
                        }
                    }
                }
            }
            let wanted = (0..<count * stride).map { index in
                let (vector, row) = (index / stride, index % stride)
                return row < rows ? expected(row, vector, start[index]) : start[index]
            }
            guard sums.bits == wanted.bits else {
                Issue.record("\(rows) × \(columns), \(count) vectors", sourceLocation: sourceLocation)
                return
            }
        }
    }

    /// The rows of a matrix in another order, with a row of zeros among them.
    private func order(_ rows: Int) -> [Int] {
        (0..<rows).map { $0 == 3 ? -1 : rows - 1 - $0 }
    }

    private func bytes(_ floats: [Float]) -> [UInt8] { floats.withUnsafeBytes { Array($0) } }

    @Test("A sum of floats is one chain of fused multiply-adds over ascending columns", arguments: Backend.available)
    func float32(backend: Backend) {
        var random = SplitMix64(seed: 2)
        for (rows, columns) in Self.sizes {
            let matrix = random.array(rows * columns) { $0.uniform(1) }
            let vectors = (0..<15).map { _ in random.array(columns) { $0.uniform(1) } }
            var packed = [UInt8](repeating: 0xFF, count: rows * float32RowLength(columns: columns))
            packFloat32(matrix, order: order(rows), rows: rows, columns: columns, into: &packed)
            expectProduct(
                backend.kernels.addFloat32Product, packed: packed, rows: rows, columns: columns,
                operands: vectors.map(bytes)
            ) { row, vector, start in
                let source = order(rows)[row]
                return (0..<columns).reduce(start) {
                    $0.addingProduct(source < 0 ? 0 : matrix[source * columns + $1], vectors[vector][$1])
                }
            }
        }
    }

    @Test("bfloat16 weights give the chain of the same weights in floats", arguments: Backend.available)
    func bfloat16(backend: Backend) {
        var random = SplitMix64(seed: 2)
        for (rows, columns) in Self.sizes {
            let matrix = random.array(rows * columns) { Float(bitPattern: $0.uniform(1).bitPattern & 0xFFFF_0000) }
            let vectors = (0..<15).map { _ in random.array(columns) { $0.uniform(1) } }
            var packed = [UInt8](repeating: 0, count: rows * bfloat16RowLength(columns: columns))
            packBFloat16(matrix, order: order(rows), rows: rows, columns: columns, into: &packed)
            expectProduct(
                backend.kernels.addBFloat16Product, packed: packed, rows: rows, columns: columns,
                operands: vectors.map(bytes)
            ) { row, vector, start in
                let source = order(rows)[row]
                return (0..<columns).reduce(start) {
                    $0.addingProduct(source < 0 ? 0 : matrix[source * columns + $1], vectors[vector][$1])
                }
            }
        }
    }

    /// Activations, among them the extremes, and their integers from −64 to 64.
    private func activations(_ random: inout SplitMix64, _ columns: Int) -> (floats: [Float], integers: [Int]) {
        let floats = random.array(padded(columns)) { random in
            switch random.next() % 8 {
            case 0: 1
            case 1: -1
            default: random.uniform(1)
            }
        }
        let kept = floats.indices.map { $0 < columns ? floats[$0] : 0 }
        return (kept, kept.map { Int(($0 * 64).rounded(.toNearestOrEven)) })
    }

    /// Weights from −`limit` to `limit` − `slack`, often the extremes.
    private func weights(_ random: inout SplitMix64, _ count: Int, _ range: ClosedRange<Int>) -> [Int8] {
        (0..<count).map { _ in
            switch random.next() % 4 {
            case 0: Int8(range.lowerBound)
            case 1: Int8(range.upperBound)
            default: Int8(range.lowerBound + Int(random.next() % UInt64(range.count)))
            }
        }
    }

    @Test("A sum of 8-bit weights is exact until it is scaled", arguments: Backend.available)
    func int8(backend: Backend) {
        var random = SplitMix64(seed: 3)
        for (rows, columns) in Self.sizes {
            let matrix = weights(&random, rows * columns, -127...127)
            let scales = random.array(rows) { $0.uniform(1) }
            let vectors = (0..<15).map { _ in activations(&random, columns) }
            var packed = [UInt8](repeating: 0xFF, count: rows * int8RowLength(columns: columns))
            packInt8(matrix, scales: scales, order: order(rows), rows: rows, columns: columns, into: &packed)
            let operands = vectors.map { vector in
                var bytes = [UInt8](repeating: 0xFF, count: quantisedLength(count: columns))
                backend.kernels.quantise(vector.floats, padded(columns), &bytes)
                return bytes
            }
            expectProduct(
                backend.kernels.addInt8Product, packed: packed, rows: rows, columns: columns, operands: operands
            ) { row, vector, start in
                let source = order(rows)[row]
                guard source >= 0 else { return start.addingProduct(0, 0) }
                let sum = (0..<columns).reduce(0) {
                    $0 + Int(matrix[source * columns + $1]) * vectors[vector].integers[$1]
                }
                return start.addingProduct(Float(sum), scales[source] / 64)
            }
        }
    }

    @Test(
        "A sum of 4-bit weights is a chain of exact sums, each scaled, over groups of 32", arguments: Backend.available)
    func int4(backend: Backend) {
        var random = SplitMix64(seed: 4)
        for (rows, columns) in Self.sizes {
            let groups = scaleGroupCount(columns)
            let matrix = weights(&random, rows * columns, -8...7)
            let scales = random.array(rows * groups) { Float(bitPattern: $0.uniform(1).bitPattern & 0xFFFF_0000) }
            let vectors = (0..<15).map { _ in activations(&random, columns) }
            var packed = [UInt8](repeating: 0xFF, count: rows * int4RowLength(columns: columns))
            packInt4(matrix, scales: scales, order: order(rows), rows: rows, columns: columns, into: &packed)
            let operands = vectors.map { vector in
                var bytes = [UInt8](repeating: 0xFF, count: quantisedSignedLength(count: columns))
                backend.kernels.quantiseSigned(vector.floats, padded(columns), &bytes)
                return bytes
            }
            expectProduct(
                backend.kernels.addInt4Product, packed: packed, rows: rows, columns: columns, operands: operands
            ) { row, vector, start in
                let source = order(rows)[row]
                return (0..<groups).reduce(start) { chain, group in
                    let columns = 32 * group..<min(32 * group + 32, columns)
                    guard source >= 0 else { return chain.addingProduct(0, 0) }
                    let sum = columns.reduce(0) {
                        $0 + Int(matrix[source * (matrix.count / rows) + $1]) * vectors[vector].integers[$1]
                    }
                    return chain.addingProduct(Float(sum), scales[source * groups + group] / 64)
                }
            }
        }
    }

    @Test(
        "Activations beyond ±1, infinite ones and NaN are quantised alike", arguments: Backend.available)
    func quantisedExtremes(backend: Backend) {
        let values: [Float] = [
            1, -1, 1.5, -1.5, .infinity, -.infinity, .nan, 0, 0.5 / 64, 1.5 / 64, -0.5 / 64, 2.4 / 64, 2.6 / 64, -0.0,
            .leastNonzeroMagnitude, -63.6 / 64,
        ]
        var bytes = [UInt8](repeating: 0, count: 16)
        backend.kernels.quantise(values, 16, &bytes)
        #expect(bytes == [128, 0, 128, 0, 128, 0, 0, 64, 64, 66, 64, 66, 67, 64, 64, 0])
        var signed = [UInt8](repeating: 7, count: quantisedSignedLength(count: 16))
        backend.kernels.quantiseSigned(values, 16, &signed)
        #expect(signed.prefix(16).map { Int8(bitPattern: $0) } == bytes.map { Int8(Int($0) - 64) })
        #expect(signed[16..<32].allSatisfy { $0 == 0 })
        let sum = signed.prefix(16).map { Int32(Int8(bitPattern: $0)) }.reduce(0, +)
        #expect(
            signed.suffix(4).enumerated().reduce(0) { $0 | UInt32($1.1) << (8 * $1.0) } == UInt32(bitPattern: -8 * sum))
    }
}
