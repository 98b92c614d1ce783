import KernelDispatch
import ModelFormat

/// A recurrent layer's parameters as its passes read them: matrices packed, biases that start the same sum added up.
final class LayerWeights {
    /// The weights of the layer below; nil in the first layer.
    let input: PackedWeights?
    /// The weights of the layer's own hidden state.
    let hidden: PackedWeights
    /// [V or 1, S·width], what a step's sums begin with: both biases and, in the first layer, the row of the input weights
    /// that the one-hot vector of a symbol picks. S is the number of blocks of sums (``ModelFormat/Cell/sumCount``).
    let starts: AlignedBuffer<Float>

    private let startCount: Int
    private let parameters: LayerParameters
    private let cell: Cell
    private let width: Int

    /// - Parameter isFirst: Whether the layer reads symbols.
    init(_ parameters: LayerParameters, cell: Cell, width: Int, isFirst: Bool) throws(ModelError) {
        self.parameters = parameters
        self.cell = cell
        self.width = width
        let rows = cell.gateCount * width
        input = isFirst ? nil : try PackedWeights(parameters.inputWeights, rows: rows, columns: width)
        hidden = try PackedWeights(parameters.hiddenWeights, rows: rows, columns: width)
        startCount = isFirst ? parameters.symbolCount : 1
        starts = try AlignedBuffer(count: startCount * cell.sumCount * width, for: "the model's weights")
    }

    /// The parts that ``pack(part:_:)`` does.
    var parts: Int { (input?.parts ?? 0) + hidden.parts + startParts }

    private var startParts: Int { (startCount + LayerWeights.partStarts - 1) / LayerWeights.partStarts }
    private static let partStarts = 64

    /// Takes over a part of the parameters as they are now.
    func pack(part: Int, _ backend: TrainingBackend) {
        if part < startParts {
            let first = part * LayerWeights.partStarts
            setStarts(first..<min(first + LayerWeights.partStarts, startCount), backend)
        } else if part < startParts + hidden.parts {
            hidden.pack(part: part - startParts, backend)
        } else {
            input?.pack(part: part - startParts - hidden.parts, backend)
        }
    }

    private func setStarts(_ range: Range<Int>, _ backend: TrainingBackend) {
        let count = cell.gateCount * width
        for index in range {
            let start = starts.pointer + index * cell.sumCount * width
            start.update(repeating: 0, count: cell.sumCount * width)
            backend.add(parameters.inputBias, start, count)
            backend.add(parameters.hiddenBias, start + cell.firstHiddenSum * width, count)
            if input == nil { backend.add(parameters.inputWeights + index * count, start, count) }
        }
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
