import CIntrinsics
import KernelDispatch
import Kernels
import ModelFormat

/// A weight matrix, packed for the kernels. The memory belongs to the model.
struct PackedMatrix: @unchecked Sendable {
    let type: ElementType
    let columns: Int
    /// The bytes of all rows.
    private(set) var length = 0
    private let rowLength: Int
    private let weights: UnsafeRawPointer
    private let addProduct: @convention(c) (UnsafePointer<PackedProduct>) -> Void

    /// A matrix that has no rows yet.
    ///
    /// - Parameter memory: Where its rows go.
    init(_ type: ElementType, columns: Int, at memory: UnsafeMutableRawPointer, _ backend: Backend) {
        self.type = type
        self.columns = columns
        weights = UnsafeRawPointer(memory)
        rowLength = PackedMatrix.rowLength(type, columns: columns)
        addProduct =
            switch type {
            case .float32: backend.kernels.addFloat32Product
            case .bfloat16: backend.kernels.addBFloat16Product
            case .int8: backend.kernels.addInt8Product
            case .int4: backend.kernels.addInt4Product
            }
    }

    /// Packs rows of a matrix that has just been read behind those that are there.
    ///
    /// - Parameters:
    ///   - order: The rows in their order, −1 for a row of zeros. Their number is a multiple of the
    ///     lane count, and in all calls but the last of the rows of a group of panels.
    ///   - buffer: The matrix, row after row.
    mutating func append(_ order: UnsafeBufferPointer<Int>, of buffer: TensorBuffer) {
        guard let rows = order.baseAddress else { return }
        let count = order.count
        let memory = UnsafeMutableRawPointer(mutating: weights) + length
        switch type {
        case .float32:
            packFloat32(buffer.floats.pointer, order: rows, rows: count, columns: columns, into: memory)
        case .bfloat16:
            packBFloat16(buffer.floats.pointer, order: rows, rows: count, columns: columns, into: memory)
        case .int8:
            packInt8(
                buffer.integers.pointer, scales: buffer.scales.pointer, order: rows, rows: count, columns: columns,
                into: memory)
        case .int4:
            packInt4(
                buffer.integers.pointer, scales: buffer.scales.pointer, order: rows, rows: count, columns: columns,
                into: memory)
        }
        length += rowLength * count
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

    /// Adds the products of some rows with several vectors to the vectors' outputs.
    ///
    /// - Parameters:
    ///   - rows: The rows, from one where a group of panels begins.
    ///   - inputs: `count` vectors in the form of ``Operand``.
    ///   - outputs: The rows' outputs for the first vector; those of the others lie `stride` apart.
    func addProduct(
        _ rows: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>, count: Int,
        to outputs: UnsafeMutablePointer<Float>, stride: Int
    ) {
        var product = PackedProduct(
            weights: weights + rows.lowerBound * rowLength, rows: rows.count, columns: columns, inputs: inputs,
            count: count, outputs: outputs, stride: stride)
        addProduct(&product)
    }
}
