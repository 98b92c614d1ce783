import KernelDispatch
import Kernels
import ModelFormat

/// A weight matrix, packed for the kernels. The memory belongs to the model.
struct PackedMatrix: @unchecked Sendable {
    let type: ElementType
    let columns: Int
    /// The bytes of all rows.
    let length: Int
    private let weights: UnsafeRawPointer

    /// Packs a matrix that has just been read.
    ///
    /// - Parameters:
    ///   - buffer: The matrix, row after row.
    ///   - blocks: Lists of the matrix's rows, −1 for a row of zeros. Each list's length is a multiple of the lane count,
    ///     and that of all but the last a multiple of the rows of a group of panels.
    ///   - memory: Where the packed matrix goes; moved on to what follows it.
    init(
        _ buffer: TensorBuffer, type: ElementType, columns: Int, blocks: [[Int]],
        at memory: inout UnsafeMutableRawPointer
    ) {
        self.type = type
        self.columns = columns
        weights = UnsafeRawPointer(memory)
        let rowLength = PackedMatrix.rowLength(type, columns: columns)
        for order in blocks {
            switch type {
            case .float32:
                packFloat32(buffer.floats.pointer, order: order, rows: order.count, columns: columns, into: memory)
            case .bfloat16:
                packBFloat16(buffer.floats.pointer, order: order, rows: order.count, columns: columns, into: memory)
            case .int8:
                packInt8(
                    buffer.integers.pointer, scales: buffer.scales.pointer, order: order, rows: order.count,
                    columns: columns, into: memory)
            case .int4:
                packInt4(
                    buffer.integers.pointer, scales: buffer.scales.pointer, order: order, rows: order.count,
                    columns: columns, into: memory)
            }
            memory += rowLength * order.count
        }
        length = memory - UnsafeMutableRawPointer(mutating: weights)
    }

    /// The bytes of a packed row.
    static func rowLength(_ type: ElementType, columns: Int) -> Int {
        switch type {
        case .float32: float32RowLength(columns: columns)
        case .bfloat16: bfloat16RowLength(columns: columns)
        case .int8: int8RowLength(columns: columns)
        case .int4: int4RowLength(columns: columns)
        }
    }

    /// Adds the product of some of the rows with each of `count` vectors to `sums`, which lie `stride` apart.
    ///
    /// - Parameters:
    ///   - first: The first row, where a group of panels begins.
    ///   - inputs: The vectors in the form of ``Operand``.
    func addProduct(
        rows: Int, from first: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, count: Int,
        to sums: UnsafeMutablePointer<Float>, stride: Int, _ backend: Backend
    ) {
        let start = weights + first * PackedMatrix.rowLength(type, columns: columns)
        switch type {
        case .float32: backend.addFloat32Product(start, rows, columns, inputs, count, sums, stride)
        case .bfloat16: backend.addBFloat16Product(start, rows, columns, inputs, count, sums, stride)
        case .int8: backend.addInt8Product(start, rows, columns, inputs, count, sums, stride)
        case .int4: backend.addInt4Product(start, rows, columns, inputs, count, sums, stride)
        }
    }
}
