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
    /// What is held out; nil if nothing is.
    var validation: ValidationRows? { get }

    /// Sets a minibatch of the epoch: 0 ..< ``updatesInEpoch``.
    func set(_ minibatch: inout Minibatch, _ index: Int)
}

extension Settings {
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
