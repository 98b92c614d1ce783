import CSupport
import KernelDispatch
import ModelFormat

/// A trained model, ready to generate: immutable, shared by any number of sessions on any number of threads.
// Unchecked, because nothing is written to its memory once it is loaded.
public final class Model: @unchecked Sendable {
    /// The cell, the number of layers, the hidden size and the number of symbols.
    public let shape: ModelShape
    /// The characters the model knows.
    public let vocabulary: Vocabulary
    /// Where the model comes from: the JSON object that the trainer wrote.
    public let provenance: String
    /// The kernels in use.
    public let backend: Backend

    /// How the weights between the layers are stored.
    public var weightType: ElementType { stateLayout.weights }

    let layers: [Layer]
    let output: OutputLayer
    let stateLayout: StateLayout
    /// What the layers' packed matrices lie in, and what their sums start from.
    private let weights: AlignedBuffer<UInt8>
    /// The bytes of all packed matrices.
    var weightLength: Int { weights.count }
    private let initialSums: [AlignedBuffer<Float>]

    /// Loads a model from the bytes of a `.cgw` file, which may be freed afterwards.
    ///
    /// - Parameter backend: The kernels to use; if nil, the fastest, or the one that the environment forces.
    /// - Throws: `invalidModel`, `unsupportedVersion`, `unsupportedBackend` or `outOfMemory`.
    /// - Complexity: O(parameters).
    public convenience init(bytes: UnsafeRawBufferPointer, backend: Backend? = nil) throws(ModelError) {
        guard let backend = backend ?? Backend.chosen() else {
            throw ModelError(
                .unsupportedBackend,
                "the environment variable \(Backend.environmentVariable) names no backend of this processor; "
                    + "unset it, or use one of \(Backend.availableNames)")
        }
        let file = try ModelFile(bytes)
        var loader = try ModelLoader(file)
        var layers: [Layer] = []
        for layer in 0..<file.shape.layers {
            layers.append(try loader.layer(layer))
        }
        let output = try loader.outputLayer()
        self.init(
            file, backend: backend, layers: layers, output: output, weights: loader.weights,
            initialSums: loader.initialSums)
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        _ file: ModelFile, backend: Backend, layers: [Layer], output: OutputLayer, weights: AlignedBuffer<UInt8>,
        initialSums: [AlignedBuffer<Float>]
    ) {
        shape = file.shape
        vocabulary = file.vocabulary
        provenance = file.provenance
        self.backend = backend
        self.layers = layers
        self.output = output
        self.weights = weights
        self.initialSums = initialSums
        stateLayout = StateLayout(file.shape, weights: layers[0].hiddenWeights.type, backend: backend)
    }

    /// Loads a model from a `.cgw` file.
    ///
    /// - Throws: `fileAccess` with the system's reason, or what ``init(bytes:backend:)`` throws.
    public convenience init(path: UnsafePointer<CChar>, backend: Backend? = nil) throws(ModelError) {
        let bytes = try FileBytes(path: path)
        do {
            try self.init(bytes: bytes.contents, backend: backend)
        } catch {
            throw ModelError(error.kind, "'\(String(cString: path))': \(error.message)")
        }
    }
}
