import Foundation
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusVocabularyTests {
    private func vocabulary(_ characters: String, hasEndOfDocument: Bool = false) throws -> Vocabulary {
        let scalars = characters.unicodeScalars.map(\.value).sorted()
        return try #require(Vocabulary(characters: scalars, hasEndOfDocument: hasEndOfDocument))
    }

    /// Expects that reading `text` as symbols of `vocabulary` throws.
    private func expectError(
        _ text: String, _ documents: DocumentKind, _ vocabulary: Vocabulary, csv: CSVColumns? = nil,
        _ error: (String) -> CorpusError, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try withFiles([Array(text.utf8)]) { paths in
            #expect(throws: error(paths[0]), sourceLocation: sourceLocation) {
                try Corpus(
                    reading: CorpusSource(paths: paths, documents: documents, csv: csv), vocabulary: vocabulary)
            }
        }
    }

    @Test("reading again with the learned vocabulary gives the same symbols", arguments: DocumentKind.allCases)
    func same(kind: DocumentKind) throws {
        let text = "the quick\n\nbrown fox\r\n\njumps €\n"
        let learned = try readCorpus(text, kind)
        let again = try readCorpus(text, kind, vocabulary: learned.vocabulary)
        #expect(again.vocabulary == learned.vocabulary)
        #expect((0..<again.count).map { again[$0] } == (0..<learned.count).map { learned[$0] })
        #expect(again.documentCount == learned.documentCount)
    }

    @Test("the vocabulary keeps characters that the text lacks")
    func larger() throws {
        let corpus = try readCorpus("ca", vocabulary: vocabulary("abcd"))
        #expect((0..<corpus.count).map { corpus[$0] } == [2, 0])
    }

    @Test("a vocabulary of more than 256 symbols takes two bytes a symbol, however few are used")
    func wide() throws {
        let characters = String(String.UnicodeScalarView((0x100..<0x200).compactMap(Unicode.Scalar.init)))
        let corpus = try readCorpus("a\u{1FF}", vocabulary: vocabulary("a" + characters))
        #expect(corpus.symbols.isWide)
        #expect((0..<corpus.count).map { corpus[$0] } == [0, 256])
    }

    @Test("with an end-of-document symbol in the vocabulary, it follows even a single document")
    func end() throws {
        let corpus = try readCorpus("ab\n", .line, vocabulary: vocabulary("ab", hasEndOfDocument: true))
        #expect((0..<corpus.count).map { corpus[$0] } == [0, 1, 2])
        #expect(corpus.characterCount == 2)
        #expect(corpus.nextDocument(from: 0) == 0..<2)
        #expect(corpus.nextDocument(from: 2) == nil)
    }

    @Test("without one, a second document is refused")
    func noEnd() throws {
        try expectError("ab\nba", .line, vocabulary("ab")) { .noEndOfDocument(file: $0, place: .offset(3)) }
    }

    @Test("unknown characters can be left out, are counted, and make no document of their own")
    func skipped() throws {
        let text = "€\na€b\n€ü\n\nbü"
        func read(_ kind: DocumentKind, csv: CSVColumns? = nil, _ vocabulary: Vocabulary) throws -> Corpus {
            try withFiles([Array(text.utf8)]) {
                let source = CorpusSource(paths: $0, documents: kind, csv: csv)
                return try Corpus(reading: source, vocabulary: vocabulary, unknown: .skip)
            }
        }
        let known = try vocabulary("ab", hasEndOfDocument: true)
        let lines = try read(.line, known)
        #expect(lines.texts == ["ab", "b"] && lines.documentCount == 2 && lines.unknownCount == 5)
        let whole = try read(.whole, known)
        #expect(whole.texts == ["abb"] && whole.unknownCount == 9)
        let rows = try read(.whole, csv: CSVColumns("1"), known)
        #expect(rows.texts == ["ab", "b"] && rows.unknownCount == 5)
        #expect(try read(.whole, vocabulary("ab\n€ü")).unknownCount == 0)
        #expect(throws: CorpusError.self) { try read(.whole, vocabulary("xyz")) }
    }

    @Test("a character outside the vocabulary is refused with its place")
    func unknown() throws {
        let known = try vocabulary("abé", hasEndOfDocument: true)
        try expectError("aéxb", .whole, known) { .unknownCharacter("x", file: $0, place: .offset(3)) }
        try expectError("a\n€", .line, known) { .unknownCharacter("€", file: $0, place: .offset(2)) }
        // White space that is held back until a character follows.
        try expectError("ab\nb", .paragraph, known) { .unknownCharacter("\n", file: $0, place: .offset(2)) }
        try expectError("a\n\nb\nb", .paragraph, known) { .unknownCharacter("\n", file: $0, place: .offset(4)) }
        try expectError("ab\n\n b", .paragraph, known) { .unknownCharacter(" ", file: $0, place: .offset(4)) }
        try expectError("a\rb", .file, known) { .unknownCharacter("\r", file: $0, place: .offset(1)) }
        try expectError("1,a\n2,\"b\n\"\n3,x", .whole, known, csv: .allButFirst) {
            .unknownCharacter("\n", file: $0, place: .line(2))
        }
    }
}
