import Foundation

/// Any JSON, so that settings of every version can be shown.
enum JSONValue: Decodable, Equatable {
    /// null, true, false, a number or a string, as it is shown.
    case scalar(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .scalar("none")
        } else if let value = try? container.decode(Bool.self) {
            self = .scalar(value ? "yes" : "no")
        } else if let value = try? container.decode(Int64.self) {
            self = .scalar("\(value)")
        } else if let value = try? container.decode(UInt64.self) {
            self = .scalar("\(value)")
        } else if let value = try? container.decode(Double.self) {
            self = .scalar(String(format: "%.7g", value))
        } else if let value = try? container.decode(String.self) {
            self = .scalar(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// A line of a table.
    struct Entry: Equatable {
        let name: String
        let value: String
    }

    /// The most elements of a list that are shown.
    private static let listLimit = 20

    /// The values within an object, sorted by their names, which have the objects' names before
    /// them: `corpus: paths`.
    var entries: [Entry] { entries(named: "") }

    private func entries(named name: String) -> [Entry] {
        switch self {
        case .scalar(let value): return [Entry(name: name, value: value)]
        case .list(let values):
            let shown = values.prefix(JSONValue.listLimit).map { $0.entries.map(\.value).joined(separator: " ") }
            let rest = values.count - shown.count
            return [Entry(name: name, value: shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : ""))]
        case .object(let values):
            return values.sorted { $0.key < $1.key }.flatMap { key, value in
                value.entries(named: name.isEmpty ? JSONValue.words(key) : "\(name): \(JSONValue.words(key))")
            }
        }
    }

    /// The words of a name: `hiddenSize` is `hidden size`.
    private static func words(_ name: String) -> String {
        var words = ""
        var previousIsLower = false
        for character in name {
            if character.isUppercase, previousIsLower { words += " " }
            words += previousIsLower ? character.lowercased() : String(character)
            previousIsLower = character.isLowercase
        }
        return words
    }
}
