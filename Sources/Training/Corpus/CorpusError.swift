/// Why a corpus could not be read.
public enum CorpusError: Error, Equatable, Sendable {
    /// A file could not be opened or read.
    case unreadable(file: String, reason: String)
    /// The files have no document.
    case empty(files: [String])
    /// The bytes from `offset` on are not UTF-8, or the file ends in the middle of a character.
    case notUTF8(file: String, offset: Int)
    /// More different characters than a corpus can hold.
    case tooManyCharacters(file: String, place: Place)
    /// A character that is not in the given vocabulary.
    case unknownCharacter(Unicode.Scalar, file: String, place: Place)
    /// More than one document for a vocabulary without an end-of-document symbol.
    case noEndOfDocument(file: String, place: Place)
    /// A quotation mark that is neither around a field nor doubled inside one, or that is never
    /// closed.
    case misplacedQuote(file: String, row: Int)
    /// A row of a CSV file without a chosen column.
    case missingColumn(file: String, row: Int, column: Int, columnCount: Int)
    /// A column name that is not in the header.
    case unknownColumn(String, file: String, header: [String])
    /// A list that does not choose columns.
    case invalidColumns(String)

    /// A place in a file.
    public enum Place: Equatable, Sendable {
        /// A number of bytes from the start.
        case offset(Int)
        /// A row of a CSV file, from 1; the header and blank rows count.
        case row(Int)
    }
}

extension CorpusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "cannot read \(name(file)): \(reason)"
        case .empty(let files):
            "the corpus is empty: "
                + (files.isEmpty ? "no files are named" : "no text in \(files.map(name).joined(separator: ", "))")
        case .notUTF8(let file, let offset):
            "\(name(file)) is not UTF-8 at byte offset \(offset); convert it first, for example with iconv"
        case .tooManyCharacters(let file, let place):
            "more than \(SymbolEncoder.maximumCharacters) different characters, the last in \(name(file)) at \(place): "
                + "this is probably not text"
        case .unknownCharacter(let character, let file, let place):
            "the vocabulary has no \(name(character)), which is in \(name(file)) at \(place)"
        case .noEndOfDocument(let file, let place):
            "a second document begins in \(name(file)) at \(place), but the vocabulary has no end of document; "
                + "read the text as one document (whole)"
        case .misplacedQuote(let file, let row):
            "\(name(file)), row \(row): a quotation mark is out of place or never closed; "
                + "quote the whole field, and double the quotation marks inside it"
        case .missingColumn(let file, let row, let column, let columnCount):
            "\(name(file)), row \(row): there is no column \(column); the number of columns is \(columnCount)"
        case .unknownColumn(let column, let file, let header):
            "\(name(file)) has no column '\(column)'; its header is: \(header.joined(separator: ", "))"
        case .invalidColumns(let list):
            "'\(list)' does not choose columns; give numbers from 1 (2,3) or names (title,description)"
        }
    }

    private func name(_ file: String) -> String { file == InputFile.standardInput ? "standard input" : "'\(file)'" }

    private func name(_ character: Unicode.Scalar) -> String {
        let hexadecimal = String(character.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - hexadecimal.count)) + hexadecimal
        switch character.properties.generalCategory {
        case .control, .format, .unassigned, .privateUse, .lineSeparator, .paragraphSeparator: return code
        default: return "'\(character)' (\(code))"
        }
    }
}

extension CorpusError.Place: CustomStringConvertible {
    public var description: String {
        switch self {
        case .offset(let offset): "byte offset \(offset)"
        case .row(let row): "row \(row)"
        }
    }
}
