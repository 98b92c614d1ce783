import Core
import ModelFormat

/// A trained model with its parameters as floats, from which every format of export is made.
public struct TrainedModel: Sendable {
    /// The cell, the number of layers, the hidden size and the number of symbols.
    public let shape: ModelShape
    /// The symbols.
    public let vocabulary: Vocabulary
    /// The labels of documents; nil for none.
    public let labels: Labels?
    /// Where the model comes from, a JSON object.
    let provenance: String
    /// The elements of each tensor in ``ModelShape/tensor(_:)``'s order, row after row, all finite.
    let tensors: [[Float]]

    /// The parameters, for the engine.
    public var parameters: FloatTensors { FloatTensors(shape, tensors) }

    /// The bytes of the model as a `.cgw` file.
    ///
    /// - Parameters:
    ///   - weights: The type of the matrices; some may have a more exact one, and biases always
    ///     have.
    ///   - calibration: For int4, a text by which the rounding is chosen, like those that the model
    ///     will generate or read: rows of symbols, all of the same length. A text of the model's
    ///     own serves as well as its corpus.
    /// - Throws: `ChargenError`.
    public func modelFile(weights: ElementType = .float32, calibration: [[Int]] = []) throws(ChargenError) -> [UInt8] {
        let parameters = try Parameters(ParameterLayout(shape))
        for (index, elements) in tensors.enumerated() { parameters.setTensor(index, elements) }
        return try ModelFile.encode(
            shape: shape, vocabulary: vocabulary, labels: labels, provenance: provenance,
            tensors: Quantiser.quantise(
                parameters, weights: weights, calibration: calibration, resetSymbol: vocabulary.resetSymbol))
    }
}
