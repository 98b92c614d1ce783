import Core
import ModelFormat

/// Rounds trained weights to fewer bits.
enum Quantiser {
    /// A model's tensors with weights of a type.
    ///
    /// - Parameters:
    ///   - calibration: For int4, a text that gives the hidden states for whose products the
    ///     rounding is chosen: rows of symbols, all of the same length. Without it each group of
    ///     weights is rounded by itself.
    ///   - resetSymbol: The symbol that is read from a zero state; nil for none.
    /// - Throws: `invalidArgument` when the weights are so large that a state is NaN; `fileAccess`
    ///   without OpenBLAS; `outOfMemory`.
    static func quantise(
        _ parameters: Parameters, weights: ElementType, calibration: [[Int]], resetSymbol: Int? = nil
    ) throws(ChargenError) -> [EncodedTensor] {
        let shape = parameters.layout.shape
        var tensors = parameters.tensors
        var roundings: [GPTQ] = []
        if weights == .int4 {
            let statistics = try HiddenStatistics.layers(of: parameters, reading: calibration, resetSymbol: resetSymbol)
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
                // The matrix is multiplied with the states of its own layer, or of the layer below.
                let states = (tensor.layer ?? 0) - (tensor.role == .inputWeight ? 1 : 0)
                let (matrix, meanErrors) = roundings[states].quantise(tensors[index])
                encoded.append(matrix)
                // A matrix's bias is the second tensor after it.
                for (row, error) in meanErrors.enumerated() { tensors[index + 2][row] += error }
            }
        }
        return encoded
    }

    /// A matrix in int8, each row with the scale that maps its largest magnitude to 127.
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

    /// The nearest integer from −127 to 127; at a tie the even one.
    @inline(__always)
    private static func rounded(_ quotient: Float) -> Float {
        // A float near 1.5 · 2²³ has no bits below one, so the addition rounds. Without SSE 4.1,
        // `rint` would be a call for each value and take most of the time.
        let shift: Float = 0x1.8p23
        return (min(max(quotient, -127), 127) + shift) - shift
    }

    /// A scale, limited to the magnitudes that a file may have, the largest of them a bfloat16
    /// number.
    static func limited(_ scale: Float) -> Float {
        let largest = ElementType.scaleLimit * (1 - 0x1p-8)
        return min(max(scale, -largest), largest)
    }

    /// The bits of the nearest bfloat16 number; at a tie the even one, and never an infinity.
    static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let upper = UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
        return upper & 0x7FFF == 0x7F80 ? upper - 1 : upper
    }

    /// The float with the value of a bfloat16 number.
    static func widened(_ bits: UInt16) -> Float {
        Float(bitPattern: UInt32(bits) << 16)
    }
}
