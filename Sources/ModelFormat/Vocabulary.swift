/// The characters that a model knows, and its special symbols: one that stands for every other
/// character, and one that ends a document. A model has either, both or none.
///
/// A character is a Unicode scalar. Its symbol, its number in the model, is its index in ascending
/// order. The unknown symbol follows all characters, and the end-of-document symbol follows that:
/// with or without the end of a document, all other symbols are the same.
public struct Vocabulary: Equatable, Sendable {
    /// The characters' scalar values, strictly ascending.
    public let characters: [UInt32]
    /// Whether a symbol for all other characters follows the characters. It is read, never
    /// generated.
    public let hasUnknown: Bool
    /// Whether there is a symbol for the end of a document, after all others.
    public let hasEndOfDocument: Bool
    /// Whether the state is carried from one document into the next. Otherwise the end-of-document
    /// symbol is read from a zero state, so that every document begins in the same way.
    public let carriesDocuments: Bool

    /// A vocabulary, or nil unless `characters` is strictly ascending and all Unicode scalar
    /// values.
    public init?(
        characters: [UInt32], hasUnknown: Bool = false, hasEndOfDocument: Bool, carriesDocuments: Bool = false
    ) {
        var previous: UInt32?
        for character in characters {
            guard Unicode.Scalar(character) != nil else { return nil }
            if let previous, previous >= character { return nil }
            previous = character
        }
        self.init(
            ascending: characters, hasUnknown: hasUnknown, hasEndOfDocument: hasEndOfDocument,
            carriesDocuments: carriesDocuments)
    }

    private init(ascending characters: [UInt32], hasUnknown: Bool, hasEndOfDocument: Bool, carriesDocuments: Bool) {
        self.characters = characters
        self.hasUnknown = hasUnknown
        self.hasEndOfDocument = hasEndOfDocument
        self.carriesDocuments = hasEndOfDocument && carriesDocuments
        count = characters.count + (hasUnknown ? 1 : 0) + (hasEndOfDocument ? 1 : 0)
        unknown = hasUnknown ? characters.count : nil
        endOfDocument = hasEndOfDocument ? count - 1 : nil
        resetSymbol = self.carriesDocuments ? nil : endOfDocument
    }

    /// The same vocabulary, with or without a symbol for the end of a document.
    public func with(endOfDocument: Bool, carriesDocuments: Bool = false) -> Vocabulary {
        Vocabulary(
            ascending: characters, hasUnknown: hasUnknown, hasEndOfDocument: endOfDocument,
            carriesDocuments: carriesDocuments)
    }

    /// The number of symbols.
    public let count: Int

    /// The symbol that stands for every character that has none of its own, if there is one.
    public let unknown: Int?

    /// The symbol that ends a document, if there is one.
    public let endOfDocument: Int?

    /// The symbol that is read from a zero state wherever it stands, if there is one.
    public let resetSymbol: Int?

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

    /// The character of a symbol; nil for the unknown symbol and the end of a document.
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
