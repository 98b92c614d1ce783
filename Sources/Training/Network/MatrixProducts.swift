import CIntrinsics
import Core

/// Rows of numbers of a minibatch: those of a range of its rows at each of several time steps.
///
/// Everything in training is time-major: the rows of a time step are contiguous, and those of all
/// time steps together are one matrix.
struct Rows {
    /// The first number of the first row.
    var pointer: UnsafeMutablePointer<Float>
    /// The distance between two rows.
    var stride: Int
    /// The distance between two time steps.
    var step: Int
}

extension TrainingKernels {
    /// The products of some rows of a minibatch in the forward pass, outputs ← bias + inputs · Wᵀ.
    ///
    /// - Parameters:
    ///   - bias: The row that every row of outputs starts from; nil if they start from what they
    ///     hold.
    ///   - size: The rows of each time step, and the time steps.
    ///   - next: The rows that are needed next, prefetched meanwhile, as many of one step and as
    ///     long as the distance between them; nil if that is not known.
    ///   - scratch: The worker's (``Activations/scratch``).
    func addForward(
        _ inputs: Rows, _ weights: PackedWeights, from bias: UnsafePointer<Float>? = nil, to outputs: Rows,
        _ size: (rows: Int, steps: Int), next: Rows? = nil, scratch: UnsafeMutablePointer<Float>
    ) {
        var product = product(
            inputs, weights.transposed, from: bias, to: outputs, size, n: weights.rows, k: weights.columns,
            (next, scratch))
        multiply(&product)
    }

    /// The same in the backward pass, gradients ← bias + outputs · W.
    func addBackward(
        _ outputs: Rows, _ weights: PackedWeights, from bias: UnsafePointer<Float>? = nil, to gradients: Rows,
        _ size: (rows: Int, steps: Int), next: Rows? = nil, scratch: UnsafeMutablePointer<Float>
    ) {
        var product = product(
            outputs, weights.rowMajor, from: bias, to: gradients, size, n: weights.columns, k: weights.rows,
            (next, scratch))
        multiply(&product)
    }

    private func product(
        _ a: Rows, _ b: AlignedBuffer<Float>, from bias: UnsafePointer<Float>?, to c: Rows,
        _ size: (rows: Int, steps: Int), n: Int, k: Int, _ memory: (next: Rows?, scratch: UnsafeMutablePointer<Float>)
    ) -> MatrixProduct {
        MatrixProduct(
            a: a.pointer, aStride: a.stride, aBlock: a.step, b: b.pointer, bStride: 0, bias: bias, c: c.pointer,
            cStride: c.stride, cBlock: c.step, m: size.rows, blocks: size.steps, n: n, k: k,
            prefetch: memory.next?.pointer, prefetchCount: size.rows * (memory.next?.stride ?? 0), continuesA: false,
            scratch: memory.scratch)
    }
}
