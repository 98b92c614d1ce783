import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusCacheTests {
    /// Runs `body` with a source of a file that holds `text`, and a cache for texts of 100 symbols.
    private func withCache(_ text: String, _ body: (CorpusSource, CorpusCache, URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("text")
            try Data(text.utf8).write(to: file)
            let cache = folder.appendingPathComponent("cache")
            try FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
            let source = CorpusSource(paths: [file.path], documents: .line)
            try body(source, CorpusCache(folder: try OpenFolder(cache.path), smallest: 100), cache)
        }
    }

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    private func expectSame(_ first: Corpus, _ second: Corpus) {
        #expect(first.vocabulary == second.vocabulary && first.sha256 == second.sha256)
        #expect(first.count == second.count && first.documentCount == second.documentCount)
        #expect(first.texts == second.texts)
        func copy(_ corpus: Corpus) -> [Int32] {
            var copy = [Int32](repeating: -1, count: 2 * corpus.count)
            copy.withUnsafeMutableBufferPointer { buffer in
                if let start = buffer.baseAddress { corpus.copySymbols(0..<corpus.count, to: start, stride: 2) }
            }
            return copy
        }
        #expect(copy(first) == copy(second))
    }

    private static let narrow = String(repeating: "zebra\nantelope\n\nyak é\n", count: 60_000)
    private static let wide =
        narrow + String(String.UnicodeScalarView((0x4000..<0x5000).reversed().compactMap(Unicode.Scalar.init)))

    @Test(
        "a large text is the same corpus from memory, encoded to the cache, and from the cache",
        arguments: [narrow, wide])
    func same(text: String) throws {
        try withCache(text) { source, cache, folder in
            let plain = try Corpus(reading: source)
            expectSame(try CorpusReader.read(source, vocabulary: nil, cache: cache), plain)
            #expect(try names(folder) == ["corpus.json", "corpus.symbols"])
            let stamp = try #require(try cache.stamp(source, source.paths))
            expectSame(try #require(cache.corpus(stamp: stamp)), plain)
            expectSame(try CorpusReader.read(source, vocabulary: nil, cache: cache), plain)
        }
    }

    @Test("a small text has no cache")
    func small() throws {
        try withCache("a few words\n") { source, cache, folder in
            _ = try CorpusReader.read(source, vocabulary: nil, cache: cache)
            #expect(try names(folder).isEmpty)
        }
    }

    @Test("another text, other options and a damaged cache are noticed, and the text is read again")
    func invalid() throws {
        try withCache(CorpusCacheTests.narrow) { source, cache, folder in
            let plain = try Corpus(reading: source)
            _ = try CorpusReader.read(source, vocabulary: nil, cache: cache)
            var other = source
            other.lowercase = true
            #expect(try cache.stamp(other, other.paths) != cache.stamp(source, source.paths))
            let stamp = try #require(try cache.stamp(source, source.paths))

            let symbols = FileHandle(forUpdatingAtPath: folder.path + "/corpus.symbols")
            try symbols?.truncate(atOffset: UInt64(2 * plain.count - 2))
            #expect(cache.corpus(stamp: stamp) == nil)
            expectSame(try CorpusReader.read(source, vocabulary: nil, cache: cache), plain)

            try Data((CorpusCacheTests.narrow.replacing("z", with: "a")).utf8).write(
                to: URL(fileURLWithPath: source.paths[0]))
            expectSame(try CorpusReader.read(source, vocabulary: nil, cache: cache), try Corpus(reading: source))
        }
    }

    @Test("a text that cannot be read leaves no cache, and a pipe leaves none")
    func nothing() throws {
        try withCache(CorpusCacheTests.narrow) { source, cache, folder in
            let path = folder.deletingLastPathComponent().path + "/more"
            try Data([0x61, 0xFF]).write(to: URL(fileURLWithPath: path))
            let bad = CorpusSource(paths: source.paths + [path])
            #expect(throws: CorpusError.self) { try CorpusReader.read(bad, vocabulary: nil, cache: cache) }
            #expect(try names(folder).isEmpty)

            try #require(mkfifo(folder.path + "/pipe", 0o600) == 0)
            Thread.detachNewThread {
                try? FileHandle(forWritingAtPath: folder.path + "/pipe")?.write(
                    contentsOf: Data(CorpusCacheTests.narrow.utf8))
            }
            var pipe = source
            pipe.paths = [folder.path + "/pipe"]
            let corpus = try CorpusReader.read(pipe, vocabulary: nil, cache: cache)
            #expect(try names(folder) == ["pipe"])
            expectSame(corpus, try Corpus(reading: source))
        }
    }
}
