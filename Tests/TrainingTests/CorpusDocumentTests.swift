import Core
import Foundation
import ModelFormat
import Testing

@testable import Training

@Suite struct CorpusDocumentTests {
    @Test("all files together are one document, unchanged")
    func whole() throws {
        let corpus = try readCorpus([Array("b\r\n\n".utf8), [], Array("a\0 ".utf8)])
        #expect(corpus.texts == ["b\r\n\na\0 "])
        #expect(corpus.documentCount == 1)
        #expect(!corpus.vocabulary.hasEndOfDocument)
        #expect(corpus.count == 7)
        #expect(corpus.characterCount == 7)
    }

    @Test(
        "lines end with LF, CR LF, CR or the file, and empty ones are dropped",
        arguments: [
            ("one\ntwo\n", ["one", "two"]),
            ("one\r\ntwo", ["one", "two"]),
            ("\n\none\n\r\n\ntwo\n\n", ["one", "two"]),
            ("one\n  \ntwo", ["one", "  ", "two"]),
            ("a\rb\r\r\nc\r", ["a", "b", "c"]),
            ("only\n", ["only"]),
        ])
    func lines(text: String, documents: [String]) throws {
        let corpus = try readCorpus(text, .line)
        #expect(corpus.texts == documents)
        #expect(corpus.documentCount == documents.count)
    }

    @Test(
        "paragraphs end with blank lines or the file, and keep the line feeds inside",
        arguments: [
            ("one\ntwo\n\nthree\n", ["one\ntwo", "three"]),
            ("one\r\ntwo\r\n\r\nthree", ["one\ntwo", "three"]),
            ("\n \t\none\n\t\n \r\n\ntwo\n", ["one", "two"]),
            ("  one \n\ttwo\n  ", ["  one \n\ttwo"]),
            ("a\rb\n\r\rc\r", ["a\nb", "c"]),
        ])
    func paragraphs(text: String, documents: [String]) throws {
        #expect(try readCorpus(text, .paragraph).texts == documents)
    }

    @Test(
        "a line that equals the separator ends a document, which loses the line ends around it",
        arguments: [
            ("%", "one\ntwo\n%\nthree\n", ["one\ntwo", "three"]),
            ("%", "%\r\n%\r\none\r\n\r\ntwo\r\n%", ["one\n\ntwo"]),
            ("%", "\n\none\n\n%\n\n%\n 5 %\n%%\n% \n", ["one", " 5 %\n%%\n% "]),
            ("<|endoftext|>", "<|end\n<|endoftext|>\n<\n<|endoftext|>", ["<|end", "<"]),
            ("é", "e\né\nf", ["e", "f"]),
            // The last line is the beginning of a border, of a character that is new.
            ("---", "a\n-", ["a\n-"]),
        ])
    func separator(separator: String, text: String, documents: [String]) throws {
        try withFiles([Array(text.utf8), Array("next".utf8)]) { paths in
            var source = CorpusSource(paths: paths)
            source.separator = separator
            let corpus = try Corpus(reading: source)
            #expect(corpus.texts == documents + ["next"])
        }
    }

    @Test("each file is a document, unchanged, and empty ones are dropped")
    func files() throws {
        let corpus = try readCorpus([Array("a\n\nb\r\n".utf8), [], Array("c".utf8)], .file)
        #expect(corpus.texts == ["a\n\nb\r\n", "c"])
    }

    @Test("a line and a paragraph end with their file", arguments: [DocumentKind.line, .paragraph])
    func fileEnds(kind: DocumentKind) throws {
        let corpus = try readCorpus([Array("a".utf8), Array("b\r".utf8), Array("\nc\n ".utf8), Array("d".utf8)], kind)
        #expect(corpus.texts == (kind == .line ? ["a", "b", "c", " ", "d"] : ["a", "b", "c", "d"]))
    }

    @Test("the symbol after all characters follows every document of several")
    func separators() throws {
        let corpus = try readCorpus("ba\nc\n", .line)
        #expect(corpus.vocabulary == Vocabulary(characters: [0x61, 0x62, 0x63], hasEndOfDocument: true))
        #expect((0..<corpus.count).map { corpus[$0] } == [1, 0, 3, 2, 3])
        #expect(corpus.characterCount == 3)
        #expect(corpus.nextDocument(from: 0) == 0..<2)
        #expect(corpus.nextDocument(from: 2) == 3..<4)
        #expect(corpus.nextDocument(from: 3) == 3..<4)
        #expect(corpus.nextDocument(from: 4) == nil)
        #expect(corpus.nextDocument(from: 5) == nil)
    }

    @Test("a single document of any kind has no end-of-document symbol", arguments: DocumentKind.allCases)
    func single(kind: DocumentKind) throws {
        let corpus = try readCorpus("ab\n", kind)
        #expect(!corpus.vocabulary.hasEndOfDocument)
        #expect(corpus.texts == [kind == .line || kind == .paragraph ? "ab" : "ab\n"])
    }

    @Test("a line longer than several chunks stays one document")
    func longLine() throws {
        let line = String(repeating: "abcdefg", count: 500_000)
        let corpus = try readCorpus(line + "\r\n" + line, .line)
        #expect(corpus.count == 2 * line.utf8.count + 2)
        #expect(corpus.nextDocument(from: 0) == 0..<line.utf8.count)
        #expect(corpus.nextDocument(from: line.utf8.count) == line.utf8.count + 1..<corpus.count - 1)
    }

    @Test("the kinds split random text as a plain implementation does")
    func random() throws {
        var random = SplitMix64(seed: 5)
        let alphabet = ["a", "é", "😀", " ", "\t", "\n", "\n", "\r\n", "\r"]
        for _ in 0..<50 {
            let text = (0..<40).map { _ in alphabet[Int(random.next() % 9)] }.joined() + "x"
            // Split by scalars: CR LF is one Character.
            let lines = text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r", with: "\n")
                .unicodeScalars
                .split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            #expect(try readCorpus(text, .line).texts == lines.filter { !$0.isEmpty })
            let paragraphs = lines.split { $0.unicodeScalars.allSatisfy { $0 == " " || $0 == "\t" } }
            #expect(try readCorpus(text, .paragraph).texts == paragraphs.map { $0.joined(separator: "\n") })
        }
    }

    @Test("the hash is that of all bytes of all files in order", arguments: DocumentKind.allCases)
    func hash(kind: DocumentKind) throws {
        // The byte order mark counts. The digest is sha256sum's.
        let corpus = try readCorpus([[0xEF, 0xBB, 0xBF] + Array("a\r\n".utf8), Array("\nbc".utf8)], kind)
        #expect(corpus.sha256 == "477a4aad6d6356e600e74a2e53ea4a2015fd3c23853aedcdafe43a19f1ac3fff")
    }
}
