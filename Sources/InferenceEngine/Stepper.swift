import CSupport
import KernelDispatch
import Kernels
import ModelFormat
import Threads

/// Takes streams through the network: a step of several streams side by side, or several steps of one stream.
///
/// Both are a list of rows. The rows of a layer's input are known together in either case, so that one pass over the
/// input weights serves them all. The hidden state of a row is known together with the others' only if each row is a
/// stream of its own; the rows of one stream go through the hidden weights one after the other.
///
/// All memory is allocated when a stepper is made. A stepper is used by one thread at a time; its team's threads share a
/// layer's tiles among themselves.
final class Stepper: TeamWork {
    /// One step of one stream.
    struct Row: BitwiseCopyable {
        /// The generations of hidden states that the step reads and writes.
        var previous: UnsafeMutableRawPointer
        var next: UnsafeMutableRawPointer
        /// The cell states, changed in place.
        var cells: UnsafeMutablePointer<Float>
        /// The symbol that is read.
        var symbol: Int
    }

    /// The most rows at once.
    let capacity: Int
    /// The rows of the next step: the first `count` of them are to be set before each call.
    let rows: AlignedBuffer<Row>

    private let model: Model
    private var team: Team
    private let layout: StateLayout

    /// Tile after tile, in a tile row after row.
    private let sums: AlignedBuffer<Float>
    /// The vectors that the products read: those of the layer below, then those of the layer itself.
    private let inputs: AlignedBuffer<UnsafeRawPointer>
    private let ownInputs: AlignedBuffer<UnsafeRawPointer>
    private let logitBuffer: AlignedBuffer<Float>
    /// The last hidden states for the output layer, where it reads another form than the other layers.
    private let outputOperands: AlignedBuffer<UInt8>

    /// What the members of the team do next.
    private var task = Task(phase: .inputs, layer: 0, rows: 0..<0)

    private struct Task {
        var phase: Phase
        var layer: Int
        var rows: Range<Int>
    }

    /// What is shared out: tiles of a layer or of the output, or rows.
    private enum Phase {
        case inputs, recurrence, inputsAndRecurrence, output, allLayersOfRows
    }

    /// A stepper of at most `capacity` rows on `threads` threads, the caller's included.
    ///
    /// - Throws: `outOfMemory`, also for threads that the system refuses.
    convenience init(_ model: Model, capacity: Int, threads: Int) throws(ModelError) {
        let rowLength = Layer.blockCount(of: model.shape.cell) * model.stateLayout.width
        let outputLength = Operand.length(for: model.output.weights.type, count: model.stateLayout.width)
        let needsOperands = model.output.weights.type != model.stateLayout.weights
        self.init(
            model, capacity: capacity, team: try Stepper.team(threads, for: model, capacity: capacity),
            rows: try AlignedBuffer(count: capacity, for: "a session"),
            sums: try AlignedBuffer(count: capacity * rowLength, for: "a session"),
            inputs: try AlignedBuffer(count: capacity, for: "a session"),
            ownInputs: try AlignedBuffer(count: capacity, for: "a session"),
            logits: try AlignedBuffer(count: capacity * padded(model.shape.vocabularySize), for: "a session"),
            outputOperands: try AlignedBuffer(count: needsOperands ? capacity * outputLength : 0, for: "a session"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        _ model: Model, capacity: Int, team: Team, rows: AlignedBuffer<Row>, sums: AlignedBuffer<Float>,
        inputs: AlignedBuffer<UnsafeRawPointer>,
        ownInputs: AlignedBuffer<UnsafeRawPointer>, logits: AlignedBuffer<Float>, outputOperands: AlignedBuffer<UInt8>
    ) {
        self.model = model
        self.capacity = capacity
        self.team = team
        layout = model.stateLayout
        self.rows = rows
        self.sums = sums
        self.inputs = inputs
        self.ownInputs = ownInputs
        logitBuffer = logits
        self.outputOperands = outputOperands
    }

    /// Changes the number of threads.
    ///
    /// - Throws: `outOfMemory` when the system refuses a thread; the old ones then stay.
    func setThreads(_ count: Int) throws(ModelError) {
        team = try Stepper.team(count, for: model, capacity: capacity)
    }

    /// A team of `threads` members, or of as many as ever have something to do.
    private static func team(_ threads: Int, for model: Model, capacity: Int) throws(ModelError) -> Team {
        let tiles = max(Tile.count(of: model.shape.hiddenSize), Tile.count(of: model.shape.vocabularySize))
        return try Team(size: min(threads, max(tiles, capacity / leastRowsOfThread(of: model))))
    }

    // MARK: - Steps

    /// One step of each of the first `count` rows, which are different streams.
    func advanceStreams(_ count: Int) {
        // With many rows each thread takes its own through all layers: the weights are read by all, but the threads wait
        // for each other only once, and no hidden state goes from one's cache to another's.
        if team.size > 1, count >= Stepper.leastRowsOfThread(of: model) * team.size {
            task = Task(phase: .allLayersOfRows, layer: 0, rows: 0..<count)
            team.perform(self, parts: team.size)
            return
        }
        for index in 0..<model.shape.layers {
            setInputs(layer: index, 0..<count)
            share(.inputsAndRecurrence, layer: index, 0..<count)
            prepareOperands(layer: index, 0..<count)
        }
    }

    /// The rows that keep a thread busy while it reads all of the weights: more of them where the weights come from
    /// beyond its own cache.
    private static func leastRowsOfThread(of model: Model) -> Int { model.weightLength > 4 << 20 ? 64 : 16 }

    /// `count` steps of one stream: each row reads the generation that the one before it writes.
    func advanceSteps(_ count: Int) {
        for index in 0..<model.shape.layers {
            setInputs(layer: index, 0..<count)
            share(.inputs, layer: index, 0..<count)
            for row in 0..<count {
                share(.recurrence, layer: index, row..<row + 1)
                prepareOperands(layer: index, row..<row + 1)
            }
        }
    }

    /// The logits that follow a generation of hidden states, for each of the first `count` rows: the generation that the
    /// row's step reads, not the one it writes.
    ///
    /// - Returns: The logits of the first row; those of a further row lie `logitStride` after.
    func computeLogits(_ count: Int) -> UnsafeMutablePointer<Float> {
        let output = model.output
        let last = model.shape.layers - 1
        for row in 0..<count {
            let generation = rows.pointer[row].previous
            if output.weights.type == layout.weights {
                inputs.pointer[row] = layout.operand(generation, layer: last)
            } else if Operand.isQuantised(output.weights.type) {
                let length = outputOperands.count / capacity
                let target = UnsafeMutableRawPointer(outputOperands.pointer) + row * length
                let hidden = layout.hidden(generation, layer: last)
                Operand.write(hidden, count: layout.width, for: output.weights.type, to: target, model.backend)
                inputs.pointer[row] = UnsafeRawPointer(target)
            } else {
                inputs.pointer[row] = UnsafeRawPointer(layout.hidden(generation, layer: last))
            }
        }
        share(.output, layer: 0, 0..<count)
        return logitBuffer.pointer
    }

    /// The logits of the first row, as last computed.
    var logits: UnsafeMutablePointer<Float> { logitBuffer.pointer }

    /// The distance between two rows' logits.
    var logitStride: Int { padded(model.shape.vocabularySize) }

    private func setInputs(layer: Int, _ range: Range<Int>) {
        for index in range {
            let row = rows.pointer[index]
            if layer > 0 { inputs.pointer[index] = layout.operand(row.next, layer: layer - 1) }
            ownInputs.pointer[index] = layout.operand(row.previous, layer: layer)
        }
    }

    private func prepareOperands(layer: Int, _ range: Range<Int>) {
        guard Operand.isQuantised(layout.weights) else { return }
        for index in range { layout.prepareOperand(rows.pointer[index].next, layer: layer) }
    }

    // MARK: - Parts of a step

    /// Shares out the tiles of a phase.
    private func share(_ phase: Phase, layer: Int, _ rows: Range<Int>) {
        task = Task(phase: phase, layer: layer, rows: rows)
        let tiles = Tile.count(of: tiled)
        if rows.count * weightLength(of: task) < Stepper.leastSharedLength {
            for tile in 0..<tiles { perform(part: tile, member: 0) }
        } else {
            team.perform(self, parts: tiles)
        }
    }

    /// The bytes of weights, times the rows they serve, from which sharing the work costs less than it saves.
    private static var leastSharedLength: Int { 512 << 10 }

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

    override func perform(part: Int, member: Int) {
        let task = task
        switch task.phase {
        case .output: addOutput(Tile(part, of: tiled), task.rows)
        case .inputs: addInputs(Tile(part, of: tiled), task)
        case .recurrence: finish(Tile(part, of: tiled), task)
        case .inputsAndRecurrence:
            addInputs(Tile(part, of: tiled), task)
            finish(Tile(part, of: tiled), task)
        case .allLayersOfRows: advance(rows: shareOfRows(part, of: task.rows.count))
        }
    }

    /// A thread's rows, in fours, which the products take at once.
    private func shareOfRows(_ part: Int, of count: Int) -> Range<Int> {
        let fours = (count + 3) / 4
        return min(part * fours / team.size * 4, count)..<min((part + 1) * fours / team.size * 4, count)
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

    /// The distance between two rows' sums of a tile.
    private func sumStride(_ tile: Tile) -> Int {
        Layer.blockCount(of: model.shape.cell) * tile.width
    }

    /// The first row's sums of a tile.
    private func sums(_ tile: Tile) -> UnsafeMutablePointer<Float> {
        sums.pointer + capacity * Layer.blockCount(of: model.shape.cell) * tile.start
    }

    /// A tile's sums over the layer's input.
    private func addInputs(_ tile: Tile, _ task: Task) {
        let cell = model.shape.cell
        let layer = model.layers[task.layer]
        let stride = sumStride(tile)
        let sums = sums(tile)
        let place = Layer.blockCount(of: cell) * tile.start
        let rowLength = Layer.blockCount(of: cell) * layout.width
        for row in task.rows {
            let symbol = layer.inputWeights == nil ? rows.pointer[row].symbol : 0
            copy(layer.initialSums + symbol * rowLength + place, to: sums + row * stride, count: stride)
        }
        layer.inputWeights?.addProduct(
            rows: cell.gateCount * tile.width, from: cell.gateCount * tile.start,
            inputs.pointer + task.rows.lowerBound, count: task.rows.count,
            to: sums + task.rows.lowerBound * stride, stride: stride, model.backend)
    }

    /// A tile's sums over the layer's own hidden state, and the cell's step.
    private func finish(_ tile: Tile, _ task: Task) {
        let cell = model.shape.cell
        let backend = model.backend
        let layer = task.layer
        let width = tile.width
        let stride = sumStride(tile)
        let tileSums = sums(tile)
        model.layers[layer].hiddenWeights.addProduct(
            rows: cell.gateCount * width, from: cell.gateCount * tile.start,
            ownInputs.pointer + task.rows.lowerBound, count: task.rows.count,
            to: tileSums + task.rows.lowerBound * stride + Layer.firstHiddenBlock(of: cell) * width, stride: stride,
            backend)
        for index in task.rows {
            let row = rows.pointer[index]
            let sums = tileSums + index * stride
            let hidden = layout.hidden(row.previous, layer: layer) + tile.start
            let next = layout.hidden(row.next, layer: layer) + tile.start
            switch cell {
            case .rnn:
                backend.hyperbolicTangent(sums, width)
                copy(sums, to: next, count: width)
            case .gru:
                backend.gruStep(sums + width, sums + 2 * width, sums, sums + 3 * width, hidden, next, width)
            case .lstm:
                let cellState = row.cells + layer * layout.width + tile.start
                // The tanh of the cell state, which only training needs, may take the place of the first gate.
                backend.lstmStep(sums, cellState, cellState, sums, next, width)
            }
        }
    }

    private func addOutput(_ tile: Tile, _ rows: Range<Int>) {
        let output = model.output
        let first = logitBuffer.pointer + tile.start
        for row in rows {
            copy(output.bias + tile.start, to: first + row * logitStride, count: tile.width)
        }
        output.weights.addProduct(
            rows: tile.width, from: tile.start, inputs.pointer, count: rows.count, to: first, stride: logitStride,
            model.backend)
    }
}

/// In Embedded mode `update(from:count:)` calls a function for every float.
private func copy(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
    memcpy(target, source, count * MemoryLayout<Float>.size)
}
