import Core
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// How well a model predicts a text.
struct Score {
    /// The mean cross-entropy, in nats a character.
    let nats: Double
    /// The number of characters predicted, ends of documents included if the model has a symbol for
    /// them.
    let characters: Int
    /// The number of characters that the model does not know.
    let unknownCharacters: Int
    /// Whether they are predicted as the unknown symbol, not left out.
    private let predictsUnknown: Bool

    /// The mean cross-entropy, in bits a character.
    var bits: Double { nats / log(2) }

    /// The number of unknown characters in words.
    var unknownSentence: String {
        let subject = "\(counted(unknownCharacters, "unknown character")) \(unknownCharacters == 1 ? "is" : "are")"
        return predictsUnknown ? "\(subject) predicted as the unknown symbol" : "\(subject) left out"
    }

    /// Scores each document of a text from the start state, or, if the model carries its state from
    /// one document into the next, all of them as one text.
    ///
    /// - Parameter corpus: The text, as ``text(_:for:unknown:)`` reads it for a model of the same
    ///   vocabulary.
    /// - Throws: `ChargenError`, also when there is nothing to predict, or the model's output
    ///   overflows.
    init(of model: Model, on corpus: Corpus) throws {
        let session = try Session(model)
        var sum = 0.0
        var count = 0
        for document in corpus.documents {
            if !model.vocabulary.carriesDocuments { session.reset() }
            try session.setLabels(corpus.labels?.labels(at: document.lowerBound) ?? [])
            if !model.hasEndOfDocument { session.feed(symbol: corpus[document.lowerBound]) }
            let predicted = model.hasEndOfDocument ? document : document.dropFirst()
            sum -= session.score(symbols: predicted.lazy.map { corpus[$0] })
            count += predicted.count
            if let end = model.vocabulary.endOfDocument {
                sum -= session.score(symbols: CollectionOfOne(end))
                count += 1
            }
        }
        guard count > 0 else { throw ChargenError(.invalidArgument, "the text has no character to predict") }
        guard sum.isFinite else {
            throw ChargenError(.invalidModel, "the model's output overflows: its weights are too large")
        }
        nats = sum / Double(count)
        characters = count
        unknownCharacters = corpus.unknownCount
        predictsUnknown = corpus.differentUnknownCount > 0
    }

    /// The model's labels for a text with labels.
    ///
    /// - Throws: `ChargenError` if the model has none, or other columns.
    private static func labels(_ source: CorpusSource, _ model: Model) throws -> Labels? {
        guard let asked = source.labels else { return nil }
        let labels = model.labels
        guard labels?.columns.map(\.name) == asked.columns.map(\.name) else {
            throw ChargenError(
                .invalidArgument,
                labels.map {
                    "the model's columns of labels are: \($0.columns.map(\.name).joined(separator: ", ")); name "
                        + "them all with --label, in this order"
                } ?? "the model has no labels; leave out --label")
        }
        return labels
    }

    /// Reads a text on which to score a model.
    ///
    /// - Throws: ``CorpusError``; `ChargenError` for a character that the model does not know,
    ///   unless it has a symbol for such or they are skipped, and for a text of skipped ones alone.
    static func text(_ source: CorpusSource, for model: Model, unknown: UnknownCharacterPolicy) throws -> Corpus {
        do {
            // The corpus marks the ends of documents, whether or not the model has a symbol for
            // them.
            return try Corpus(
                reading: source, vocabulary: model.vocabulary.with(endOfDocument: true),
                labels: try labels(source, model), unknown: unknown)
        } catch let error as CorpusError {
            switch error {
            case .unknownCharacter("\n", _, _) where model.hasEndOfDocument && !source.readsLines:
                throw ChargenError(
                    .unknownCharacter,
                    "\(error); if each line of the text is a document, say so with --documents line")
            case .unknownCharacter:
                throw ChargenError(.unknownCharacter, "\(error); leave unknown characters out with --unknown skip")
            case .empty where unknown == .skip:
                throw ChargenError(.unknownCharacter, "the text has no character that the model knows")
            default: throw error
            }
        }
    }
}

extension Session {
    /// Has the documents that begin from now on have these labels: one for each column, nil for
    /// none.
    ///
    /// - Throws: `ChargenError` for one that the model does not have.
    func setLabels(_ labels: [Int?]) throws {
        for (column, label) in labels.enumerated() { try setLabel(label, column: column) }
    }
}
