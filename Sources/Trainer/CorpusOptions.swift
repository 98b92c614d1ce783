import ArgumentParser
import Training

/// The options that select the text to read.
struct CorpusOptions: ParsableArguments {
    @Argument(
        help: "Text files in UTF-8; '-' is standard input.",
        completion: .file())
    var inputs: [String]

    @Option(
        name: .customLong("documents"),
        help: ArgumentHelp(
            "What counts as a document.",
            discussion: """
                'whole' takes everything as one text. A model of more than one document learns where they end: a \
                list of names, one a line, gives a model of names.
                """,
            valueName: "kind"))
    var documents = DocumentKind.whole

    @Flag(help: "The files are CSV, and each row is a document.")
    var csv = false

    @Option(
        help: ArgumentHelp(
            "The CSV columns that make up the text, joined by a space: numbers from 1, or names from the first row.",
            discussion: """
                The default is all columns but the first, which is often a label. Unless names are given, the first \
                row is text, not a header.
                """,
            valueName: "list"))
    var columns: String?

    func validate() throws {
        guard csv || columns == nil else { throw ValidationError("--columns needs --csv.") }
        guard !csv || documents == .whole else {
            throw ValidationError("With --csv each row is a document: leave out --documents.")
        }
        do {
            _ = try source
        } catch let error as CorpusError {
            throw ValidationError(error.description)
        }
    }

    /// What to read according to the options.
    var source: CorpusSource {
        get throws {
            CorpusSource(paths: inputs, documents: documents, csv: csv ? try CSVColumns(columns ?? "") : nil)
        }
    }
}

extension DocumentKind: ExpressibleByArgument {}
