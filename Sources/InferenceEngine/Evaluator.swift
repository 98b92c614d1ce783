import CIntrinsics
import CSupport
import Core
import KernelDispatch
import ModelFormat
import ThreadPool

/// Takes streams through the network: a step of several streams, or several steps of one stream.
///
/// Both are a list of rows. The rows of a layer's input are known together in either case, so that
/// one pass over the input weights serves them all. The hidden state of a row is known together
/// with the others' only if each row is a stream of its own; the rows of one stream go through the
/// hidden weights one after the other.
///
/// All memory is allocated when an evaluator is made. An evaluator is used by one thread at a time;
/// its pool's workers distribute a layer's tiles among themselves.
final class Evaluator: ParallelWork {
    /// One step of one stream.
    struct Row: BitwiseCopyable {
        /// The buffers of hidden states that the step reads and writes.
        var front: UnsafeMutableRawPointer
        var back: UnsafeMutableRawPointer
        /// The cell states, changed in place.
        var cells: UnsafeMutablePointer<Float>
        /// The symbol that is read.
        var symbol: Int
    }

    /// The most rows at once.
    let capacity: Int
    /// The rows of the next step: the first `count` of them are to be set before each call.
    let rows: AlignedBuffer<Row>
    /// Memory for a sampler: an integer for each symbol, padded to whole vectors.
    let samplingWeights: AlignedBuffer<UInt32>

    private let model: Model
    private var pool: ThreadPool
    private let layout: StateLayout
    private let gates: GateLayout
    private let stepForward: @convention(c) (UnsafePointer<StepForward>) -> Void

    /// Tile after tile, in a tile row after row.
    private let preactivations: AlignedBuffer<Float>
    /// The vectors that the products read: those of the layer below, then those of the layer
    /// itself.
    private let inputs: AlignedBuffer<UnsafeRawPointer>
    private let ownInputs: AlignedBuffer<UnsafeRawPointer>
    private let logitBuffer: AlignedBuffer<Float>
    /// The last hidden states for the output layer, where it reads another form than the other
    /// layers.
    private let outputOperands: AlignedBuffer<UInt8>

    /// What the workers do next.
    private var task = Task(phase: .inputs, layer: 0, rows: 0..<0)

    private struct Task {
        var phase: Phase
        var layer: Int
        var rows: Range<Int>
    }

    /// The work that is distributed: tiles of a layer or of the output, or rows.
    private enum Phase {
        case inputs, recurrence, inputsAndRecurrence, output, allLayersOfRows
    }

    /// An evaluator of at most `capacity` rows on `threads` threads, the caller's included.
    ///
    /// - Throws: `outOfMemory`, also for threads that the system refuses.
    convenience init(_ model: Model, capacity: Int, threads: Int) throws(ChargenError) {
        let rowLength = model.shape.cell.gates.blockCount * model.stateLayout.width
        let outputLength = Operand.length(for: model.output.weights.type, count: model.stateLayout.width)
        let needsOperands = model.output.weights.type != model.stateLayout.weights
        let symbols = padded(model.shape.vocabularySize)
        self.init(
            model, rows: try AlignedBuffer(count: capacity, for: "a session"),
            pool: try Evaluator.pool(threads, for: model, capacity: capacity),
            preactivations: try AlignedBuffer(count: capacity * rowLength, for: "a session"),
            inputs: (
                try AlignedBuffer(count: capacity, for: "a session"),
                try AlignedBuffer(count: capacity, for: "a session")
            ),
            logits: try AlignedBuffer(count: capacity * symbols, for: "a session"),
            samplingWeights: try AlignedBuffer(count: symbols, for: "a session"),
            outputOperands: try AlignedBuffer(count: needsOperands ? capacity * outputLength : 0, for: "a session"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        _ model: Model, rows: AlignedBuffer<Row>, pool: ThreadPool, preactivations: AlignedBuffer<Float>,
        inputs: (AlignedBuffer<UnsafeRawPointer>, AlignedBuffer<UnsafeRawPointer>), logits: AlignedBuffer<Float>,
        samplingWeights: AlignedBuffer<UInt32>, outputOperands: AlignedBuffer<UInt8>
    ) {
        self.model = model
        self.pool = pool
        capacity = rows.count
        layout = model.stateLayout
        gates = model.shape.cell.gates
        stepForward = model.backend.forward(model.shape.cell)
        self.rows = rows
        self.preactivations = preactivations
        (self.inputs, ownInputs) = inputs
        logitBuffer = logits
        self.samplingWeights = samplingWeights
        self.outputOperands = outputOperands
    }

    /// Changes the number of threads.
    ///
    /// - Throws: `outOfMemory` when the system refuses a thread; the old ones then stay.
    func setThreads(_ count: Int) throws(ChargenError) {
        pool = try Evaluator.pool(count, for: model, capacity: capacity)
    }

    /// A pool of `threads` workers, or of as many as ever have something to do.
    private static func pool(_ threads: Int, for model: Model, capacity: Int) throws(ChargenError) -> ThreadPool {
        let tiles = max(Tile.count(of: model.shape.hiddenSize), Tile.count(of: model.shape.vocabularySize))
        return try ThreadPool(size: min(threads, max(tiles, capacity / leastRowsOfWorker(model))))
    }

    /// The bytes of memory, without that of the threads.
    var size: Int {
        rows.size + samplingWeights.size + preactivations.size + inputs.size + ownInputs.size + logitBuffer.size
            + outputOperands.size
    }

    // MARK: - Steps

    /// One step of each of the first `count` rows, which are different streams.
    func advanceStreams(_ count: Int) {
        // With many rows each worker takes its own through all layers: the weights are read by all,
        // but the workers wait for each other only once, and no hidden state moves from one's cache
        // to another's.
        if pool.size > 1, count >= Evaluator.leastRowsOfWorker(model) * pool.size {
            task = Task(phase: .allLayersOfRows, layer: 0, rows: 0..<count)
            pool.perform(self, chunks: pool.size)
            return
        }
        for index in 0..<model.shape.layers {
            setInputs(layer: index, 0..<count)
            distribute(.inputsAndRecurrence, layer: index, 0..<count)
            prepareOperands(layer: index, 0..<count)
        }
    }

    /// The rows that keep a worker busy while it reads all of the weights: more of them where the
    /// weights come from beyond its own cache.
    private static func leastRowsOfWorker(_ model: Model) -> Int { model.weightLength > 4 << 20 ? 64 : 16 }

    /// `count` steps of one stream: each row reads the buffer that the one before it writes.
    func advanceSteps(_ count: Int) {
        for index in 0..<model.shape.layers {
            setInputs(layer: index, 0..<count)
            distribute(.inputs, layer: index, 0..<count)
            for row in 0..<count {
                distribute(.recurrence, layer: index, row..<row + 1)
                prepareOperands(layer: index, row..<row + 1)
            }
        }
    }

    /// Computes the logits that follow from the front buffer of each of the first `count` rows.
    ///
    /// - Returns: The logits of the first row; those of a further row lie ``logitStride`` after.
    func computeLogits(_ count: Int) -> UnsafeMutablePointer<Float> {
        let output = model.output
        let last = model.shape.layers - 1
        for row in 0..<count {
            let front = rows.pointer[row].front
            if output.weights.type == layout.weights {
                inputs.pointer[row] = layout.operand(front, layer: last)
            } else if Operand.isQuantised(output.weights.type) {
                let length = outputOperands.count / capacity
                let target = UnsafeMutableRawPointer(outputOperands.pointer) + row * length
                let hidden = layout.hidden(front, layer: last)
                Operand.write(hidden, count: layout.width, for: output.weights.type, to: target, model.backend.table)
                inputs.pointer[row] = UnsafeRawPointer(target)
            } else {
                inputs.pointer[row] = UnsafeRawPointer(layout.hidden(front, layer: last))
            }
        }
        distribute(.output, layer: 0, 0..<count)
        return logitBuffer.pointer
    }

    /// The logits of the first row, as last computed.
    var logits: UnsafeMutablePointer<Float> { logitBuffer.pointer }

    /// The distance between two rows' logits.
    var logitStride: Int { padded(model.shape.vocabularySize) }

    private func setInputs(layer: Int, _ range: Range<Int>) {
        for index in range {
            let row = rows.pointer[index]
            if layer > 0 { inputs.pointer[index] = layout.operand(row.back, layer: layer - 1) }
            ownInputs.pointer[index] = layout.operand(row.front, layer: layer)
        }
    }

    private func prepareOperands(layer: Int, _ range: Range<Int>) {
        guard Operand.isQuantised(layout.weights) else { return }
        for index in range { layout.prepareOperand(rows.pointer[index].back, layer: layer) }
    }

    // MARK: - Chunks of a step

    /// Has the workers do the tiles of a phase.
    private func distribute(_ phase: Phase, layer: Int, _ rows: Range<Int>) {
        task = Task(phase: phase, layer: layer, rows: rows)
        let tiles = Tile.count(of: tiled)
        if rows.count * weightLength(of: task) < Evaluator.leastDistributedLength {
            for tile in 0..<tiles { perform(chunk: tile, worker: 0) }
        } else {
            pool.perform(self, chunks: tiles)
        }
    }

    /// The bytes of weights, times the rows they serve, from which several workers cost less than
    /// they save.
    private static var leastDistributedLength: Int { 512 << 10 }

    private func weightLength(of task: Task) -> Int {
        let layer = model.layers[task.layer]
        return switch task.phase {
        case .output: model.output.weights.length
        case .inputs: layer.inputWeights?.length ?? 0
        case .recurrence: layer.hiddenWeights.length
        case .inputsAndRecurrence, .allLayersOfRows: layer.hiddenWeights.length + (layer.inputWeights?.length ?? 0)
        }
    }

    /// What is divided into tiles: a layer's units, or the symbols.
    private var tiled: Int { task.phase == .output ? model.shape.vocabularySize : model.shape.hiddenSize }

    override func perform(chunk: Int, worker: Int) {
        let task = task
        switch task.phase {
        case .output: addOutput(Tile(chunk, of: tiled), task.rows)
        case .inputs: addInputs(Tile(chunk, of: tiled), task)
        case .recurrence: finish(Tile(chunk, of: tiled), task)
        case .inputsAndRecurrence:
            addInputs(Tile(chunk, of: tiled), task)
            finish(Tile(chunk, of: tiled), task)
        case .allLayersOfRows: advance(rows: rowsOfChunk(chunk, of: task.rows.count))
        }
    }

    /// A worker's rows, in fours, which the products take at once.
    private func rowsOfChunk(_ chunk: Int, of count: Int) -> Range<Int> {
        let fours = divideRoundingUp(count, by: 4)
        return min(chunk * fours / pool.size * 4, count)..<min((chunk + 1) * fours / pool.size * 4, count)
    }

    /// One step of some rows through all layers, on this thread.
    private func advance(rows: Range<Int>) {
        for index in 0..<model.shape.layers {
            let task = Task(phase: .inputsAndRecurrence, layer: index, rows: rows)
            setInputs(layer: index, rows)
            for tile in 0..<Tile.count(of: model.shape.hiddenSize) {
                addInputs(Tile(tile, of: model.shape.hiddenSize), task)
                finish(Tile(tile, of: model.shape.hiddenSize), task)
            }
            prepareOperands(layer: index, rows)
        }
    }

    /// The distance between two rows' preactivations of a tile.
    private func rowStride(_ tile: Tile) -> Int {
        gates.blockCount * tile.width
    }

    /// The first row's preactivations of a tile.
    private func preactivations(_ tile: Tile) -> UnsafeMutablePointer<Float> {
        preactivations.pointer + capacity * gates.blockCount * tile.start
    }

    /// Sets a tile's preactivations to the biases and the products with the layer's input.
    private func addInputs(_ tile: Tile, _ task: Task) {
        let layer = model.layers[task.layer]
        let stride = rowStride(tile)
        let preactivations = preactivations(tile)
        let place = gates.blockCount * tile.start
        let rowLength = gates.blockCount * layout.width
        for row in task.rows {
            let symbol = layer.inputWeights == nil ? rows.pointer[row].symbol : 0
            copy(layer.biasTable + symbol * rowLength + place, to: preactivations + row * stride, count: stride)
        }
        layer.inputWeights?.addProduct(
            packedRows(tile), inputs.pointer + task.rows.lowerBound, count: task.rows.count,
            to: preactivations + task.rows.lowerBound * stride, stride: stride)
    }

    /// Adds the products with the layer's own hidden state to a tile's preactivations, and takes
    /// the cell's step.
    private func finish(_ tile: Tile, _ task: Task) {
        let layer = task.layer
        let hasCellState = model.shape.cell.hasCellState
        let width = tile.width
        let stride = rowStride(tile)
        let preactivations = preactivations(tile)
        model.layers[layer].hiddenWeights.addProduct(
            packedRows(tile), ownInputs.pointer + task.rows.lowerBound, count: task.rows.count,
            to: preactivations + task.rows.lowerBound * stride + gates.firstHiddenBlock * width, stride: stride)
        for index in task.rows {
            let row = rows.pointer[index]
            let preactivations = preactivations + index * stride
            let cell = hasCellState ? row.cells + layer * layout.width + tile.start : nil
            var step = StepForward(
                preactivations: preactivations, hidden: layout.hidden(row.front, layer: layer) + tile.start,
                nextHidden: layout.hidden(row.back, layer: layer) + tile.start, cell: cell, nextCell: cell,
                // Only training needs it, so it may overwrite the first block.
                cellTangent: preactivations, width: width)
            stepForward(&step)
        }
    }

    /// A tile's rows of a layer's packed matrices.
    private func packedRows(_ tile: Tile) -> Range<Int> {
        gates.gateCount * tile.start..<gates.gateCount * (tile.start + tile.width)
    }

    private func addOutput(_ tile: Tile, _ rows: Range<Int>) {
        let output = model.output
        let first = logitBuffer.pointer + tile.start
        for row in rows {
            copy(output.bias + tile.start, to: first + row * logitStride, count: tile.width)
        }
        output.weights.addProduct(
            tile.start..<tile.start + tile.width, inputs.pointer, count: rows.count, to: first, stride: logitStride)
    }
}

/// In Embedded mode `update(from:count:)` calls a function for every float.
private func copy(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
    memcpy(target, source, count * MemoryLayout<Float>.size)
}
