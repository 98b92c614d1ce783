import Foundation
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("A corpus whose rare characters are one unknown symbol")
struct CorpusMinimumCountTests {
    private func read(
        _ text: String, _ minimumCount: Int?, _ documents: DocumentKind = .whole, cache: CorpusCache? = nil
    ) throws -> Corpus {
        try withFiles([Array(text.utf8)]) { paths in
            var source = CorpusSource(paths: paths, documents: documents)
            source.minimumCount = minimumCount
            return try CorpusReader.read(source, vocabulary: nil, cache: cache)
        }
    }

    private func symbols(_ corpus: Corpus) -> [Int] { (0..<corpus.count).map { corpus[$0] } }

    @Test("a character that occurs as often keeps its symbol, and one that occurs once less does not")
    func border() throws {
        // a, b, c and € occur 4, 3, 2 times and once.
        let text = "ab€acbacab"
        for (count, kept, unknown, different) in [
            (1, "abc€", 0, 0), (2, "abc", 1, 1), (3, "ab", 3, 2), (4, "a", 6, 3),
        ] as [(Int, String, Int, Int)] {
            let corpus = try read(text, count)
            let characters = kept.unicodeScalars.map(\.value)
            #expect(
                corpus.vocabulary == Vocabulary(characters: characters, hasUnknown: count > 1, hasEndOfDocument: false))
            #expect((corpus.unknownCount, corpus.differentUnknownCount) == (unknown, different))
            #expect(corpus.characterCount == 10)
            let expected = text.unicodeScalars.map { characters.firstIndex(of: $0.value) ?? kept.count }
            #expect(symbols(corpus) == expected)
        }
        #expect(try symbols(read(text, nil)) == symbols(read(text, 1)))
        #expect(try !read(text, nil).vocabulary.hasUnknown)
    }

    @Test("a count above all is refused, and names the most frequent character")
    func tooLarge() throws {
        for (text, documents, count) in [("abcab\nb", DocumentKind.whole, 4), ("a\na\nb\nb\nb", .line, 4)] {
            let expected = CorpusError.noFrequentCharacter(minimumCount: count, mostFrequent: "b", count: 3)
            #expect(throws: expected) { try read(text, count, documents) }
        }
        #expect(
            CorpusError.noFrequentCharacter(minimumCount: 9, mostFrequent: "b", count: 1).description
                == "no character occurs 9 times, not even the most frequent, 'b' (U+0062): it occurs once")
        // Without any text that is the error, not the count.
        #expect(throws: CorpusError.self) { try read("", 4) }
    }

    @Test("the end of a document is never rare, and a document of rare characters is one")
    func documents() throws {
        let corpus = try read("abab\n€ü\nba\n", 3, .line)
        #expect(
            corpus.vocabulary == Vocabulary(characters: [0x61, 0x62], hasUnknown: true, hasEndOfDocument: true))
        #expect(symbols(corpus) == [0, 1, 0, 1, 3, 2, 2, 3, 1, 0, 3])
        #expect(corpus.documentCount == 3 && corpus.nextDocument(from: 4) == 5..<7)
    }

    @Test("where no character is rare there is an unknown symbol that does not occur")
    func noneIsRare() throws {
        let corpus = try read("abab", 2)
        #expect(corpus.vocabulary.hasUnknown && corpus.vocabulary.count == 3)
        #expect(corpus.unknownCount == 0 && symbols(corpus) == [0, 1, 0, 1])
    }

    @Test(
        "reading the text with the vocabulary that was learned gives the same corpus",
        arguments: DocumentKind.allCases)
    func again(kind: DocumentKind) throws {
        let text = "the quick\n\nbrown fox\r\n\njumps € over\u{1} it, and ü\n"
        let learned = try read(text, 3, kind)
        let again = try readCorpus(text, kind, vocabulary: learned.vocabulary)
        #expect(again.vocabulary == learned.vocabulary && symbols(again) == symbols(learned))
        #expect(again.unknownCount == learned.unknownCount && learned.unknownCount > 0)
        #expect(again.differentUnknownCount == learned.differentUnknownCount)
    }

    @Test("characters that a given vocabulary lacks are its unknown symbol, or are left out, and are counted")
    func given() throws {
        let known = try #require(Vocabulary(characters: [0x61, 0x62], hasUnknown: true, hasEndOfDocument: true))
        func read(_ text: String, _ unknown: UnknownCharacterPolicy) throws -> Corpus {
            try withFiles([Array(text.utf8)]) {
                try Corpus(
                    reading: CorpusSource(paths: $0, documents: .line), vocabulary: known, unknown: unknown)
            }
        }
        let text = "€\na€b\nxx\nbü"
        let corpus = try read(text, .fail)
        #expect(symbols(corpus) == [2, 3, 0, 2, 1, 3, 2, 2, 3, 1, 2, 3])
        #expect((corpus.unknownCount, corpus.differentUnknownCount) == (5, 3))
        let skipped = try read(text, .skip)
        #expect(symbols(skipped) == [0, 1, 3, 1, 3])
        #expect((skipped.unknownCount, skipped.differentUnknownCount) == (5, 0))
        // A second document is refused as before.
        let unending = known.with(endOfDocument: false)
        #expect(throws: CorpusError.self) { try readCorpus("a\n€", .line, vocabulary: unending) }
    }

    @Test("the unknown symbol may be the one that does not fit into a byte any more", arguments: [254, 255, 256])
    func wide(count: Int) throws {
        let characters = String(String.UnicodeScalarView((0x100..<0x100 + count).compactMap { Unicode.Scalar($0) }))
        let corpus = try read(characters + "\n" + characters, 2, .line)
        #expect(corpus.vocabulary.count == count + 2 && corpus.symbols.isWide == (count > 254))
        #expect(symbols(corpus) == (Array(0..<count) + [count + 1]) + (Array(0..<count) + [count + 1]))
        #expect(corpus.texts == [characters, characters])
    }

    @Test("as many characters as fit beside both special symbols are learned, and one more is refused")
    func limit() throws {
        let scalars = (0x21..<0x11_0000 as Range<UInt32>).lazy.filter { $0 != 0xFEFF }.compactMap(Unicode.Scalar.init)
        let most = String(String.UnicodeScalarView(scalars.prefix(65_534)))
        let corpus = try read(most + "\n" + most, 2, .line)
        #expect(corpus.vocabulary.count == 65_536 && corpus[corpus.count - 1] == 65_535)
        #expect(throws: CorpusError.self) {
            try read(String(String.UnicodeScalarView(scalars.prefix(65_535))), 2)
        }
    }

    @Test("a large text is the same corpus from memory, encoded to the cache, and from the cache")
    func cache() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("text")
            let text = String(repeating: "zebra\nantelope\n\nyak é\n", count: 6000) + "ü€\nzeta ß€\n"
            try Data(text.utf8).write(to: file)
            var source = CorpusSource(paths: [file.path], documents: .line)
            source.minimumCount = 7000
            let plain = try Corpus(reading: source)
            #expect(plain.vocabulary.characters == [0x61, 0x65])
            let cache = CorpusCache(folder: try OpenFolder(folder.path), smallest: 100)
            let encoded = try CorpusReader.read(source, vocabulary: nil, cache: cache)
            let stamp = try #require(try cache.stamp(source, source.paths))
            let cached = try #require(cache.corpus(stamp: stamp))
            for corpus in [encoded, cached] {
                #expect(corpus.vocabulary == plain.vocabulary && corpus.sha256 == plain.sha256)
                #expect(symbols(corpus) == symbols(plain))
                #expect(corpus.unknownCount == plain.unknownCount && plain.unknownCount > 0)
                #expect(corpus.differentUnknownCount == plain.differentUnknownCount)
                #expect(corpus.documentCount == plain.documentCount && corpus.texts == plain.texts)
            }
            // Another count is another corpus.
            source.minimumCount = 5
            #expect(try cache.stamp(source, source.paths) != stamp)
            #expect(try CorpusReader.read(source, vocabulary: nil, cache: cache).differentUnknownCount == 3)
            // A count above all leaves no file of symbols.
            source.minimumCount = 1_000_000
            #expect(throws: CorpusError.self) { try CorpusReader.read(source, vocabulary: nil, cache: cache) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["text"])
        }
    }

    @Test("the report says what minimum counts leave")
    func report() throws {
        let text = String(repeating: "a", count: 10) + String(repeating: "b", count: 9) + "ccccc" + "dd" + "e"
        let counts = try CorpusReport(readCorpus(text + "\n" + text, .line)).vocabulary.minimumCounts
        #expect(counts.map(\.minimumCount) == [2, 5, 10])
        #expect(counts.map(\.characters) == [5, 3, 3])
        #expect(counts.map(\.unknown) == [0, 6, 6])
        let single = try CorpusReport(readCorpus(text)).vocabulary.minimumCounts
        #expect(single.map(\.characters) == [4, 3, 1])
        #expect(single.map(\.unknown) == [1, 3, 17])
    }
}
