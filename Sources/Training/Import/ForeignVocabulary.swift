import Core
import Foundation
import ModelFormat

/// The symbols of a network from elsewhere, and that network's order of them.
struct ForeignVocabulary {
    /// The symbols in chargen's order.
    let vocabulary: Vocabulary
    /// The network's index of each symbol.
    let indices: [Int]

    /// The keys that are read of a model's description.
    private enum Key: String {
        case vocabulary, unknown, endOfDocument, keepsState
    }

    /// What a symbol stands for.
    private enum Meaning: Hashable {
        case character(Unicode.Scalar)
        case unknown
        case endOfDocument

        /// What chargen orders symbols by.
        var rank: UInt32 {
            switch self {
            case .character(let character): character.value
            case .unknown: .max - 1
            case .endOfDocument: .max
            }
        }

        var name: String {
            switch self {
            case .character(let character):
                isControl(character.value)
                    ? codePoint(character.value) : "'\(character)' (\(codePoint(character.value)))"
            case .unknown: "the unknown symbol"
            case .endOfDocument: "the end of a document"
            }
        }
    }

    /// Reads JSON: an array of the characters in the order of their indices, an object with the
    /// index of each character, or an object with either under the key `vocabulary`, which may have
    /// the indices of special symbols too.
    ///
    /// - Throws: ``ImportError``.
    init(_ json: Data) throws {
        let entries = JSON.entries(json) ?? []
        func value(_ key: Key) -> Data? { entries.last { $0.key == key.rawValue }?.value }
        guard let characters = value(.vocabulary) else {
            try self.init(ForeignVocabulary.characters(json), carriesDocuments: false)
            return
        }
        var symbols = try ForeignVocabulary.characters(characters)
        for (key, meaning) in [(Key.unknown, Meaning.unknown), (.endOfDocument, .endOfDocument)] {
            guard let index = value(key) else { continue }
            symbols.append((meaning, try ForeignVocabulary.index(index, of: key.rawValue)))
        }
        guard let keepsState = try? JSONDecoder().decode(Bool.self, from: value(.keepsState) ?? Data("false".utf8))
        else { throw ImportError(reason: "the value of '\(Key.keepsState.rawValue)' is neither true nor false") }
        try self.init(symbols, carriesDocuments: keepsState)
    }

    private init(_ symbols: [(meaning: Meaning, index: Int)], carriesDocuments: Bool) throws {
        var meanings = [Meaning?](repeating: nil, count: symbols.count)
        var known: Set<Meaning> = []
        for (meaning, index) in symbols {
            guard known.insert(meaning).inserted else { throw ImportError(reason: "it has \(meaning.name) twice") }
            guard meanings.indices.contains(index) else {
                throw ImportError(
                    reason: "\(meaning.name) has the index \(index); those of \(counted(symbols.count, "symbol")) "
                        + "go from 0 to \(symbols.count - 1) without a gap")
            }
            if let other = meanings[index] {
                throw ImportError(reason: "\(other.name) and \(meaning.name) have the same index, \(index)")
            }
            meanings[index] = meaning
        }
        let sorted = symbols.sorted { $0.meaning.rank < $1.meaning.rank }
        let characters: [UInt32] = sorted.compactMap { symbol in
            if case .character(let character) = symbol.meaning { character.value } else { nil }
        }
        guard !characters.isEmpty,
            let vocabulary = Vocabulary(
                characters: characters, hasUnknown: known.contains(.unknown),
                hasEndOfDocument: known.contains(.endOfDocument), carriesDocuments: carriesDocuments)
        else { throw ImportError(reason: "it has no characters") }
        self.vocabulary = vocabulary
        indices = sorted.map(\.index)
    }

    /// The characters of an array, or of an object with their indices.
    private static func characters(_ json: Data) throws -> [(meaning: Meaning, index: Int)] {
        if let entries = JSON.entries(json) {
            return try entries.map { (try character($0.key), try index($0.value, of: $0.key)) }
        }
        guard let strings = try? JSONDecoder().decode([String].self, from: json) else {
            throw ImportError(
                reason: "it is neither a JSON array of characters, such as [\"a\", \"b\"], nor an object with the "
                    + "index of each, such as {\"a\": 0, \"b\": 1}")
        }
        return try strings.enumerated().map { (try character($1), $0) }
    }

    private static func character(_ string: String) throws -> Meaning {
        let scalars = string.unicodeScalars
        guard let character = scalars.first, scalars.count == 1 else {
            throw ImportError(reason: "'\(string)' is \(counted(scalars.count, "character")), and a symbol is one")
        }
        return .character(character)
    }

    private static func index(_ value: Data, of key: String) throws -> Int {
        guard let index = try? JSONDecoder().decode(Int.self, from: value) else {
            throw ImportError(reason: "the value of '\(key)' is not an index")
        }
        return index
    }
}
