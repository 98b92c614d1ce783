import Core

/// The values that determine the sizes of a model's tensors.
public struct ModelShape: Equatable, Sendable {
    /// The kind of recurrent cell.
    public var cell: Cell
    /// The number of recurrent layers, at least 1.
    public var layers: Int
    /// The units of each layer, at least 1.
    public var hiddenSize: Int
    /// The number of symbols: the characters and the special symbols.
    public var vocabularySize: Int
    /// The number of labels of documents; 0 for a model without them.
    public var labelCount: Int

    /// A shape of these sizes, which are not checked.
    public init(cell: Cell, layers: Int, hiddenSize: Int, vocabularySize: Int, labelCount: Int = 0) {
        self.cell = cell
        self.layers = layers
        self.hiddenSize = hiddenSize
        self.vocabularySize = vocabularySize
        self.labelCount = labelCount
    }

    /// The largest sizes that a file may declare: far above useful ones, and small enough that no
    /// product overflows.
    public static var maximum: (layers: Int, hiddenSize: Int, vocabularySize: Int) {
        (layers: 64, hiddenSize: 16_384, vocabularySize: 65_536)
    }

    /// The tensors of a layer: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`.
    public static var tensorsPerLayer: Int { 4 }

    /// The index of `rnn.weight_hh_l0`, whose element type all matrices between hidden states have.
    static var firstRecurrentMatrix: Int { 1 }

    /// The number of tensors of a model of this shape.
    public var tensorCount: Int {
        outputWeight + 2 + (labelCount > 0 ? cell.hasCellState ? 2 : 1 : 0)
    }

    /// The index of `fc.weight`. `fc.bias` follows it, and then what labels have.
    public var outputWeight: Int { layers * ModelShape.tensorsPerLayer }

    /// The index of `labels.hidden`, if there are labels. `labels.cell` follows it, if the cell has
    /// a cell state.
    public var labelHidden: Int { outputWeight + 2 }

    /// The number of weights and biases.
    public var parameterCount: Int {
        var sum = 0
        for index in 0..<tensorCount { sum += tensor(index).count }
        return sum
    }

    /// The tensor at an index in the file's order: the layers from the first to the last, then the
    /// output layer, then the initial states of labels.
    public func tensor(_ index: Int) -> TensorShape {
        let layer = index / ModelShape.tensorsPerLayer
        let gates = cell.gates.gateCount * hiddenSize
        guard layer < layers else {
            switch index - outputWeight {
            case 0: return TensorShape(role: .outputWeight, layer: nil, rows: vocabularySize, columns: hiddenSize)
            case 1: return TensorShape(role: .outputBias, layer: nil, rows: vocabularySize, columns: 1)
            default:
                let role: TensorShape.Role = index == labelHidden ? .labelHidden : .labelCell
                return TensorShape(role: role, layer: nil, rows: 1 + labelCount, columns: layers * hiddenSize)
            }
        }
        switch index % ModelShape.tensorsPerLayer {
        case 0:
            let inputs = layer == 0 ? vocabularySize : hiddenSize
            return TensorShape(role: .inputWeight, layer: layer, rows: gates, columns: inputs)
        case 1: return TensorShape(role: .hiddenWeight, layer: layer, rows: gates, columns: hiddenSize)
        case 2: return TensorShape(role: .inputBias, layer: layer, rows: gates, columns: 1)
        default: return TensorShape(role: .hiddenBias, layer: layer, rows: gates, columns: 1)
        }
    }
}

/// One tensor of a model: its name and size as in PyTorch's `state_dict`.
public struct TensorShape: Equatable, Sendable {
    /// What a tensor is for.
    public enum Role: Sendable {
        case inputWeight, hiddenWeight, inputBias, hiddenBias, outputWeight, outputBias
        /// The initial hidden and cell states of labels.
        case labelHidden, labelCell
    }

    /// What the tensor is for.
    public let role: Role
    /// The layer from 0; nil for the output layer and labels.
    public let layer: Int?
    /// The outputs. The gates of a layer are blocks of rows: r, z, n of a GRU, i, f, g, o of an
    /// LSTM. For labels: that of no label, then each label.
    public let rows: Int
    /// The inputs; 1 for a bias; for labels the units of all layers.
    public let columns: Int

    /// The number of elements.
    public var count: Int { rows * columns }

    /// Whether the tensor is a vector.
    public var isBias: Bool {
        role == .inputBias || role == .hiddenBias || role == .outputBias
    }

    /// Whether the elements must be 32-bit floats: they are few, and are added.
    public var isFloat: Bool { isBias || role == .labelHidden || role == .labelCell }

    /// Whether the tensor is a matrix between hidden states. `rnn.weight_ih_l0` and `fc.weight` are
    /// not: they have a column or a row for each symbol.
    ///
    /// In one model these matrices all have the same element type.
    public var isRecurrentMatrix: Bool {
        role == .hiddenWeight || (role == .inputWeight && layer != 0)
    }

    /// PyTorch's name, such as `rnn.weight_ih_l0` or `fc.bias`.
    public var name: String {
        let number = layer.map { String($0) } ?? ""
        switch role {
        case .inputWeight: return "rnn.weight_ih_l" + number
        case .hiddenWeight: return "rnn.weight_hh_l" + number
        case .inputBias: return "rnn.bias_ih_l" + number
        case .hiddenBias: return "rnn.bias_hh_l" + number
        case .outputWeight: return "fc.weight"
        case .outputBias: return "fc.bias"
        case .labelHidden: return "labels.hidden"
        case .labelCell: return "labels.cell"
        }
    }
}
