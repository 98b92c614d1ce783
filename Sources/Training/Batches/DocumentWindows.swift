/// All windows of one document form one minibatch, each from a zero state; the documents come in
/// their order.
///
/// A document of l characters has l − T windows of T symbols. Documents shorter than T + 10 are
/// skipped. Nothing is held out.
final class DocumentWindows: MinibatchSource {
    var epoch = 1
    private let documents: [Range<Int>]
    private let text: Stretches
    private let time: Int

    /// The most rows of a minibatch, as of ``Settings/batchSize``.
    private static let mostWindows = 65_536

    /// - Parameter limit: The most documents to use; nil for all.
    /// - Throws: ``TrainingError`` when no document is long enough, or one is too long.
    init(_ corpus: Corpus, time: Int, limit: Int?) throws {
        var documents: [Range<Int>] = []
        for document in corpus.documents {
            guard documents.count < limit ?? .max else { break }
            let windows = document.count - time
            guard windows <= DocumentWindows.mostWindows else {
                throw TrainingError.documentTooLong(
                    characters: document.count, limit: time + DocumentWindows.mostWindows)
            }
            if windows >= 10 { documents.append(document) }
        }
        self.documents = documents
        self.time = time
        text = Stretches([0..<corpus.count - 1])
        guard !documents.isEmpty else { throw TrainingError.documentsTooShort(needed: time + 10) }
    }

    var updatesInEpoch: Int { documents.count }
    var learned: [Range<Int>] { documents.map { $0.dropLast() } }
    var validation: ValidationRows? { nil }
    var carriedRows: Int { 0 }

    func set(_ minibatch: inout Minibatch, _ index: Int) {
        let document = documents[index]
        minibatch.text = text
        minibatch.replace(rows: document.count - time, time: time) { row in
            let start = document.lowerBound + row
            return Minibatch.Row(positions: start..<start + time)
        }
    }
}
