import Core

/// A source of a model's tensors: a file, or parameters in memory.
public protocol TensorSource {
    /// The sizes of the model.
    var shape: ModelShape { get }

    /// The element type of a tensor.
    ///
    /// - Parameter index: Its index in ``ModelShape/tensor(_:)``'s order.
    func elementType(_ index: Int) -> ElementType

    /// Writes a tensor's elements to the beginning of a buffer that was made for this source.
    func readTensor(_ index: Int, into buffer: TensorBuffer) throws(ChargenError)
}

extension ModelFile: TensorSource {}

/// A model's parameters in memory, as 32-bit floats.
public struct FloatTensors: TensorSource {
    public let shape: ModelShape
    private let tensors: [[Float]]

    /// - Parameter tensors: The elements of each tensor in ``ModelShape/tensor(_:)``'s order, row
    ///   after row.
    public init(_ shape: ModelShape, _ tensors: [[Float]]) {
        self.shape = shape
        self.tensors = tensors
    }

    public func elementType(_ index: Int) -> ElementType { .float32 }

    public func readTensor(_ index: Int, into buffer: TensorBuffer) throws(ChargenError) {
        _ = buffer.floats.elements.update(fromContentsOf: tensors[index])
    }
}
