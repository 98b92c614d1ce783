import Core
import ModelFormat
import TestSupport
import Testing

@testable import Training

/// Values that are dense around 0, as trained weights are: sums of four uniform ones, of variance
/// 1/3.
func denseWeights(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
        (0..<4).reduce(0) { sum, _ in sum + Float(random.next() >> 40) * 0x1p-24 - 0.5 }
    }
}

/// A matrix of six rows of integers times powers of two, another for each group of columns of a
/// row. Each group has the integer that is farthest from 0, so that its scale is known.
func gridMatrix(columns: Int, groupSize: Int, _ bounds: ClosedRange<Int>, negatives: Bool) -> [Float] {
    var random = SplitMix64(seed: UInt64(columns))
    return (0..<6 * columns).map { place in
        let (row, column) = place.quotientAndRemainder(dividingBy: columns)
        let group = column / groupSize
        let integer =
            column % groupSize == 0 ? bounds.lowerBound : bounds.lowerBound + Int(random.next() >> 32) % bounds.count
        let sign: FloatingPointSign = negatives && (row + group) % 2 == 1 ? .minus : .plus
        return Float(integer) * Float(sign: sign, exponent: row - group - 5, significand: 1)
    }
}

/// Matrices of three columns with extreme values; the first two rows are zeros.
let extremeMatrix: [Float] = [
    [0, 0, 0], [0, -0.0, 0], [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1],
    [.leastNonzeroMagnitude, 0, -.leastNonzeroMagnitude], [.leastNormalMagnitude, .greatestFiniteMagnitude, -1],
    [0x1p-140, 0x3p-141, -0x1p-145],
].flatMap { $0 }

/// Whether a file can hold ``extremeMatrix`` as it was encoded.
func isWritable(_ encoded: EncodedTensor) throws -> Bool {
    let shape = ModelShape(cell: .rnn, layers: 1, hiddenSize: 3, vocabularySize: 6)
    let vocabulary = try #require(Vocabulary(characters: Array(0..<6), hasEndOfDocument: false))
    let tensors = (0..<shape.tensorCount).map { index -> EncodedTensor in
        shape.tensor(index).role == .outputWeight
            ? encoded : .float32([Float](repeating: 0.5, count: shape.tensor(index).count))
    }
    let bytes = try ModelFile.encode(shape: shape, vocabulary: vocabulary, provenance: "", tensors: tensors)
    return try modelTensors(bytes).joined().allSatisfy(\.isFinite)
}

@Suite("The quantiser")
struct QuantiserTests {
    @Test("rounds to the nearest bfloat16, at a tie to the even one, and never to an infinity")
    func bfloat16() throws {
        var random = SplitMix64(seed: 3)
        var values = (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
        // Exactly between two bfloat16 numbers, and next to that.
        values += (0..<3000).map { Float(bitPattern: 0x3F80_0000 + UInt32($0 / 3) << 16 + 0x7FFF + UInt32($0 % 3)) }
        values = values.filter(\.isFinite) + [0, -0.0, .leastNonzeroMagnitude]
        for value in values {
            let word = Quantiser.bfloat16(value)
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
        #expect(Quantiser.bfloat16(.greatestFiniteMagnitude) == 0x7F7F)
        #expect(Quantiser.bfloat16(-.greatestFiniteMagnitude) == 0xFF7F)
    }

    @Test("keeps a matrix that is on the grid of int8", arguments: [1, 31, 32, 33, 70])
    func exact(columns: Int) {
        let matrix = gridMatrix(columns: columns, groupSize: columns, -127...127, negatives: false)
        #expect(Quantiser.int8(matrix, columns: columns).values(columns: columns) == matrix)
    }

    @Test("has errors of at most half a step of int8")
    func halfStep() throws {
        let columns = 50
        let matrix = denseWeights(40 * columns)
        let encoded = Quantiser.int8(matrix, columns: columns)
        guard case .int8(_, let scales) = encoded else { return #expect(Bool(false)) }
        for (place, value) in encoded.values(columns: columns).enumerated() {
            #expect(abs(value - matrix[place]) <= 0.501 * scales[place / columns])
        }
        // The largest magnitude of a row is at the end of the range.
        let farthest = try #require(matrix[..<columns].map(abs).max())
        #expect(abs(scales[0] - farthest / 127) < 1e-9)
    }

    @Test("keeps zeros, and makes of extreme values a tensor of int8 that a file can hold")
    func extremes() throws {
        let encoded = Quantiser.int8(extremeMatrix, columns: 3)
        #expect(encoded.values(columns: 3).prefix(6).allSatisfy { $0 == 0 })
        #expect(try isWritable(encoded))
    }
}
