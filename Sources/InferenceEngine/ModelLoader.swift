import KernelDispatch
import Kernels
import ModelFormat

/// Reads a model file's tensors into the kernels' layout.
struct ModelLoader {
    private let file: ModelFile
    private let buffer: TensorBuffer
    /// All packed matrices, one behind the other in the order of their use.
    let weights: AlignedBuffer<UInt8>
    /// What the layers' sums start from.
    private(set) var initialSums: [AlignedBuffer<Float>] = []
    private var place: UnsafeMutableRawPointer

    init(_ file: ModelFile) throws(ModelError) {
        self.file = file
        buffer = try TensorBuffer(for: file)
        var length = 0
        for index in 0..<file.shape.tensorCount {
            let tensor = file.shape.tensor(index)
            switch tensor.role {
            case .inputWeight where tensor.layer == 0: break
            case .inputBias, .hiddenBias, .outputBias: break
            case .inputWeight, .hiddenWeight, .outputWeight:
                let unitRows = tensor.role == .outputWeight ? tensor.rows : file.shape.hiddenSize
                let rows = tensor.rows / unitRows * padded(unitRows)
                // At most 2^17 rows of less than 2^17 bytes: nothing overflows.
                length += rows * PackedMatrix.rowLength(file.elementType(index), columns: tensor.columns)
            }
        }
        weights = try AlignedBuffer(count: length, for: "the model's weights")
        place = UnsafeMutableRawPointer(weights.pointer)
    }

    private var cell: Cell { file.shape.cell }
    private var hiddenSize: Int { file.shape.hiddenSize }
    private var tileCount: Int { Tile.count(of: hiddenSize) }

    mutating func layer(_ layer: Int) throws(ModelError) -> Layer {
        let first = layer * ModelShape.tensorsPerLayer
        let rowLength = Layer.blockCount(of: cell) * padded(hiddenSize)
        let rows = layer == 0 ? file.shape.vocabularySize : 1
        let sums = try makeInitialSums(count: rows * rowLength)

        try addBias(first + 2, gates: Layer.inputGates(of: cell), firstBlock: 0, to: sums)
        try addBias(
            first + 3, gates: Layer.hiddenGates(of: cell), firstBlock: Layer.firstHiddenBlock(of: cell),
            to: sums)
        var inputWeights: PackedMatrix?
        if layer == 0 {
            try addInputColumns(first, rowLength: rowLength, to: sums)
        } else {
            inputWeights = try matrix(first, gates: Layer.inputGates(of: cell))
        }
        let hiddenWeights = try matrix(first + 1, gates: Layer.hiddenGates(of: cell))
        return Layer(initialSums: sums, inputWeights: inputWeights, hiddenWeights: hiddenWeights)
    }

    mutating func outputLayer() throws(ModelError) -> OutputLayer {
        let first = file.shape.layers * ModelShape.tensorsPerLayer
        let symbols = file.shape.vocabularySize
        try file.readTensor(first, into: buffer)
        let order = (0..<padded(symbols)).map { $0 < symbols ? $0 : -1 }
        let weights = PackedMatrix(
            buffer, type: file.elementType(first), columns: hiddenSize, blocks: Array(repeating: order, count: 1),
            at: &place)
        let bias = try makeInitialSums(count: padded(symbols))
        try file.readTensor(first + 1, into: buffer)
        bias.update(from: buffer.floats.pointer, count: symbols)
        return OutputLayer(weights: weights, bias: bias)
    }

    private mutating func makeInitialSums(count: Int) throws(ModelError) -> UnsafeMutablePointer<Float> {
        let sums = try AlignedBuffer<Float>(count: count, for: "the model's weights")
        initialSums.append(sums)
        return sums.pointer
    }

    /// Reads a matrix whose rows are gates of units, and packs it tile by tile.
    private mutating func matrix(_ tensor: Int, gates: [Int]) throws(ModelError) -> PackedMatrix {
        try file.readTensor(tensor, into: buffer)
        var blocks: [[Int]] = []
        for index in 0..<tileCount {
            let tile = Tile(index, of: hiddenSize)
            var order: [Int] = []
            for gate in gates {
                for unit in tile.start..<tile.start + tile.width {
                    order.append(unit < hiddenSize ? gate * hiddenSize + unit : -1)
                }
            }
            blocks.append(order)
        }
        return PackedMatrix(
            buffer, type: file.elementType(tensor), columns: file.shape.tensor(tensor).columns, blocks: blocks,
            at: &place)
    }

    /// Calls `body` for each unit of each gate with the row of the model file and the place among a step's sums.
    private func forEachRow(_ gates: [Int], firstBlock: Int, _ body: (_ row: Int, _ place: Int) -> Void) {
        for index in 0..<tileCount {
            let tile = Tile(index, of: hiddenSize)
            for block in 0..<gates.count {
                let place = Layer.blockCount(of: cell) * tile.start + (firstBlock + block) * tile.width
                for unit in 0..<min(tile.width, hiddenSize - tile.start) {
                    body(gates[block] * hiddenSize + tile.start + unit, place + unit)
                }
            }
        }
    }

    private func addBias(
        _ tensor: Int, gates: [Int], firstBlock: Int, to sums: UnsafeMutablePointer<Float>
    ) throws(ModelError) {
        try file.readTensor(tensor, into: buffer)
        let bias = buffer.floats.pointer
        forEachRow(gates, firstBlock: firstBlock) { row, place in sums[place] += bias[row] }
    }

    /// Turns the biases in the first row into a row for each symbol: the biases plus the symbol's column of weights.
    private func addInputColumns(
        _ tensor: Int, rowLength: Int, to rows: UnsafeMutablePointer<Float>
    ) throws(ModelError) {
        try file.readTensor(tensor, into: buffer)
        let symbols = file.shape.vocabularySize
        for symbol in 1..<symbols { (rows + symbol * rowLength).update(from: rows, count: rowLength) }
        let (floats, integers, scales) = (buffer.floats.pointer, buffer.integers.pointer, buffer.scales.pointer)
        let type = file.elementType(tensor)
        let groups = type == .int4 ? (symbols + 31) / 32 : 1
        forEachRow(Layer.inputGates(of: cell), firstBlock: 0) { row, place in
            let first = row * symbols
            var sum = rows + place
            for symbol in 0..<symbols {
                let weight =
                    switch type {
                    case .float32, .bfloat16: floats[first + symbol]
                    case .int8: Float(integers[first + symbol]) * scales[row]
                    case .int4: Float(integers[first + symbol]) * scales[row * groups + symbol / 32]
                    }
                sum.pointee += weight
                sum += rowLength
            }
        }
    }
}
