import CIntrinsics
import Core
import KernelDispatch
import Kernels

/// All memory that a minibatch takes: its symbols, and what every layer keeps of the forward pass
/// for the backward pass.
///
/// B rows, T time steps, everything time-major.
final class Activations {
    /// B and T of the minibatch at hand.
    private(set) var rows: Int
    private(set) var time: Int
    /// [T, B].
    let inputs: AlignedBuffer<Int32>
    let targets: AlignedBuffer<Int32>
    /// Where documents begin; nil without labels.
    let starts: LabelStarts?
    let layers: [RecurrentLayer]
    let output: OutputLayer
    /// [T, B, width] twice: the gradient of a layer's output, and that of the layer below, swapped
    /// at each layer.
    let gradients: (AlignedBuffer<Float>, AlignedBuffer<Float>)

    /// Memory for each worker's products.
    let scratch: [AlignedBuffer<Float>]

    private let layout: ParameterLayout
    private let resetSymbol: Int32?
    private let capacity: (rows: Int, time: Int)

    /// What is special about a network's passes.
    struct Options {
        /// The symbol that is read from the initial state; nil for none.
        let resetSymbol: Int32?
        let dropout: Dropout
        /// Where documents begin, if they have labels; otherwise the initial state is zero.
        let starts: LabelStarts?

        init(resetSymbol: Int?, dropout: Dropout, starts: LabelStarts? = nil) {
            self.resetSymbol = resetSymbol.map { Int32($0) }
            self.dropout = dropout
            self.starts = starts
        }
    }

    init(
        _ layout: ParameterLayout, rows: Int, time: Int, threads: Int, _ options: Options, _ backend: Backend,
        _ kernels: TrainingKernels
    ) throws(ChargenError) {
        self.layout = layout
        self.rows = rows
        self.time = time
        capacity = (rows, time)
        starts = options.starts
        resetSymbol = options.resetSymbol
        let count = rows * time
        inputs = try AlignedBuffer(count: count, for: "a minibatch")
        targets = try AlignedBuffer(count: count, for: "a minibatch")
        var layers: [RecurrentLayer] = []
        for index in 0..<layout.shape.layers {
            layers.append(
                try RecurrentLayer(
                    cell: layout.shape.cell, index: index, width: layout.width, symbols: inputs.pointer, rows: rows,
                    time: time, options, backend, kernels))
        }
        self.layers = layers
        output = try OutputLayer(layout, rows: rows, time: time, kernels)
        gradients = (
            try AlignedBuffer(count: count * layout.width, for: "a minibatch's gradients"),
            try AlignedBuffer(count: count * layout.width, for: "a minibatch's gradients")
        )
        // In bfloat16 a product's rows are packed first, in half their size.
        let inputs =
            RecurrentLayer.largestProduct(rows: rows)
            * max(layout.shape.cell.gates.blockCount * layout.width, layout.outputWidth)
        var scratch: [AlignedBuffer<Float>] = []
        for _ in 0..<threads {
            scratch.append(
                try AlignedBuffer(
                    count: max(transposedProductScratch, inputs / 2),
                    for: "a minibatch's gradients"))
        }
        self.scratch = scratch
    }

    /// Whether a minibatch of `rows` × `time` fits; if so, it is the one at hand from now on.
    func fit(rows: Int, time: Int) -> Bool {
        guard rows <= capacity.rows, time <= capacity.time else { return false }
        self.rows = rows
        self.time = time
        for layer in layers { layer.rows = rows }
        output.rows = rows
        return true
    }

    /// Whether what the layers' output goes to reads it after dropout.
    var isDropping = false {
        didSet { for layer in layers { layer.isDropping = isDropping } }
    }

    /// What a layer reads.
    func input(of layer: Int) -> RecurrentLayer.Input {
        layer == 0 ? .symbols(inputs.pointer) : .hidden(layers[layer - 1].output)
    }

    /// The last layer's hidden states, [T, B, width].
    var lastHidden: UnsafeMutablePointer<Float> { layers[layers.count - 1].output }

    // MARK: - Data

    /// Takes a row of a minibatch from the corpus. What is not to be predicted has no target.
    ///
    /// - Parameter dropped: The labels that are left out; nil for none.
    func gather(_ minibatch: Minibatch, from corpus: Corpus, row: Int, dropped: DropMask?) {
        let (positions, context) = (minibatch.rows[row].positions, minibatch.rows[row].context)
        minibatch.text.copy(
            positions, of: corpus, inputs: inputs.pointer + row, targets: targets.pointer + row, stride: rows)
        for step in 0..<context { targets.pointer[step * rows + row] = OutputLayer.noTarget }
        for step in positions.count..<time {
            inputs.pointer[step * rows + row] = 0
            targets.pointer[step * rows + row] = OutputLayer.noTarget
        }
        if let starts { noteStarts(starts, minibatch, corpus, row, dropped) }
    }

    /// Notes where documents begin in a row: at their first symbol, or where the row begins.
    private func noteStarts(
        _ starts: LabelStarts, _ minibatch: Minibatch, _ corpus: Corpus, _ row: Int, _ dropped: DropMask?
    ) {
        let positions = minibatch.rows[row].positions
        for step in 0..<time {
            let place = step * rows + row
            let begins =
                step < positions.count
                && (inputs.pointer[place] == resetSymbol || step == 0 && !minibatch.continuesState)
            guard begins, let labels = corpus.labels else {
                starts.clear(place)
                continue
            }
            let document = labels.document(at: minibatch.text.target(of: positions.lowerBound + step))
            let columns = labels.labels.counts.count
            starts.begin(at: place) { column in
                guard dropped?.drops(row: place * columns + column) != true,
                    let label = labels.label(ofDocument: document, column: column)
                else { return 0 }
                return labels.labels.row(of: label, in: column)
            }
        }
    }

    /// Has a row start from its row of `state`; from zeros if it is nil.
    func load(_ state: RecurrentState?, row: Int) {
        forEachState(state, row: row, step: 0) { inner, outer in
            if let outer {
                inner.update(from: outer, count: layout.width)
            } else {
                inner.update(repeating: 0, count: layout.width)
            }
        }
    }

    /// Leaves a row's state after the last step in `state`.
    func store(in state: RecurrentState, row: Int) {
        forEachState(state, row: row, step: time) { inner, outer in
            outer?.update(from: inner, count: layout.width)
        }
    }

    private func forEachState(
        _ state: RecurrentState?, row: Int, step: Int,
        _ body: (_ inner: UnsafeMutablePointer<Float>, _ outer: UnsafeMutablePointer<Float>?) -> Void
    ) {
        for (index, layer) in layers.enumerated() {
            let inner = layer.place(step, row) * layout.width
            let outer = state.map { (index * $0.rows + row) * layout.width } ?? 0
            body(layer.hidden.pointer + inner, state.map { $0.hidden.pointer + outer })
            if layer.cell.hasCellState { body(layer.cells.pointer + inner, state.map { $0.cells.pointer + outer }) }
        }
    }
}
