import Kernels
import ModelFormat

/// A recurrent layer's weights, packed for the kernels.
///
/// The sums of one step stand in blocks of `width` floats, the hidden size padded to whole vectors:
///
///     LSTM  i | f | g | o
///     GRU   n_x | r | z | n_h
///     RNN   a single block
///
/// A sum is one chain of fused multiply-adds: from the bias, over the layer's input, then over the hidden state, each
/// in ascending order. A GRU's candidate has two: n_x over the input alone and n_h over the hidden state alone, because
/// the reset gate comes between them. With n_x first and n_h last, the sums of the input and those of the hidden state
/// are both contiguous.
struct Layer: @unchecked Sendable {
    /// Where a step's sums start from: a row for each symbol in the first layer, whose one-hot input makes the product
    /// a look-up; a single row, the biases, in the others.
    let initialSums: AlignedBuffer<Float>
    /// The panels of the weights of the layer below; nil in the first layer.
    let inputWeights: AlignedBuffer<Float>?
    /// The panels of the weights of the layer's own hidden state.
    let hiddenWeights: AlignedBuffer<Float>

    /// The number of blocks of sums.
    static func blockCount(of cell: Cell) -> Int {
        switch cell {
        case .rnn: 1
        case .gru, .lstm: 4
        }
    }

    // One array literal a function at most: in Embedded mode each module numbers its copy of a function's constant
    // arrays for itself, under shared names, and the linker may take one module's for another's.

    /// For each block that the layer's input adds to, from the first block on, the gate of the model file.
    static func inputGates(of cell: Cell) -> [Int] {
        cell == .gru ? [2, 0, 1] : Array(0..<cell.gateCount)
    }

    /// The same for the hidden state, from block ``firstHiddenBlock(of:)`` on.
    static func hiddenGates(of cell: Cell) -> [Int] {
        Array(0..<cell.gateCount)
    }

    static func firstHiddenBlock(of cell: Cell) -> Int {
        cell == .gru ? 1 : 0
    }
}

/// The linear layer from the last hidden state to the logits, packed for the kernels.
struct OutputLayer: @unchecked Sendable {
    let weights: AlignedBuffer<Float>
    let bias: AlignedBuffer<Float>
}

/// Reads a model file's tensors into the kernels' layout.
struct TensorReader {
    private let file: ModelFile
    /// A tensor as the file has it, and its bytes before their planes are joined.
    private let raw: AlignedBuffer<Float>
    private let scratch: AlignedBuffer<UInt8>

    init(_ file: ModelFile) throws(ModelError) {
        var largest = 0
        for index in 0..<file.shape.tensorCount { largest = max(largest, file.shape.tensor(index).count) }
        self.file = file
        raw = try AlignedBuffer(count: largest, for: "loading the model")
        scratch = try AlignedBuffer(count: largest * MemoryLayout<Float>.size, for: "loading the model")
    }

    private var cell: Cell { file.shape.cell }
    private var hiddenSize: Int { file.shape.hiddenSize }
    private var width: Int { padded(file.shape.hiddenSize) }

    func layer(_ layer: Int) throws(ModelError) -> Layer {
        let first = layer * ModelShape.tensorsPerLayer
        let rowLength = Layer.blockCount(of: cell) * width
        let rows = layer == 0 ? file.shape.vocabularySize : 1
        let initialSums = try AlignedBuffer<Float>(count: rows * rowLength, for: "the model's weights")

        try addBias(first + 2, gates: Layer.inputGates(of: cell), to: initialSums.pointer)
        try addBias(
            first + 3, gates: Layer.hiddenGates(of: cell),
            to: initialSums.pointer + Layer.firstHiddenBlock(of: cell) * width)
        var inputWeights: AlignedBuffer<Float>?
        if layer == 0 {
            try addInputColumns(first, rowLength: rowLength, to: initialSums.pointer)
        } else {
            inputWeights = try panels(first, blocks: Layer.inputGates(of: cell), blockHeight: hiddenSize)
        }
        let hiddenWeights = try panels(first + 1, blocks: Layer.hiddenGates(of: cell), blockHeight: hiddenSize)
        return Layer(initialSums: initialSums, inputWeights: inputWeights, hiddenWeights: hiddenWeights)
    }

    func outputLayer() throws(ModelError) -> OutputLayer {
        let first = file.shape.layers * ModelShape.tensorsPerLayer
        let bias = try AlignedBuffer<Float>(count: padded(file.shape.vocabularySize), for: "the model's weights")
        let weights = try panels(first, blocks: [0], blockHeight: file.shape.vocabularySize)
        try read(first + 1)
        for row in 0..<file.shape.vocabularySize { bias.pointer[row] = raw.pointer[row] }
        return OutputLayer(weights: weights, bias: bias)
    }

    private func read(_ tensor: Int) throws(ModelError) {
        try file.readTensor(tensor, into: raw.elements, scratch: UnsafeMutableRawBufferPointer(scratch.elements))
    }

    private func addBias(_ tensor: Int, gates: [Int], to row: UnsafeMutablePointer<Float>) throws(ModelError) {
        try read(tensor)
        for block in 0..<gates.count {
            for unit in 0..<hiddenSize {
                row[block * width + unit] += raw.pointer[gates[block] * hiddenSize + unit]
            }
        }
    }

    /// Turns the biases in the first row into a row for each symbol: the biases plus the symbol's column of weights.
    private func addInputColumns(
        _ tensor: Int, rowLength: Int, to rows: UnsafeMutablePointer<Float>
    ) throws(ModelError) {
        try read(tensor)
        let symbols = file.shape.vocabularySize
        let gates = Layer.inputGates(of: cell)
        for symbol in (0..<symbols).reversed() {
            let row = rows + symbol * rowLength
            for index in 0..<rowLength { row[index] = rows[index] }
            for block in 0..<gates.count {
                for unit in 0..<hiddenSize {
                    row[block * width + unit] += raw.pointer[(gates[block] * hiddenSize + unit) * symbols + symbol]
                }
            }
        }
    }

    /// Reads a matrix whose rows come in blocks, pads each block to whole vectors and packs the result.
    private func panels(
        _ tensor: Int, blocks: [Int], blockHeight: Int
    ) throws(ModelError) -> AlignedBuffer<Float> {
        let columns = file.shape.tensor(tensor).columns
        let rows = blocks.count * padded(blockHeight)
        try read(tensor)
        let matrix = try AlignedBuffer<Float>(count: rows * columns, for: "loading the model")
        for block in 0..<blocks.count {
            let source = raw.pointer + blocks[block] * blockHeight * columns
            let target = matrix.pointer + block * padded(blockHeight) * columns
            target.update(from: source, count: blockHeight * columns)
        }
        let packed = try AlignedBuffer<Float>(count: rows * columns, for: "the model's weights")
        packPanels(matrix.pointer, rows: rows, columns: columns, into: packed.pointer)
        return packed
    }
}
