import Foundation
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusTextTests {
    /// `count` different characters from U+0100 on, past the surrogates.
    private func characters(_ count: Int) -> String {
        let scalars = (0x100...).lazy.compactMap { Unicode.Scalar($0 as UInt32) }.prefix(count)
        return String(String.UnicodeScalarView(scalars))
    }

    @Test("a character is a scalar, and symbols ascend with its value")
    func scalars() throws {
        let corpus = try readCorpus("e\u{301}😀é\0")
        #expect(corpus.vocabulary.characters == [0, 0x65, 0xE9, 0x301, 0x1F600])
        #expect((0..<corpus.count).map { corpus[$0] } == [1, 3, 4, 2, 0])
    }

    @Test("a byte order mark is skipped at the start of each file, and nowhere else")
    func byteOrderMark() throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        #expect(try readCorpus([mark + [0x61] + mark, mark + [0x62]]).texts == ["a\u{FEFF}b"])
    }

    @Test("characters may cross the boundary of chunks", arguments: 0..<5)
    func borders(shift: Int) throws {
        let start = String(repeating: "a", count: (1 << 20) - shift)
        for character in ["é", "€", "😀"] {
            let corpus = try readCorpus(start + character + "b")
            #expect(corpus.count == start.utf8.count + 2)
            #expect(corpus.vocabulary.characters == (["a", "b"] + character.unicodeScalars).map(\.value))
            #expect((corpus.count - 3..<corpus.count).map { corpus[$0] } == [0, 2, 1])
        }
    }

    @Test("bytes that are not consumed come again, however many")
    func held() throws {
        let contents = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 / 1000) }
        try withFiles([contents]) { paths in
            for quarters in [0, 1, 3] {
                var tally = ByteTally()
                var taken: [UInt8] = []
                try InputFile(path: paths[0]).readChunks(tally: &tally) { bytes, offset, isLast in
                    #expect(offset == taken.count)
                    let count = isLast ? bytes.count : bytes.count * quarters / 4
                    taken += bytes[..<count]
                    return count
                }
                #expect(taken == contents)
            }
        }
    }

    @Test("a pipe that gives a few bytes at a time reads like a file")
    func pipe() throws {
        let text = String(repeating: "añ€😀\r\n\n", count: 10)
        let corpus = try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("pipe").path
            try #require(mkfifo(path, 0o600) == 0)
            Thread.detachNewThread {
                let writer = FileHandle(forWritingAtPath: path)
                for byte in Array(text.utf8) {
                    writer?.write(Data([byte]))
                    usleep(20)
                }
                try? writer?.close()
            }
            return try Corpus(reading: CorpusSource(paths: [path], documents: .paragraph))
        }
        #expect(corpus.texts == Array(repeating: "añ€😀", count: 10))
        #expect(try corpus.sha256 == readCorpus(text).sha256)
    }

    @Test(
        "what is not UTF-8 is refused with its offset",
        arguments: [
            ([0x61, 0xFF, 0x61], 1),
            // An overlong form, a surrogate, beyond Unicode, a continuation byte on its own.
            ([0xC0, 0x80], 0), ([0x61, 0xED, 0xA0, 0x80], 1), ([0xF4, 0x90, 0x80, 0x80], 0), ([0xC3, 0xA9, 0x80], 2),
            // Cut off in the middle of the file, and at its end.
            ([0x61, 0xE2, 0x82, 0x61], 1), ([0x61, 0x62, 0xE2, 0x82], 2), ([0xEF, 0xBB], 0),
        ] as [([UInt8], Int)])
    func notUTF8(bytes: [UInt8], offset: Int) throws {
        for kind in DocumentKind.allCases {
            for shift in [0, (1 << 20) - 1] {
                // A character must not continue in the next file.
                try withFiles([Array(repeating: 0x61, count: shift) + bytes, [0xAC]]) { paths in
                    #expect(throws: CorpusError.notUTF8(file: paths[0], offset: shift + offset)) {
                        try Corpus(reading: CorpusSource(paths: paths, documents: kind))
                    }
                }
            }
        }
    }

    @Test("a symbol takes a byte up to 256 symbols, and two from there on")
    func width() throws {
        for (count, text, isWide) in [
            (256, characters(256), false), (257, characters(257), true),
            (256, characters(255) + "\n" + characters(1), false), (257, characters(256) + "\n" + characters(1), true),
        ] {
            let corpus = try readCorpus(text, .line)
            #expect(corpus.vocabulary.count == count)
            #expect(corpus.symbols.isWide == isWide)
            #expect(corpus.texts == text.split(separator: "\n").map { String($0) })
        }
    }

    @Test("65,535 characters and the end of a document are learned, and one more is refused")
    func limit() throws {
        let most = characters(65_535)
        let corpus = try readCorpus(most + "\n" + most, .line)
        #expect(corpus.vocabulary.count == 65_536)
        #expect(corpus[corpus.count - 1] == 65_535)
        #expect(corpus.texts == [most, most])
        try withFiles([Array((most + "a").utf8)]) { paths in
            #expect(
                throws: CorpusError.tooManyCharacters(file: paths[0], place: .offset(most.utf8.count))
            ) { try Corpus(reading: CorpusSource(paths: paths)) }
        }
    }

    @Test("copied ranges are the symbols at their positions", arguments: [100, 300])
    func copies(characterCount: Int) throws {
        let text = characters(characterCount) + "\n" + characters(characterCount)
        let corpus = try readCorpus(text, .line)
        for range in [0..<corpus.count, 3..<3, 7..<8, 90..<corpus.count - 1, corpus.count..<corpus.count] {
            var copy = [Int32](repeating: -1, count: range.count + 1)
            copy.withUnsafeMutableBufferPointer { buffer in
                if let start = buffer.baseAddress { corpus.copySymbols(range, to: start, stride: 1) }
            }
            #expect(copy == range.map { Int32(corpus[$0]) } + [-1])
        }
    }

    @Test("text of two or four bytes a character is refused, with or without a byte order mark")
    func wideEncodings() throws {
        let text = "Grüße, the same.\nПривет!\n"
        for (encoding, name) in [
            (String.Encoding.utf16LittleEndian, WideEncoding.utf16LittleEndian),
            (.utf16BigEndian, .utf16BigEndian), (.utf32LittleEndian, .utf32LittleEndian),
            (.utf32BigEndian, .utf32BigEndian),
        ] {
            let isUTF16 = name == .utf16LittleEndian || name == .utf16BigEndian
            for (prefix, expected) in [("", name), ("\u{FEFF}", isUTF16 ? .utf16 : .utf32)] {
                let bytes = try [UInt8](#require((prefix + text).data(using: encoding)))
                try withFiles([bytes]) { paths in
                    #expect(throws: CorpusError.wideEncoding(file: paths[0], expected)) {
                        try Corpus(reading: CorpusSource(paths: paths, documents: .line))
                    }
                }
            }
        }
        #expect(try readCorpus("a\0b, and c\0\0d\n").count == 14)
    }

    @Test("the ends of lines are counted by kind, within a file")
    func lineEnds() throws {
        let ends = try readCorpus([Array("a\nb\r\nc\rd\r\r\n\r".utf8), Array("\n".utf8)]).notes.lineEnds
        #expect((ends.lineFeeds, ends.pairs, ends.returns) == (2, 2, 3))
        let long = try readCorpus(String(repeating: "a", count: (1 << 20) - 1) + "\r\n").notes.lineEnds
        #expect((long.lineFeeds, long.pairs, long.returns) == (0, 1, 0))
    }

    @Test(
        "normalisation composes accents and Hangul, and lower-case letters come first", arguments: DocumentKind.allCases
    )
    func transforms(kind: DocumentKind) throws {
        let text = "\u{FEFF}E\u{301}te\u{301} \u{1112}\u{1161}\u{11AB} ÀB"
        try withFiles([Array(text.utf8)]) { paths in
            var source = CorpusSource(paths: paths, documents: kind)
            source.normalization = .nfc
            let composed = try Corpus(reading: source)
            #expect(composed.texts == ["Été 한 ÀB"] && composed.characterCount == 8)
            source.lowercase = true
            #expect(try Corpus(reading: source).texts == ["été 한 àb"])
        }
    }

    @Test("normalisation does not depend on the boundaries of chunks", arguments: 0..<4)
    func transformedChunks(shift: Int) throws {
        let text = String(repeating: "a", count: (1 << 20) - 4 + shift) + "e\u{301}漢か\u{3099}x"
        try withFiles([Array(text.utf8)]) { paths in
            var source = CorpusSource(paths: paths)
            source.normalization = .nfc
            let corpus = try Corpus(reading: source)
            #expect(corpus.texts[0].unicodeScalars.suffix(4).map { $0 } == ["é", "漢", "が", "x"])
        }
    }

    @Test("an unknown character of a transformed text is refused with its line")
    func transformedPlace() throws {
        let vocabulary = try #require(Vocabulary(characters: [0x0A, 0x61], hasEndOfDocument: false))
        try withFiles([Array("A\naa\nE\u{301}".utf8)]) { paths in
            var source = CorpusSource(paths: paths)
            source.normalization = .nfc
            source.lowercase = true
            #expect(throws: CorpusError.unknownCharacter("é", file: paths[0], place: .line(3))) {
                try Corpus(reading: source, vocabulary: vocabulary)
            }
        }
    }
}
