import ArgumentParser
import Foundation
import InferenceEngine
import Training

/// How well a model predicts a text.
struct Score {
    /// The mean cross-entropy, in nats a character.
    let nats: Double
    /// The number of characters predicted, ends of documents included if the model has a symbol for
    /// them.
    let characters: Int

    /// The mean cross-entropy, in bits a character.
    var bits: Double { nats / log(2) }

    /// Scores each document of a text from the start state, or, if the model carries its state from
    /// one document into the next, all of them as one text.
    ///
    /// - Parameter corpus: The text, as ``text(_:for:)`` reads it for a model of the same
    ///   vocabulary.
    /// - Throws: `ValidationError` when there is nothing to predict, or the model's output
    ///   overflows; `ChargenError`.
    init(of model: Model, on corpus: Corpus) throws {
        let session = try Session(model)
        var sum = 0.0
        var count = 0
        var next = corpus.nextDocument(from: 0)
        while let document = next {
            if !model.vocabulary.carriesDocuments { session.reset() }
            if !model.hasEndOfDocument { session.feed(symbol: corpus[document.lowerBound]) }
            let predicted = model.hasEndOfDocument ? document : document.dropFirst()
            sum -= session.score(symbols: predicted.lazy.map { corpus[$0] })
            count += predicted.count
            if let end = model.vocabulary.endOfDocument {
                sum -= session.score(symbols: CollectionOfOne(end))
                count += 1
            }
            next = corpus.nextDocument(from: document.upperBound + 1)
        }
        guard count > 0 else { throw ValidationError("The text has no character to predict.") }
        guard sum.isFinite else { throw ValidationError("The model's output overflows: its weights are too large.") }
        nats = sum / Double(count)
        characters = count
    }

    /// Reads a text on which to score a model.
    ///
    /// - Throws: ``CorpusError``, also for a character that the model does not know.
    static func text(_ source: CorpusSource, for model: Model) throws -> Corpus {
        // The corpus marks the ends of documents, whether or not the model has a symbol for them.
        try Corpus(reading: source, vocabulary: model.vocabulary.with(endOfDocument: true))
    }
}
