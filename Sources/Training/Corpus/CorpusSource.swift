import Foundation

/// What a corpus is read from, and where its documents end.
public struct CorpusSource: Codable, Equatable, Sendable {
    /// The files, read in this order; `-` is standard input.
    public var paths: [String]
    /// What counts as a document. Not used with ``csv``, where each row is one.
    public var documents: DocumentKind
    /// The columns of interest if the files are CSV; nil for plain text.
    public var csv: CSVColumns?

    /// Files to read, plain text unless `csv` is given.
    public init(paths: [String], documents: DocumentKind = .whole, csv: CSVColumns? = nil) {
        self.paths = paths
        self.documents = documents
        self.csv = csv
    }

    /// The same files whatever the current folder.
    var withAbsolutePaths: CorpusSource {
        var source = self
        source.paths = paths.map { $0 == InputFile.standardInput ? $0 : URL(fileURLWithPath: $0).path }
        return source
    }
}

/// What counts as a document of a plain text. Documents without a character are passed over.
public enum DocumentKind: String, CaseIterable, Codable, Sendable {
    /// All files together, exactly as they are.
    case whole
    /// A line. It ends with LF or CR LF, which is not part of it, or with the file.
    case line
    /// Lines up to a blank one (nothing but spaces and tabs) or the end of the file, joined by LF.
    case paragraph
    /// A file, exactly as it is.
    case file
}
