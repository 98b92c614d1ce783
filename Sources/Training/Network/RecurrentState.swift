import Core

/// What a network remembers between the minibatches of a stream: for each layer and row a hidden
/// state, and an LSTM's cell state.
final class RecurrentState {
    let rows: Int
    /// What several ranks know the state by.
    let number: Int
    /// [L, B, width].
    let hidden: AlignedBuffer<Float>
    /// [L, B, width]; empty unless the cell is an LSTM.
    let cells: AlignedBuffer<Float>

    init(_ layout: ParameterLayout, rows: Int, number: Int = 0) throws(ChargenError) {
        self.number = number
        self.rows = rows
        let count = layout.shape.layers * rows * layout.width
        hidden = try AlignedBuffer(count: count, for: "the recurrent state")
        cells = try AlignedBuffer(count: layout.shape.cell.hasCellState ? count : 0, for: "the recurrent state")
    }

    /// Forgets everything.
    func reset() {
        hidden.pointer.update(repeating: 0, count: hidden.count)
        cells.pointer.update(repeating: 0, count: cells.count)
    }
}
