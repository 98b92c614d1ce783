import Core

/// Stretches that a training is validated on, read in parallel rows with the state carried over,
/// each stretch from where it begins, as `trainer evaluate` measures a text.
///
/// A long stretch is divided among rows; a row that begins within one reads up to
/// ``contextLength`` symbols before it first, so that the state is nearly that of a reading from
/// the beginning.
struct ValidationRows {
    private let text: Stretches
    private let rows: [Range<Int>]
    private let contexts: [Int]
    private let time: Int

    /// The most symbols of context.
    static let contextLength = 256

    /// - Parameters:
    ///   - stretches: At least one, none empty.
    ///   - rowCount: The most rows.
    init(_ stretches: [Range<Int>], rowCount: Int, time: Int) {
        let text = Stretches(stretches)
        // A row shorter than its context would cost more than it saves.
        let count = max(1, min(rowCount, max(stretches.count, text.count / ValidationRows.contextLength)))
        var rows: [Range<Int>] = []
        var contexts: [Int] = []
        for row in text.rows(count, tolerance: time) where !row.isEmpty {
            let start = text.start(of: text.stretch(at: row.lowerBound))
            let context = min(ValidationRows.contextLength, row.lowerBound - start)
            rows.append(row.lowerBound - context..<row.upperBound)
            contexts.append(context)
        }
        self.text = text
        self.rows = rows
        self.contexts = contexts
        self.time = time
    }

    /// All of a corpus: each document, or the one text, whose first symbol is given.
    ///
    /// - Parameter corpus: At least two symbols.
    init(_ corpus: Corpus, rowCount: Int, time: Int) {
        let isOne = !corpus.vocabulary.hasEndOfDocument
        let documents = isOne ? [] : DocumentSplit(corpus, HeldOut(fraction: 0, place: .end)).training
        self.init(isOne ? [0..<corpus.count - 1] : documents, rowCount: rowCount, time: time)
    }

    /// What is read.
    var stretches: [Range<Int>] { text.ranges }

    /// The number of minibatches.
    var count: Int { divideRoundingUp(rows.map(\.count).max() ?? 0, by: time) }

    /// The number of symbols that are read, context included.
    var symbolCount: Int { rows.reduce(0) { $0 + $1.count } }

    /// The number of rows.
    var rowCount: Int { rows.count }

    /// Sets a minibatch: 0 ..< ``count``, one after the other.
    func set(_ minibatch: inout Minibatch, _ index: Int) {
        minibatch.text = text
        minibatch.replace(rows: rows.count, time: time, continuesState: index > 0) { row in
            rows[row].minibatchRow(index, time: time, context: contexts[row])
        }
    }
}

extension Range<Int> {
    /// A row's part of its `index`-th minibatch of `time` steps: empty after its end.
    func minibatchRow(_ index: Int, time: Int, context: Int = 0) -> Minibatch.Row {
        let start = Swift.min(lowerBound + index * time, upperBound)
        let end = Swift.min(start + time, upperBound)
        return Minibatch.Row(
            positions: start..<end, context: Swift.min(end - start, Swift.max(0, context - index * time)))
    }
}
