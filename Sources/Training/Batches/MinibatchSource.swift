/// A division of a corpus into minibatches.
///
/// A minibatch depends on its epoch and its number alone, so that a resumed training continues
/// exactly.
protocol MinibatchSource: AnyObject {
    /// The epoch whose minibatches ``set(_:_:)`` gives, from 1.
    var epoch: Int { get set }
    /// The number of updates in the epoch, at least 1.
    var updatesInEpoch: Int { get }
    /// The number of rows whose state is carried over to the next minibatch; 0 if none is.
    var carriedRows: Int { get }
    /// What is learned from, in the order of the corpus: positions of inputs, as in ``Stretches``.
    var learned: [Range<Int>] { get }
    /// What is held out; nil if nothing is.
    var validation: ValidationRows? { get }

    /// Sets a minibatch of the epoch: 0 ..< ``updatesInEpoch``.
    func set(_ minibatch: inout Minibatch, _ index: Int)
}

/// What a training learns from and what it holds out: ranges of a corpus' positions, each with the
/// symbol that follows the last one.
public struct CorpusSplit {
    public let learned: [Range<Int>]
    public let heldOut: [Range<Int>]
}

extension Settings {
    /// What a training with these settings learns from and what it holds out.
    ///
    /// Each range is a text, or documents, whose first symbol is given if it does not begin a
    /// document.
    ///
    /// - Throws: ``TrainingError`` when the corpus is too short.
    public func split(_ corpus: Corpus) throws -> CorpusSplit {
        let source = try minibatches(of: corpus)
        func symbols(_ inputs: [Range<Int>]) -> [Range<Int>] {
            inputs.map { range in
                let isDocument = range.lowerBound < 0 || corpus[range.lowerBound] == corpus.vocabulary.endOfDocument
                return (isDocument ? range.lowerBound + 1 : range.lowerBound)..<range.upperBound + 1
            }
        }
        return CorpusSplit(learned: symbols(source.learned), heldOut: symbols(source.validation?.stretches ?? []))
    }

    /// The division of a corpus that the settings ask for.
    ///
    /// - Throws: ``TrainingError`` when the corpus is too short.
    func minibatches(of corpus: Corpus) throws -> any MinibatchSource {
        let heldOut = HeldOut(fraction: validationFraction, place: heldOut)
        let hasDocuments = corpus.vocabulary.hasEndOfDocument
        switch batching {
        case .streams where hasDocuments:
            return DocumentStreams(DocumentSplit(corpus, heldOut), rows: batchSize, time: time, seed: seed)
        case .streams:
            return try StreamBatches(count: corpus.count, rows: batchSize, time: time, heldOut: heldOut)
        case .windows where hasDocuments:
            let documents = DocumentSplit(corpus, heldOut)
            return ShuffledWindows(
                Stretches(documents.training), self,
                validation: documents.validation(rowCount: batchSize, time: time))
        case .windows:
            return try ShuffledWindows(count: corpus.count, self)
        case .documents:
            return try DocumentWindows(corpus, time: time, limit: documentLimit)
        }
    }
}
