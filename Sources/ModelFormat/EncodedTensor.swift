import Core

/// A tensor's elements as a file stores them, row after row.
public enum EncodedTensor: Sendable {
    /// Floats, all of them finite. Biases must be of this type.
    case float32([Float])
    /// The upper halves of floats, all of them finite.
    case bfloat16([UInt16])
    /// Integers from -127 to 127, and the scale of each row: 0 to less than 2¹²¹.
    case int8([Int8], scales: [Float])
    /// Integers from -8 to 7, and the scale of each group of ``scaleGroupSize`` columns: the upper
    /// half of a float between -2¹²¹ and 2¹²¹. The sign of a scale matters, because -8 has a larger
    /// magnitude than 7.
    case int4([Int8], scales: [UInt16])

    /// How the elements are stored.
    public var elementType: ElementType {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .int8: .int8
        case .int4: .int4
        }
    }

    /// Whether a reader accepts the elements as those of `tensor`.
    func isValid(for tensor: TensorShape) -> Bool {
        guard elementType == .float32 || !tensor.isFloat else { return false }
        let scaleCount = elementType.scaleCount(of: tensor)
        switch self {
        case .float32(let values):
            return values.count == tensor.count && values.allSatisfy { $0.isFinite }
        case .bfloat16(let values):
            return values.count == tensor.count && values.allSatisfy { $0 & 0x7F80 != 0x7F80 }
        case .int8(let values, let scales):
            return values.count == tensor.count && values.allSatisfy { $0 != -128 } && scales.count == scaleCount
                && scales.allSatisfy { $0.bitPattern < ElementType.scaleLimit.bitPattern }
        case .int4(let values, let scales):
            return values.count == tensor.count && values.allSatisfy { -8...7 ~= $0 } && scales.count == scaleCount
                && scales.allSatisfy { UInt32($0 & 0x7FFF) << 16 < ElementType.scaleLimit.bitPattern }
        }
    }

    /// The elements that a tensor needs, for the error message.
    static func requirement(_ type: ElementType, for tensor: TensorShape) -> String {
        guard type == .float32 || !tensor.isFloat else { return "32-bit floats" }
        let scales = "\(type.scaleCount(of: tensor)) scales"
        switch type {
        case .float32, .bfloat16: return "\(tensor.count) values, all of them finite"
        case .int8: return "\(tensor.count) values from -127 to 127 and \(scales) from 0 to less than 2^121"
        case .int4: return "\(tensor.count) values from -8 to 7 and \(scales) between -2^121 and 2^121"
        }
    }

    /// The bytes before zstd: the byte planes, then the integers, each an array whose bytes have
    /// similar statistics.
    func planes(columns: Int) -> [[UInt8]] {
        switch self {
        case .float32(let values): return bytePlanes(of: values.map { $0.bitPattern })
        case .bfloat16(let values): return bytePlanes(of: values)
        case .int8(let values, let scales):
            var planes = bytePlanes(of: scales.map { $0.bitPattern })
            planes.append(values.map { UInt8(bitPattern: $0) })
            return planes
        case .int4(let values, let scales):
            var planes = bytePlanes(of: scales)
            planes.append(packedInt4(values, columns: columns))
            return planes
        }
    }
}

/// The words' bytes, all the lowest first, then all the second, and so on. The exponents, which are
/// similar, are then adjacent, so that zstd compresses them well.
private func bytePlanes<Word: FixedWidthInteger>(of words: [Word]) -> [[UInt8]] {
    (0..<Word.bitWidth / 8).map { plane in
        words.map { UInt8(truncatingIfNeeded: $0 >> Word(8 * plane)) }
    }
}

/// Two numbers per byte, as ``unpackInt4(_:rows:columns:into:)`` reads them.
private func packedInt4(_ values: [Int8], columns: Int) -> [UInt8] {
    let half = scaleGroupSize / 2
    var bytes: [UInt8] = []
    for row in stride(from: 0, to: values.count, by: columns) {
        for group in stride(from: 0, to: columns, by: scaleGroupSize) {
            func number(_ column: Int) -> UInt8 {
                column < columns ? UInt8(bitPattern: values[row + column] + 8) : 8
            }
            for column in group..<group + half {
                bytes.append(number(column) | number(column + half) << 4)
            }
        }
    }
    return bytes
}
