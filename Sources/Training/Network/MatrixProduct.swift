import COpenBLAS

/// A row-major matrix within a larger buffer.
struct Matrix {
    let pointer: UnsafeMutablePointer<Float>
    let rows: Int
    let columns: Int
    /// The distance from one row to the next.
    let stride: Int

    init(_ pointer: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int, stride: Int? = nil) {
        self.pointer = pointer
        self.rows = rows
        self.columns = columns
        self.stride = stride ?? columns
    }
}

/// How OpenBLAS is used: from several threads at once, each call on the caller's thread alone.
enum MatrixProduct {
    /// Keeps OpenBLAS from starting threads of its own: for products as small as a time step's that costs more than it
    /// gains.
    static let singleThreaded: Void = openblas_set_num_threads(1)

    /// target ← target + a · bᵀ.
    static func add(_ a: Matrix, transposed b: Matrix, to target: Matrix) {
        multiply(a, CblasNoTrans, b, CblasTrans, inner: a.columns, to: target, keeping: 1)
    }

    /// target ← target + a · b.
    static func add(_ a: Matrix, _ b: Matrix, to target: Matrix) {
        multiply(a, CblasNoTrans, b, CblasNoTrans, inner: a.columns, to: target, keeping: 1)
    }

    /// target ← target + aᵀ · b.
    static func add(transposed a: Matrix, _ b: Matrix, to target: Matrix) {
        multiply(a, CblasTrans, b, CblasNoTrans, inner: a.rows, to: target, keeping: 1)
    }

    /// target ← a · b.
    static func set(_ target: Matrix, to a: Matrix, _ b: Matrix) {
        multiply(a, CblasNoTrans, b, CblasNoTrans, inner: a.columns, to: target, keeping: 0)
    }

    private static func multiply(
        _ a: Matrix, _ transposeA: CBLAS_TRANSPOSE, _ b: Matrix, _ transposeB: CBLAS_TRANSPOSE, inner: Int,
        to target: Matrix, keeping beta: Float
    ) {
        cblas_sgemm(
            CblasRowMajor, transposeA, transposeB, Int32(target.rows), Int32(target.columns), Int32(inner),
            1, a.pointer, Int32(a.stride), b.pointer, Int32(b.stride), beta, target.pointer, Int32(target.stride))
    }
}
