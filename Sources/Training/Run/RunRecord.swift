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

    /// Whether the training learns from this corpus, read with the characters of its vocabulary.
    public func learns(from corpus: Corpus) -> Bool {
        CorpusFacts(corpus) == description.corpus && corpus.vocabulary.characters == vocabulary.characters
    }
}
