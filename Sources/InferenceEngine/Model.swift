import CSupport
import KernelDispatch
import ModelFormat

/// A trained model, ready to generate: immutable, shared by any number of sessions on any number of threads.
public final class Model: Sendable {
    /// The cell, the number of layers, the hidden size and the number of symbols.
    public let shape: ModelShape
    /// The characters the model knows.
    public let vocabulary: Vocabulary
    /// Where the model comes from: the JSON object that the trainer wrote.
    public let provenance: String
    /// The kernels in use.
    public let backend: Backend

    let layers: [Layer]
    let output: OutputLayer

    /// Loads a model from the bytes of a `.cgw` file, which may be freed afterwards.
    ///
    /// - Parameter backend: The kernels to use; if nil, the fastest, or the one that the environment forces.
    /// - Throws: `invalidModel`, `unsupportedVersion`, `unsupportedBackend` or `outOfMemory`.
    /// - Complexity: O(parameters).
    public init(bytes: UnsafeRawBufferPointer, backend: Backend? = nil) throws(ModelError) {
        guard let backend = backend ?? Backend.chosen() else {
            throw ModelError(
                .unsupportedBackend,
                "the environment variable \(Backend.environmentVariable) names no backend of this processor; "
                    + "unset it, or use one of \(Backend.availableNames)")
        }
        let file = try ModelFile(bytes)
        let tensors = try TensorReader(file)
        shape = file.shape
        vocabulary = file.vocabulary
        provenance = file.provenance
        self.backend = backend
        var layers: [Layer] = []
        for layer in 0..<file.shape.layers {
            layers.append(try tensors.layer(layer))
        }
        self.layers = layers
        output = try tensors.outputLayer()
    }

    /// Loads a model from a `.cgw` file.
    ///
    /// - Throws: `fileAccess` with the system's reason, or what ``init(bytes:backend:)`` throws.
    public convenience init(path: UnsafePointer<CChar>, backend: Backend? = nil) throws(ModelError) {
        let bytes = try FileBytes(path: path)
        try self.init(bytes: bytes.contents, backend: backend)
    }
}
