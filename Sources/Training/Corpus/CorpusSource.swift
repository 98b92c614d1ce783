import Foundation

/// The files of a corpus, and what counts as a document.
public struct CorpusSource: Codable, Equatable, Sendable {
    /// The files, read in this order; `-` is standard input.
    public var paths: [String]
    /// What counts as a document. Ignored with ``csv``, where each row is one.
    public var documents: DocumentKind
    /// The columns to read if the files are CSV; nil for plain text.
    public var csv: CSVColumns?

    /// Files to read, plain text unless `csv` is given.
    public init(paths: [String], documents: DocumentKind = .whole, csv: CSVColumns? = nil) {
        self.paths = paths
        self.documents = documents
        self.csv = csv
    }

    /// The same files with paths that do not depend on the current folder.
    var withAbsolutePaths: CorpusSource {
        var source = self
        source.paths = paths.map { $0 == InputFile.standardInput ? $0 : URL(fileURLWithPath: $0).path }
        return source
    }
}

/// What counts as a document of a plain text. Documents without a character are skipped.
public enum DocumentKind: String, CaseIterable, Codable, Sendable {
    /// All files together, unchanged.
    case whole
    /// A line: up to LF or CR LF, which is not part of it, or to the end of the file.
    case line
    /// Lines up to a blank one (only spaces and tabs) or to the end of the file, joined by LF.
    case paragraph
    /// A file, unchanged.
    case file
}
