import Core
import ModelFormat

extension Model {
    /// The floats of a recurrent state: for each layer the hidden size, twice that for an LSTM.
    var recurrentStateCount: Int { shape.layers * shape.hiddenSize * (shape.cell.hasCellState ? 2 : 1) }
}

extension Session {
    /// The floats of the recurrent state: for each layer the hidden size, twice that for an LSTM.
    package var recurrentStateCount: Int { model.recurrentStateCount }

    /// Writes the recurrent state: layer by layer, each its hidden and then, for an LSTM, its cell
    /// state. At the beginning of a text, it is what the model has read before anything else.
    ///
    /// - Parameter values: ``recurrentStateCount`` floats.
    package func getRecurrentState(_ values: UnsafeMutablePointer<Float>) {
        readOpening()
        var target = values
        stream.state.forEachVector { vector, _ in
            target.update(from: vector, count: model.shape.hiddenSize)
            target += model.shape.hiddenSize
        }
    }

    /// Replaces the recurrent state, as if a text had been read that leaves it.
    ///
    /// - Parameter values: ``recurrentStateCount`` floats, as ``getRecurrentState(_:)`` writes
    ///   them.
    /// - Throws: `invalidArgument` unless hidden states are from −1 to 1, and cell states from
    ///   −1e6 to 1e6. Nothing has then changed.
    package func setRecurrentState(_ values: UnsafePointer<Float>) throws(ChargenError) {
        try checkRecurrentState(values)
        let size = model.shape.hiddenSize
        var source = values
        stream.state.forEachVector { vector, _ in
            vector.update(from: source, count: size)
            source += size
        }
        stream.finishSettingState()
    }

    /// Refuses values that are no recurrent state.
    func checkRecurrentState(_ values: UnsafePointer<Float>) throws(ChargenError) {
        let size = model.shape.hiddenSize
        var source = values
        var isValid = true
        stream.state.forEachVector { _, isCell in
            for unit in 0..<size where !(abs(source[unit]) <= (isCell ? InitialState.largestCell : 1)) {
                isValid = false
            }
            source += size
        }
        guard isValid else {
            throw ChargenError(
                .invalidArgument, "hidden states must be from -1 to 1, and cell states from -1000000 to 1000000")
        }
    }
}
