import Kernels
import ModelFormat

/// A recurrent layer's weights, packed for the kernels. The memory belongs to the model: a step that copies this counts no
/// references.
///
/// The units are divided into tiles of 64, which threads share among themselves; the last tile may be smaller. The sums
/// of one step stand tile after tile, and in a tile of `width` units in blocks of `width` floats:
///
///     LSTM  i | f | g | o
///     GRU   n_x | r | z | n_h
///     RNN   a single block
///
/// A sum of float weights is one chain of fused multiply-adds: from the bias, over the layer's input, then over the hidden
/// state, each in ascending order. A GRU's candidate has two: n_x over the input alone and n_h over the hidden state
/// alone, because the reset gate comes between them. With n_x first and n_h last, the sums of the input and those of the
/// hidden state are both contiguous.
struct Layer: @unchecked Sendable {
    /// Where a step's sums start from: a row for each symbol in the first layer, whose one-hot input makes the product
    /// a look-up; a single row, the biases, in the others.
    let initialSums: UnsafePointer<Float>
    /// The weights of the layer below; nil in the first layer.
    let inputWeights: PackedMatrix?
    /// The weights of the layer's own hidden state.
    let hiddenWeights: PackedMatrix

    /// The number of blocks of sums.
    static func blockCount(of cell: Cell) -> Int {
        switch cell {
        case .rnn: 1
        case .gru, .lstm: 4
        }
    }

    // One array literal a function at most: in Embedded mode each module numbers its copy of a function's constant
    // arrays for itself, under shared names, and the linker may take one module's for another's.

    /// For each block that the layer's input adds to, from the first block on, the gate of the model file.
    static func inputGates(of cell: Cell) -> [Int] {
        cell == .gru ? [2, 0, 1] : Array(0..<cell.gateCount)
    }

    /// The same for the hidden state, from block ``firstHiddenBlock(of:)`` on.
    static func hiddenGates(of cell: Cell) -> [Int] {
        Array(0..<cell.gateCount)
    }

    static func firstHiddenBlock(of cell: Cell) -> Int {
        cell == .gru ? 1 : 0
    }
}

/// The linear layer from the last hidden state to the logits, packed for the kernels. The memory belongs to the model.
struct OutputLayer: @unchecked Sendable {
    let weights: PackedMatrix
    /// A float for each symbol, padded to whole vectors.
    let bias: UnsafePointer<Float>
}

/// Some units of a layer, or some symbols of the output.
struct Tile {
    /// The first one.
    let start: Int
    /// Their number, padded to whole vectors.
    let width: Int

    /// The width of all tiles but the last: a group of the kernels' panels.
    static var fullWidth: Int { groupRows }

    /// A tile of `count` units, padded to whole vectors.
    init(_ index: Int, of count: Int) {
        start = index * Tile.fullWidth
        width = min(Tile.fullWidth, padded(count) - start)
    }

    /// The number of tiles.
    static func count(of count: Int) -> Int {
        (padded(count) + fullWidth - 1) / fullWidth
    }
}
