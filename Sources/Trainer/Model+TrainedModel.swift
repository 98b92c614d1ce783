import InferenceEngine
import Training

extension Model {
    /// The model as the engine runs it, with its parameters as floats.
    ///
    /// - Throws: `ChargenError`.
    convenience init(_ model: TrainedModel) throws {
        try self.init(model.parameters, vocabulary: model.vocabulary, labels: model.labels)
    }
}
