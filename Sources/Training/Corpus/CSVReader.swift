import Core
import SwiftCSV

/// Reads the documents of a CSV file: fields between delimiters, in quotation marks where
/// necessary, which are doubled inside.
///
/// The bytes are divided into pieces of whole rows, which SwiftCSV parses one after the other, so
/// that only one piece is in memory. Spaces around a quoted field and before an unquoted one are
/// ignored, and so are blank rows. A row ends with LF, CR LF, or CR alone.
struct CSVReader: RecordReader {
    /// The most rows of a piece.
    private static let pieceRows = 256

    private let columns: CSVColumns
    /// The columns of labels, by names or numbers as ``columns``.
    private let labels: [String]
    /// nil until it is known that the file is not one of another delimiter.
    private var delimiter: Delimiter?
    private let path: String
    /// The chosen columns from 0, once the first row is known.
    private var chosen: [Int]?
    private var chosenLabels: [Int] = []
    private(set) var line = 1
    private(set) var header: CorpusNotes.Header?

    init(columns: CSVColumns, labels: [String] = [], delimiter: Delimiter?, path: String) {
        self.columns = columns
        self.labels = labels
        self.delimiter = delimiter
        self.path = path
    }

    mutating func read(
        _ bytes: UnsafeRawBufferPointer, offset: Int, isLast: Bool,
        document body: (String, [String], Int) throws -> Void, fault: (CorpusError) throws -> Void
    ) throws -> Int {
        var position = offset == 0 && bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0
        while position < bytes.count {
            let piece = Piece(bytes, from: position, line: line, isLast: isLast)
            if piece.rows.isEmpty {
                guard isLast || bytes.count - position > maximumRecordLength else { break }
                try fault(
                    piece.openQuote.map { .unclosedQuote(file: path, line: $0) } ?? .longRecord(file: path, line: line))
                position = skipLine(bytes, from: position)
                continue
            }
            let rows = UnsafeRawBufferPointer(rebasing: bytes[position..<piece.end])
            try checkUTF8(rows, offset: offset + position, path: path)
            try checkFirstRows(rows)
            let (fields, isValid) = parse(rows, delimiter ?? .comma)
            for (fields, row) in zip(fields, piece.rows) {
                do {
                    if let document = try document(of: fields, line: row.line) {
                        try body(document, chosenLabels.map { decode(fields[$0]) }, row.line)
                    }
                } catch let error as CorpusError where error.isFaultOfRecord {
                    try fault(error)
                }
            }
            if isValid {
                position = piece.end
                line = piece.endLine
            } else {
                let row = piece.rows[fields.count]
                line = row.line
                try fault(.misplacedQuote(file: path, line: line))
                position = skipLine(bytes, from: row.start)
            }
        }
        return position
    }

    /// The position of the line after the one at `position`: a row that cannot be read is skipped
    /// up to the end of its first line, since where it ends is unknown.
    private mutating func skipLine(_ bytes: UnsafeRawBufferPointer, from position: Int) -> Int {
        line += 1
        guard let end = bytes[position...].firstIndex(where: isLineEnd) else { return bytes.count }
        return end + lengthOfLineEnd(bytes, at: end)
    }

    // MARK: - Parsing

    /// The rows that end in some bytes, at most ``CSVReader/pieceRows``.
    private struct Piece {
        private(set) var rows: [(start: Int, line: Int)] = []
        private(set) var end: Int
        private(set) var endLine: Int
        /// The line of the quotation mark that is not closed, in the row after the last.
        private(set) var openQuote: Int?

        init(_ bytes: UnsafeRawBufferPointer, from start: Int, line: Int, isLast: Bool) {
            end = start
            endLine = line
            var line = line
            var position = start
            // Quotation marks come in pairs, around a field and as a doubled one, so an end of a
            // line after an even number of them ends a row.
            while position < bytes.count, rows.count < CSVReader.pieceRows {
                if bytes[position] == UInt8(ascii: "\"") {
                    openQuote = openQuote == nil ? line : nil
                } else if isLineEnd(bytes[position]) {
                    // A line feed may follow in the next chunk.
                    if bytes[position] == UInt8(ascii: "\r"), position + 1 == bytes.count, !isLast { break }
                    position += lengthOfLineEnd(bytes, at: position) - 1
                    line += 1
                    if openQuote == nil { endRow(at: position + 1, nextLine: line) }
                }
                position += 1
            }
            if isLast, openQuote == nil, position == bytes.count, end < position {
                endRow(at: position, nextLine: line)
            }
        }

        private mutating func endRow(at position: Int, nextLine: Int) {
            rows.append((end, endLine))
            end = position
            endLine = nextLine
        }
    }

    /// The fields of each row, up to the first with a misplaced quotation mark.
    private func parse(_ bytes: UnsafeRawBufferPointer, _ delimiter: Delimiter) -> (rows: [[String]], isValid: Bool) {
        var rows: [[String]] = []
        do {
            // With this row limit the initialiser builds no table.
            let csv = try EnumeratedCSV(
                string: text(of: bytes, delimiter), delimiter: .character(Character(Unicode.Scalar(delimiter.byte))),
                loadColumns: false, rowLimit: 0)
            try csv.enumerateAsArray(rowLimit: nil) { rows.append($0) }
            return (rows, true)
        } catch {
            return (rows, false)
        }
    }

    /// The bytes as text for SwiftCSV, which works with grapheme clusters: it would not find a
    /// comma that is followed by a combining mark, and takes U+0085 for the end of a row.
    ///
    /// Bytes that are not ASCII, and controls, are letters from U+0100 on.
    private func text(of bytes: UnsafeRawBufferPointer, _ delimiter: Delimiter) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + 1)
        for byte in bytes {
            if byte >= 0x20 && byte < 0x7F || isLineEnd(byte) || byte == delimiter.byte {
                text.append(byte)
            } else {
                text.append(0xC4 | byte >> 6)
                text.append(0x80 | byte & 0x3F)
            }
        }
        // SwiftCSV would drop an empty last field without it.
        if text.last.map(isLineEnd) == false { text.append(UInt8(ascii: "\n")) }
        return String(decoding: text, as: UTF8.self)
    }

    /// A field whose scalars stand for bytes, as text.
    private func decode(_ field: String) -> String {
        String(decoding: field.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }, as: UTF8.self)
    }

    // MARK: - Columns

    /// The chosen fields joined by a space; nil for a header, and if all of them are empty.
    private mutating func document(of fields: [String], line: Int) throws -> String? {
        if fields == [""] { return nil }
        guard let chosen else {
            chosen = try choose(from: fields)
            chosenLabels = try chooseLabels(from: fields)
            if case .names = columns { return nil }
            return try document(of: fields, line: line)
        }
        if let missing = (chosen + chosenLabels).first(where: { $0 >= fields.count }) {
            throw CorpusError.missingColumn(file: path, line: line, column: missing + 1, columnCount: fields.count)
        }
        // With `allButFirst`, a row that is longer than the first row is taken whole.
        let isOpenEnded = columns == .allButFirst && chosen != [0]
        let texts = (isOpenEnded ? (1..<fields.count).filter { !chosenLabels.contains($0) } : chosen)
            .map { decode(fields[$0]) }
        return texts.allSatisfy(\.isEmpty) ? nil : texts.joined(separator: " ")
    }

    private func chooseLabels(from firstRow: [String]) throws -> [Int] {
        let header = firstRow.map(decode)
        return try labels.map { label in
            if case .names = columns {
                guard let column = header.firstIndex(of: label) else {
                    throw CorpusError.unknownColumn(label, file: path, header: header)
                }
                return column
            }
            guard let number = Int(label), number >= 1 else { throw CorpusError.invalidLabelColumn(label) }
            return number - 1
        }
    }

    private func choose(from firstRow: [String]) throws -> [Int] {
        switch columns {
        case .allButFirst: return firstRow.count == 1 ? [0] : [1]
        case .numbers(let numbers): return numbers.map { $0 - 1 }
        case .names(let names):
            let header = firstRow.map(decode)
            var chosen: [Int] = []
            for name in names {
                guard let column = header.firstIndex(of: name) else {
                    throw CorpusError.unknownColumn(name, file: path, header: header)
                }
                chosen.append(column)
            }
            return chosen
        }
    }

    // MARK: - The first rows

    /// Refuses a file whose first rows have other delimiters than commas, and notes a header.
    private mutating func checkFirstRows(_ bytes: UnsafeRawBufferPointer) throws {
        guard chosen == nil else { return }
        if delimiter == nil {
            if let other = otherDelimiter(bytes) { throw CorpusError.otherDelimiter(file: path, other) }
            delimiter = .comma
        }
        if columns == .allButFirst {
            let rows = parse(bytes, delimiter ?? .comma).rows.filter { $0 != [""] }.map { $0.map(decode) }
            if let first = rows.first, isHeader(first, of: rows.dropFirst()) {
                header = CorpusNotes.Header(file: path, names: first)
            }
        }
    }

    /// The delimiter that divides at least nine of ten rows into as many fields as the first row,
    /// if commas do not divide the first row.
    private func otherDelimiter(_ bytes: UnsafeRawBufferPointer) -> Delimiter? {
        func rows(_ delimiter: Delimiter) -> [[String]] { parse(bytes, delimiter).rows.filter { $0 != [""] } }
        guard rows(.comma).first?.count == 1 else { return nil }
        return Delimiter.allCases.first { delimiter in
            let rows = rows(delimiter)
            guard delimiter != .comma, let count = rows.first?.count, count > 1 else { return false }
            return 10 * rows.count { $0.count == count } >= 9 * rows.count
        }
    }

    /// Names that columns of text are often given.
    private static let commonNames: Set<String> = [
        "author", "body", "category", "class", "comment", "content", "date", "description", "id", "label", "name",
        "rating", "review", "score", "sentence", "text", "title", "url",
    ]

    /// Whether the first row is probably a header: all fields are short, not empty and different,
    /// and one of them is a common name of a column or stands above a column of numbers.
    private func isHeader(_ first: [String], of rows: ArraySlice<[String]>) -> Bool {
        let names = first.map { $0.lowercased() }
        guard names.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 40 && Double($0) == nil }),
            Set(names).count == names.count, !rows.isEmpty
        else { return false }
        if names.contains(where: CSVReader.commonNames.contains) { return true }
        return names.indices.contains { column in
            rows.allSatisfy { $0.count > column && Double($0[column]) != nil }
        }
    }
}

private let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

private func isLineEnd(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
}

/// 2 for CR LF, 1 for CR or LF alone.
private func lengthOfLineEnd(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
    bytes[position] == UInt8(ascii: "\r") && position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "\n")
        ? 2 : 1
}
