import Kernels
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("The quantiser")
struct QuantiserTests {
    /// Values that are dense around 0, as trained weights are: sums of four uniform ones.
    private func weights(_ count: Int, seed: UInt64 = 1) -> [Float] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in
            (0..<4).reduce(0) { sum, _ in sum + Float(random.next() >> 40) * 0x1p-24 - 0.5 }
        }
    }

    private func meanSquaredError(_ encoded: EncodedTensor, _ matrix: [Float], columns: Int) -> Double {
        let errors = zip(encoded.values(columns: columns), matrix).map { Double($0) - Double($1) }
        return errors.reduce(0) { $0 + $1 * $1 } / Double(matrix.count)
    }

    @Test("rounds to the nearest bfloat16, of two to the even one, and never to an infinity")
    func bfloat16() throws {
        var random = SplitMix64(seed: 3)
        var values = (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
        // Exactly between two, and beside that.
        values += (0..<3000).map { Float(bitPattern: 0x3F80_0000 + UInt32($0 / 3) << 16 + 0x7FFF + UInt32($0 % 3)) }
        values = values.filter(\.isFinite) + [0, -0.0, .leastNonzeroMagnitude]
        let encoded = Quantiser.quantise(values, rows: 1, columns: values.count, type: .bfloat16)
        guard case .bfloat16(let words) = encoded else {
            Issue.record("not bfloat16")
            return
        }
        for (value, word) in zip(values, words) {
            let upper = UInt16(value.bitPattern >> 16)
            // Bit patterns of one sign ascend with the magnitude, so the neighbours are these two.
            let below = Double(Float(bitPattern: UInt32(upper) << 16))
            guard upper & 0x7FFF < 0x7F7F else {
                #expect(word == upper)
                continue
            }
            let above = Double(Float(bitPattern: UInt32(upper + 1) << 16))
            let (down, up) = (abs(Double(value) - below), abs(above - Double(value)))
            let expected = down < up || (down == up && upper % 2 == 0) ? upper : upper + 1
            #expect(word == expected, "\(value)")
        }
        let largest: [Float] = [.greatestFiniteMagnitude, -.greatestFiniteMagnitude]
        let ends = Quantiser.quantise(largest, rows: 1, columns: 2, type: .bfloat16)
        #expect(ends.values(columns: 2).allSatisfy { $0.isFinite })
    }

    @Test("keeps a matrix that is on the grid already", arguments: [1, 31, 32, 33, 70])
    func exact(columns: Int) {
        let rows = 6
        var random = SplitMix64(seed: UInt64(columns))
        func matrix(_ bounds: ClosedRange<Int>) -> [Float] {
            (0..<rows * columns).map { place in
                // Every row and group has a value at the end of the range, so that its scale is known.
                let column = place % columns
                let integer =
                    column % 32 == 0 ? bounds.lowerBound : bounds.lowerBound + Int(random.next() >> 32) % bounds.count
                return Float(integer) * Float(sign: .plus, exponent: place / columns - 9, significand: 1)
            }
        }
        for (type, bounds) in [(ElementType.int8, -127...127), (.int4, -8...7)] {
            let matrix = matrix(bounds)
            let encoded = Quantiser.quantise(matrix, rows: rows, columns: columns, type: type)
            #expect(encoded.values(columns: columns) == matrix)
        }
    }

    @Test("loses no more than the scale that covers the farthest value, less with int4, and not much")
    func searched() {
        let (rows, columns) = (40, 200)
        let matrix = weights(rows * columns)
        func plainError(_ largest: Float, _ groupSize: Int) -> Double {
            var sum = 0.0
            for row in stride(from: 0, to: matrix.count, by: columns) {
                for start in stride(from: row, to: row + columns, by: groupSize) {
                    let group = matrix[start..<min(start + groupSize, row + columns)]
                    let scale = group.map(abs).max().map { $0 / largest } ?? 0
                    for value in group {
                        let error = Double(value - (value / scale).rounded() * scale)
                        sum += error * error
                    }
                }
            }
            return sum / Double(matrix.count)
        }
        let int8 = Quantiser.quantise(matrix, rows: rows, columns: columns, type: .int8)
        let int4 = Quantiser.quantise(matrix, rows: rows, columns: columns, type: .int4)
        let (int8Error, int4Error) = (
            meanSquaredError(int8, matrix, columns: columns), meanSquaredError(int4, matrix, columns: columns)
        )
        #expect(int8Error < 1.001 * plainError(127, columns))
        #expect(int4Error < 0.95 * plainError(7, 32))
        // The variance of the weights is 1/3.
        #expect(int8Error < 1e-4 / 3 && int4Error < 1e-2 / 3)
    }

    @Test("turns zeros into zeros, and extreme values into a tensor that a file can hold")
    func extremes() throws {
        let largest = Float.greatestFiniteMagnitude
        let rows: [[Float]] = [
            [0, 0, 0], [0, -0.0, 0], [largest, -largest, 1], [.leastNonzeroMagnitude, 0, -.leastNonzeroMagnitude],
            [.leastNormalMagnitude, largest, -1], [0x1p-140, 0x3p-141, -0x1p-145],
        ]
        for type in ElementType.allCases {
            let shape = ModelShape(cell: .rnn, layers: 1, hiddenSize: 3, vocabularySize: rows.count)
            let vocabulary = try #require(Vocabulary(characters: Array(0..<6), hasEndOfDocument: false))
            let encoded = Quantiser.quantise(rows.flatMap { $0 }, rows: rows.count, columns: 3, type: type)
            #expect(encoded.values(columns: 3).prefix(6).allSatisfy { $0 == 0 })
            let tensors = (0..<shape.tensorCount).map { index -> EncodedTensor in
                shape.tensor(index).role == .outputWeight
                    ? encoded : .float32([Float](repeating: 0.5, count: shape.tensor(index).count))
            }
            let bytes = try ModelFile.encode(shape: shape, vocabulary: vocabulary, provenance: "", tensors: tensors)
            #expect(try modelTensors(bytes).count == 6)
        }
    }
}
