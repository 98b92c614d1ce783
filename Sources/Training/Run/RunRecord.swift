/// What a finished or running training tells about itself. Nothing in its folder is changed.
extension RunFolder {
    /// The reports in the order in which they were made; none if there is no `metrics.jsonl`.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when they cannot be read.
    public func reports() throws -> [Report] {
        try values(at: metricsPath)
    }
}

extension Checkpoint {
    /// The corpus, the settings and the progress as JSON, with file names without their folders:
    /// the provenance of the exported model.
    public var provenance: String { description.provenance }

    /// Reads the training's text again.
    ///
    /// - Throws: ``CorpusError``; ``TrainingError/corpusChanged``.
    public func corpus() throws -> Corpus {
        try readCorpus(settings.corpus) { try Corpus(reading: $0) }
    }

    /// Reads a text as the training read it, and checks that it is the same.
    ///
    /// - Parameter read: Reads a text whose vocabulary is learned.
    func readCorpus(_ source: CorpusSource, _ read: (CorpusSource) throws -> Corpus) throws -> Corpus {
        // With an initial model the vocabulary is not that of the text alone.
        let corpus =
            settings.initialModel == nil
            ? try read(source)
            : try Corpus(
                reading: source, vocabulary: vocabulary.with(endOfDocument: vocabulary.hasEndOfDocument))
        guard CorpusFacts(corpus) == description.corpus, corpus.vocabulary.characters == vocabulary.characters,
            corpus.vocabulary.hasUnknown == vocabulary.hasUnknown
        else {
            throw TrainingError.corpusChanged
        }
        return corpus
    }
}
