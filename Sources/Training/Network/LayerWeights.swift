import KernelDispatch
import ModelFormat

/// A recurrent layer's parameters as its passes read them: matrices packed, biases that start the same sum added up.
final class LayerWeights {
    /// [V, G·width], the first layer's rows for its symbols; nil in the others.
    let symbolRows: UnsafePointer<Float>?
    /// The weights of the layer below; nil in the first layer.
    let input: PackedWeights?
    /// The weights of the layer's own hidden state.
    let hidden: PackedWeights
    /// What each of a step's sums begins with.
    let bias: AlignedBuffer<Float>

    private let parameters: LayerParameters
    private let cell: Cell
    private let width: Int

    /// - Parameter isFirst: Whether the layer reads symbols.
    init(_ parameters: LayerParameters, cell: Cell, width: Int, isFirst: Bool) throws(ModelError) {
        self.parameters = parameters
        self.cell = cell
        self.width = width
        let rows = cell.gateCount * width
        symbolRows = isFirst ? UnsafePointer(parameters.inputWeights) : nil
        input = isFirst ? nil : try PackedWeights(parameters.inputWeights, rows: rows, columns: width)
        hidden = try PackedWeights(parameters.hiddenWeights, rows: rows, columns: width)
        bias = try AlignedBuffer(count: cell.sumCount * width, for: "the model's weights")
    }

    /// The parts that ``pack(part:_:)`` does.
    var parts: Int { (input?.parts ?? 0) + hidden.parts + 1 }

    /// Takes over a part of the parameters as they are now.
    func pack(part: Int, _ backend: TrainingBackend) {
        switch part {
        case 0: addBiases(backend)
        case 1...hidden.parts: hidden.pack(part: part - 1, backend)
        default: input?.pack(part: part - 1 - hidden.parts, backend)
        }
    }

    private func addBiases(_ backend: TrainingBackend) {
        bias.pointer.update(repeating: 0, count: bias.count)
        let count = cell.gateCount * width
        backend.add(parameters.inputBias, bias.pointer, count)
        backend.add(parameters.hiddenBias, bias.pointer + cell.firstHiddenSum * width, count)
    }
}

extension Cell {
    /// The blocks of sums of a step: one a gate, but two for the candidate of a GRU, which are its first and its last
    /// block: n_x, r, z, n_h.
    var sumCount: Int { self == .gru ? 4 : gateCount }

    /// The first block of sums that the hidden state adds to, with the gates in PyTorch's order. The input adds to the
    /// blocks from the first on.
    var firstHiddenSum: Int { self == .gru ? 1 : 0 }

    /// The block of sums that a gate of the input adds to.
    func inputSum(ofGate gate: Int) -> Int { self == .gru ? (gate + 1) % gateCount : gate }
}
