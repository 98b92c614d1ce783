import KernelDispatch
import ModelFormat

/// A weight matrix in the two forms that the products read, made anew whenever the parameters have changed.
///
/// Packing takes about a hundredth of an update at 128 × 2, and less of larger ones; a product that packed its own weights, as
/// a BLAS call does, would do so at every time step. `docs/training-speed.md` has the figures of both.
final class PackedWeights {
    /// The matrix, in the parameters: `rows` rows of `columns` floats.
    private let matrix: UnsafePointer<Float>
    let rows: Int
    let columns: Int
    /// Packed for x · Wᵀ.
    let transposed: AlignedBuffer<Float>
    /// Packed for d · W.
    let plain: AlignedBuffer<Float>

    /// The rows that are packed at once, a panel of the transpose.
    private static let partRows = 64

    init(_ matrix: UnsafePointer<Float>, rows: Int, columns: Int) throws(ModelError) {
        self.matrix = matrix
        self.rows = rows
        self.columns = columns
        transposed = try AlignedBuffer(count: rows * columns, for: "the model's weights")
        plain = try AlignedBuffer(count: rows * columns, for: "the model's weights")
    }

    /// The parts that ``pack(part:)`` packs.
    var parts: Int { (rows + PackedWeights.partRows - 1) / PackedWeights.partRows }

    func pack(part: Int, _ backend: TrainingBackend) {
        let first = part * PackedWeights.partRows
        let range = first..<min(first + PackedWeights.partRows, rows)
        let place = first * columns
        backend.packTransposed(
            matrix + place, range.count, columns, transposed.pointer + place / backend.elementsPerFloat)
        backend.packRows(matrix, range, rows, columns, plain.pointer)
    }
}
