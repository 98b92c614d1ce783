/// The order of a cell's gates in weight matrices and among a time step's preactivations.
///
/// A layer's matrices and biases, as in PyTorch and in model files, have a block of rows for each
/// gate: r, z, n for a GRU, i, f, g, o for an LSTM. A time step's preactivations are in blocks of
/// their own:
///
///     RNN   h
///     GRU   n_x | r | z | n_h
///     LSTM  i | f | g | o
///
/// The product with the input adds to the first ``gateCount`` blocks, the product with the hidden
/// state to the last. They are the same blocks, except for the candidate of a GRU, whose reset gate
/// applies to n_h, the preactivation from the hidden state, but not to n_x, the one from the input.
/// With n_x first and n_h last, each product adds to contiguous blocks.
public struct GateLayout: Equatable, Sendable {
    /// The gates of a matrix.
    public let gateCount: Int
    /// The blocks of a time step's preactivations.
    public let blockCount: Int

    init(_ cell: Cell) {
        switch cell {
        case .rnn: (gateCount, blockCount) = (1, 1)
        case .gru: (gateCount, blockCount) = (3, 4)
        case .lstm: (gateCount, blockCount) = (4, 4)
        }
    }

    /// The first block that the hidden state adds to.
    @inline(__always)
    public var firstHiddenBlock: Int { blockCount - gateCount }

    /// The gate that the input adds to a block. The blocks are rotated against the gates by
    /// ``firstHiddenBlock``.
    ///
    /// - Parameter block: 0 ..< ``gateCount``.
    public func inputGate(ofBlock block: Int) -> Int { (block + gateCount - firstHiddenBlock) % gateCount }

    /// The block that the input adds a gate to.
    public func inputBlock(ofGate gate: Int) -> Int { (gate + firstHiddenBlock) % gateCount }

    /// The gate that the hidden state adds to a block.
    ///
    /// - Parameter block: ``firstHiddenBlock`` ..< ``blockCount``.
    public func hiddenGate(ofBlock block: Int) -> Int { block - firstHiddenBlock }

    /// The forget gate of an LSTM, f.
    public static var forgetGate: Int { 1 }
    /// An LSTM's input gate among the rows of a parameter.
    public static var inputGate: Int { 0 }
    /// A GRU's update gate among the rows of a parameter, which keeps the state where it is 1.
    public static var updateGate: Int { 1 }
}
