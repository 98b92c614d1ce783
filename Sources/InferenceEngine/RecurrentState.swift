import CIntrinsics
import CSupport
import Core
import KernelDispatch
import Kernels
import ModelFormat

/// What a text has left in the network: each layer's hidden state and, for an LSTM, its cell state.
///
/// The hidden states are double-buffered: a step reads the front buffer and writes the back buffer,
/// since every unit reads all units of the step before.
struct RecurrentState: ~Copyable {
    private let layout: StateLayout
    private let buffers: AlignedBuffer<UInt8>
    private let cells: AlignedBuffer<Float>
    private var frontIndex = 0
    /// The state before the first symbol; nil for zeros.
    private(set) var initial: InitialState?

    /// Whether no symbol has been read yet.
    private(set) var isAtBeginning = true

    init(_ model: Model) throws(ChargenError) {
        let layout = model.stateLayout
        let hasCells = model.shape.cell.hasCellState
        let buffers = try AlignedBuffer<UInt8>(count: 2 * layout.length, for: "a session")
        let cells = try AlignedBuffer<Float>(count: hasCells ? layout.layers * layout.width : 0, for: "a session")
        let initial = model.labelStates == nil ? nil : try InitialState(model)
        self.layout = layout
        self.buffers = buffers
        self.cells = cells
        self.initial = initial
        reset()
    }

    /// Becomes the state before the first symbol.
    mutating func reset() {
        clear()
        isAtBeginning = true
    }

    /// Sets all hidden and cell states to those before the first symbol.
    mutating func clear() {
        cells.pointer.update(repeating: 0, count: cells.count)
        for layer in 0..<layout.layers { layout.hidden(front, layer: layer).update(repeating: 0, count: layout.width) }
        if var source = initial?.values.pointer {
            forEachVector { vector, _ in
                vector.update(from: source, count: layout.hiddenSize)
                source += layout.hiddenSize
            }
        }
        layout.prepareOperands(front)
    }

    /// Has the state before the first symbol be of labels, or of the caller.
    ///
    /// - Throws: `outOfMemory`.
    mutating func makeInitial(_ model: Model) throws(ChargenError) {
        if initial == nil { initial = try InitialState(model) }
    }

    /// Makes the front buffer, whose hidden states have been replaced, ready for a step.
    mutating func finishSetting() {
        layout.prepareOperands(front)
        isAtBeginning = false
    }

    /// Becomes equal to another state of the same model, what is before the first symbol excepted.
    mutating func copy(_ other: borrowing RecurrentState) {
        memcpy(front, other.front, layout.length)
        memcpy(cells.pointer, other.cells.pointer, cells.count * MemoryLayout<Float>.size)
        isAtBeginning = other.isAtBeginning
    }

    /// The bytes that ``save(to:)`` writes.
    var savedSize: Int { layout.length + cells.size }

    /// Copies the state.
    func save(to target: UnsafeMutableRawPointer) {
        memcpy(target, front, layout.length)
        memcpy(target + layout.length, cells.pointer, cells.size)
    }

    /// Becomes what was copied.
    mutating func restore(from source: UnsafeRawPointer, isAtBeginning: Bool) {
        memcpy(front, source, layout.length)
        memcpy(cells.pointer, source + layout.length, cells.size)
        self.isAtBeginning = isAtBeginning
    }

    func write(_ writer: inout SnapshotWriter) {
        writer.write(isAtBeginning)
        forEachVector { vector, _ in writer.write(vector, count: layout.hiddenSize) }
    }

    /// - Throws: `invalidSnapshot` if there is too little. Any floats will do.
    mutating func read(_ reader: inout SnapshotReader) throws(ChargenError) {
        let isAtBeginning = try reader.readBool()
        try forEachVector { (vector, _) throws(ChargenError) in try reader.read(vector, count: layout.hiddenSize) }
        finishSetting()
        self.isAtBeginning = isAtBeginning
    }

    /// Calls `body` with the hidden and the cell state of each layer, of ``StateLayout/hiddenSize``
    /// floats, and which of them it is.
    func forEachVector<Failure: Error>(
        _ body: (UnsafeMutablePointer<Float>, _ isCell: Bool) throws(Failure) -> Void
    ) throws(Failure) {
        for layer in 0..<layout.layers {
            try body(layout.hidden(front, layer: layer), false)
            if cells.count > 0 { try body(cells.pointer + layer * layout.width, true) }
        }
    }

    /// The bytes of memory.
    var size: Int { buffers.size + cells.size + (initial?.size ?? 0) }

    /// The buffer that a step reads.
    var front: UnsafeMutableRawPointer { UnsafeMutableRawPointer(buffers.pointer) + frontIndex * layout.length }

    /// The buffer that a step writes.
    var back: UnsafeMutableRawPointer { UnsafeMutableRawPointer(buffers.pointer) + (1 - frontIndex) * layout.length }

    /// The cell states, which a step changes in place: `width` floats a layer.
    var cellStates: UnsafeMutablePointer<Float> { cells.pointer }

    /// Makes what a step has written what the next one reads.
    mutating func swap() {
        frontIndex = 1 - frontIndex
        isAtBeginning = false
    }
}

/// The layout of a buffer of the hidden states of all layers.
struct StateLayout {
    let hiddenSize: Int
    /// The hidden size padded to whole vectors.
    let width: Int
    let layers: Int
    /// How the matrix products read the hidden states: as they are, or quantised beside them.
    let weights: ElementType
    /// Of the model's backend, which lives longer.
    private let kernels: UnsafePointer<InferenceKernels>

    init(_ shape: ModelShape, weights: ElementType, backend: Backend) {
        hiddenSize = shape.hiddenSize
        width = padded(hiddenSize)
        layers = shape.layers
        self.weights = weights
        kernels = backend.table
    }

    /// The bytes of a layer: its hidden state, then what the products read if that is something
    /// else, in whole lines.
    private var layerLength: Int {
        4 * width + divideRoundingUp(Operand.length(for: weights, count: width), by: 64) * 64
    }

    /// The bytes of a buffer.
    var length: Int { layers * layerLength }

    /// A layer's hidden state: `width` floats.
    func hidden(_ buffer: UnsafeMutableRawPointer, layer: Int) -> UnsafeMutablePointer<Float> {
        (buffer + layer * layerLength).assumingMemoryBound(to: Float.self)
    }

    /// A layer's hidden state as the products read it.
    func operand(_ buffer: UnsafeMutableRawPointer, layer: Int) -> UnsafeRawPointer {
        UnsafeRawPointer(buffer + layer * layerLength + (Operand.isQuantised(weights) ? 4 * width : 0))
    }

    /// Converts a layer's hidden state, which a step has written, into the form that the products
    /// read.
    func prepareOperand(_ buffer: UnsafeMutableRawPointer, layer: Int) {
        Operand.write(
            hidden(buffer, layer: layer), count: width, for: weights,
            to: UnsafeMutableRawPointer(mutating: operand(buffer, layer: layer)), kernels)
    }

    /// Converts the hidden states of all layers.
    func prepareOperands(_ buffer: UnsafeMutableRawPointer) {
        for layer in 0..<layers { prepareOperand(buffer, layer: layer) }
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
        _ kernels: UnsafePointer<InferenceKernels>
    ) {
        switch weights {
        case .float32, .bfloat16: break
        case .int8: kernels.pointee.quantise(values, count, target)
        case .int4: kernels.pointee.quantiseSigned(values, count, target)
        }
    }
}
