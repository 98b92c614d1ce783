import KernelDispatch

/// Rows of numbers of a minibatch: those of a range of its rows at each of several time steps.
///
/// Everything in training is time-major: the rows of a time step are contiguous, and those of all time steps together are
/// one matrix.
struct Rows {
    /// The first number of the first row.
    var pointer: UnsafeMutablePointer<Float>
    /// The distance between two rows.
    var stride: Int
    /// The distance between two time steps.
    var step: Int
}

extension TrainingBackend {
    /// sums ← sums + inputs · Wᵀ.
    ///
    /// - Parameter scratch: The thread's (``Activations/scratch``).
    func add(
        _ inputs: Rows, _ weights: PackedWeights, to sums: Rows, rows: Int, steps: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        addProduct(
            inputs.pointer, inputs.stride, inputs.step, weights.columns, weights.transposed.pointer, weights.rows,
            sums.pointer, sums.stride, sums.step, rows, steps, scratch)
    }

    /// gradients ← gradients + sums · W: the way back through ``add(_:_:to:rows:steps:scratch:)``.
    func addBackward(
        _ sums: Rows, _ weights: PackedWeights, to gradients: Rows, rows: Int, steps: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        addProduct(
            sums.pointer, sums.stride, sums.step, weights.rows, weights.plain.pointer, weights.columns,
            gradients.pointer, gradients.stride, gradients.step, rows, steps, scratch)
    }
}
