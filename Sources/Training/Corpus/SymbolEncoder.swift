import ModelFormat

/// Turns the characters of documents into symbols.
///
/// Symbols are numbered in order of first appearance, since the text can be read only once, and
/// renumbered at the end. The end of a document is treated as a character after all others.
struct SymbolEncoder {
    /// The most characters: with the end of a document the symbols fit 16 bits.
    static let maximumCharacters = 65_535
    /// Stands for the end of a document among the scalar values: the number after the last.
    private static let endOfDocument: UInt32 = 0x11_0000
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
    private(set) var unknownCount = 0
    /// The symbol of each scalar value.
    private var table = [Int32](repeating: unseen, count: Int(endOfDocument) + 1)
    /// The scalar value of each symbol.
    private var scalars: [UInt32] = []
    private var symbols: SymbolBuffer
    private let cache: CorpusCache?
    /// The file that takes the symbols of a large text.
    private var spill: SymbolSpill?
    private var documentCount = 0
    private(set) var isBetweenDocuments = true

    /// The number of different symbols so far.
    var symbolCount: Int { scalars.count }

    /// - Parameters:
    ///   - vocabulary: The only symbols that the text may have, at most 65,536; nil to learn them.
    ///   - unknown: What to do with a character that the vocabulary lacks.
    ///   - capacity: The number of symbols to make room for.
    ///   - cache: Takes the symbols of a large text; only with a vocabulary that is learned.
    init(
        vocabulary: Vocabulary?, unknown: UnknownCharacterPolicy = .fail, capacity: Int, cache: CorpusCache? = nil
    ) {
        fixed = vocabulary
        skipsUnknown = vocabulary != nil && unknown == .skip
        self.cache = vocabulary == nil ? cache : nil
        symbols = SymbolBuffer(symbolCount: vocabulary?.count ?? 0, capacity: capacity)
        guard let vocabulary else { return }
        precondition(vocabulary.count <= SymbolEncoder.maximumCharacters + 1, "symbols do not fit 16 bits")
        scalars = vocabulary.characters + (vocabulary.hasEndOfDocument ? [SymbolEncoder.endOfDocument] : [])
        for (symbol, scalar) in scalars.enumerated() { table[Int(scalar)] = Int32(symbol) }
    }

    /// Adds a character to the current document.
    mutating func append(_ scalar: UInt32) throws(Failure) {
        // Before a document begins: one of unknown characters alone is none.
        if skipsUnknown, table[Int(scalar)] == SymbolEncoder.unseen {
            unknownCount += 1
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
    }

    private mutating func encode(_ scalar: UInt32) throws(Failure) {
        var symbol = table[Int(scalar)]
        if symbol == SymbolEncoder.unseen { symbol = try newSymbol(scalar) }
        symbols.append(symbol)
    }

    @inline(never)
    private mutating func newSymbol(_ scalar: UInt32) throws(Failure) -> Int32 {
        if fixed != nil {
            throw scalar == SymbolEncoder.endOfDocument ? .noEndOfDocument : .unknownCharacter(scalar)
        }
        let characterCount = scalars.count - (documentCount > 1 ? 1 : 0)
        if characterCount == SymbolEncoder.maximumCharacters, scalar != SymbolEncoder.endOfDocument {
            throw .tooManyCharacters
        }
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
        try spill.append(symbols.takeAll())
    }

    /// The text as symbols of a vocabulary.
    struct Result {
        let symbols: SymbolBuffer
        let vocabulary: Vocabulary
        let documentCount: Int
        /// For each symbol of a learned vocabulary, its rank in order of first appearance.
        let order: [Int]
    }

    /// Ends the last document and renumbers the symbols.
    mutating func finish() throws -> Result {
        // It has a symbol: from between two documents, or in the given vocabulary.
        if documentCount > 1 || fixed?.hasEndOfDocument == true {
            symbols.append(table[Int(SymbolEncoder.endOfDocument)])
        }
        if let fixed {
            return Result(symbols: symbols, vocabulary: fixed, documentCount: documentCount, order: [])
        }

        let order = scalars.indices.sorted { scalars[$0] < scalars[$1] }
        if let spill {
            try spill.append(symbols.takeAll())
            symbols = SymbolBuffer(try spill.finish(), numbers: order.map { UInt16($0) })
        } else {
            var ranks = [UInt16](repeating: 0, count: order.count)
            for (rank, symbol) in order.enumerated() { ranks[symbol] = UInt16(rank) }
            symbols.renumber(ranks)
        }
        let characters = order.map { scalars[$0] }.filter { $0 != SymbolEncoder.endOfDocument }
        guard let vocabulary = Vocabulary(characters: characters, hasEndOfDocument: documentCount > 1) else {
            preconditionFailure("decoded characters, sorted, are no vocabulary")
        }
        return Result(symbols: symbols, vocabulary: vocabulary, documentCount: documentCount, order: order)
    }
}
