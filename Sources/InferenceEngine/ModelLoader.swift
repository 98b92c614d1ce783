import Core
import KernelDispatch
import ModelFormat

/// Reads a model's tensors into the kernels' layout.
struct ModelLoader<Source: TensorSource> {
    private let source: Source
    private let backend: Backend
    private let buffer: TensorBuffer
    /// All packed matrices, one behind the other in the order of their use.
    let weights: AlignedBuffer<UInt8>
    /// The bias tables of the layers, and the output's biases.
    private(set) var biases: [AlignedBuffer<Float>] = []
    private var place: UnsafeMutableRawPointer
    /// The rows of a tile, or of the output, in the order in which they are packed.
    private let order: AlignedBuffer<Int>

    init(_ source: Source, _ backend: Backend) throws(ChargenError) {
        self.source = source
        self.backend = backend
        buffer = try TensorBuffer(for: source)
        var length = 0
        for index in 0..<source.shape.tensorCount {
            let tensor = source.shape.tensor(index)
            switch tensor.role {
            case .inputWeight where tensor.layer == 0: break
            case .inputBias, .hiddenBias, .outputBias, .labelHidden, .labelCell: break
            case .inputWeight, .hiddenWeight, .outputWeight:
                let unitRows = tensor.role == .outputWeight ? tensor.rows : source.shape.hiddenSize
                let rows = tensor.rows / unitRows * padded(unitRows)
                // At most 2^17 rows of less than 2^17 bytes: nothing overflows.
                length += rows * PackedMatrix.rowLength(source.elementType(index), columns: tensor.columns)
            }
        }
        weights = try AlignedBuffer(count: length, for: "the model's weights")
        place = UnsafeMutableRawPointer(weights.pointer)
        let rows = max(source.shape.cell.gates.gateCount * Tile.fullWidth, padded(source.shape.vocabularySize))
        order = try AlignedBuffer(count: rows, for: "loading the model")
    }

    private var gates: GateLayout { source.shape.cell.gates }
    private var hiddenSize: Int { source.shape.hiddenSize }
    private var tileCount: Int { Tile.count(of: hiddenSize) }

    mutating func layer(_ layer: Int) throws(ChargenError) -> Layer {
        let first = layer * ModelShape.tensorsPerLayer
        let rowLength = gates.blockCount * padded(hiddenSize)
        let rows = layer == 0 ? source.shape.vocabularySize : 1
        let biasTable = try makeBiases(count: rows * rowLength)

        try addBias(first + 2, inputBlocks, to: biasTable)
        try addBias(first + 3, hiddenBlocks, to: biasTable)
        var inputWeights: PackedMatrix?
        if layer == 0 {
            try addInputColumns(first, rowLength: rowLength, to: biasTable)
        } else {
            inputWeights = try matrix(first, inputBlocks)
        }
        let hiddenWeights = try matrix(first + 1, hiddenBlocks)
        return Layer(biasTable: biasTable, inputWeights: inputWeights, hiddenWeights: hiddenWeights)
    }

    mutating func outputLayer() throws(ChargenError) -> OutputLayer {
        let first = source.shape.outputWeight
        let symbols = source.shape.vocabularySize
        try source.readTensor(first, into: buffer)
        for row in 0..<padded(symbols) { order.pointer[row] = row < symbols ? row : -1 }
        var weights = PackedMatrix(source.elementType(first), columns: hiddenSize, at: place, backend)
        weights.append(UnsafeBufferPointer(start: order.pointer, count: padded(symbols)), of: buffer)
        place += weights.length
        let bias = try makeBiases(count: padded(symbols))
        try source.readTensor(first + 1, into: buffer)
        bias.update(from: buffer.floats.pointer, count: symbols)
        return OutputLayer(weights: weights, bias: bias)
    }

    func labelStates(_ labels: Labels) throws(ChargenError) -> LabelStates {
        let text = try AlignedBuffer<CChar>(count: labels.text.count, for: "the model's labels")
        for (index, byte) in labels.text.enumerated() { text.pointer[index] = CChar(bitPattern: byte) }
        let first = source.shape.labelHidden
        return LabelStates(
            labels: labels, text: text, hidden: try elements(first),
            cells: source.shape.cell.hasCellState
                ? try elements(first + 1) : try AlignedBuffer(count: 0, for: "the model's labels"))
    }

    /// A tensor's elements as they are.
    private func elements(_ tensor: Int) throws(ChargenError) -> AlignedBuffer<Float> {
        try source.readTensor(tensor, into: buffer)
        let elements = try AlignedBuffer<Float>(count: source.shape.tensor(tensor).count, for: "the model's labels")
        elements.pointer.update(from: buffer.floats.pointer, count: elements.count)
        return elements
    }

    private mutating func makeBiases(count: Int) throws(ChargenError) -> UnsafeMutablePointer<Float> {
        let buffer = try AlignedBuffer<Float>(count: count, for: "the model's weights")
        biases.append(buffer)
        return buffer.pointer
    }

    // MARK: - Gates

    /// The blocks of preactivations that a matrix adds to, with its gate for each.
    private struct Blocks {
        let range: Range<Int>
        let isInput: Bool
        let layout: GateLayout

        func gate(_ block: Int) -> Int {
            isInput ? layout.inputGate(ofBlock: block) : layout.hiddenGate(ofBlock: block)
        }
    }

    private var inputBlocks: Blocks { Blocks(range: 0..<gates.gateCount, isInput: true, layout: gates) }

    private var hiddenBlocks: Blocks {
        Blocks(range: gates.firstHiddenBlock..<gates.blockCount, isInput: false, layout: gates)
    }

    /// Reads a matrix whose rows are gates of units, and packs it tile by tile.
    private mutating func matrix(_ tensor: Int, _ blocks: Blocks) throws(ChargenError) -> PackedMatrix {
        try source.readTensor(tensor, into: buffer)
        var matrix = PackedMatrix(
            source.elementType(tensor), columns: source.shape.tensor(tensor).columns, at: place, backend)
        for index in 0..<tileCount {
            let tile = Tile(index, of: hiddenSize)
            var count = 0
            for block in blocks.range {
                for unit in tile.start..<tile.start + tile.width {
                    order.pointer[count] = unit < hiddenSize ? blocks.gate(block) * hiddenSize + unit : -1
                    count += 1
                }
            }
            matrix.append(UnsafeBufferPointer(start: order.pointer, count: count), of: buffer)
        }
        place += matrix.length
        return matrix
    }

    /// Calls `body` for each unit of each gate with its row in the tensor and its place among a
    /// step's preactivations.
    private func forEachRow(_ blocks: Blocks, _ body: (_ row: Int, _ place: Int) -> Void) {
        for index in 0..<tileCount {
            let tile = Tile(index, of: hiddenSize)
            for block in blocks.range {
                let place = gates.blockCount * tile.start + block * tile.width
                let row = blocks.gate(block) * hiddenSize + tile.start
                for unit in 0..<min(tile.width, hiddenSize - tile.start) { body(row + unit, place + unit) }
            }
        }
    }

    private func addBias(
        _ tensor: Int, _ blocks: Blocks, to biasTable: UnsafeMutablePointer<Float>
    ) throws(ChargenError) {
        try source.readTensor(tensor, into: buffer)
        let bias = buffer.floats.pointer
        forEachRow(blocks) { row, place in biasTable[place] += bias[row] }
    }

    /// Turns the biases in the first row into a row for each symbol: the biases plus the symbol's
    /// column of weights.
    private func addInputColumns(
        _ tensor: Int, rowLength: Int, to biasTable: UnsafeMutablePointer<Float>
    ) throws(ChargenError) {
        try source.readTensor(tensor, into: buffer)
        let symbols = source.shape.vocabularySize
        for symbol in 1..<symbols {
            (biasTable + symbol * rowLength).update(from: biasTable, count: rowLength)
        }
        let (floats, integers, scales) = (buffer.floats.pointer, buffer.integers.pointer, buffer.scales.pointer)
        let type = source.elementType(tensor)
        let groups = type == .int4 ? scaleGroupCount(symbols) : 1
        forEachRow(inputBlocks) { row, place in
            let first = row * symbols
            var bias = biasTable + place
            for symbol in 0..<symbols {
                let weight =
                    switch type {
                    case .float32, .bfloat16: floats[first + symbol]
                    case .int8: Float(integers[first + symbol]) * scales[row]
                    case .int4: Float(integers[first + symbol]) * scales[row * groups + symbol / scaleGroupSize]
                    }
                bias.pointee += weight
                bias += rowLength
            }
        }
    }
}
