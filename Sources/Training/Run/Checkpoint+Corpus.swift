extension Checkpoint {
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
        guard CorpusFacts(corpus) == description.corpus, corpus.vocabulary.characters == vocabulary.characters else {
            throw TrainingError.corpusChanged
        }
        return corpus
    }
}
