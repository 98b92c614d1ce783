import Core
import SwiftCSV

/// Reads the documents of a CSV file: fields between commas, in quotation marks where necessary,
/// which are doubled inside.
///
/// The bytes are divided into pieces of whole rows, which SwiftCSV parses one after the other, so
/// that only one piece is in memory. Spaces around a quoted field and before an unquoted one are
/// ignored, and so are blank rows.
struct CSVReader {
    private let columns: CSVColumns
    private let path: String
    /// The chosen columns from 0, once the first row is known.
    private var chosen: [Int]?
    /// The number of rows read.
    private var rowCount = 0
    /// The number of the next piece's first bytes that have been scanned and hold no end of a row.
    private var scanned = 0
    private var isInQuotes = false

    init(columns: CSVColumns, path: String) {
        self.columns = columns
        self.path = path
    }

    /// Reads the rows that end in `bytes` and returns the number of their bytes.
    ///
    /// - Parameters:
    ///   - bytes: The bytes not yet read, as from ``InputFile/readChunks(hash:_:)``.
    ///   - body: Takes each document and its row, from 1.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, offset: Int, isLast: Bool, _ body: (String, Int) throws -> Void
    ) throws -> Int {
        var end = 0
        // Quotation marks come in pairs, around a field and as a doubled one, so a line feed after
        // an even number of them ends a row.
        for position in scanned..<bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): isInQuotes.toggle()
            case UInt8(ascii: "\n"): if !isInQuotes { end = position + 1 }
            default: break
            }
        }
        if isLast { end = bytes.count }
        scanned = bytes.count - end
        guard end > 0 else { return 0 }
        let piece = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        let text = try text(of: piece, offset: offset)
        for fields in try rows(of: text) {
            rowCount += 1
            if let document = try document(of: fields) { try body(document, rowCount) }
        }
        if isLast, isInQuotes { throw CorpusError.misplacedQuote(file: path, row: rowCount) }
        return end
    }

    /// The bytes as text, each as the scalar of its value: SwiftCSV works with grapheme clusters,
    /// and would not find a comma that is followed by a combining mark.
    private func text(of bytes: UnsafeRawBufferPointer, offset: Int) throws(CorpusError) -> String {
        var position = 0
        while position < bytes.count {
            guard case .scalar(_, let length) = decodeUTF8(bytes, at: position) else {
                throw .notUTF8(file: path, offset: offset + position)
            }
            position += length
        }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let start = offset == 0 && bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes[start...] {
            if byte < 0x80 {
                text.append(byte)
            } else {
                text.append(0xC0 | byte >> 6)
                text.append(0x80 | byte & 0x3F)
            }
        }
        // SwiftCSV would drop an empty last field without it.
        if text.last != UInt8(ascii: "\n") { text.append(UInt8(ascii: "\n")) }
        return String(decoding: text, as: UTF8.self)
    }

    private func rows(of text: String) throws(CorpusError) -> [[String]] {
        var rows: [[String]] = []
        do {
            // With this row limit the initialiser builds no table.
            let csv = try EnumeratedCSV(string: text, delimiter: .comma, loadColumns: false, rowLimit: 0)
            try csv.enumerateAsArray(rowLimit: nil) { rows.append($0) }
        } catch {
            throw .misplacedQuote(file: path, row: rowCount + rows.count + 1)
        }
        return rows
    }

    /// The chosen fields joined by a space; nil for a header, and if all of them are empty.
    private mutating func document(of fields: [String]) throws(CorpusError) -> String? {
        if fields == [""] { return nil }
        guard let chosen else {
            chosen = try choose(from: fields)
            if case .names = columns { return nil }
            return try document(of: fields)
        }
        if let missing = chosen.first(where: { $0 >= fields.count }) {
            throw .missingColumn(file: path, row: rowCount, column: missing + 1, columnCount: fields.count)
        }
        // With `allButFirst`, a row that is longer than the first row is taken whole.
        let isOpenEnded = columns == .allButFirst && chosen != [0]
        let texts = (isOpenEnded ? Array(1..<fields.count) : chosen).map { decode(fields[$0]) }
        return texts.allSatisfy(\.isEmpty) ? nil : texts.joined(separator: " ")
    }

    private func choose(from firstRow: [String]) throws(CorpusError) -> [Int] {
        switch columns {
        case .allButFirst: return firstRow.count == 1 ? [0] : [1]
        case .numbers(let numbers): return numbers.map { $0 - 1 }
        case .names(let names):
            let header = firstRow.map(decode)
            var chosen: [Int] = []
            for name in names {
                guard let column = header.firstIndex(of: name) else {
                    throw .unknownColumn(name, file: path, header: header)
                }
                chosen.append(column)
            }
            return chosen
        }
    }

    /// A field whose scalars stand for bytes, as text.
    private func decode(_ field: String) -> String {
        String(decoding: field.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }, as: UTF8.self)
    }
}
