import ModelFormat

/// What to do with a character of a text that the given vocabulary lacks.
public enum UnknownCharacterPolicy: String, CaseIterable, Sendable {
    /// Read it as the unknown symbol, or refuse the text if the vocabulary has none.
    case fail
    /// Leave the character out, and count it.
    case skip
}

/// A text as symbols of a vocabulary, in one flat buffer.
///
/// A symbol takes one byte if the vocabulary has at most 256 symbols, characters that turn out to
/// be rare included, and two otherwise. Those of a large text may be in a file. The end-of-document
/// symbol, if the vocabulary has one, follows every document, the last one too. A learned
/// vocabulary has it if there is more than one document.
public struct Corpus: Sendable {
    /// The characters of the text and the special symbols.
    public let vocabulary: Vocabulary
    /// The number of documents, at least 1.
    public let documentCount: Int
    /// The number of characters that the vocabulary lacks: they are left out, or read as the
    /// unknown symbol.
    public let unknownCount: Int
    /// The number of different characters that are read as the unknown symbol.
    public let differentUnknownCount: Int
    /// The SHA-256 hash of the bytes read, all files one after the other, in lower-case hexadecimal
    /// digits. Compressed files count with their decompressed bytes, so that compression does not
    /// change a text's identity.
    public let sha256: String
    /// What was noticed when the text was read.
    public let notes: CorpusNotes
    /// The documents' labels; nil if they have none.
    public let labels: DocumentLabels?
    let symbols: SymbolBuffer

    init(
        symbols: SymbolBuffer, vocabulary: Vocabulary, documentCount: Int, unknownCount: Int = 0,
        differentUnknownCount: Int = 0, sha256: String, notes: CorpusNotes = CorpusNotes(),
        labels: DocumentLabels? = nil
    ) {
        self.symbols = symbols
        self.vocabulary = vocabulary
        self.documentCount = documentCount
        self.unknownCount = unknownCount
        self.differentUnknownCount = differentUnknownCount
        self.sha256 = sha256
        self.notes = notes
        self.labels = labels
    }

    /// Reads a corpus and learns its vocabulary.
    ///
    /// Plain text takes one or two bytes of memory a character: files are read in chunks.
    ///
    /// - Throws: ``CorpusError``.
    public init(reading source: CorpusSource) throws {
        self = try CorpusReader.read(source, vocabulary: nil)
    }

    /// Reads a corpus and learns its vocabulary. The symbols of a large text are files in a folder,
    /// from which the same text is read the next time.
    init(reading source: CorpusSource, cacheIn folder: OpenFolder) throws {
        self = try CorpusReader.read(source, vocabulary: nil, cache: CorpusCache(folder: folder))
    }

    /// Reads a corpus as symbols of an existing vocabulary.
    ///
    /// If the vocabulary has an end-of-document symbol, it follows every document, even a single
    /// one. If it has none, the text must be one document.
    ///
    /// - Parameters:
    ///   - vocabulary: At most 65,536 symbols, as many as a model can have.
    ///   - labels: The only labels that documents may have, if the source tells them; nil to learn
    ///     them.
    ///   - unknown: What to do with a character that the vocabulary lacks. If such are skipped, a
    ///     document of nothing else is skipped with them.
    /// - Throws: ``CorpusError``, also for an unknown character unless the vocabulary has a symbol
    ///   for such or they are skipped.
    public init(
        reading source: CorpusSource, vocabulary: Vocabulary, labels: Labels? = nil,
        unknown: UnknownCharacterPolicy = .fail
    ) throws {
        self = try CorpusReader.read(source, vocabulary: vocabulary, labels: labels, unknown: unknown)
    }

    /// The number of symbols.
    public var count: Int { symbols.count }

    /// The number of characters: the symbols without the ends of documents.
    public var characterCount: Int { vocabulary.hasEndOfDocument ? count - documentCount : count }

    /// The symbol at a position.
    ///
    /// - Parameter position: 0 ..< ``count``.
    public subscript(position: Int) -> Int { symbols[position] }

    /// Copies symbols to every `stride`-th element of `destination`, which has room for them.
    ///
    /// - Parameter range: Within 0 ..< ``count``.
    func copySymbols(_ range: Range<Int>, to destination: UnsafeMutablePointer<Int32>, stride: Int) {
        symbols.copy(range, to: destination, stride: stride)
    }

    /// The positions of the next document, without the symbol that ends it; nil after the last one.
    ///
    /// - Parameter position: 0 for the first document, then the upper bound of the previous range,
    ///   or one more.
    /// - Complexity: O(length of the document).
    public func nextDocument(from position: Int) -> Range<Int>? {
        guard let endOfDocument = vocabulary.endOfDocument else { return position < count ? position..<count : nil }
        let start = position < count && symbols[position] == endOfDocument ? position + 1 : position
        guard let end = symbols.firstIndex(of: endOfDocument, from: start) else { return nil }
        return start..<end
    }

    /// The positions of each document, in their order, as ``nextDocument(from:)`` finds them.
    public var documents: some Sequence<Range<Int>> {
        sequence(state: 0) { position in
            let document = nextDocument(from: position)
            if let document { position = document.upperBound }
            return document
        }
    }

    /// The characters at some positions; U+FFFD for one that is read as the unknown symbol.
    public func text(of positions: Range<Int>) -> String {
        String(String.UnicodeScalarView(positions.map { vocabulary.character(of: self[$0]) ?? "\u{FFFD}" }))
    }
}
