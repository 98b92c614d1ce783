import Foundation

/// A file that takes the symbols of a large text, in order of their first appearance, two bytes
/// each. It is removed unless it is completed.
final class SymbolSpill {
    private let path: String
    private let file: OutputFile
    private var count = 0
    private var isComplete = false

    init(path: String) throws {
        self.path = path
        file = try OutputFile(path, O_CREAT | O_TRUNC)
    }

    deinit {
        if !isComplete { unlink(path) }
    }

    func append(_ symbols: [UInt16]) throws {
        try symbols.withUnsafeBytes { try file.write($0) }
        count += symbols.count
    }

    /// Maps the file into memory.
    func finish() throws -> MappedSymbols {
        try file.sync()
        let symbols = try MappedSymbols(path: path, count: count)
        isComplete = true
        return symbols
    }
}
