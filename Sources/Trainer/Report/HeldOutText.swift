import ModelFormat
import Training

/// A text that is predicted from the start state.
struct Passage: Equatable {
    /// The symbol that is read first, and not predicted; nil at the start of a document, which
    /// follows the end of another.
    let given: Int?
    /// The symbols to predict, the end of the document included if the model has a symbol for it.
    let symbols: [Int]
    /// The document's label in each column, nil for none; empty without labels.
    var labels: [Int?] = []
}

/// The text that a training learned from, and another that it did not.
struct HeldOutText {
    /// nil if the corpus cannot be read again.
    let training: [Passage]?
    let heldOut: [Passage]

    /// The most symbols of each that are used, so that a report of any corpus takes seconds.
    static let trainingLimit = 5_000_000
    static let heldOutLimit = 200_000
}

extension HeldOutText {
    /// What a training learns from, and what it holds out for validation.
    init(of corpus: Corpus, settings: Settings, for vocabulary: Vocabulary) {
        // A corpus too short to train on has neither.
        let split = try? settings.split(corpus)
        training = Passage.passages(
            of: split?.learned ?? [], in: corpus, for: vocabulary, limit: HeldOutText.trainingLimit)
        heldOut = Passage.passages(
            of: split?.heldOut ?? [], in: corpus, for: vocabulary, limit: HeldOutText.heldOutLimit)
    }

    /// Another text than the one that the training holds out.
    ///
    /// - Parameter corpus: What the training learned from; nil if it cannot be read again.
    init(_ text: Corpus, corpus: Corpus?, settings: Settings, for vocabulary: Vocabulary) {
        training = corpus.flatMap { HeldOutText(of: $0, settings: settings, for: vocabulary).training }
        heldOut = Passage.passages(
            of: [0..<text.count], in: text, for: vocabulary, limit: HeldOutText.heldOutLimit)
    }
}

extension Passage {
    /// The documents, or pieces of documents, within some positions of a corpus.
    ///
    /// - Parameters:
    ///   - vocabulary: The model's: the corpus' own, with or without an end-of-document symbol.
    ///   - limit: The most symbols to predict.
    static func passages(
        of ranges: [Range<Int>], in corpus: Corpus, for vocabulary: Vocabulary, limit: Int
    ) -> [Passage] {
        var passages: [Passage] = []
        var rest = limit
        for range in ranges {
            var start = range.lowerBound
            while start < range.upperBound, rest > 0 {
                let bound = min(range.upperBound, start + rest + 1)
                let end = (start..<bound).first { corpus[$0] == corpus.vocabulary.endOfDocument }
                let isStart = start == 0 || corpus[start - 1] == corpus.vocabulary.endOfDocument
                var predicted = start..<(end ?? bound)
                var given: Int?
                if !(isStart && vocabulary.hasEndOfDocument), !predicted.isEmpty {
                    given = corpus[start]
                    predicted = predicted.dropFirst()
                }
                if let end, vocabulary.hasEndOfDocument { predicted = predicted.lowerBound..<end + 1 }
                predicted = predicted.prefix(rest)
                if !predicted.isEmpty {
                    passages.append(
                        Passage(
                            given: given, symbols: predicted.map { corpus[$0] },
                            labels: corpus.labels?.labels(at: predicted.lowerBound) ?? []))
                }
                rest -= predicted.count
                start = (end ?? bound) + 1
            }
        }
        return passages
    }

    /// The passage as text: the unknown symbol is U+FFFD, the end of a document a line feed.
    func text(_ vocabulary: Vocabulary) -> String {
        var text = String.UnicodeScalarView()
        for symbol in [given].compactMap(\.self) + symbols {
            text.append(vocabulary.character(of: symbol) ?? (symbol == vocabulary.unknown ? "\u{FFFD}" : "\n"))
        }
        return String(text)
    }
}
