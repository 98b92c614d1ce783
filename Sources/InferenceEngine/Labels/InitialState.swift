import Core
import ModelFormat

/// The state that a session's documents begin from: a mixture of labels, or any other.
struct InitialState {
    /// Layer by layer, each its hidden and then, for an LSTM, its cell state.
    let values: AlignedBuffer<Float>
    /// The weight of each label, in the order of the model's rows; those of a column are zeros, or
    /// have the sum 1. Empty without labels.
    let weights: AlignedBuffer<Float>

    /// That of documents without a label; zeros in a model without labels.
    ///
    /// - Throws: `outOfMemory`.
    init(_ model: Model) throws(ChargenError) {
        values = try AlignedBuffer(count: model.recurrentStateCount, for: "a session")
        weights = try AlignedBuffer(count: model.shape.labelCount, for: "a session")
        mix(model)
    }

    /// Becomes equal to another one of the same model.
    func copy(_ other: InitialState) {
        _ = values.elements.update(fromContentsOf: other.values.elements)
        _ = weights.elements.update(fromContentsOf: other.weights.elements)
    }

    var size: Int { values.size + weights.size }

    /// The largest magnitude of a cell state.
    static var largestCell: Float { 1e6 }

    /// Sets the values to the mixture by the weights: the state of no label plus the weighted sum
    /// of those of labels, limited to what states can be. Nothing in a model without labels.
    func mix(_ model: Model) {
        guard let states = model.labelStates else { return }
        let (layers, size) = (model.shape.layers, model.shape.hiddenSize)
        let hasCells = states.cells.count > 0
        var target = values.pointer
        for layer in 0..<layers {
            mix(states.hidden, layer * size, layers * size, limit: 1, to: target, count: size)
            target += size
            guard hasCells else { continue }
            mix(states.cells, layer * size, layers * size, limit: InitialState.largestCell, to: target, count: size)
            target += size
        }
    }

    private func mix(
        _ rows: AlignedBuffer<Float>, _ offset: Int, _ stride: Int, limit: Float,
        to target: UnsafeMutablePointer<Float>, count: Int
    ) {
        target.update(from: rows.pointer + offset, count: count)
        for (label, weight) in weights.elements.enumerated() where weight != 0 {
            let row = rows.pointer + (1 + label) * stride + offset
            for unit in 0..<count { target[unit] += weight * row[unit] }
        }
        for unit in 0..<count { target[unit] = max(min(target[unit], limit), -limit) }
    }

    func write(_ writer: inout SnapshotWriter) {
        writer.write(weights.pointer, count: weights.count)
        writer.write(values.pointer, count: values.count)
    }

    /// - Throws: `invalidSnapshot` if there is too little. Any floats will do.
    func read(_ reader: inout SnapshotReader) throws(ChargenError) {
        try reader.read(weights.pointer, count: weights.count)
        try reader.read(values.pointer, count: values.count)
    }
}
