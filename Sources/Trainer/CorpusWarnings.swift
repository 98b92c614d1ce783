import Training

extension TrainingRun {
    /// Says what was noticed when the texts to validate on were read, on standard error.
    func printValidationWarnings() {
        for text in validationTexts where text.corpus.unknownCount > 0 {
            let count = text.corpus.unknownCount
            Terminal.note(
                "warning: '\(text.name)' has \(counted(count, "character")) "
                    + "(\(text.corpus.unknownShare)) that the text to learn from lacks; "
                    + (vocabulary.hasUnknown
                        ? "the loss takes them for the unknown symbol" : "the loss leaves them out"))
        }
    }
}

extension Corpus {
    /// The share of the characters that the vocabulary lacks, whether they are left out or not.
    fileprivate var unknownShare: String {
        percentage(unknownCount, of: vocabulary.hasUnknown ? characterCount : unknownCount + characterCount)
    }

    /// Says what was noticed when the text was read, and what to do about it, on standard error.
    func printWarnings(for source: CorpusSource) {
        for warning in warnings(for: source) { Terminal.note("warning: \(warning)") }
    }

    /// What may be wrong with the text.
    func warnings(for source: CorpusSource) -> [String] {
        [skippedWarning, headerWarning, lineEndWarning(for: source), vocabularyWarning].compactMap { $0 }
    }

    private var skippedWarning: String? {
        guard let first = notes.firstSkipped else { return nil }
        return "skipped \(counted(notes.skippedRecords, "record")) that could not be read, the first: \(first)"
    }

    private var headerWarning: String? {
        guard let header = notes.header else { return nil }
        let names = header.names.map(\.onOneLine).joined(separator: ", ")
        let others = notes.headerCount > 1 ? ", as that of \(counted(notes.headerCount - 1, "other file"))" : ""
        return """
            the first row of '\(FileName.shown(header.file).onOneLine)'\(others) is probably a header, and was \
            read as text: choose columns by name with --columns, from: \(names)
            """
    }

    private var vocabularyWarning: String? {
        // Only a vocabulary that is learned has first places.
        guard vocabulary.characters.count > 1000, !notes.firstPlaces.isEmpty else { return nil }
        return """
            a vocabulary of \(counted(vocabulary.characters.count, "character")) makes training slow and the model \
            large: each character takes a row of the first and of the last matrix; train with \
            \(vocabulary.hasUnknown ? "a larger " : "")--min-count to make rare characters one symbol
            """
    }

    /// Which characters have become the unknown symbol because of `--min-count`.
    func unknownSentence(minimumCount: Int) -> String {
        guard unknownCount > 0 else {
            return """
                unknown: no character occurs fewer than \(minimumCount) times, so the text teaches nothing of the \
                unknown symbol
                """
        }
        return """
            unknown: \(counted(differentUnknownCount, "different character")), which occur fewer than \
            \(minimumCount) times, are one unknown symbol: \(Terminal.grouped(Double(unknownCount))) of \
            \(counted(characterCount, "character")) (\(unknownShare))
            """
    }

    private func lineEndWarning(for source: CorpusSource) -> String? {
        let ends = notes.lineEnds
        if source.readsLines {
            guard ends.returns > 0 else { return nil }
            return "lines end at \(counted(ends.returns, "carriage return")) without a line feed"
        }
        if ends.pairs > 0 {
            return """
                CR LF ends \(counted(ends.pairs, "line")), and the model learns both characters; remove the \
                carriage returns with: tr -d '\\r' < input.txt > output.txt
                """
        }
        guard ends.returns > 0 else { return nil }
        return """
            the text has \(counted(ends.returns, "carriage return")) without a line feed, which the model learns \
            like any character; to have lines end there: tr '\\r' '\\n' < input.txt > output.txt
            """
    }
}
