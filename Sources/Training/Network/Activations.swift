import CIntrinsics
import Core
import KernelDispatch
import Kernels

/// All memory that a minibatch takes: its symbols, and what every layer keeps of the forward pass
/// for the backward pass.
///
/// Matrices have a row for each place (``RowPlaces``).
final class Activations {
    /// Those of the minibatch at hand.
    private(set) var places: RowPlaces
    let symbols: MinibatchSymbols
    let layers: [RecurrentLayer]
    let output: OutputLayer
    /// [places, width] twice: the gradients of a layer's output and of the layer below, by turns.
    private let gradients: (AlignedBuffer<Float>, AlignedBuffer<Float>)

    /// Memory for each worker's products.
    let scratch: [AlignedBuffer<Float>]

    private let layout: ParameterLayout
    private let capacity: RowPlaces

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
        _ layout: ParameterLayout, _ places: RowPlaces, threads: Int, _ options: Options, _ backend: Backend,
        _ kernels: TrainingKernels
    ) throws(ChargenError) {
        self.layout = layout
        self.places = places
        capacity = places
        let count = places.count
        symbols = try MinibatchSymbols(places: count, resetSymbol: options.resetSymbol, options.starts)
        var layers: [RecurrentLayer] = []
        for index in 0..<layout.shape.layers {
            layers.append(
                try RecurrentLayer(
                    cell: layout.shape.cell, index: index, width: layout.width, symbols: symbols.inputs.pointer,
                    places, options, backend, kernels))
        }
        self.layers = layers
        output = try OutputLayer(layout, places, kernels)
        gradients = (
            try AlignedBuffer(count: count * layout.width, for: "a minibatch's gradients"),
            try AlignedBuffer(count: count * layout.width, for: "a minibatch's gradients")
        )
        // In bfloat16 a product's rows are packed first, in half their size.
        let inputs =
            RecurrentLayer.largestProduct(rows: places.rows)
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

    /// Whether a minibatch fits; if so, it is the one at hand from now on.
    func fit(_ places: RowPlaces) -> Bool {
        guard places.rows <= capacity.rows, places.time <= capacity.time else { return false }
        self.places = places
        for layer in layers { layer.places = places }
        output.places = places
        return true
    }

    /// Whether what the layers' output goes to reads it after dropout.
    var isDropping = false {
        didSet { for layer in layers { layer.isDropping = isDropping } }
    }

    /// What a layer reads.
    func input(of layer: Int) -> RecurrentLayer.Input {
        layer == 0 ? .symbols(symbols.inputs.pointer) : .hidden(layers[layer - 1].output)
    }

    /// Where the gradients of a layer's output and of its input are in the backward pass.
    func gradients(of layer: Int) -> (output: AlignedBuffer<Float>, input: AlignedBuffer<Float>) {
        (layers.count - layer).isMultiple(of: 2) ? (gradients.1, gradients.0) : (gradients.0, gradients.1)
    }

    /// The last layer's hidden states, [places, width].
    var lastHidden: UnsafeMutablePointer<Float> { layers[layers.count - 1].output }

    // MARK: - States

    /// Has a row start from that of the minibatch in `state`; from zeros if it is nil.
    ///
    /// - Parameter count: The rows of the minibatch.
    func load(_ state: RecurrentState?, row: Int, of count: Int) {
        forEachState(state, row: row, of: count, step: 0) { inner, outer in
            if let outer {
                inner.update(from: outer, count: layout.width)
            } else {
                inner.update(repeating: 0, count: layout.width)
            }
        }
    }

    /// Leaves a row's state after the last step in that of the minibatch in `state`.
    func store(in state: RecurrentState, row: Int, of count: Int) {
        forEachState(state, row: row, of: count, step: places.time) { inner, outer in
            outer?.update(from: inner, count: layout.width)
        }
    }

    private func forEachState(
        _ state: RecurrentState?, row: Int, of count: Int, step: Int,
        _ body: (_ inner: UnsafeMutablePointer<Float>, _ outer: UnsafeMutablePointer<Float>?) -> Void
    ) {
        let outerRow = places.minibatchRow(row, of: count)
        for (index, layer) in layers.enumerated() {
            let inner = places.place(step, row) * layout.width
            func outer(_ states: AlignedBuffer<Float>?, _ rows: Int) -> UnsafeMutablePointer<Float>? {
                guard let states, let outerRow else { return nil }
                return states.pointer + (index * rows + outerRow) * layout.width
            }
            body(layer.hidden.pointer + inner, outer(state?.hidden, state?.rows ?? 0))
            if layer.cell.hasCellState { body(layer.cells.pointer + inner, outer(state?.cells, state?.rows ?? 0)) }
        }
    }
}
