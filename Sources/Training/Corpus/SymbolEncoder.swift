import ModelFormat

/// Turns the characters of documents into symbols.
///
/// Symbols are numbered in order of first appearance, since the text can be read only once, and
/// renumbered at the end, when it is known which characters are rare. The special symbols are
/// treated as characters after all others.
struct SymbolEncoder {
    /// The most characters: with one special symbol the symbols fit 16 bits.
    static let maximumCharacters = 65_535
    /// Stand for the special symbols among the scalar values: the numbers after the last.
    private static let unknown: UInt32 = 0x11_0000
    private static let endOfDocument: UInt32 = 0x11_0001
    private static let unseen: Int32 = -1

    /// Why a character could not be encoded.
    enum Failure: Error {
        case tooManyCharacters
        case unknownCharacter(UInt32)
        case noEndOfDocument
    }

    /// The only symbols that the text may have; nil if they are learned.
    private let fixed: Vocabulary?
    private let skipsUnknown: Bool
    /// The number of characters left out because the given vocabulary lacks them.
    private var skippedCount = 0
    /// The number of different characters that the given vocabulary lacks, and has a symbol for.
    private var differentUnknownCount = 0
    /// How often a character must occur to have a symbol of its own in a learned vocabulary.
    private let minimumCount: Int
    /// The symbol of each scalar value.
    private var table = [Int32](repeating: unseen, count: Int(endOfDocument) + 1)
    /// The scalar value of each symbol.
    private var scalars: [UInt32] = []
    private var symbols: SymbolBuffer
    private let cache: CorpusCache?
    /// The file that takes the symbols of a large text.
    private var spill: SymbolSpill?
    private var documentCount = 0
    /// The numbers of the labels of the document that begins next; empty without labels.
    var labels: [UInt16] = []
    /// Those of all documents, and where these begin; empty without labels.
    private var documentLabels: [UInt16] = []
    private var documentStarts: [Int] = []
    /// The number of symbols that are in the cache.
    private var spilledCount = 0
    private(set) var isBetweenDocuments = true

    /// The number of different symbols so far.
    var symbolCount: Int { scalars.count }

    /// - Parameters:
    ///   - vocabulary: The only symbols that the text may have, at most 65,536; nil to learn them.
    ///   - unknown: What to do with a character that the vocabulary lacks.
    ///   - minimumCount: How often a character must occur to have a symbol of its own, if they are
    ///     learned; above 1 there is an unknown symbol.
    ///   - capacity: The number of symbols to make room for.
    ///   - cache: Takes the symbols of a large text; only with a vocabulary that is learned.
    init(
        vocabulary: Vocabulary?, unknown: UnknownCharacterPolicy = .fail, minimumCount: Int = 1, capacity: Int,
        cache: CorpusCache? = nil
    ) {
        fixed = vocabulary
        self.minimumCount = minimumCount
        skipsUnknown = vocabulary != nil && unknown == .skip
        self.cache = vocabulary == nil ? cache : nil
        symbols = SymbolBuffer(symbolCount: vocabulary?.count ?? 0, capacity: capacity)
        guard let vocabulary else { return }
        precondition(vocabulary.count <= SymbolEncoder.maximumCharacters + 1, "symbols do not fit 16 bits")
        scalars = vocabulary.characters
        if vocabulary.hasUnknown { scalars.append(SymbolEncoder.unknown) }
        if vocabulary.hasEndOfDocument { scalars.append(SymbolEncoder.endOfDocument) }
        for (symbol, scalar) in scalars.enumerated() { table[Int(scalar)] = Int32(symbol) }
    }

    /// Adds a character to the current document.
    mutating func append(_ scalar: UInt32) throws(Failure) {
        // Before a document begins: one of unknown characters alone is none.
        if skipsUnknown, table[Int(scalar)] == SymbolEncoder.unseen {
            skippedCount += 1
            return
        }
        if isBetweenDocuments { try beginDocument() }
        try encode(scalar)
    }

    /// Adds the ASCII characters at the beginning of `bytes`, several times as fast as one by one,
    /// and returns their number. Stops at a character that has no symbol yet, and where a document
    /// begins.
    ///
    /// - Parameter stopsAtLineEnds: Whether to stop at a line feed or a carriage return too.
    mutating func appendRun(of bytes: UnsafeRawBufferPointer, stopsAtLineEnds: Bool) -> Int {
        if isBetweenDocuments { return 0 }
        return table.withUnsafeBufferPointer { table in
            var end = 0
            while end < bytes.count {
                let byte = bytes[end]
                if byte >= 0x80 || table[Int(byte)] == SymbolEncoder.unseen { break }
                if stopsAtLineEnds, byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
                end += 1
            }
            symbols.append(.init(rebasing: bytes[..<end]), table: table)
            return end
        }
    }

    /// Ends the current document. A document without a character is none.
    mutating func endDocument() {
        isBetweenDocuments = true
    }

    private mutating func beginDocument() throws(Failure) {
        if documentCount > 0 { try encode(SymbolEncoder.endOfDocument) }
        documentCount += 1
        isBetweenDocuments = false
        guard !labels.isEmpty else { return }
        documentLabels += labels
        documentStarts.append(spilledCount + symbols.count)
    }

    private mutating func encode(_ scalar: UInt32) throws(Failure) {
        var symbol = table[Int(scalar)]
        if symbol == SymbolEncoder.unseen { symbol = try newSymbol(scalar) }
        symbols.append(symbol)
    }

    @inline(never)
    private mutating func newSymbol(_ scalar: UInt32) throws(Failure) -> Int32 {
        if let fixed {
            guard scalar != SymbolEncoder.endOfDocument else { throw .noEndOfDocument }
            guard let unknown = fixed.unknown else { throw .unknownCharacter(scalar) }
            differentUnknownCount += 1
            table[Int(scalar)] = Int32(unknown)
            return Int32(unknown)
        }
        let characterCount = scalars.count - (documentCount > 1 ? 1 : 0)
        let most = SymbolEncoder.maximumCharacters - (minimumCount > 1 ? 1 : 0)
        if characterCount == most, scalar != SymbolEncoder.endOfDocument { throw .tooManyCharacters }
        let symbol = scalars.count
        if symbol == SymbolBuffer.narrowLimit { symbols.widen() }
        table[Int(scalar)] = Int32(symbol)
        scalars.append(scalar)
        return Int32(symbol)
    }

    /// Moves the symbols in memory to the cache if they are many.
    mutating func spillIfLarge() throws {
        guard let cache, symbols.count >= cache.smallest else { return }
        let spill = try spill ?? cache.makeSpill()
        self.spill = spill
        spilledCount += symbols.count
        try spill.append(symbols.takeAll())
    }

    /// The text as symbols of a vocabulary.
    struct Result {
        let symbols: SymbolBuffer
        let vocabulary: Vocabulary
        let documentCount: Int
        /// The number of characters that the vocabulary lacks, left out or read as the unknown
        /// symbol.
        let unknownCount: Int
        /// The number of different characters that are read as the unknown symbol.
        let differentUnknownCount: Int
        /// For each character of a learned vocabulary, its rank in order of first appearance.
        let order: [Int]
        /// The labels of the documents, and where these begin; empty without labels.
        let documentLabels: [UInt16]
        let documentStarts: [Int]
    }

    /// Ends the last document and renumbers the symbols.
    ///
    /// - Throws: ``CorpusError/noFrequentCharacter(minimumCount:mostFrequent:count:)``, or what is
    ///   wrong with the file of the symbols.
    mutating func finish() throws -> Result {
        // It has a symbol: from between two documents, or in the given vocabulary.
        if documentCount > 1 || fixed?.hasEndOfDocument == true {
            symbols.append(table[Int(SymbolEncoder.endOfDocument)])
        }
        if let fixed {
            let unknownCount =
                differentUnknownCount > 0 ? symbols.occurrences(symbolCount: fixed.count)[fixed.characters.count] : 0
            return Result(
                symbols: symbols, vocabulary: fixed, documentCount: documentCount,
                unknownCount: skippedCount + unknownCount, differentUnknownCount: differentUnknownCount, order: [],
                documentLabels: documentLabels, documentStarts: documentStarts)
        }

        if let spill {
            try spill.append(symbols.takeAll())
            symbols = SymbolBuffer(try spill.map(), numbering: scalars.indices.map { UInt16($0) })
        }
        let characters = scalars.indices.filter { scalars[$0] != SymbolEncoder.endOfDocument }
        let counts = minimumCount > 1 ? symbols.occurrences(symbolCount: scalars.count) : []
        let rare = minimumCount > 1 ? characters.filter { counts[$0] < minimumCount } : []
        let order = Set(characters).subtracting(rare).sorted { scalars[$0] < scalars[$1] }
        if order.isEmpty, let most = rare.max(by: { counts[$0] < counts[$1] }) {
            throw CorpusError.noFrequentCharacter(
                minimumCount: minimumCount, mostFrequent: Unicode.Scalar(scalars[most]) ?? "\u{FFFD}",
                count: counts[most])
        }
        guard
            let vocabulary = Vocabulary(
                characters: order.map { scalars[$0] }, hasUnknown: minimumCount > 1,
                hasEndOfDocument: documentCount > 1)
        else {
            preconditionFailure("decoded characters, sorted, are no vocabulary")
        }
        // What is not overwritten below is a rare character.
        var numbering = [UInt16](repeating: UInt16(vocabulary.unknown ?? 0), count: scalars.count)
        for (symbol, rank) in order.enumerated() { numbering[rank] = UInt16(symbol) }
        if let end = vocabulary.endOfDocument {
            numbering[Int(table[Int(SymbolEncoder.endOfDocument)])] = UInt16(end)
        }
        // The unknown symbol may be one more than fit.
        if vocabulary.count > SymbolBuffer.narrowLimit, !symbols.isWide { symbols.widen() }
        symbols.renumber(numbering)
        spill?.keep()
        return Result(
            symbols: symbols, vocabulary: vocabulary, documentCount: documentCount,
            unknownCount: rare.reduce(0) { $0 + counts[$1] }, differentUnknownCount: rare.count, order: order,
            documentLabels: documentLabels, documentStarts: documentStarts)
    }
}
