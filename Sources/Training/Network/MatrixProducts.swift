import CIntrinsics
import Core

extension TrainingKernels {
    /// The products of some rows of a minibatch in the forward pass, outputs ← bias + inputs · Wᵀ.
    ///
    /// - Parameters:
    ///   - bias: The row that every row of outputs starts from; nil if they start from what they
    ///     hold.
    ///   - outputs: As many rows as the inputs, in as many blocks.
    ///   - next: The rows that are needed next, the first block of which is prefetched meanwhile;
    ///     nil if that is not known.
    ///   - scratch: The worker's (``Activations/scratch``).
    func addForward(
        _ inputs: Rows, _ weights: PackedWeights, from bias: UnsafePointer<Float>? = nil, to outputs: Rows,
        next: Rows? = nil, scratch: UnsafeMutablePointer<Float>
    ) {
        var product = product(
            inputs, weights.transposed, from: bias, to: outputs, n: weights.rows, k: weights.columns, (next, scratch))
        multiply(&product)
    }

    /// The same in the backward pass, gradients ← bias + outputs · W.
    func addBackward(
        _ outputs: Rows, _ weights: PackedWeights, from bias: UnsafePointer<Float>? = nil, to gradients: Rows,
        next: Rows? = nil, scratch: UnsafeMutablePointer<Float>
    ) {
        var product = product(
            outputs, weights.rowMajor, from: bias, to: gradients, n: weights.columns, k: weights.rows, (next, scratch))
        multiply(&product)
    }

    private func product(
        _ a: Rows, _ b: AlignedBuffer<Float>, from bias: UnsafePointer<Float>?, to c: Rows, n: Int, k: Int,
        _ memory: (next: Rows?, scratch: UnsafeMutablePointer<Float>)
    ) -> MatrixProduct {
        MatrixProduct(
            a: a.pointer, aStride: a.stride, aBlock: a.block, b: b.pointer, bStride: 0, bias: bias, c: c.pointer,
            cStride: c.stride, cBlock: c.block, m: c.count, blocks: c.blocks, n: n, k: k,
            prefetch: memory.next?.pointer, prefetchCount: memory.next.map { $0.count * $0.stride } ?? 0,
            continuesA: false, scratch: memory.scratch)
    }
}
