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
    /// sums ← origin + inputs · Wᵀ.
    ///
    /// - Parameters:
    ///   - origin: The row that every row of sums starts from; nil if they start from what they are.
    ///   - next: The rows that are wanted next, as many of one step and as long as the distance between them; nil if that
    ///     is not known.
    ///   - scratch: The thread's (``Activations/scratch``).
    func add(
        _ inputs: Rows, _ weights: PackedWeights, from origin: UnsafePointer<Float>? = nil, to sums: Rows,
        rows: Int, steps: Int, next: Rows? = nil, scratch: UnsafeMutablePointer<Float>
    ) {
        addProduct(
            inputs.pointer, inputs.stride, inputs.step, weights.columns, weights.transposed.pointer, weights.rows,
            origin, sums.pointer, sums.stride, sums.step, rows, steps, next?.pointer,
            rows * (next?.stride ?? 0), scratch)
    }

    /// gradients ← origin + sums · W: the way back through ``add(_:_:from:to:rows:steps:next:scratch:)``.
    func addBackward(
        _ sums: Rows, _ weights: PackedWeights, from origin: UnsafePointer<Float>? = nil, to gradients: Rows,
        rows: Int, steps: Int, next: Rows? = nil, scratch: UnsafeMutablePointer<Float>
    ) {
        addProduct(
            sums.pointer, sums.stride, sums.step, weights.rows, weights.plain.pointer, weights.columns,
            origin, gradients.pointer, gradients.stride, gradients.step, rows, steps, next?.pointer,
            rows * (next?.stride ?? 0), scratch)
    }
}
