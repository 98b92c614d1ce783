import CIntrinsics
import Core

/// A recurrent layer's parameters as its passes read them: matrices packed, and biases of the same
/// preactivations added up.
final class LayerWeights {
    /// The weights of the layer below; nil in the first layer.
    let input: PackedWeights?
    /// The weights of the layer's own hidden state.
    let hidden: PackedWeights
    /// The bias table, [V or 1, S·width]: both biases and, in the first layer, the row of the input
    /// weights that a symbol's one-hot vector picks. S is the number of blocks of preactivations
    /// (``GateLayout/blockCount``).
    let biasTable: AlignedBuffer<Float>

    /// The number of the layer, from 0.
    let index: Int

    private let biasRows: Int
    private let parameters: LayerParameters
    private let gates: GateLayout
    private let width: Int

    /// - Parameters:
    ///   - index: The number of the layer, from 0: the first reads symbols.
    ///   - drops: Whether ``pack(chunk:_:_:)`` may get a mask.
    init(_ parameters: LayerParameters, cell: Cell, width: Int, index: Int, drops: Bool) throws(ChargenError) {
        self.index = index
        self.parameters = parameters
        self.width = width
        gates = cell.gates
        let rows = gates.gateCount * width
        input = index == 0 ? nil : try PackedWeights(parameters.inputWeights, rows: rows, columns: width)
        hidden = try PackedWeights(parameters.hiddenWeights, rows: rows, columns: width, drops: drops)
        biasRows = index == 0 ? parameters.symbolCount : 1
        biasTable = try AlignedBuffer(count: biasRows * gates.blockCount * width, for: "the model's weights")
    }

    /// The chunks of ``pack(chunk:_:_:)``.
    var chunks: Int { (input?.chunks ?? 0) + hidden.chunks + biasChunks }

    private var biasChunks: Int { divideRoundingUp(biasRows, by: LayerWeights.chunkRows) }
    private static let chunkRows = 64

    /// Packs a chunk of the parameters as they are now.
    ///
    /// - Parameter mask: What is dropped of the hidden weights; nil for nothing.
    func pack(chunk: Int, _ mask: DropMask?, _ kernels: TrainingKernels) {
        if chunk < biasChunks {
            let first = chunk * LayerWeights.chunkRows
            setBiases(first..<min(first + LayerWeights.chunkRows, biasRows), kernels)
        } else if chunk < biasChunks + hidden.chunks {
            hidden.pack(chunk: chunk - biasChunks, mask, kernels)
        } else {
            input?.pack(chunk: chunk - biasChunks - hidden.chunks, nil, kernels)
        }
    }

    private func setBiases(_ range: Range<Int>, _ kernels: TrainingKernels) {
        let count = gates.gateCount * width
        let rowLength = gates.blockCount * width
        for index in range {
            let row = biasTable.pointer + index * rowLength
            row.update(repeating: 0, count: rowLength)
            kernels.add(parameters.inputBias, row, count)
            kernels.add(parameters.hiddenBias, row + gates.firstHiddenBlock * width, count)
            if input == nil { kernels.add(parameters.inputWeights + index * count, row, count) }
        }
    }
}
