import Core
import ModelFormat

/// A UTF-8 text as the symbols of a stream's model. An unknown character is left out, or is another
/// one, if the stream's policy says so; otherwise it is the model's unknown symbol, or an error if
/// the model has none.
struct SymbolReader: Sequence {
    private let text: UnsafeRawBufferPointer
    /// Where the text begins.
    private let start: Int
    private let vocabulary: Vocabulary
    private var skipsUnknown = false
    private var takesNearest = false
    /// The symbol of a character that the vocabulary lacks.
    private var unknown: Int?

    /// - Parameter start: The offset of the first character that is read. The byte offsets of
    ///   errors count from the beginning of `text`.
    init(_ text: UnsafeRawBufferPointer, from start: Int = 0, for stream: borrowing Stream) {
        self.text = text
        self.start = start
        vocabulary = stream.model.vocabulary
        unknown = vocabulary.unknown
        switch stream.unknownCharacters {
        case .fail: break
        case .skip:
            skipsUnknown = true
            unknown = nil
        case .replace(let character): unknown = vocabulary.symbol(of: character.value) ?? unknown
        case .nearest: takesNearest = true
        }
    }

    /// Checks all of the text.
    ///
    /// - Returns: The number of symbols.
    /// - Throws: `invalidUTF8` or `unknownCharacter`, with the place.
    func count() throws(ChargenError) -> Int {
        var offset = start
        // A character before the start is the rest of one that an earlier piece began.
        var position = start > 0 ? 2 : 1
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
                        + "leave it out, or have unknown characters skipped or replaced")
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
        var offset = start
        while offset < text.count, case .scalar(let scalar, let length) = decodeUTF8(text, at: offset) {
            offset += length
            body(symbol(of: scalar))
        }
    }

    private func symbol(of scalar: UInt32) -> Int? {
        vocabulary.symbol(of: scalar) ?? symbol(ofUnknown: scalar)
    }

    // Not inlined: it is needed seldom, and in many places.
    @inline(never)
    private func symbol(ofUnknown scalar: UInt32) -> Int? {
        guard takesNearest, let nearest = vocabulary.nearestCharacter(to: scalar) else { return unknown }
        return vocabulary.symbol(of: nearest)
    }

    func makeIterator() -> Iterator { Iterator(reader: self) }

    struct Iterator: IteratorProtocol {
        let reader: SymbolReader
        private var offset: Int

        init(reader: SymbolReader) {
            self.reader = reader
            offset = reader.start
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
