import Foundation

/// What tells the labels of a corpus' documents.
public struct LabelSource: Codable, Equatable, Sendable {
    /// A column of labels.
    public struct Column: Codable, Equatable, Sendable {
        /// The name that the model has of it.
        public var name: String
        /// Where a document's label stands: a column of CSV by its name or number, a field of JSON,
        /// or for other files ``folderPlace`` or ``filePlace``.
        public var place: String

        /// Reads a column as `class`, or as `class=1` if its name is to be another than its place.
        public init(_ text: String) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            name = String(parts[0])
            place = String(parts[parts.count - 1])
        }
    }

    /// The label is the name of the folder that the document's file is in.
    public static let folderPlace = "folder"
    /// The label is the name of the document's file, without what follows its first dot.
    public static let filePlace = "file"

    /// What a file's place tells.
    static func label(ofFile path: String, _ place: String) -> String {
        let path = CorpusSource.absolute(path) as NSString
        guard place == filePlace else { return (path.deletingLastPathComponent as NSString).lastPathComponent }
        return path.lastPathComponent.split(separator: ".").first.map(String.init) ?? ""
    }

    /// At least one.
    public var columns: [Column]
    /// What labels are called in place of what the corpus calls them; nil for no other names.
    public var names: [String: String]?

    /// Columns of labels, which are called as in the corpus unless `names` says otherwise.
    public init(columns: [Column], names: [String: String]? = nil) {
        self.columns = columns
        self.names = names
    }
}
