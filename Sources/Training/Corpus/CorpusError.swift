import ModelFormat

/// Why a corpus could not be read.
public enum CorpusError: Error, Equatable, Sendable {
    /// A file could not be opened or read.
    case unreadable(file: String, reason: String)
    /// The files have no document.
    case empty(files: [String])
    /// A folder without a file to read.
    case emptyFolder(String, include: [String])
    /// A list without a name.
    case emptyList(String)
    /// Text of two or four bytes a character.
    case wideEncoding(file: String, WideEncoding)
    /// The bytes from `offset` on are not UTF-8, or the file ends in the middle of a character.
    case notUTF8(file: String, offset: Int)
    /// More different characters than a corpus can hold.
    case tooManyCharacters(file: String, place: Place)
    /// No character occurs often enough to have a symbol of its own.
    case noFrequentCharacter(minimumCount: Int, mostFrequent: Unicode.Scalar, count: Int)
    /// A character that is not in the given vocabulary.
    case unknownCharacter(Unicode.Scalar, file: String, place: Place)
    /// More than one document for a vocabulary without an end-of-document symbol.
    case noEndOfDocument(file: String, place: Place)
    /// A quotation mark that is neither around a field nor doubled inside one, in the row that
    /// begins at a line.
    case misplacedQuote(file: String, line: Int)
    /// A quotation mark that is never closed, or not within the most bytes of a row.
    case unclosedQuote(file: String, line: Int)
    /// A row, or a line of JSON, that is longer than any record.
    case longRecord(file: String, line: Int)
    /// A row of a CSV file without a chosen column.
    case missingColumn(file: String, line: Int, column: Int, columnCount: Int)
    /// A CSV file whose fields are between other delimiters than commas.
    case otherDelimiter(file: String, Delimiter)
    /// A column name that is not in the header.
    case unknownColumn(String, file: String, header: [String])
    /// A list that does not choose columns.
    case invalidColumns(String)
    /// A line that is not a JSON object.
    case invalidJSON(file: String, line: Int)
    /// A JSON object without the field.
    case missingField(String, file: String, line: Int, fields: [String])
    /// A JSON object whose field is no string.
    case fieldIsNotText(String, file: String, line: Int)
    /// A name of a column of labels where the text's columns are numbers.
    case invalidLabelColumn(String)
    /// A label that the model does not have.
    case unknownLabel(String, column: String, file: String, line: Int)
    /// A label that is no name: too long, or with a NUL.
    case invalidLabel(String, file: String, line: Int)
    /// More labels than a model can have, or longer ones.
    case tooManyLabels(file: String, line: Int)
    /// Labels are asked for, and no document has one in each column, or there is one document only.
    case noLabels(files: [String])

    /// A place in a file.
    public enum Place: Equatable, Sendable {
        /// A number of bytes from the start.
        case offset(Int)
        /// A line, from 1.
        case line(Int)
    }

    /// Whether it is a record of CSV or JSON Lines that cannot be read, rather than the file.
    var isFaultOfRecord: Bool {
        switch self {
        case .misplacedQuote, .unclosedQuote, .missingColumn, .invalidJSON, .missingField, .fieldIsNotText: true
        default: false
        }
    }
}

extension CorpusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "cannot read \(name(file)): \(reason)"
        case .empty(let files):
            "the corpus is empty: " + (files.isEmpty ? "no files are named" : "no text in \(listed(files.map(name)))")
        case .emptyFolder(let folder, let include):
            include.isEmpty
                ? "the folder \(name(folder)) has no files; hidden ones are skipped"
                : "the folder \(name(folder)) has no files whose names match \(listed(include.map { "'\($0)'" }))"
        case .emptyList(let file):
            "the list of files in \(name(file)) is empty"
        case .wideEncoding(let file, let encoding):
            "\(name(file)) is \(encoding.rawValue), not UTF-8; convert it first: "
                + "iconv -f \(encoding.rawValue) -t UTF-8 < input.txt > output.txt"
        case .notUTF8(let file, let offset):
            "\(name(file)) is not UTF-8 at byte offset \(offset); convert it first, for example with iconv"
        case .tooManyCharacters(let file, let place):
            "more than \(SymbolEncoder.maximumCharacters) different characters, the last in \(name(file)) at \(place): "
                + "this is probably not text"
        case .noFrequentCharacter(let minimumCount, let mostFrequent, let count):
            "no character occurs \(minimumCount) times, not even the most frequent, \(name(mostFrequent)): it occurs "
                + (count == 1 ? "once" : "\(count) times")
        case .unknownCharacter(let character, let file, let place):
            "the vocabulary has no \(name(character)), which is in \(name(file)) at \(place)"
        case .noEndOfDocument(let file, let place):
            "a second document begins in \(name(file)) at \(place), but the vocabulary has no end of document; "
                + "read the text as one document (whole)"
        case .misplacedQuote(let file, let line):
            "\(name(file)), line \(line): a quotation mark in this row is out of place; "
                + "quote the whole field, and double the quotation marks inside it"
        case .unclosedQuote(let file, let line):
            "\(name(file)), line \(line): a quotation mark opens here and is never closed; "
                + "quote the whole field, and double the quotation marks inside it"
        case .longRecord(let file, let line):
            "\(name(file)), line \(line): a row of more than 16 MiB begins here; the file is probably of another format"
        case .missingColumn(let file, let line, let column, let columnCount):
            "\(name(file)), line \(line): there is no column \(column); the number of columns is \(columnCount)"
        case .otherDelimiter(let file, let delimiter):
            "\(name(file)) has one column between commas, but several between \(delimiter.name)"
        case .unknownColumn(let column, let file, let header):
            "\(name(file)) has no column '\(column)'; its header is: \(listed(header))"
        case .invalidJSON(let file, let line):
            "\(name(file)), line \(line): it is not a JSON object; JSON Lines have one on each line"
        case .missingField(let field, let file, let line, let fields):
            "\(name(file)), line \(line): there is no field '\(field)'; the fields are: \(listed(fields))"
        case .fieldIsNotText(let field, let file, let line):
            "\(name(file)), line \(line): the field '\(field)' is not a string"
        case .invalidLabelColumn(let label):
            "'\(label)' is no number of a column of labels; names need the text's columns by name, such as --columns text"
        case .unknownLabel(let label, let column, let file, let line):
            "\(name(file)), line \(line): the model has no label '\(label)' in its column '\(column)'"
        case .invalidLabel(let label, let file, let line):
            "\(name(file)), line \(line): '\(label.prefix(40))' cannot be a label: it is too long, or has a NUL"
        case .tooManyLabels(let file, let line):
            "\(name(file)), line \(line): there are more labels than \(Labels.maximum.labels), or longer ones than a "
                + "model can have; is the column of labels the right one?"
        case .noLabels(let files):
            "no labels in \(listed(files.map(name))): they need two documents or more, and a document with a label for "
                + "each --label; is the place of each the right one?"
        case .invalidColumns(let list):
            "'\(list)' does not choose columns; give numbers from 1 (2,3) or names (title,description)"
        }
    }

    private func name(_ file: String) -> String {
        file == InputFile.standardInput ? "standard input" : "'\(FileName.shown(file))'"
    }

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
        case .line(let line): "line \(line)"
        }
    }
}

extension Delimiter {
    /// The delimiter as a message names it.
    var name: String {
        switch self {
        case .comma: "commas"
        case .semicolon: "semicolons"
        case .tab: "tabs"
        case .bar: "vertical bars"
        }
    }
}
