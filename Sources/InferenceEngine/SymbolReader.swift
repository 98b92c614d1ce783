import Core
import ModelFormat

/// A UTF-8 text as the symbols of a stream's model. An unknown character is left out if the stream
/// skips such; otherwise it is the model's unknown symbol, or an error if the model has none.
struct SymbolReader: Sequence {
    private let text: UnsafeRawBufferPointer
    private let vocabulary: Vocabulary
    private let skipsUnknown: Bool
    /// The symbol of a character that the vocabulary lacks.
    private let unknown: Int?

    init(_ text: UnsafeRawBufferPointer, for stream: borrowing Stream) {
        self.text = text
        vocabulary = stream.model.vocabulary
        skipsUnknown = stream.unknownCharacters == .skip
        unknown = skipsUnknown ? nil : vocabulary.unknown
    }

    /// Checks all of the text.
    ///
    /// - Returns: The number of symbols.
    /// - Throws: `invalidUTF8` or `unknownCharacter`, with the place.
    func count() throws(ChargenError) -> Int {
        var offset = 0
        var position = 1
        var count = 0
        while offset < text.count {
            guard case .scalar(let scalar, let length) = decodeUTF8(text, at: offset) else {
                throw ChargenError(.invalidUTF8, "the text is not UTF-8 at byte \(offset)")
            }
            if symbol(of: scalar) != nil {
                count += 1
            } else if !skipsUnknown {
                throw ChargenError(
                    .unknownCharacter,
                    "character \(position) of the text, \(described(scalar)) at byte \(offset), is not in the model's vocabulary; "
                        + "leave it out, or have unknown characters skipped")
            }
            offset += length
            position += 1
        }
        return count
    }

    /// The symbol at a byte offset or after it; nil at the end. The offset becomes that of the
    /// following character.
    func symbol(at offset: inout Int) -> Int? {
        while offset < text.count, case .scalar(let scalar, let length) = decodeUTF8(text, at: offset) {
            offset += length
            if let symbol = symbol(of: scalar) { return symbol }
        }
        return nil
    }

    /// Calls `body` with the symbol of each character, nil for one that is skipped. The text has
    /// been checked.
    func forEachCharacter(_ body: (Int?) -> Void) {
        var offset = 0
        while offset < text.count, case .scalar(let scalar, let length) = decodeUTF8(text, at: offset) {
            offset += length
            body(symbol(of: scalar))
        }
    }

    private func symbol(of scalar: UInt32) -> Int? {
        vocabulary.symbol(of: scalar) ?? unknown
    }

    func makeIterator() -> Iterator { Iterator(reader: self) }

    struct Iterator: IteratorProtocol {
        let reader: SymbolReader
        private var offset = 0

        init(reader: SymbolReader) {
            self.reader = reader
        }

        mutating func next() -> Int? {
            reader.symbol(at: &offset)
        }
    }
}

/// A character as an error names it, such as `'é' (U+00E9)`.
func described(_ scalar: UInt32) -> String {
    let code = codePoint(scalar)
    guard !isControl(scalar), let character = Unicode.Scalar(scalar) else { return code }
    return "'" + String(Character(character)) + "' (" + code + ")"
}
