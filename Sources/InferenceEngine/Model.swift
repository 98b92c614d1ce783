import CSupport
import Core
import KernelDispatch
import ModelFormat

/// A trained model, ready to generate: immutable, shared by any number of sessions on any number of
/// threads.
// Unchecked, because nothing is written to its memory once it is loaded.
public final class Model: @unchecked Sendable {
    /// The cell, the number of layers, the hidden size and the number of symbols.
    package let shape: ModelShape
    /// The symbols.
    package let vocabulary: Vocabulary
    /// The kernels in use.
    package let backend: Backend
    /// The UTF-8 of ``provenance``, and a NUL.
    package let provenanceText: AlignedBuffer<CChar>

    /// Differs between any two files; 0 for a model that is not of a file.
    let checksum: UInt32
    let layers: [Layer]
    let output: OutputLayer
    let stateLayout: StateLayout
    /// What documents with labels begin from; nil without labels.
    let labelStates: LabelStates?
    /// The memory of the packed matrices.
    private let weights: AlignedBuffer<UInt8>
    /// The memory of the bias tables and the output's biases.
    private let biases: [AlignedBuffer<Float>]

    /// Loads a model from a `.cgw` file.
    ///
    /// - Throws: `fileAccess` with the system's reason, or what ``init(_:)`` throws.
    public convenience init(contentsOf path: String) throws(ChargenError) {
        try self.init(path: path)
    }

    /// Loads a model from the bytes of a `.cgw` file.
    ///
    /// - Throws: `invalidModel`, `unsupportedVersion`, `unsupportedBackend` or `outOfMemory`.
    /// - Complexity: O(parameters).
    public convenience init(_ bytes: [UInt8]) throws(ChargenError) {
        try self.init(bytes, count: bytes.count, backend: nil)
    }

    // MARK: - Description

    /// The kind of recurrent cell.
    public var cell: Cell { shape.cell }
    /// The number of recurrent layers.
    public var layerCount: Int { shape.layers }
    /// The number of units of each layer.
    public var hiddenSize: Int { shape.hiddenSize }
    /// The number of weights and biases.
    public var parameterCount: Int { shape.parameterCount }
    /// Where the model comes from: the JSON object that the trainer wrote.
    public var provenance: String {
        String(decoding: UnsafeRawBufferPointer(provenanceText.elements).dropLast(), as: UTF8.self)
    }
    /// How the matrices between hidden states are stored: `f32`, `bf16`, `int8` or `int4`.
    public var weightType: StaticString { stateLayout.weights.name }
    /// The characters the model knows, in ascending order.
    public var characters: [Unicode.Scalar] { vocabulary.characters.compactMap { Unicode.Scalar($0) } }
    /// Whether the model has a symbol as which it reads every character that it does not know. It
    /// never generates that symbol.
    public var hasUnknown: Bool { vocabulary.hasUnknown }
    /// Whether the model has learned where documents end.
    public var hasEndOfDocument: Bool { vocabulary.hasEndOfDocument }

    /// The known character that is nearest to one: itself, another width, another case, the letter
    /// without its accent, or another form of a quote, a dash or a space. nil if there is none.
    public func nearestCharacter(to character: Unicode.Scalar) -> Unicode.Scalar? {
        vocabulary.nearestCharacter(to: character.value).flatMap { Unicode.Scalar($0) }
    }

    /// The bytes of all packed matrices.
    var weightLength: Int { weights.count }

    // MARK: - Loading

    /// Loads a model from the bytes of a `.cgw` file, which may be freed afterwards.
    ///
    /// - Parameter backend: The kernels to use; if nil, the fastest, or the one that the
    ///   environment forces.
    package convenience init(bytes: UnsafeRawBufferPointer, backend: Backend? = nil) throws(ChargenError) {
        try self.init(bytes.baseAddress, count: bytes.count, backend: backend)
    }

    private convenience init(_ bytes: UnsafeRawPointer?, count: Int, backend: Backend?) throws(ChargenError) {
        let backend = try Model.checked(backend)
        let file = try ModelFile(UnsafeRawBufferPointer(start: bytes, count: count))
        try self.init(
            file, vocabulary: file.vocabulary, labels: file.labels, provenance: file.provenanceBytes,
            checksum: file.checksum, backend: backend)
    }

    /// Loads a model from a `.cgw` file by its name as the system has it.
    package convenience init(path: UnsafePointer<CChar>) throws(ChargenError) {
        try self.init(.path(path))
    }

    /// Loads a model from the bytes of a `.cgw` file.
    package convenience init(_ source: ModelSource) throws(ChargenError) {
        try self.init(FileBytes(source), of: source)
    }

    /// Loads a model from the bytes that were read from a source.
    package convenience init(_ bytes: FileBytes, of source: ModelSource) throws(ChargenError) {
        defer { withExtendedLifetime(bytes) {} }
        do {
            try self.init(bytes: bytes.contents)
        } catch {
            throw ChargenError(error.kind, source.name + ": " + error.message)
        }
    }

    /// A model of parameters in memory.
    ///
    /// - Parameter labels: Those of the shape's ``ModelShape/labelCount``.
    /// - Throws: `unsupportedBackend` or `outOfMemory`.
    package convenience init(
        _ parameters: FloatTensors, vocabulary: Vocabulary, labels: Labels? = nil
    ) throws(ChargenError) {
        let provenance = UnsafeRawBufferPointer(start: nil, count: 0)
        try self.init(
            parameters, vocabulary: vocabulary, labels: labels, provenance: provenance, checksum: 0,
            backend: try Model.checked(nil))
    }

    private static func checked(_ backend: Backend?) throws(ChargenError) -> Backend {
        if let backend = backend ?? Backend.chosen() { return backend }
        throw ChargenError(
            .unsupportedBackend,
            "the environment variable \(Backend.environmentVariable) names no backend of this processor; "
                + "unset it, or use one of \(Backend.availableNames)")
    }

    private convenience init(
        _ source: some TensorSource, vocabulary: Vocabulary, labels: Labels?, provenance: UnsafeRawBufferPointer,
        checksum: UInt32, backend: Backend
    ) throws(ChargenError) {
        let provenanceText = try AlignedBuffer<CChar>(count: provenance.count + 1, for: "the model's provenance")
        UnsafeMutableRawBufferPointer(provenanceText.elements).copyMemory(from: provenance)
        var loader = try ModelLoader(source, backend)
        var layers: [Layer] = []
        for layer in 0..<source.shape.layers { layers.append(try loader.layer(layer)) }
        let output = try loader.outputLayer()
        let labelStates = try labels.map { (labels) throws(ChargenError) in try loader.labelStates(labels) }
        self.init(
            shape: source.shape, vocabulary: vocabulary, provenanceText: provenanceText, checksum: checksum,
            backend: backend, layers: layers, output: output, labelStates: labelStates, weights: loader.weights,
            biases: loader.biases)
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        shape: ModelShape, vocabulary: Vocabulary, provenanceText: AlignedBuffer<CChar>, checksum: UInt32,
        backend: Backend, layers: [Layer], output: OutputLayer, labelStates: LabelStates?,
        weights: AlignedBuffer<UInt8>, biases: [AlignedBuffer<Float>]
    ) {
        self.shape = shape
        self.vocabulary = vocabulary
        self.provenanceText = provenanceText
        self.checksum = checksum
        self.backend = backend
        self.layers = layers
        self.output = output
        self.labelStates = labelStates
        self.weights = weights
        self.biases = biases
        stateLayout = StateLayout(shape, weights: layers[0].hiddenWeights.type, backend: backend)
    }
}
