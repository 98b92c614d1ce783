import Foundation
import ModelFormat

/// Turns the labels of documents into numbers: 0 for none, and from 1 on in order of first
/// appearance, since the text can be read only once, or as given labels have them.
struct LabelEncoder {
    /// Why a label could not be encoded.
    enum Failure: Error {
        case unknown(label: String, column: String)
        case invalid(label: String)
        case tooMany
    }

    private let source: LabelSource
    /// The only labels that documents may have; nil if they are learned.
    private let fixed: Labels?
    /// The labels of each column, by their numbers less 1.
    private var labels: [[String]]
    /// By the bytes of their names, which differ where strings are equal.
    private var numbers: [[[UInt8]: UInt16]]
    /// The bytes of all names, each with a NUL.
    private var textLength: Int

    /// - Parameter fixed: The only labels that documents may have, in as many columns; nil to learn
    ///   them.
    init(_ source: LabelSource, fixed: Labels?) {
        self.source = source
        self.fixed = fixed
        textLength = source.columns.reduce(0) { $0 + $1.name.utf8.count + 1 }
        labels = fixed?.columns.map(\.labels) ?? source.columns.map { _ in [] }
        numbers = labels.map { labels in
            Dictionary(uniqueKeysWithValues: labels.enumerated().map { (Array($1.utf8), UInt16($0 + 1)) })
        }
    }

    /// The numbers of a document's labels.
    ///
    /// - Parameter values: A label for each column, as the corpus calls it; empty for none.
    mutating func numbers(of values: [String]) throws(Failure) -> [UInt16] {
        var result: [UInt16] = []
        for (column, value) in values.enumerated() {
            let value = value.trimmingCharacters(in: .whitespaces)
            let label = source.names?[value] ?? value
            if label.isEmpty {
                result.append(0)
            } else if let number = numbers[column][Array(label.utf8)] {
                result.append(number)
            } else {
                result.append(try add(label, column))
            }
        }
        return result
    }

    private mutating func add(_ label: String, _ column: Int) throws(Failure) -> UInt16 {
        guard fixed == nil else { throw .unknown(label: label, column: source.columns[column].name) }
        let limit = Labels.maximum
        guard !label.utf8.contains(0), label.utf8.count < limit.textLength else { throw .invalid(label: label) }
        textLength += label.utf8.count + 1
        let count = labels.reduce(0) { $0 + $1.count }
        guard count < limit.labels, textLength <= limit.textLength else { throw .tooMany }
        labels[column].append(label)
        let number = UInt16(labels[column].count)
        numbers[column][Array(label.utf8)] = number
        return number
    }

    /// The labels of all documents; nil if no document of a column has one.
    ///
    /// - Parameters:
    ///   - documents: For each document what ``numbers(of:)`` has given.
    ///   - starts: The position of each document's first symbol.
    func finish(_ documents: [UInt16], starts: [Int]) -> DocumentLabels? {
        if let fixed { return DocumentLabels(labels: fixed, numbers: documents, starts: starts) }
        let columns = zip(source.columns, labels).map { Labels.Column(name: $0.name, labels: $1) }
        guard let sorted = Labels(columns) else { return nil }
        let renumbered = columns.enumerated().map { column, sorted in
            let ranks = Dictionary(
                uniqueKeysWithValues: sorted.labels.enumerated().map { (Array($1.utf8), UInt16($0 + 1)) })
            return [0] + labels[column].map { ranks[Array($0.utf8)] ?? 0 }
        }
        let count = columns.count
        let numbers = documents.enumerated().map { renumbered[$0 % count][Int($1)] }
        return DocumentLabels(labels: sorted, numbers: numbers, starts: starts)
    }
}
