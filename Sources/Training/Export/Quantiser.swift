import Core
import ModelFormat

/// Rounds trained weights to fewer bits.
enum Quantiser {
    /// A model's tensors with weights of a type.
    ///
    /// - Parameter calibration: For int4, a text to keep the hidden states' products for: rows of symbols, all of the same
    ///   length. Without one each group of weights is rounded by itself.
    /// - Throws: `invalidArgument` when the weights are so large that a state is not a number; `outOfMemory`.
    static func quantise(
        _ parameters: Parameters, weights: ElementType, calibration: [[Int]]
    ) throws(ChargenError) -> [EncodedTensor] {
        let shape = parameters.layout.shape
        var tensors = parameters.tensors
        var roundings: [GPTQ] = []
        if weights == .int4 {
            let statistics = try HiddenStatistics.layers(of: parameters, reading: calibration)
            roundings = statistics.map { GPTQ($0) }
        }
        var encoded: [EncodedTensor] = []
        for index in 0..<shape.tensorCount {
            let tensor = shape.tensor(index)
            switch weights.elementType(of: tensor) {
            case .float32: encoded.append(.float32(tensors[index]))
            case .bfloat16: encoded.append(.bfloat16(tensors[index].map { bfloat16($0) }))
            case .int8: encoded.append(int8(tensors[index], columns: tensor.columns))
            case .int4:
                // The states that the matrix is multiplied with: its own layer's, or those of the layer below.
                let states = (tensor.layer ?? 0) - (tensor.role == .inputWeight ? 1 : 0)
                let (matrix, meanErrors) = roundings[states].quantise(tensors[index])
                encoded.append(matrix)
                // Each matrix of a layer has a bias of its own, two places after it.
                for (row, error) in meanErrors.enumerated() { tensors[index + 2][row] += error }
            }
        }
        return encoded
    }

    /// A matrix in int8, each row with the scale that takes its farthest value to the end of the range.
    ///
    /// - Parameter matrix: Rows of finite values.
    static func int8(_ matrix: [Float], columns: Int) -> EncodedTensor {
        var values: [Int8] = []
        var scales: [Float] = []
        values.reserveCapacity(matrix.count)
        for start in stride(from: 0, to: matrix.count, by: columns) {
            let row = matrix[start..<start + columns]
            let scale = limited((row.lazy.map { abs($0) }.max() ?? 0) / 127)
            scales.append(scale)
            for value in row { values.append(scale == 0 ? 0 : Int8(rounded(value / scale))) }
        }
        return .int8(values, scales: scales)
    }

    /// The nearest integer from −127 to 127; of two the even one.
    @inline(__always)
    private static func rounded(_ quotient: Float) -> Float {
        // Beside 1.5 · 2²³ a float has no bits left below one, and the processor does the rounding. A call of `rint` for
        // each value, as without SSE 4.1, would take most of the time.
        let shift: Float = 0x1.8p23
        return (min(max(quotient, -127), 127) + shift) - shift
    }

    /// A scale, or the farthest from 0 that a file may hold, as bfloat16 can write it.
    static func limited(_ scale: Float) -> Float {
        let largest = ElementType.scaleLimit * (1 - 0x1p-8)
        return min(max(scale, -largest), largest)
    }

    /// The upper half of the nearest float that has zeros in the lower; of two the even one, and never an infinity.
    static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let upper = UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
        return upper & 0x7FFF == 0x7F80 ? upper - 1 : upper
    }

    /// The float of which these are the upper half; the lower is 0.
    static func widened(_ bits: UInt16) -> Float {
        Float(bitPattern: UInt32(bits) << 16)
    }
}
