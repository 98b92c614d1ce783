import Foundation

/// A file that takes the symbols of a large text, in order of their first appearance, two bytes
/// each. It is removed unless it is kept.
final class SymbolSpill {
    private let path: String
    private let file: OutputFile
    private var count = 0
    private var isKept = false

    init(path: String) throws {
        self.path = path
        file = try OutputFile(path, O_CREAT | O_TRUNC)
    }

    deinit {
        if !isKept { unlink(path) }
    }

    func append(_ symbols: [UInt16]) throws {
        try symbols.withUnsafeBytes { try file.write($0) }
        count += symbols.count
    }

    /// Maps the file, now complete, into memory.
    func map() throws -> MappedSymbols {
        try file.sync()
        return try MappedSymbols(path: path, count: count)
    }

    /// Has the file stay.
    func keep() {
        isKept = true
    }
}
