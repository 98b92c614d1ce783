import Foundation

/// A file that takes the symbols of a large text, in order of their first appearance, two bytes
/// each. It is removed unless it is kept.
final class SymbolSpill {
    private let name: String
    private let folder: OpenFolder
    private let file: OutputFile
    private var count = 0
    private var isKept = false

    /// Replaces a file in a folder.
    init(_ name: String, in folder: OpenFolder) throws {
        self.name = name
        self.folder = folder
        folder.remove(name)
        file = try OutputFile(name, in: folder, O_CREAT | O_EXCL)
    }

    deinit {
        if !isKept { folder.remove(name) }
    }

    func append(_ symbols: [UInt16]) throws {
        try symbols.withUnsafeBytes { try file.write($0) }
        count += symbols.count
    }

    /// Maps the file, now complete, into memory.
    func map() throws -> MappedSymbols {
        try file.sync()
        return try MappedSymbols(name, in: folder, count: count)
    }

    /// Has the file stay.
    func keep() {
        isKept = true
    }
}
