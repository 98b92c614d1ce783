import Foundation

/// The files of a corpus, how they are read, and what counts as a document.
public struct CorpusSource: Codable, Equatable, Sendable {
    /// Files and folders, read in this order; `-` is standard input. Folders are read with all that
    /// is in them, sorted by name, without hidden entries. Names are as ``FileName`` has them.
    public var paths: [String]
    /// A file, or `-`, with the names of further files and folders: one a line, or between NULs.
    public var list: String?
    /// The folder that relative names in ``list`` start from; nil for the current one.
    var listFolder: String?
    /// Patterns, as of a shell, one of which the names of files in folders match; nil for all
    /// files.
    public var include: [String]?
    /// What counts as a document. Ignored with ``separator``, ``csv`` and ``json``.
    public var documents: DocumentKind
    /// The line that separates documents.
    public var separator: String?
    /// The columns to read if the files are CSV, where each row is a document.
    public var csv: CSVColumns?
    /// What separates the fields of CSV; nil for commas, if the files do not look like others.
    public var delimiter: Delimiter?
    /// The field to read if each line of the files is an object in JSON and a document. Its name
    /// may be a path of names between dots.
    public var json: String?
    /// Whether rows and lines that cannot be read are skipped, and counted; nil is false.
    public var isLenient: Bool?
    /// The normalisation form of the text; nil if it is left as it is.
    public var normalization: Normalization?
    /// Whether upper-case letters become lower-case; nil is false.
    public var lowercase: Bool?
    /// How often a character must occur in the text to have a symbol of its own: those that occur
    /// less often become the unknown symbol. nil for 1, and for no unknown symbol. Ignored if the
    /// vocabulary is given.
    public var minimumCount: Int?
    /// What tells the documents' labels; nil for documents without labels.
    public var labels: LabelSource?

    /// Files to read, plain text unless `csv` is given.
    public init(paths: [String], documents: DocumentKind = .whole, csv: CSVColumns? = nil) {
        self.paths = paths
        self.documents = documents
        self.csv = csv
    }

    /// Whether standard input is read.
    public var readsStandardInput: Bool {
        list == InputFile.standardInput || paths.contains(InputFile.standardInput)
    }

    /// Another file or folder, read in the same way.
    public func with(path: String) -> CorpusSource {
        var source = self
        (source.paths, source.list, source.listFolder) = ([path], nil, nil)
        return source
    }

    /// The same files with paths that do not depend on the current folder.
    var withAbsolutePaths: CorpusSource {
        var source = self
        source.paths = paths.map(CorpusSource.absolute)
        source.list = list.map(CorpusSource.absolute)
        if list != nil { source.listFolder = listFolder ?? FileManager.default.currentDirectoryPath }
        return source
    }

    static func absolute(_ path: String) -> String {
        path == InputFile.standardInput ? path : URL(fileURLWithPath: path).path
    }

    /// Whether the ends of lines are not part of documents.
    public var readsLines: Bool {
        csv != nil || json != nil || separator != nil || documents == .line || documents == .paragraph
    }
}

/// What counts as a document of a plain text. Documents without a character are skipped.
///
/// A line ends with LF, CR LF, or CR alone.
public enum DocumentKind: String, CaseIterable, Codable, Sendable {
    /// All files together, unchanged.
    case whole
    /// A line: up to its end, which is not part of it, or to the end of the file.
    case line
    /// Lines up to a blank one (only spaces and tabs) or to the end of the file, joined by LF.
    case paragraph
    /// A file, unchanged.
    case file
}

/// What separates the fields of a CSV file.
public enum Delimiter: String, CaseIterable, Codable, Sendable {
    case comma = ","
    case semicolon = ";"
    case tab
    case bar = "|"

    var byte: UInt8 {
        switch self {
        case .comma: UInt8(ascii: ",")
        case .semicolon: UInt8(ascii: ";")
        case .tab: UInt8(ascii: "\t")
        case .bar: UInt8(ascii: "|")
        }
    }
}

/// A Unicode normalisation form.
public enum Normalization: String, CaseIterable, Codable, Sendable {
    /// Canonical composition: `e` and a combining acute accent become `é`.
    case nfc
}
