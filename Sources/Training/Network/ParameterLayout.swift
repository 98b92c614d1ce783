import Core
import ModelFormat

/// Where each tensor of a model stands in one flat buffer, as training computes with it.
///
/// Every gate block is padded to `width` rows, the hidden size as a multiple of the kernels' lanes,
/// and every row over hidden units to `width` columns; the output layer's rows are padded likewise.
/// The padding is zero and its gradients are zero, so it stays zero. The first layer's input
/// weights are transposed: a row for each symbol, because a one-hot input picks one. The gates of
/// the input are in the order of the blocks of preactivations. A row of labels' states has all
/// layers, each padded.
struct ParameterLayout {
    let shape: ModelShape
    /// The hidden size, padded.
    let width: Int
    /// The number of symbols, padded.
    let outputWidth: Int
    /// The length of a row of labels' states: the layers' widths.
    let labelWidth: Int
    /// The offset of each tensor in ``ModelShape/tensor(_:)``'s order.
    let offsets: [Int]
    /// The number of floats in all.
    let count: Int

    init(_ shape: ModelShape) {
        self.shape = shape
        width = padded(shape.hiddenSize)
        outputWidth = padded(shape.vocabularySize)
        labelWidth = shape.layers * width
        var offsets: [Int] = []
        var count = 0
        for index in 0..<shape.tensorCount {
            offsets.append(count)
            let rows = shape.cell.gates.gateCount * width
            let size =
                switch shape.tensor(index).role {
                case .inputWeight: index == 0 ? shape.vocabularySize * rows : rows * width
                case .hiddenWeight: rows * width
                case .inputBias, .hiddenBias: rows
                case .outputWeight: outputWidth * width
                case .outputBias: outputWidth
                case .labelHidden, .labelCell: (1 + shape.labelCount) * labelWidth
                }
            count += size
        }
        self.offsets = offsets
        self.count = count
    }

    /// The place in the flat buffer of a tensor, with its padding.
    func range(of tensor: Int) -> Range<Int> {
        offsets[tensor]..<(tensor + 1 < offsets.count ? offsets[tensor + 1] : count)
    }

    /// The place in the flat buffer of an element of a tensor.
    func place(of tensor: Int, row: Int, column: Int) -> Int {
        let hidden = shape.hiddenSize
        let role = shape.tensor(tensor).role
        let gate = row / hidden
        let isInput = role == .inputWeight || role == .inputBias
        let paddedRow = (isInput ? shape.cell.gates.inputBlock(ofGate: gate) : gate) * width + row % hidden
        switch role {
        case .inputWeight where tensor == 0:
            return offsets[tensor] + column * shape.cell.gates.gateCount * width + paddedRow
        case .inputWeight, .hiddenWeight: return offsets[tensor] + paddedRow * width + column
        case .inputBias, .hiddenBias: return offsets[tensor] + paddedRow
        case .outputWeight: return offsets[tensor] + row * width + column
        case .outputBias: return offsets[tensor] + row
        case .labelHidden, .labelCell:
            return offsets[tensor] + row * labelWidth + column / hidden * width + column % hidden
        }
    }
}
