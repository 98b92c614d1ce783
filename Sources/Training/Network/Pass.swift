extension Network {
    /// A minibatch on its way through the network.
    struct Pass {
        /// What a minibatch goes through the network for.
        enum Purpose: Int, BitwiseCopyable {
            case logits, loss, gradient
        }

        /// The minibatch and its corpus; nil if another rank has them, and sends the symbols.
        let text: (minibatch: Minibatch, corpus: Corpus)?
        let rowCount: Int
        let time: Int
        /// Where the rows start from, and where their last states go; nil for zeros.
        let state: RecurrentState?
        /// Whether the state is that of the minibatch before.
        let continuesState: Bool
        let purpose: Purpose
        /// The number of symbols that are predicted.
        let predictions: Int
        /// The random numbers that decide what is dropped; nil to drop nothing.
        let noise: Noise?

        init(
            _ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?, _ purpose: Purpose, noise: Noise? = nil
        ) {
            text = (minibatch, corpus)
            rowCount = minibatch.rows.count
            time = minibatch.time
            self.state = state
            continuesState = minibatch.continuesState
            self.purpose = purpose
            self.noise = noise
            predictions = max(1, minibatch.predictionCount)
        }

        /// What the leading rank has told.
        init(_ command: Command.Pass, state: RecurrentState?) {
            text = nil
            rowCount = command.rows
            time = command.time
            self.state = state
            continuesState = command.continuesState
            purpose = command.purpose
            predictions = command.predictions
            noise = command.noise
        }

        /// What the other ranks must know.
        var command: Command.Pass {
            Command.Pass(
                purpose: purpose, rows: rowCount, time: time, predictions: predictions, state: state?.number ?? 0,
                stateRows: state?.rows ?? 0, continuesState: continuesState, noise: noise)
        }
    }
}
