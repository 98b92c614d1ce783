import Foundation

/// The columns of a CSV file whose fields, joined by a space, are a row's document.
///
/// In JSON: a list of numbers, a list of names, or an empty list for ``allButFirst``.
public enum CSVColumns: Equatable, Sendable {
    /// Every column but the first, which is often a label; or the only one. The file has no header.
    case allButFirst
    /// Columns by number, from 1. The file has no header.
    case numbers([Int])
    /// Columns by name. Each file's first row is its header.
    case names([String])

    /// Reads a list as `2,3` or `title,description`; an empty text chooses ``allButFirst``.
    ///
    /// - Throws: ``CorpusError`` if a number is below 1 or a name is empty.
    public init(_ list: String) throws(CorpusError) {
        let items = list.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        let numbers = items.compactMap { Int($0) }
        if list.isEmpty {
            self = .allButFirst
        } else if numbers.count == items.count, numbers.allSatisfy({ $0 >= 1 }) {
            self = .numbers(numbers)
        } else if numbers.isEmpty, items.allSatisfy({ !$0.isEmpty }) {
            self = .names(items)
        } else {
            throw .invalidColumns(list)
        }
    }
}

extension CSVColumns: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let numbers = try? container.decode([Int].self) {
            guard numbers.allSatisfy({ $0 >= 1 }) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "columns are numbered from 1")
            }
            self = numbers.isEmpty ? .allButFirst : .numbers(numbers)
        } else {
            self = .names(try container.decode([String].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .allButFirst: try container.encode([Int]())
        case .numbers(let numbers): try container.encode(numbers)
        case .names(let names): try container.encode(names)
        }
    }
}
