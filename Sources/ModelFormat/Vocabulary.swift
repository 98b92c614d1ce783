/// The characters that a model knows, and the symbol that ends a document if the model has one.
///
/// A character is a Unicode scalar. Its symbol, its number in the model, is its index in ascending
/// order; the end-of-document symbol follows all characters.
public struct Vocabulary: Equatable, Sendable {
    /// The characters' scalar values, strictly ascending.
    public let characters: [UInt32]
    /// Whether a symbol for the end of a document follows the characters.
    public let hasEndOfDocument: Bool
    /// Whether the state is carried from one document into the next. Otherwise the end-of-document
    /// symbol is read from a zero state, so that every document begins in the same way.
    public let carriesDocuments: Bool

    /// A vocabulary, or nil unless `characters` is strictly ascending and all Unicode scalar
    /// values.
    public init?(characters: [UInt32], hasEndOfDocument: Bool, carriesDocuments: Bool = false) {
        var previous: UInt32?
        for character in characters {
            guard Unicode.Scalar(character) != nil else { return nil }
            if let previous, previous >= character { return nil }
            previous = character
        }
        self.init(ascending: characters, hasEndOfDocument: hasEndOfDocument, carriesDocuments: carriesDocuments)
    }

    private init(ascending characters: [UInt32], hasEndOfDocument: Bool, carriesDocuments: Bool) {
        self.characters = characters
        self.hasEndOfDocument = hasEndOfDocument
        self.carriesDocuments = hasEndOfDocument && carriesDocuments
    }

    /// The same characters, with or without a symbol for the end of a document.
    public func with(endOfDocument: Bool, carriesDocuments: Bool = false) -> Vocabulary {
        Vocabulary(ascending: characters, hasEndOfDocument: endOfDocument, carriesDocuments: carriesDocuments)
    }

    /// The number of symbols.
    public var count: Int { characters.count + (hasEndOfDocument ? 1 : 0) }

    /// The symbol that ends a document, if there is one.
    public var endOfDocument: Int? { hasEndOfDocument ? characters.count : nil }

    /// The symbol that is read from a zero state wherever it stands, if there is one.
    public var resetSymbol: Int? { carriesDocuments ? nil : endOfDocument }

    /// The symbol of a character, or nil if the vocabulary lacks it. O(log count).
    public func symbol(of scalar: UInt32) -> Int? {
        var low = 0
        var high = characters.count
        while low < high {
            let middle = (low + high) / 2
            if characters[middle] < scalar { low = middle + 1 } else { high = middle }
        }
        return low < characters.count && characters[low] == scalar ? low : nil
    }

    /// The character of a symbol; nil for the end of a document.
    ///
    /// - Parameter symbol: 0 ..< ``count``.
    public func character(of symbol: Int) -> Unicode.Scalar? {
        symbol < characters.count ? Unicode.Scalar(characters[symbol]) : nil
    }

    /// The most UTF-8 bytes that a character of this vocabulary takes, 1 to 4.
    public var maximumUTF8Length: Int {
        guard let last = characters.last else { return 1 }
        return last < 0x80 ? 1 : last < 0x800 ? 2 : last < 0x1_0000 ? 3 : 4
    }
}
