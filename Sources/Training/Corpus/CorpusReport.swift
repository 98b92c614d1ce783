import ModelFormat

/// What a corpus consists of: its documents, its characters, and what may be wrong with them.
public struct CorpusReport: Encodable, Sendable {
    public let files: Int
    /// Decompressed.
    public let bytes: Int
    public let sha256: String
    public let characters: Int
    public let documents: Documents
    public let vocabulary: VocabularyReport
    public let lineEnds: LineEnds
    /// The control characters other than tabs and those of line ends.
    public let controlCharacters: Int
    /// The characters U+FFFD, which stand for what an earlier conversion could not read.
    public let replacementCharacters: Int
    /// The pairs of characters that UTF-8 becomes when it is read as Latin-1, such as `Ã©`.
    public let misreadPairs: Int
    /// The accents that follow their letters as characters of their own.
    public let combiningAccents: Int
    /// The records of CSV and JSON Lines that could not be read.
    public let skippedRecords: Int

    /// The documents, with their lengths in characters.
    public struct Documents: Encodable, Sendable {
        public internal(set) var count = 0
        public internal(set) var shortest = 0
        public internal(set) var median = 0
        public internal(set) var longest = 0
        /// The documents that repeat an earlier one.
        public internal(set) var duplicates = 0
        /// The beginning of the document that is repeated most often, and how often it occurs.
        public internal(set) var mostRepeated: String?
        public internal(set) var mostRepeatedCount = 0
        /// Whether nearly all of them are in ascending order.
        public internal(set) var areSorted = false
    }

    /// The characters without the end-of-document symbol.
    public struct VocabularyReport: Encodable, Sendable {
        public let count: Int
        /// The number of characters that occur fewer than 10 times.
        public let rare: Int
        /// What some minimum counts would leave.
        public let minimumCounts: [MinimumCount]
        /// The rarest characters, the rarest first.
        public let rarest: [Character]

        /// A minimum count of characters that have symbols of their own.
        public struct MinimumCount: Encodable, Sendable {
            public let minimumCount: Int
            /// The number of characters that occur as often.
            public let characters: Int
            /// The number of characters of the text that are none of them.
            public let unknown: Int
        }

        /// A character, and where it is read first.
        public struct Character: Encodable, Sendable {
            public let character: String
            public let codePoint: UInt32
            public let count: Int
            public let file: String
            public let line: Int
        }
    }

    /// - Parameter corpus: With a vocabulary learned from it.
    public init(_ corpus: Corpus) {
        files = corpus.notes.fileCount
        bytes = corpus.notes.byteCount
        sha256 = corpus.sha256
        characters = corpus.characterCount
        lineEnds = corpus.notes.lineEnds
        skippedRecords = corpus.notes.skippedRecords
        documents = Documents(corpus)

        var counts = [Int](repeating: 0, count: corpus.vocabulary.count)
        var misread = 0
        var previous: UInt32 = 0
        // Special symbols are not characters.
        let known = corpus.vocabulary.characters
        let values = known + repeatElement(0x11_0000, count: corpus.vocabulary.count - known.count)
        for position in 0..<corpus.count {
            let symbol = corpus[position]
            counts[symbol] += 1
            let value = values[symbol]
            if previous == 0xC2 || previous == 0xC3, 0x80...0xBF ~= value { misread += 1 }
            previous = value
        }
        misreadPairs = misread
        func total(_ isCounted: (UInt32) -> Bool) -> Int {
            zip(corpus.vocabulary.characters, counts).reduce(0) { $0 + (isCounted($1.0) ? $1.1 : 0) }
        }
        controlCharacters = total { ($0 < 0x20 && ![0x09, 0x0A, 0x0D].contains($0)) || 0x7F...0x9F ~= $0 }
        replacementCharacters = total { $0 == 0xFFFD }
        combiningAccents = total { 0x300...0x36F ~= $0 }
        vocabulary = VocabularyReport(corpus, counts: counts)
    }
}

extension CorpusReport.VocabularyReport {
    fileprivate init(_ corpus: Corpus, counts: [Int]) {
        let characters = corpus.vocabulary.characters
        count = characters.count
        rare = counts.prefix(count).count { $0 < 10 }
        let occurrences = counts.prefix(count)
        minimumCounts = [2, 5, 10].map { minimum in
            let rare = occurrences.filter { $0 < minimum }
            return MinimumCount(
                minimumCount: minimum, characters: occurrences.count - rare.count, unknown: rare.reduce(0, +))
        }
        rarest = characters.indices.sorted { (counts[$0], $0) < (counts[$1], $1) }.prefix(10).map { symbol in
            let place = corpus.notes.firstPlaces[symbol]
            return Character(
                character: corpus.vocabulary.character(of: symbol).map { String($0) } ?? "",
                codePoint: characters[symbol], count: counts[symbol], file: FileName.shown(place.file),
                line: place.line)
        }
    }
}

extension CorpusReport.Documents {
    fileprivate init(_ corpus: Corpus) {
        count = corpus.documentCount
        var lengths: [Int] = []
        lengths.reserveCapacity(count)
        /// The number of documents of each hash, and the first of them.
        var occurrences: [Int: (count: Int, first: Range<Int>)] = [:]
        var ascending = 0
        var previous: Range<Int>?
        for document in corpus.documents {
            lengths.append(document.count)
            var hasher = Hasher()
            for position in document { hasher.combine(corpus[position]) }
            occurrences[hasher.finalize(), default: (0, document)].count += 1
            if let previous, corpus.isAscending(previous, document) { ascending += 1 }
            previous = document
        }
        lengths.sort()
        shortest = lengths.first ?? 0
        median = lengths.isEmpty ? 0 : lengths[lengths.count / 2]
        longest = lengths.last ?? 0
        duplicates = count - occurrences.count
        areSorted = count >= 100 && 100 * ascending >= 98 * (count - 1)
        let most = occurrences.values.max { ($0.count, $1.first.lowerBound) < ($1.count, $0.first.lowerBound) }
        if let most, most.count > 1 {
            mostRepeated = corpus.text(of: most.first.prefix(40))
            mostRepeatedCount = most.count
        }
    }
}

extension Corpus {
    /// Whether a document is not before another in the order of their characters.
    fileprivate func isAscending(_ first: Range<Int>, _ second: Range<Int>) -> Bool {
        !second.lazy.map { self[$0] }.lexicographicallyPrecedes(first.lazy.map { self[$0] })
    }
}
