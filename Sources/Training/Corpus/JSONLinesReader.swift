import Foundation

/// Reads the documents of JSON Lines: an object a line, of which one field is the text.
struct JSONLinesReader: RecordReader {
    private let field: String
    private let labels: [String]
    private let path: String
    private var line = 1

    /// - Parameters:
    ///   - field: The field's name, or names between dots for a field within another.
    ///   - labels: The fields of labels likewise.
    init(field: String, labels: [String] = [], path: String) {
        self.field = field
        self.labels = labels
        self.path = path
    }

    mutating func read(
        _ bytes: UnsafeRawBufferPointer, offset: Int, isLast: Bool,
        document body: (String, [String], Int) throws -> Void, fault: (CorpusError) throws -> Void
    ) throws -> Int {
        var position = 0
        while position < bytes.count {
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
            guard end != nil || isLast || bytes.count - position > maximumRecordLength else { break }
            let record = UnsafeRawBufferPointer(rebasing: bytes[position..<(end ?? bytes.count)])
            if end == nil, !isLast { throw CorpusError.longRecord(file: path, line: line) }
            try checkUTF8(record, offset: offset + position, path: path)
            do {
                if let (text, labels) = try document(record, isFirst: offset + position == 0), !text.isEmpty {
                    try body(text, labels, line)
                }
            } catch let error as CorpusError where error.isFaultOfRecord {
                try fault(error)
            }
            position = end.map { $0 + 1 } ?? bytes.count
            line += 1
        }
        return position
    }

    /// The text and the labels of an object; nil for a blank line.
    private func document(
        _ record: UnsafeRawBufferPointer, isFirst: Bool
    ) throws -> (text: String, labels: [String])? {
        // JSONSerialization skips no byte order mark.
        let start = isFirst && record.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let bytes = record[start...]
        if bytes.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) { return nil }
        guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
            throw CorpusError.invalidJSON(file: path, line: line)
        }
        guard let value = value(of: field, in: object) else {
            throw CorpusError.missingField(field, file: path, line: line, fields: object.keys.sorted())
        }
        guard let text = value as? String else { throw CorpusError.fieldIsNotText(field, file: path, line: line) }
        return (text, try labels.map { try label($0, in: object) })
    }

    /// A label, also a number or a truth value; empty if there is none.
    private func label(_ field: String, in object: [String: Any]) throws -> String {
        switch value(of: field, in: object) {
        case nil, is NSNull: return ""
        case let text as String: return text
        case let number as NSNumber: return "\(number)"
        default: throw CorpusError.fieldIsNotText(field, file: path, line: line)
        }
    }

    private func value(of field: String, in object: [String: Any]) -> Any? {
        if let value = object[field] { return value }
        return field.split(separator: ".").reduce(object as Any?) { value, name in
            (value as? [String: Any])?[String(name)]
        }
    }
}
