import Core

/// How the elements of a tensor are stored. The raw value is the one in the file.
public enum ElementType: UInt32, Sendable, CaseIterable {
    /// 32-bit IEEE 754 floats.
    case float32 = 0
    /// Their upper 16 bits.
    case bfloat16 = 1
    /// Signed bytes from -127 to 127, times the scale of their row, which is not negative.
    case int8 = 2
    /// Four-bit integers from -8 to 7, times the scale of their group of ``scaleGroupSize`` columns
    /// of a row, which has either sign.
    case int4 = 3

    /// 2¹²¹: the magnitude of every scale is smaller, so that every element is finite.
    public static var scaleLimit: Float { 0x1p121 }

    /// `f32`, `bf16`, `int8` or `int4`.
    public var name: StaticString {
        switch self {
        case .float32: "f32"
        case .bfloat16: "bf16"
        case .int8: "int8"
        case .int4: "int4"
        }
    }

    /// The type of a tensor in a model whose weights are of this type, as chargen writes it.
    ///
    /// Biases and labels' states are always floats. In a model of int4 weights the matrices with a
    /// column or a row per symbol, `rnn.weight_ih_l0` and `fc.weight`, are int8: they are small,
    /// and the first is a lookup table.
    public func elementType(of tensor: TensorShape) -> ElementType {
        if tensor.isFloat { return .float32 }
        return self == .int4 && !tensor.isRecurrentMatrix ? .int8 : self
    }

    /// The number of scales of a tensor.
    func scaleCount(of tensor: TensorShape) -> Int {
        switch self {
        case .float32, .bfloat16: 0
        case .int8: tensor.rows
        case .int4: tensor.rows * scaleGroupCount(tensor.columns)
        }
    }

    /// The bytes of a tensor before zstd.
    func payloadLength(of tensor: TensorShape) -> Int {
        switch self {
        case .float32: 4 * tensor.count
        case .bfloat16: 2 * tensor.count
        case .int8: 4 * tensor.rows + tensor.count
        case .int4: (2 + scaleGroupSize / 2) * scaleCount(of: tensor)
        }
    }

    /// The bytes of a tensor in memory, as the limit on a file's expansion counts them: those
    /// before zstd, or floats for `rnn.weight_ih_l0`, of which a reader makes a table.
    func unpackedLength(of tensor: TensorShape) -> Int {
        tensor.role == .inputWeight && tensor.layer == 0 ? 4 * tensor.count : payloadLength(of: tensor)
    }
}
