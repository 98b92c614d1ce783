/// What was noticed when a corpus was read.
public struct CorpusNotes: Sendable {
    /// The number of files read.
    public internal(set) var fileCount = 0
    /// The number of bytes, decompressed.
    public internal(set) var byteCount = 0
    public internal(set) var lineEnds = LineEnds()
    /// The number of rows of CSV and lines of JSON that could not be read, and what is wrong with
    /// the first of them.
    public internal(set) var skippedRecords = 0
    public internal(set) var firstSkipped: CorpusError?
    /// The first header that was read as text, and the number of files with one.
    public internal(set) var header: Header?
    public internal(set) var headerCount = 0
    /// For each character of a learned vocabulary, the place where it is first read.
    public internal(set) var firstPlaces: [Place] = []

    /// The first row of a CSV file that was read as text, and is probably a header.
    public struct Header: Sendable {
        public let file: String
        public let names: [String]
    }

    /// A line of a file.
    public struct Place: Equatable, Sendable {
        public let file: String
        /// From 1.
        public let line: Int
    }
}
