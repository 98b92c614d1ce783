/// The kind of recurrent cell. The raw value is the one in model files.
public enum Cell: UInt32, Sendable, CaseIterable {
    /// The simple recurrent network of Elman: h' = tanh(W·x + b + U·h + d).
    case rnn = 0
    /// The gated recurrent unit whose reset gate follows the matrix product.
    case gru = 1
    /// Long short-term memory with a forget gate.
    case lstm = 2

    /// `rnn`, `gru` or `lstm`.
    public var name: StaticString {
        switch self {
        case .rnn: "rnn"
        case .gru: "gru"
        case .lstm: "lstm"
        }
    }

    /// Whether the recurrent state has a cell state beside the hidden state.
    public var hasCellState: Bool { self == .lstm }

    /// The order of the gates.
    public var gates: GateLayout { GateLayout(self) }
}
