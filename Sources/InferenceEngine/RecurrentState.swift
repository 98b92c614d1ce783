import KernelDispatch
import Kernels
import ModelFormat

/// What one stream of text has left in the network: each layer's hidden state and, for an LSTM, its cell state.
///
/// There are two generations of the hidden state: a step reads one and writes the other, since every unit reads all
/// units of the step before.
struct RecurrentState {
    private let layout: StateLayout
    private let generations: AlignedBuffer<UInt8>
    private let cells: AlignedBuffer<Float>
    private var current = 0

    /// Whether no symbol has been read yet.
    private(set) var isAtBeginning = true

    init(_ model: Model) throws(ModelError) {
        layout = model.stateLayout
        generations = try AlignedBuffer(count: 2 * layout.length, for: "a session")
        let hasCells = model.shape.cell == .lstm
        cells = try AlignedBuffer(count: hasCells ? model.shape.layers * layout.width : 0, for: "a session")
        reset()
    }

    /// Goes back to the state before the first symbol.
    mutating func reset() {
        cells.pointer.update(repeating: 0, count: cells.count)
        layout.clear(previous)
        isAtBeginning = true
    }

    /// The generation that a step reads.
    var previous: UnsafeMutableRawPointer { UnsafeMutableRawPointer(generations.pointer) + current * layout.length }

    /// The generation that a step writes.
    var next: UnsafeMutableRawPointer { UnsafeMutableRawPointer(generations.pointer) + (1 - current) * layout.length }

    /// The cell states, which a step changes in place: `width` floats a layer.
    var cellStates: UnsafeMutablePointer<Float> { cells.pointer }

    /// Makes what a step has written what the next one reads.
    mutating func turn() {
        current = 1 - current
        isAtBeginning = false
    }
}

/// Where a generation of the hidden states of all layers has what.
struct StateLayout {
    /// The hidden size padded to whole vectors.
    let width: Int
    let layers: Int
    /// How the matrix products want the hidden states: as they are, or quantised beside them.
    let weights: ElementType
    private let backend: Backend

    init(_ shape: ModelShape, weights: ElementType, backend: Backend) {
        width = padded(shape.hiddenSize)
        layers = shape.layers
        self.weights = weights
        self.backend = backend
    }

    /// The bytes of a layer: its hidden state, then what the products read if that is something else.
    private var layerLength: Int { 4 * width + (Operand.length(for: weights, count: width) + 63) / 64 * 64 }

    /// The bytes of a generation.
    var length: Int { layers * layerLength }

    /// A layer's hidden state: `width` floats.
    func hidden(_ generation: UnsafeMutableRawPointer, layer: Int) -> UnsafeMutablePointer<Float> {
        (generation + layer * layerLength).assumingMemoryBound(to: Float.self)
    }

    /// A layer's hidden state as the products read it.
    func operand(_ generation: UnsafeMutableRawPointer, layer: Int) -> UnsafeRawPointer {
        UnsafeRawPointer(generation + layer * layerLength + (Operand.isQuantised(weights) ? 4 * width : 0))
    }

    /// Puts a layer's hidden state, which a step has written, into the form that the products read.
    func prepareOperand(_ generation: UnsafeMutableRawPointer, layer: Int) {
        Operand.write(
            hidden(generation, layer: layer), count: width, for: weights,
            to: UnsafeMutableRawPointer(mutating: operand(generation, layer: layer)), backend)
    }

    /// Sets all hidden states to zero.
    func clear(_ generation: UnsafeMutableRawPointer) {
        for layer in 0..<layers {
            hidden(generation, layer: layer).update(repeating: 0, count: width)
            prepareOperand(generation, layer: layer)
        }
    }
}

/// The form of a vector that a matrix product reads.
enum Operand {
    /// Whether it is another than the floats themselves.
    static func isQuantised(_ weights: ElementType) -> Bool {
        weights == .int8 || weights == .int4
    }

    /// The bytes beside the floats.
    static func length(for weights: ElementType, count: Int) -> Int {
        switch weights {
        case .float32, .bfloat16: 0
        case .int8: quantisedLength(count: count)
        case .int4: quantisedSignedLength(count: count)
        }
    }

    /// Writes `count` values, padded to whole vectors, in that form. Floats stay where they are.
    static func write(
        _ values: UnsafePointer<Float>, count: Int, for weights: ElementType, to target: UnsafeMutableRawPointer,
        _ backend: Backend
    ) {
        switch weights {
        case .float32, .bfloat16: break
        case .int8: backend.quantise(values, count, target)
        case .int4: backend.quantiseSigned(values, count, target)
        }
    }
}
