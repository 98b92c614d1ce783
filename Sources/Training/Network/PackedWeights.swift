import CIntrinsics
import Core

/// A weight matrix in the two forms that the products read, packed anew whenever the parameters
/// have changed.
///
/// Packing takes about a hundredth of an update at 128 × 2, and less of larger ones; a product that
/// packed its own weights, as a BLAS call does, would do so at every time step.
/// `docs/training-speed.md` has the figures of both.
final class PackedWeights {
    /// The matrix, such as one in the parameters: `rows` rows of `columns` floats.
    private var matrix: UnsafePointer<Float>
    private(set) var rows: Int
    let columns: Int
    /// Packed for x · Wᵀ.
    let transposed: AlignedBuffer<Float>
    /// Packed for d · W.
    let rowMajor: AlignedBuffer<Float>

    /// The rows that are packed at once, a panel of the transpose.
    static let chunkRows = 64

    /// The matrix after dropout, before it is packed; empty without it.
    private let dropped: AlignedBuffer<Float>

    /// - Parameter drops: Whether ``pack(chunk:_:_:)`` may get a mask.
    init(_ matrix: UnsafePointer<Float>, rows: Int, columns: Int, drops: Bool = false) throws(ChargenError) {
        dropped = try AlignedBuffer(count: drops ? rows * columns : 0, for: "the model's weights")
        self.matrix = matrix
        self.rows = rows
        self.columns = columns
        transposed = try AlignedBuffer(count: rows * columns, for: "the model's weights")
        rowMajor = try AlignedBuffer(count: rows * columns, for: "the model's weights")
    }

    /// Has another matrix packed from now on, with at most as many rows as the first.
    func replace(by matrix: UnsafePointer<Float>, rows: Int) {
        self.matrix = matrix
        self.rows = rows
    }

    /// The rows that a chunk has.
    func rows(ofChunk chunk: Int) -> Range<Int> {
        let first = chunk * PackedWeights.chunkRows
        return first..<min(first + PackedWeights.chunkRows, rows)
    }

    /// The chunks of ``pack(chunk:_:_:)``.
    var chunks: Int { divideRoundingUp(rows, by: PackedWeights.chunkRows) }

    /// Packs a chunk of the matrix as it is now.
    ///
    /// - Parameter mask: What is dropped of it, a row of the mask for each row; nil for nothing.
    func pack(chunk: Int, _ mask: DropMask?, _ kernels: TrainingKernels) {
        let range = rows(ofChunk: chunk)
        let place = range.lowerBound * columns
        var matrix = matrix
        if let mask {
            for row in range {
                mask.multiply(
                    matrix + row * columns, to: dropped.pointer + row * columns, count: columns, row: row)
            }
            matrix = UnsafePointer(dropped.pointer)
        }
        kernels.packTransposed(
            matrix + place, range.count, columns, transposed.pointer + place / kernels.elementsPerFloat)
        kernels.packRows(matrix, range.lowerBound, range.upperBound, rows, columns, rowMajor.pointer)
    }
}
