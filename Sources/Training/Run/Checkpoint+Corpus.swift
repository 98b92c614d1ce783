extension Checkpoint {
    /// Reads the training's text again.
    ///
    /// - Throws: ``CorpusError``; ``TrainingError/corpusChanged``.
    public func corpus() throws -> Corpus {
        try readCorpus(settings.corpus) { try Corpus(reading: $0) }
    }

    /// Reads the texts to validate on, other than what is held out, again.
    ///
    /// - Throws: ``TrainingError/invalidValidationText(path:_:)``.
    public func validationTexts() throws -> [Corpus] {
        try readValidationTexts(settings)
    }

    /// Reads the texts to validate on, and checks that they are the same as at first.
    ///
    /// - Parameter settings: Where the texts are.
    func readValidationTexts(_ settings: Settings) throws -> [Corpus] {
        let paths = settings.validationTexts ?? []
        let facts = description.validationTexts ?? []
        guard paths.count == facts.count else {
            throw TrainingError.invalidValidationText(
                path: paths.first ?? "",
                "the training began with \(counted(facts.count, "text")) to validate on; name all, in order")
        }
        return try zip(paths, facts).map { path, facts in
            let vocabulary = vocabulary.with(endOfDocument: vocabulary.hasEndOfDocument)
            let text: Corpus
            do {
                text = try Corpus(validating: path, like: settings.corpus, vocabulary: vocabulary, labels: labels)
            } catch let error as CorpusError {
                throw TrainingError.invalidValidationText(path: path, "\(error)")
            }
            guard CorpusFacts(text) == facts else {
                throw TrainingError.invalidValidationText(
                    path: path, "it is not the one that this training began with")
            }
            return text
        }
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
            corpus.vocabulary.hasUnknown == vocabulary.hasUnknown, corpus.labels?.labels == labels
        else {
            throw TrainingError.corpusChanged
        }
        return corpus
    }
}
