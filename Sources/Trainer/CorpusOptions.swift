import ArgumentParser
import Foundation
import ModelFormat
import Training

/// The options that select the text to read.
struct CorpusOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Text files in UTF-8, and folders of them; '-' is standard input.",
            discussion: "Files compressed with gzip, xz or zstd are decompressed."),
        completion: .file())
    var inputs: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file with the names of files and folders to read, one a line or between NULs; '-' is standard input.",
            valueName: "file"),
        completion: .file())
    var filesFrom: String?

    @Option(
        help: ArgumentHelp(
            "Read only the files in folders whose names match, such as '*.txt'. Repeat it for further patterns. "
                + "(default: all)",
            valueName: "pattern"))
    var include: [String] = []

    @Option(
        name: .customLong("documents"),
        help: ArgumentHelp(
            "What counts as a document. (default: whole)",
            discussion: """
                A model of more than one document learns where they end: a list of names, one a line, gives a model \
                of names.
                """,
            valueName: "kind"))
    var documents: DocumentKind?

    @Option(
        help: ArgumentHelp(
            "Documents are separated by lines that equal this, such as '%' or '<|endoftext|>'.", valueName: "line"),
        transform: Arguments.text)
    var separator: String?

    @Flag(help: "The files are CSV, and each row is a document.")
    var csv = false

    @Option(
        help: ArgumentHelp(
            "The CSV columns that make up the text, joined by a space: numbers from 1, or names from the first row. "
                + "(default: all but the first, which is often a label)",
            discussion: "Unless names are given, the first row is text, not a header.",
            valueName: "list"),
        transform: Arguments.text)
    var columns: String?

    @Option(
        help: ArgumentHelp(
            "What separates the fields of CSV: one of these names, or the character itself. (default: comma)",
            valueName: "delimiter"))
    var delimiter: Delimiter?

    @Option(
        help: ArgumentHelp(
            "The files are JSON Lines: an object a line, whose field of this name is a document.",
            discussion: "For a field within another, give the names with a dot between them.", valueName: "field"),
        transform: Arguments.text)
    var jsonl: String?

    @Option(
        name: .customLong("label"),
        help: ArgumentHelp(
            "What tells each document's label: a CSV column by its name or, without a header, its number; a field of "
                + "JSON; or 'folder' or 'file', the name of the folder or of the file that the document is in. "
                + "Repeat it for further labels. (default: none)",
            discussion: "With 'class=1' the labels of column 1 are called 'class'.", valueName: "place"),
        transform: Arguments.text)
    var labels: [String] = []

    @Option(
        help: ArgumentHelp(
            "Other names of labels, such as '1=World,2=Sports'. (default: those in the text)", valueName: "names"),
        transform: Arguments.text)
    var labelNames: String?

    @Flag(help: "Skip the rows of CSV and the lines of JSON that cannot be read, and say how many they are.")
    var lenient = false

    @Option(
        help: ArgumentHelp(
            "The Unicode normalization of the text. (default: none)",
            valueName: "form"))
    var normalize: Normalization?

    @Flag(help: "Make upper-case letters lower-case.")
    var lowercase = false

    func validate() throws {
        guard !inputs.isEmpty || filesFrom != nil else {
            throw ValidationError("Name the text: files or folders as inputs, or a list of them with --files-from.")
        }
        guard Arguments.expanded(inputs).count(where: { $0 == "-" }) + (filesFrom == "-" ? 1 : 0) <= 1 else {
            throw ValidationError("Standard input ('-') can be read only once.")
        }
        if let pattern = include.first(where: { $0.contains("/") || $0.isEmpty }) {
            throw ValidationError("--include is compared with the names of files, without folders: '\(pattern)'.")
        }
        let formats = [
            (documents != nil, "--documents"), (separator != nil, "--separator"), (csv, "--csv"),
            (jsonl != nil, "--jsonl"),
        ].filter(\.0).map(\.1)
        guard formats.count <= 1 else {
            throw ValidationError("\(formats[0]) and \(formats[1]) both say what a document is: give one of them.")
        }
        guard csv || columns == nil else { throw ValidationError("--columns needs --csv.") }
        guard csv || delimiter == nil else { throw ValidationError("--delimiter needs --csv.") }
        guard csv || jsonl != nil || !lenient else { throw ValidationError("--lenient needs --csv or --jsonl.") }
        guard separator.map({ !$0.isEmpty && !$0.contains(where: \.isNewline) }) ?? true else {
            throw ValidationError("--separator must be one line of text; for blank lines give --documents paragraph.")
        }
        guard jsonl?.isEmpty != true else { throw ValidationError("--jsonl must name a field.") }
        try validateLabels()
        do {
            _ = try source
        } catch let error as CorpusError {
            throw ValidationError(error.commandDescription)
        }
    }

    private func validateLabels() throws {
        guard labelNames == nil || !labels.isEmpty else { throw ValidationError("--label-names needs --label.") }
        if labelNames != nil, namesOfLabels == nil {
            throw ValidationError("--label-names must be names such as '1=World,2=Sports'.")
        }
        let columns = labels.map { LabelSource.Column($0) }
        guard columns.allSatisfy({ !$0.name.isEmpty && !$0.place.isEmpty }) else {
            throw ValidationError("--label must name a place, as in 'class' or 'class=1'.")
        }
        guard Set(columns.map(\.name)).count == columns.count, columns.count <= Labels.maximum.columns else {
            throw ValidationError("--label must have other names each, and at most \(Labels.maximum.columns) of them.")
        }
        let places = [LabelSource.folderPlace, LabelSource.filePlace]
        guard csv || jsonl != nil || columns.allSatisfy({ places.contains($0.place) }) else {
            throw ValidationError("Without --csv and --jsonl, --label must be 'folder' or 'file'.")
        }
        guard columns.isEmpty || csv || jsonl != nil || separator != nil || (documents ?? .whole) != .whole else {
            throw ValidationError("Labels are of documents: say with --documents what a document is.")
        }
    }

    /// The other names of labels; nil if there are none, or they are not as they must be.
    private var namesOfLabels: [String: String]? {
        guard let labelNames else { return nil }
        var names: [String: String] = [:]
        for pair in labelNames.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, !parts[1].isEmpty, names.updateValue(parts[1], forKey: parts[0]) == nil else {
                return nil
            }
        }
        return names
    }

    /// What to read according to the options.
    var source: CorpusSource {
        get throws {
            var source = CorpusSource(
                paths: Arguments.expanded(inputs), documents: documents ?? .whole,
                csv: csv ? try CSVColumns(columns ?? "") : nil)
            source.list = filesFrom
            source.include = include.isEmpty ? nil : include
            source.separator = separator
            source.delimiter = delimiter
            source.json = jsonl
            source.isLenient = lenient ? true : nil
            source.normalization = normalize
            source.lowercase = lowercase ? true : nil
            if !labels.isEmpty {
                source.labels = LabelSource(columns: labels.map { LabelSource.Column($0) }, names: namesOfLabels)
            }
            return source
        }
    }
}

extension DocumentKind: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "whole": "everything, as one text", "line": "a line that is not empty",
            "paragraph": "lines up to a blank one", "file": "a file",
        ]
    }
}

extension Delimiter: ExpressibleByArgument {
    public init?(argument: String) {
        guard let delimiter = Delimiter.allCases.first(where: { [$0.rawValue, "\($0)"].contains(argument) }) else {
            return nil
        }
        self = delimiter
    }
    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
    public static var allValueDescriptions: [String: String] {
        ["comma": ",", "semicolon": ";", "tab": "U+0009", "bar": "|"]
    }
}

extension Normalization: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] { ["nfc": "letters and their accents are composed"] }
}
