import Core
import ModelFormat

/// What documents with labels begin from: a row for documents without a label, and one to add to it
/// for each label.
struct LabelStates {
    let labels: Labels
    /// The names of the labels, as ``Labels/text`` has them.
    let text: AlignedBuffer<CChar>
    /// [1 + labels, layers · hidden size].
    let hidden: AlignedBuffer<Float>
    /// The cell states likewise; empty unless the cell is an LSTM.
    let cells: AlignedBuffer<Float>
}
