import Core
import ModelFormat

/// Where each tensor of a model stands in one flat buffer, as training computes with it.
///
/// Every gate block is padded to `width` rows, the hidden size as a multiple of the kernels' lanes,
/// and every row over hidden units to `width` columns; the output layer's rows are padded likewise.
/// The padding is zero and its gradients are zero, so it stays zero. The first layer's input
/// weights are transposed: a row for each symbol, because a one-hot input picks one. The gates of
/// the input are in the order of the blocks of preactivations.
struct ParameterLayout {
    let shape: ModelShape
    /// The hidden size, padded.
    let width: Int
    /// The number of symbols, padded.
    let outputWidth: Int
    /// The offset of each tensor in ``ModelShape/tensor(_:)``'s order.
    let offsets: [Int]
    /// The number of floats in all.
    let count: Int

    init(_ shape: ModelShape) {
        self.shape = shape
        width = padded(shape.hiddenSize)
        outputWidth = padded(shape.vocabularySize)
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
        }
    }
}
