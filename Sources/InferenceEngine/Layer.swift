import Core
import Kernels

/// A recurrent layer's weights, packed for the kernels. The memory belongs to the model: a step
/// that copies this counts no references.
///
/// The units are divided into tiles of 64, the last of which may be smaller; a tile is a worker's
/// chunk. The preactivations of one step stand tile after tile, and in a tile of `width` units in
/// the blocks of ``GateLayout``, `width` floats each.
///
/// With float weights, a preactivation is one chain of fused multiply-adds: from the bias, over the
/// layer's input, then over the hidden state, each in ascending order.
struct Layer: @unchecked Sendable {
    /// The bias table, what a step's preactivations start from: a row for each symbol in the first
    /// layer, whose one-hot input makes the product a look-up; a single row, the biases, in the
    /// others.
    let biasTable: UnsafePointer<Float>
    /// The weights of the layer below; nil in the first layer.
    let inputWeights: PackedMatrix?
    /// The weights of the layer's own hidden state.
    let hiddenWeights: PackedMatrix
}

/// The linear layer from the last hidden state to the logits, packed for the kernels. The memory
/// belongs to the model.
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
        divideRoundingUp(padded(count), by: fullWidth)
    }
}
