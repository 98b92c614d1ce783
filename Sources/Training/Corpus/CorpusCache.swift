import Foundation
import ModelFormat

/// The symbols of a large text in a run's folder: they are encoded once, and mapped into memory.
///
///     corpus.symbols      the symbols in order of their first appearance, two bytes each
///     corpus.json         what they mean, and the files that they were read from
///
/// A text of fewer symbols than ``smallest`` is not cached. A text that is takes about this much
/// memory while it is encoded.
struct CorpusCache {
    let folder: OpenFolder
    var smallest = 64 << 20

    private static let symbolsName = "corpus.symbols"
    private static let descriptionName = "corpus.json"

    private struct Description: Codable {
        var stamp: String
        var count: Int
        /// The symbol of each number in the file.
        var numbering: [UInt16]
        var characters: [UInt32]
        var hasUnknown: Bool
        var hasEndOfDocument: Bool
        var documentCount: Int
        var unknownCount: Int
        var differentUnknownCount: Int
        var sha256: String
    }

    /// The file for the symbols. What was in the cache is invalid from here on.
    func makeSpill() throws -> SymbolSpill {
        folder.remove(CorpusCache.descriptionName)
        return try SymbolSpill(CorpusCache.symbolsName, in: folder)
    }

    /// What identifies the files and how they are read: a hash of their paths, sizes and times of
    /// modification and change, and of the options. nil for a pipe, and
    /// with labels.
    func stamp(_ source: CorpusSource, _ paths: [String]) throws -> String? {
        // The cache has no labels of documents.
        guard source.labels == nil else { return nil }
        var options = source.withAbsolutePaths
        options.paths = []
        options.list = nil
        options.listFolder = nil
        options.include = nil
        var hash = SHA256()
        func add(_ text: String) { Array((text + "\0").utf8).withUnsafeBytes { hash.update($0) } }
        add(try JSON.string(options))
        for path in paths {
            var information = stat()
            guard path != InputFile.standardInput, stat(FileName.cString(path), &information) == 0,
                information.st_mode & S_IFMT == S_IFREG
            else { return nil }
            add(CorpusSource.absolute(path))
            for time in [information.st_mtim, information.st_ctim] { add("\(time.tv_sec) \(time.tv_nsec)") }
            add("\(information.st_size)")
        }
        return hash.hexadecimalDigest()
    }

    /// The corpus in the folder; nil if there is none, or another.
    func corpus(stamp: String) -> Corpus? {
        guard let data = try? folder.read(CorpusCache.descriptionName),
            let description = try? JSONDecoder().decode(Description.self, from: data), description.stamp == stamp,
            description.count > 0,
            let vocabulary = Vocabulary(
                characters: description.characters, hasUnknown: description.hasUnknown,
                hasEndOfDocument: description.hasEndOfDocument),
            description.numbering.count <= SymbolEncoder.maximumCharacters + 1,
            description.numbering.allSatisfy({ $0 < vocabulary.count }),
            (1...description.count).contains(description.documentCount),
            let symbols = try? MappedSymbols(CorpusCache.symbolsName, in: folder, count: description.count)
        else { return nil }
        return Corpus(
            symbols: SymbolBuffer(symbols, numbering: description.numbering), vocabulary: vocabulary,
            documentCount: description.documentCount, unknownCount: description.unknownCount,
            differentUnknownCount: description.differentUnknownCount, sha256: description.sha256)
    }

    /// Completes the cache of a corpus, if its symbols are in the folder. Without a stamp they
    /// remain as long as they are mapped.
    func complete(_ corpus: Corpus, stamp: String?) throws {
        guard !corpus.symbols.numbering.isEmpty else { return }
        guard let stamp else {
            folder.remove(CorpusCache.symbolsName)
            return
        }
        let description = Description(
            stamp: stamp, count: corpus.count, numbering: corpus.symbols.numbering,
            characters: corpus.vocabulary.characters, hasUnknown: corpus.vocabulary.hasUnknown,
            hasEndOfDocument: corpus.vocabulary.hasEndOfDocument, documentCount: corpus.documentCount,
            unknownCount: corpus.unknownCount, differentUnknownCount: corpus.differentUnknownCount,
            sha256: corpus.sha256)
        try folder.write(JSON.data(description), to: CorpusCache.descriptionName)
    }
}
