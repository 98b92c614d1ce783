import Core
import InferenceEngine
import Training

/// How far a model's logits are from those of the network that it was imported from.
struct LogitComparison {
    /// The number of characters after which logits are compared.
    let characters: Int
    /// The largest difference of two logits.
    private(set) var difference: Float = 0
    /// The character after which they differ most, counted from 0.
    private var place = 0
    /// The largest magnitude of a logit.
    private var magnitude: Float = 1

    /// The largest difference that is rounding, in a logit of magnitude 1.
    private static let tolerance: Float = 1e-3

    /// - Parameters:
    ///   - expected: The network's logits after each of the first characters of the text, all
    ///     finite, in the order of the model's symbols.
    /// - Throws: `ChargenError` if the text is too short.
    init(of model: Model, reading text: Corpus, expected: [[Float]]) throws {
        guard expected.count <= text.characterCount else {
            throw ChargenError(
                .invalidArgument,
                "the logits are of \(counted(expected.count, "character")), and the text has "
                    + counted(text.characterCount, "character"))
        }
        characters = expected.count
        let session = try Session(model)
        for (index, row) in expected.enumerated() {
            session.feed(symbol: text[index])
            for (logit, expected) in zip(session.logits(), row) {
                magnitude = max(magnitude, abs(expected))
                let distance = abs(logit - expected)
                // A NaN is the largest.
                guard !difference.isNaN, !(distance <= difference) else { continue }
                (difference, place) = (distance, index)
            }
        }
    }

    /// - Throws: `ChargenError` if more than rounding makes the logits differ.
    func check() throws(ChargenError) {
        guard difference <= LogitComparison.tolerance * magnitude else {
            throw ChargenError(
                .invalidArgument,
                "the model's logits differ from the network's by \(difference) after character \(place + 1) of the text; "
                    + "is the vocabulary in the network's order, and if it is an RNN, is its nonlinearity tanh?")
        }
    }
}
