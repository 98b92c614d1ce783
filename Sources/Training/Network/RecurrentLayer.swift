import CIntrinsics
import Core
import KernelDispatch
import Kernels

/// One recurrent layer over a minibatch: its memory, and both passes.
///
/// B rows, T time steps, `width` padded hidden units, S blocks of preactivations
/// (``GateLayout/blockCount``). Matrices have a row for each place (``RowPlaces``). A worker takes
/// its own rows through all steps; the rows do not depend on each other. What differs between
/// cells, the pointwise step, is a kernel of each cell.
final class RecurrentLayer {
    /// What a layer reads.
    enum Input {
        /// The first layer: symbols [places], whose one-hot vectors are never made.
        case symbols(UnsafePointer<Int32>)
        /// The others: the hidden states [places, width] of the layer below.
        case hidden(UnsafeMutablePointer<Float>)
    }

    let cell: Cell
    let width: Int
    /// At most as many as the memory was made for.
    var places: RowPlaces
    /// Whether what is above reads ``dropped``.
    var isDropping = false
    private let options: Activations.Options
    /// The number of the layer, from 0.
    private let index: Int
    /// [places], the symbols that the network reads.
    private let symbols: UnsafePointer<Int32>
    let kernels: TrainingKernels
    private let stepForward: @convention(c) (UnsafePointer<StepForward>) -> Void
    private let stepBackward: @convention(c) (UnsafePointer<StepBackward>) -> Void

    /// [places, S·width], rows ``stride`` apart: a step's preactivations, then the gates'
    /// activations, then, in the backward pass, the gradients of the preactivations.
    let preactivations: AlignedBuffer<Float>
    /// [places, width]: the hidden state before the first step and after each.
    let hidden: AlignedBuffer<Float>
    /// [places, width], an LSTM's cell states likewise; empty for other cells.
    let cells: AlignedBuffer<Float>
    /// [places, width]: the states before each step where some start from the initial state; empty
    /// if none does.
    private let startHidden: AlignedBuffer<Float>
    private let startCells: AlignedBuffer<Float>
    /// [places, width]: the gradients of the initial states; empty without labels.
    private let startGradients: AlignedBuffer<Float>
    private let startCellGradients: AlignedBuffer<Float>
    /// [places, width]: ``undropped`` after dropout; empty without it.
    private let dropped: AlignedBuffer<Float>
    /// [B, width]: gradients that a reset keeps from what a product adds to them; empty without
    /// resets.
    private let keptGradients: AlignedBuffer<Float>
    /// [places, width]: an LSTM's tanh(c); empty for other cells.
    private let cellTangents: AlignedBuffer<Float>
    /// [B, width]: the gradient of an LSTM's cell state, carried from a step to the one before;
    /// that of a GRU's hidden state before the first step, which is not used; empty for an RNN.
    private let carriedGradient: AlignedBuffer<Float>
    /// [width], what the gradients of the layer below start from.
    private let zeros: AlignedBuffer<Float>

    init(
        cell: Cell, index: Int, width: Int, symbols: UnsafePointer<Int32>, _ places: RowPlaces,
        _ options: Activations.Options, _ backend: Backend, _ kernels: TrainingKernels
    ) throws(ChargenError) {
        self.cell = cell
        self.index = index
        self.width = width
        self.places = places
        self.options = options
        self.symbols = symbols
        self.kernels = kernels
        stepForward = backend.forward(cell)
        stepBackward = kernels.backward(cell)
        let (state, states) = (places.rows * width, places.count * width)
        preactivations = try AlignedBuffer(
            count: places.count * RecurrentLayer.stride(cell, width), for: "a minibatch's gates")
        hidden = try AlignedBuffer(count: states, for: "a minibatch's hidden states")
        cells = try AlignedBuffer(count: cell.hasCellState ? states : 0, for: "a minibatch's cell states")
        cellTangents = try AlignedBuffer(count: cell.hasCellState ? states : 0, for: "a minibatch's activations")
        carriedGradient = try AlignedBuffer(count: cell == .rnn ? 0 : state, for: "a minibatch's gradients")
        zeros = try AlignedBuffer(count: width, for: "a minibatch's gradients")
        let hasResets = options.resetSymbol != nil || options.starts != nil
        let resets = hasResets ? states : 0
        let starts = options.starts == nil ? 0 : states
        startGradients = try AlignedBuffer(count: starts, for: "a minibatch's gradients")
        startCellGradients = try AlignedBuffer(
            count: cell.hasCellState ? starts : 0, for: "a minibatch's gradients")
        startHidden = try AlignedBuffer(count: resets, for: "a minibatch's hidden states")
        startCells = try AlignedBuffer(
            count: cell.hasCellState ? resets : 0, for: "a minibatch's cell states")
        keptGradients = try AlignedBuffer(count: hasResets ? state : 0, for: "a minibatch's gradients")
        dropped = try AlignedBuffer(
            count: options.dropout.states > 0 ? states : 0, for: "a minibatch's hidden states")
    }

    /// The distance between the rows of ``preactivations``, whose columns the gradients' products
    /// read.
    var stride: Int { RecurrentLayer.stride(cell, width) }

    private static func stride(_ cell: Cell, _ width: Int) -> Int {
        paddedToOddLines(cell.gates.blockCount * width)
    }

    /// The hidden states after each step, [places, width].
    private var undropped: UnsafeMutablePointer<Float> { hidden.pointer + places.sliceRows * width }

    /// What the layer above reads, [places, width].
    var output: UnsafeMutablePointer<Float> { isDropping ? dropped.pointer : undropped }

    /// The hidden states before each step, [places, width].
    var previousHidden: UnsafeMutablePointer<Float> {
        hasResets ? startHidden.pointer : hidden.pointer
    }

    /// An LSTM's cell states likewise.
    private var previousCells: UnsafeMutablePointer<Float> {
        hasResets ? startCells.pointer : cells.pointer
    }

    /// Whether rows may start a step from the initial state.
    private var hasResets: Bool { options.resetSymbol != nil || options.starts != nil }

    /// Whether a row starts a step from the initial state.
    private func isReset(_ step: Int, _ row: Int) -> Bool {
        if let starts = options.starts { return starts.begins(at: place(step, row)) }
        return options.resetSymbol.map { symbols[place(step, row)] == $0 } ?? false
    }

    private func place(_ step: Int, _ row: Int) -> Int { places.place(step, row) }

    /// The steps that go through the products with the layer below together, so many that reading
    /// the weights costs little and so few that what they leave stays in the cache.
    static func steps(of rows: Range<Int>) -> Int { max(1, 128 / max(1, rows.count)) }

    /// The most rows of a product, of all its steps together, where a worker has at most `rows`
    /// rows.
    static func largestProduct(rows: Int) -> Int { max(128, rows) }

    // MARK: - Forward

    /// Takes some rows through all steps, from the state before the first in ``hidden`` and
    /// ``cells``.
    func forward(
        _ weights: LayerWeights, input: Input, rows range: Range<Int>, scratch: UnsafeMutablePointer<Float>
    ) {
        let time = places.time
        let length = RecurrentLayer.steps(of: range)
        for start in Swift.stride(from: 0, to: time, by: length) {
            let steps = start..<min(start + length, time)
            addInputs(weights, input, range, steps, scratch)
            for step in steps {
                if hasResets { for row in range { setStart(step, row) } }
                kernels.addForward(
                    states(previousHidden, range, step..<step + 1), weights.hidden,
                    to: blocks(range, step..<step + 1, from: cell.gates.firstHiddenBlock),
                    next: step + length < time ? blocks(range, step + length..<step + length + 1, from: 0) : nil,
                    scratch: scratch)
                for row in range {
                    var step = forwardStep(place(step, row))
                    stepForward(&step)
                }
            }
        }
    }

    /// Sets the state that a row starts a step from: that after the step before, or the initial
    /// one.
    private func setStart(_ step: Int, _ row: Int) {
        if let starts = options.starts, isReset(step, row) {
            let state = place(step, row) * width
            return starts.write(
                place(step, row), layer: index, hidden: startHidden.pointer + state,
                cells: cell.hasCellState ? startCells.pointer + state : nil)
        }
        setStart(startHidden, hidden, step, row)
        if cell.hasCellState { setStart(startCells, cells, step, row) }
    }

    private func setStart(_ start: AlignedBuffer<Float>, _ states: AlignedBuffer<Float>, _ step: Int, _ row: Int) {
        let state = place(step, row) * width
        if isReset(step, row) {
            (start.pointer + state).update(repeating: 0, count: width)
        } else {
            (start.pointer + state).update(from: states.pointer + state, count: width)
        }
    }

    /// Drops some of the rows' hidden states after all steps, for what is above; nil for none.
    func drop(_ range: Range<Int>, _ mask: DropMask?) {
        guard let mask else { return }
        for step in 0..<places.time {
            for row in range {
                let state = place(step, row) * width
                mask.multiply(undropped + state, to: dropped.pointer + state, count: width, row: maskRow(step, row))
            }
        }
    }

    /// The row of a mask for a row at a step.
    private func maskRow(_ step: Int, _ row: Int) -> Int {
        options.dropout.isVariational ? places.number(ofRow: row) : step << 16 + places.number(ofRow: row)
    }

    private func forwardStep(_ place: Int) -> StepForward {
        let (state, next) = (place * width, (place + places.sliceRows) * width)
        let hasCellState = cell.hasCellState
        return StepForward(
            preactivations: preactivations.pointer + place * stride, hidden: previousHidden + state,
            nextHidden: hidden.pointer + next, cell: hasCellState ? UnsafePointer(previousCells + state) : nil,
            nextCell: hasCellState ? cells.pointer + next : nil,
            cellTangent: hasCellState ? cellTangents.pointer + state : nil, width: width)
    }

    /// Sets the preactivations to the biases and the products with the layer's input.
    private func addInputs(
        _ weights: LayerWeights, _ input: Input, _ range: Range<Int>, _ steps: Range<Int>,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let biasTable = weights.biasTable.pointer
        let length = cell.gates.blockCount * width
        if case .hidden(let below) = input, let inputWeights = weights.input {
            kernels.addForward(
                states(below, range, steps), inputWeights, from: biasTable, to: blocks(range, steps, from: 0),
                scratch: scratch)
        }
        for step in steps {
            for row in range {
                let place = place(step, row)
                let target = preactivations.pointer + place * stride
                switch input {
                case .symbols(let symbols): target.update(from: biasTable + Int(symbols[place]) * length, count: length)
                case .hidden:
                    // The blocks that the input does not add to.
                    let first = cell.gates.gateCount * width
                    (target + first).update(from: biasTable + first, count: length - first)
                }
            }
        }
    }

    // MARK: - Backward

    /// The backward pass of some rows through the steps of the last
    /// ``forward(_:input:rows:scratch:)``: leaves the gradients of the preactivations.
    ///
    /// - Parameter meanwhile: Called now and then.
    func backward(
        _ weights: LayerWeights, rows range: Range<Int>, _ gradients: Gradients, scratch: UnsafeMutablePointer<Float>,
        meanwhile: () -> Void
    ) {
        let (hiddenGradient, time) = (gradients.hidden, places.time)
        if let mask = gradients.mask {
            for step in 0..<time {
                for row in range {
                    let gradient = hiddenGradient + place(step, row) * width
                    mask.multiply(gradient, to: gradient, count: width, row: maskRow(step, row))
                }
            }
        }
        if cell != .rnn {
            (carriedGradient.pointer + range.lowerBound * width).update(repeating: 0, count: range.count * width)
        }
        let length = RecurrentLayer.steps(of: range)
        for end in Swift.stride(from: time, to: 0, by: -length) {
            meanwhile()
            let steps = max(0, end - length)..<end
            for step in steps.reversed() {
                for row in range {
                    var step = backwardStep(step, row, hiddenGradient)
                    stepBackward(&step)
                }
                // Truncated backpropagation: no gradient leaves the first step, but for that of
                // initial states.
                guard step > 0 else {
                    addFirstGradients(weights, range, scratch)
                    break
                }
                keepGradients(before: step, range, hiddenGradient)
                kernels.addBackward(
                    blocks(range, step..<step + 1, from: cell.gates.firstHiddenBlock), weights.hidden,
                    to: states(hiddenGradient, range, step - 1..<step),
                    next: blocks(range, step - 1..<step, from: 0), scratch: scratch)
                restoreGradients(before: step, range, hiddenGradient)
            }
            guard let inputGradient = gradients.input, let inputWeights = weights.input else { continue }
            kernels.addBackward(
                blocks(range, steps, from: 0), inputWeights, from: zeros.pointer,
                to: states(inputGradient, range, steps), scratch: scratch)
        }
    }

    /// The gradients that a backward pass reads and writes.
    struct Gradients {
        /// [places, width], the gradient of ``output`` from above; overwritten.
        let hidden: UnsafeMutablePointer<Float>
        /// [places, width], the gradient of the layer below's output on return; nil in the first
        /// layer.
        let input: UnsafeMutablePointer<Float>?
        /// What was dropped of the output; nil if nothing was.
        let mask: DropMask?
    }

    /// Puts aside the gradients before a step of the rows that start it from the initial state:
    /// none passes.
    private func keepGradients(
        before step: Int, _ range: Range<Int>, _ hiddenGradient: UnsafeMutablePointer<Float>
    ) {
        guard hasResets else { return }
        for row in range where isReset(step, row) {
            let gradient = hiddenGradient + place(step - 1, row) * width
            (keptGradients.pointer + row * width).update(from: gradient, count: width)
            if options.starts != nil {
                // The product adds to what a GRU has left of the initial state's.
                gradient.update(from: startGradients.pointer + place(step, row) * width, count: width)
                keepStartCellGradient(step, row)
            }
            // An LSTM's carried gradient is that of the cell state.
            if cell == .lstm { (carriedGradient.pointer + row * width).update(repeating: 0, count: width) }
        }
    }

    private func restoreGradients(
        before step: Int, _ range: Range<Int>, _ hiddenGradient: UnsafeMutablePointer<Float>
    ) {
        guard hasResets else { return }
        for row in range where isReset(step, row) {
            let gradient = hiddenGradient + place(step - 1, row) * width
            if options.starts != nil {
                (startGradients.pointer + place(step, row) * width).update(from: gradient, count: width)
            }
            gradient.update(from: keptGradients.pointer + row * width, count: width)
        }
    }

    /// Leaves the gradients of the initial states that rows start the first step from.
    private func addFirstGradients(
        _ weights: LayerWeights, _ range: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
    ) {
        guard options.starts != nil, range.contains(where: { isReset(0, $0) }) else { return }
        // The memory of gradients to keep, of which the first step has none.
        for row in range {
            let gradient = keptGradients.pointer + row * width
            gradient.update(from: startGradients.pointer + place(0, row) * width, count: width)
        }
        let products = blocks(range, 0..<1, from: cell.gates.firstHiddenBlock)
        let gradients = Rows(
            pointer: keptGradients.pointer + range.lowerBound * width, stride: width, count: products.count,
            blocks: products.blocks, block: products.count * width)
        kernels.addBackward(products, weights.hidden, to: gradients, scratch: scratch)
        for row in range where isReset(0, row) {
            let gradient = keptGradients.pointer + row * width
            (startGradients.pointer + place(0, row) * width).update(from: gradient, count: width)
            keepStartCellGradient(0, row)
        }
    }

    /// Keeps the gradient of an LSTM's initial cell state.
    private func keepStartCellGradient(_ step: Int, _ row: Int) {
        guard cell == .lstm else { return }
        (startCellGradients.pointer + place(step, row) * width).update(
            from: carriedGradient.pointer + row * width, count: width)
    }

    /// Leaves the gradients of the layer's part of labels' states, over all rows and time steps of
    /// a slice.
    func setLabelGradients(_ gradients: Parameters, slice: Int) {
        options.starts?.setGradients(
            gradients, layer: index, places: places.places(ofSlice: slice),
            hidden: (UnsafePointer(startHidden.pointer), UnsafePointer(startGradients.pointer)),
            cells: cell == .lstm ? UnsafePointer(startCellGradients.pointer) : nil)
    }

    private func backwardStep(_ step: Int, _ row: Int, _ hiddenGradient: UnsafeMutablePointer<Float>) -> StepBackward {
        let place = place(step, row)
        let state = place * width
        let gradient = hiddenGradient + state
        var carried = carriedGradient.pointer + row * width
        if options.starts != nil, isReset(step, row) {
            let start = startGradients.pointer + state
            start.update(repeating: 0, count: width)
            if cell == .gru { carried = start }
        }
        return StepBackward(
            activations: preactivations.pointer + place * stride, hidden: previousHidden + state,
            nextHidden: undropped + state, cell: cell.hasCellState ? UnsafePointer(previousCells + state) : nil,
            cellTangent: cell.hasCellState ? UnsafePointer(cellTangents.pointer + state) : nil,
            hiddenGradient: gradient,
            // A GRU's goes to the hidden state of the step before, unless there is none.
            carriedGradient: cell == .gru && step > 0 && !isReset(step, row)
                ? gradient - places.sliceRows * width : carried,
            width: width)
    }

    // MARK: - Places

    /// Blocks of preactivations of some rows at some steps.
    private func blocks(_ range: Range<Int>, _ steps: Range<Int>, from block: Int) -> Rows {
        places.rows(preactivations.pointer + block * width, stride: stride, range, steps)
    }

    /// Some rows of [places, width] at some steps.
    private func states(_ pointer: UnsafeMutablePointer<Float>, _ range: Range<Int>, _ steps: Range<Int>) -> Rows {
        places.rows(pointer, stride: width, range, steps)
    }
}
