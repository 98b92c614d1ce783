import Core
import ModelFormat

/// The elements of every tensor of a `.cgw` file, in the file's order, as numbers. Reads all of the
/// file.
public func modelTensors(_ bytes: [UInt8]) throws -> [[Float]] {
    let shape = try bytes.withUnsafeBytes { try ModelFile($0).shape }
    return try encodedTensors(bytes).enumerated().map { $1.values(columns: shape.tensor($0).columns) }
}

/// The elements of every tensor of a `.cgw` file, in the file's order, as the file stores them.
public func encodedTensors(_ bytes: [UInt8]) throws -> [EncodedTensor] {
    try bytes.withUnsafeBytes { bytes in
        let file = try ModelFile(bytes)
        let buffer = try TensorBuffer(for: file)
        return try (0..<file.shape.tensorCount).map { index in
            try file.readTensor(index, into: buffer)
            return encodedTensor(file.elementType(index), file.shape.tensor(index), in: buffer)
        }
    }
}

/// A tensor as the file stores it, from a buffer into which it was read.
private func encodedTensor(_ type: ElementType, _ shape: TensorShape, in buffer: TensorBuffer) -> EncodedTensor {
    let floats = buffer.floats.elements.prefix(shape.count)
    let integers = buffer.integers.elements.prefix(shape.count)
    switch type {
    case .float32: return .float32(Array(floats))
    case .bfloat16: return .bfloat16(floats.map { UInt16($0.bitPattern >> 16) })
    case .int8: return .int8(Array(integers), scales: Array(buffer.scales.elements.prefix(shape.rows)))
    case .int4:
        let groups = scaleGroupCount(shape.columns)
        let scales = buffer.scales.elements.prefix(shape.rows * groups)
        return .int4(Array(integers), scales: scales.map { UInt16($0.bitPattern >> 16) })
    }
}

extension EncodedTensor {
    /// The elements as numbers.
    ///
    /// - Parameter columns: The length of a row.
    public func values(columns: Int) -> [Float] {
        func product(_ integers: [Int8], _ scale: (Int, Int) -> Float) -> [Float] {
            integers.enumerated().map { Float($1) * scale($0 / columns, $0 % columns) }
        }
        switch self {
        case .float32(let values): return values
        case .bfloat16(let values): return values.map { widened($0) }
        case .int8(let integers, let scales): return product(integers) { row, _ in scales[row] }
        case .int4(let integers, let scales):
            let groups = scaleGroupCount(columns)
            return product(integers) { widened(scales[$0 * groups + $1 / scaleGroupSize]) }
        }
    }
}

private func widened(_ bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
}
