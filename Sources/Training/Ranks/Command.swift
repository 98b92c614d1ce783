/// What the leading rank has the others do, which it does too.
enum Command: BitwiseCopyable {
    /// The other ranks get a ``NetworkPlan``.
    case begin
    /// The leader's parameters, optimiser and state become those of all.
    case share(updates: Int, stateRows: Int)
    /// Some rows of a minibatch go through the network.
    case pass(Pass)
    /// The parameters are updated.
    case update(learningRate: Double)
    /// The parameters and their running means change places.
    case swapAverages
    /// The leader gets all of the optimiser and of the state.
    case gather(stateRows: Int)
    case end

    /// A pass of a minibatch through the network.
    struct Pass: BitwiseCopyable {
        let purpose: Network.Pass.Purpose
        /// The rows of the whole minibatch.
        let rows: Int
        let time: Int
        let predictions: Int
        /// The state that the rows start from: its number, and its rows; 0 rows for none.
        let state: Int
        let stateRows: Int
        /// Whether the state is that of the minibatch before.
        let continuesState: Bool
        /// The random numbers that decide what is dropped; nil to drop nothing.
        let noise: Noise?
    }
}
