import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusCSVTests {
    private func texts(_ contents: [String], _ columns: CSVColumns = .allButFirst) throws -> [String] {
        try withFiles(contents.map { Array($0.utf8) }) {
            try Corpus(reading: CorpusSource(paths: $0, csv: columns)).texts
        }
    }

    private func expectError(
        _ bytes: [UInt8], _ columns: CSVColumns = .allButFirst, _ error: (String) -> CorpusError,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try withFiles([bytes]) { paths in
            #expect(throws: error(paths[0]), sourceLocation: sourceLocation) {
                try Corpus(reading: CorpusSource(paths: paths, csv: columns))
            }
        }
    }

    private func expectError(
        _ text: String, _ columns: CSVColumns = .allButFirst, _ error: (String) -> CorpusError,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectError(Array(text.utf8), columns, error, sourceLocation: sourceLocation)
    }

    @Test("a label, a title and a description give title and description")
    func agNews() throws {
        let text = "\"3\",\"Fears, for \"\"T N\"\" pension\",\"Unions\\say\"\r\n4,Race is on,Toronto\r\n"
        #expect(try texts([text]) == ["Fears, for \"T N\" pension Unions\\say", "Race is on Toronto"])
    }

    @Test("a single column is the text")
    func onlyColumn() throws {
        #expect(try texts(["one\n\"two, three\"\n"]) == ["one", "two, three"])
    }

    @Test("columns are chosen by number, in the given order")
    func numbers() throws {
        #expect(try texts(["a,b,c\nd,e,f\n"], .numbers([3, 1])) == ["c a", "f d"])
    }

    @Test("columns are chosen by name, from each file's own header")
    func names() throws {
        let files = ["id,title,téxt\n1,a,b\n", "\u{FEFF}téxt,title\nc,d\n"]
        #expect(try texts(files, .names(["title", "téxt"])) == ["a b", "d c"])
    }

    @Test("rows may end with the file, be blank, and have empty last fields")
    func rowEnds() throws {
        #expect(try texts(["1,a,\n\n2,b,"]) == ["a ", "b "])
        #expect(try texts(["1,a,b\r\n\r\n2,c,\"\""]) == ["a b", "c "])
    }

    @Test("rows without text are dropped")
    func emptyRows() throws {
        #expect(try texts(["1,,\n2,a,\n3,\"\",\n4,,b\n"]) == ["a ", " b"])
    }

    @Test("quoted fields keep commas, line ends, spaces and NUL")
    func quoted() throws {
        #expect(try texts(["1,\" a,\r\nb\n\0 \"\n2,c\n"]) == [" a,\r\nb\n\0 ", "c"])
    }

    @Test("a combining mark after a comma or a quotation mark hides neither")
    func combiningMarks() throws {
        #expect(try texts(["1,\u{301}a,\"\u{301}b\"\n2,c\u{600},d\n"]) == ["\u{301}a \u{301}b", "c\u{600} d"])
    }

    /// The lines and documents that ``CSVReader`` reads from `text` in chunks of `size` bytes, and
    /// its error.
    private func read(_ text: String, inChunksOf size: Int) -> (documents: [String], error: CorpusError?) {
        let bytes = Array(text.utf8)
        var reader = CSVReader(columns: .allButFirst, delimiter: .comma, path: "")
        var documents: [String] = []
        var consumed = 0
        do {
            for end in stride(from: min(size, bytes.count), to: bytes.count + size, by: size) {
                consumed += try bytes[consumed..<min(end, bytes.count)].withUnsafeBytes {
                    try reader.read($0, offset: consumed, isLast: false) {
                        documents.append("\($2) \($0)")
                    } fault: {
                        throw $0
                    }
                }
            }
            _ = try bytes[consumed...].withUnsafeBytes {
                try reader.read($0, offset: consumed, isLast: true) {
                    documents.append("\($2) \($0)")
                } fault: {
                    throw $0
                }
            }
        } catch {
            return (documents, error as? CorpusError)
        }
        return (documents, nil)
    }

    @Test("rows may cross the boundaries of chunks", arguments: 1...20)
    func chunks(size: Int) {
        let text = "1,\"é \"\"quoted\"\"\n\"\r\n\n2,ü,\"a, \n\n b\"\n3,last,"
        let whole = read(text, inChunksOf: 1000)
        #expect(whole == (["1 é \"quoted\"\n", "4 ü a, \n\n b", "7 last "], nil))
        #expect(read(text, inChunksOf: size) == whole)

        let lost = read("1,a\n2,b\n3,5\" pipe\n4,\"c\n\"\n", inChunksOf: size)
        #expect(lost.error == .misplacedQuote(file: "", line: 3))
        let wrong = read("1,a\n2,b\n3,\u{301}\n4\n", inChunksOf: size)
        #expect(wrong.error == .missingColumn(file: "", line: 4, column: 2, columnCount: 1))
    }

    @Test("a quotation mark out of place is refused with the line where its row begins")
    func quotes() throws {
        for text in ["1,a\n2,5\" pipe\n3,b\"\n", "1,a\n2,\"b\"c\n", "1,a\r2,\"b\"c\r"] {
            try expectError(text) { .misplacedQuote(file: $0, line: 2) }
        }
        try expectError("\"1\n\",a\n2,\"\n\"b\n") { .misplacedQuote(file: $0, line: 3) }
    }

    @Test("a quotation mark that is never closed is refused with the line where it opens")
    func openQuotes() throws {
        try expectError("1,a\n2,\"b\n3,c\n") { .unclosedQuote(file: $0, line: 2) }
        try expectError("\"1\n\",a\n2,\"") { .unclosedQuote(file: $0, line: 3) }
        try expectError("1,\"a\"\n2,\"b\n\",\"c\n3,d\n") { .unclosedQuote(file: $0, line: 3) }
    }

    @Test("a row is at most 16 MiB long, so that a lost quotation mark takes no more memory")
    func longRow() throws {
        let lines = String(repeating: "2,another row\n", count: 2_000_000)
        try expectError("1,\"a\n" + lines) { .unclosedQuote(file: $0, line: 1) }
        let line = String(repeating: "a", count: 18 << 20)
        try expectError("1,a\n2," + line) { .longRecord(file: $0, line: 2) }
    }

    @Test("the letters that end with the byte 85 do not end a row")
    func nextLine() throws {
        #expect(try texts(["1,Åхa\n2,\u{B}\u{85}\u{2028}b\n"]) == ["Åхa", "\u{B}\u{85}\u{2028}b"])
    }

    @Test("rows may end with CR alone")
    func carriageReturns() throws {
        #expect(try texts(["1,a\r2,\"b\rc\"\r"]) == ["a", "b\rc"])
    }

    @Test("fields may be between semicolons, tabs or bars", arguments: Delimiter.allCases)
    func delimiters(delimiter: Delimiter) throws {
        let mark = String(decoding: [delimiter.byte], as: UTF8.self)
        let text = ["1", "a", "\"b\(mark)\n\""].joined(separator: mark) + "\n"
        try withFiles([Array(text.utf8)]) { paths in
            var source = CorpusSource(paths: paths, csv: .allButFirst)
            source.delimiter = delimiter
            let corpus = try Corpus(reading: source)
            #expect(corpus.texts == ["a b\(mark)\n"])
        }
    }

    @Test(
        "a file of another delimiter than commas is refused, unless commas are named",
        arguments: [Delimiter.semicolon, .tab, .bar])
    func otherDelimiter(delimiter: Delimiter) throws {
        let mark = String(decoding: [delimiter.byte], as: UTF8.self)
        let rows = [["id", "title", "text"], ["1", "a", "b, c"], ["2", "d", "\"e\(mark) f\""]]
        let text = rows.map { $0.joined(separator: mark) + "\n" }.joined()
        try expectError(text) { .otherDelimiter(file: $0, delimiter) }
        try expectError(text, .names(["text"])) { .otherDelimiter(file: $0, delimiter) }
        try withFiles([Array("one\(mark)two\nthree\(mark)four\n".utf8)]) { paths in
            var source = CorpusSource(paths: paths, csv: .allButFirst)
            source.delimiter = .comma
            let corpus = try Corpus(reading: source)
            #expect(corpus.texts == ["one\(mark)two", "three\(mark)four"])
        }
        let prose = "a text\(mark) and more\nanother\nand another\n"
        #expect(try texts([prose]).count == 3)
    }

    @Test(
        "a first row that is probably a header is noted",
        arguments: [
            ("id,text\n1,a\n", true), ("Name,Age\nAda,36\nBob,7\n", true), ("a,b\nc,d\n", false),
            ("3,Fears for pension,Unions say\n4,Race is on,Toronto\n", false), ("text,\na,b\n", false),
            ("text\n", false), ("text,text\na,b\n", false),
        ])
    func header(text: String, isHeader: Bool) throws {
        try withFiles([Array(text.utf8)]) { paths in
            let notes = try Corpus(reading: CorpusSource(paths: paths + paths, csv: .allButFirst)).notes
            #expect((notes.header?.file == paths[0]) == isHeader)
            #expect(notes.headerCount == (isHeader ? 2 : 0))
            let chosen = CorpusSource(paths: paths, csv: .numbers([1]))
            #expect(try Corpus(reading: chosen).notes.header == nil)
        }
    }

    @Test("with lenient reading a bad row is skipped up to the end of its first line, and counted")
    func lenient() throws {
        for (text, documents, count) in [
            ("1,a\n2,5\" pipe\n3,b\n4\n5,\"c\nd\"\n", ["a", "b", "c\nd"], 2),
            ("1,a\n2,\"b\n3,c\n", ["a", "c"], 1),
            ("1,\"a\"b\n\"\n2,c", ["c"], 2),
        ] {
            try withFiles([Array(text.utf8)]) { paths in
                var source = CorpusSource(paths: paths, csv: .allButFirst)
                source.isLenient = true
                let corpus = try Corpus(reading: source)
                #expect(corpus.texts == documents)
                #expect(corpus.notes.skippedRecords == count)
                #expect(corpus.notes.firstSkipped != nil)
            }
        }
    }

    @Test("a row that is too short is refused with its line and the column")
    func tooShort() throws {
        try expectError("a,b,c\n\nd,e\n", .numbers([1, 3])) {
            .missingColumn(file: $0, line: 3, column: 3, columnCount: 2)
        }
        try expectError("1,a\nb\n") { .missingColumn(file: $0, line: 2, column: 2, columnCount: 1) }
        try expectError("x,y\n1,2\n1\n", .names(["y"])) {
            .missingColumn(file: $0, line: 3, column: 2, columnCount: 1)
        }
    }

    @Test("an unknown column name is refused with the header")
    func unknownColumn() throws {
        try expectError("id,title\n1,a\n", .names(["title", "text"])) {
            .unknownColumn("text", file: $0, header: ["id", "title"])
        }
    }

    @Test("what is not UTF-8 is refused with its offset, in any column")
    func notUTF8() throws {
        try expectError(Array("1,a\n".utf8) + [0xE9] + Array(",b\n".utf8)) { .notUTF8(file: $0, offset: 4) }
        try expectError(Array("1,a\n2,b".utf8) + [0xC3]) { .notUTF8(file: $0, offset: 7) }
    }

    @Test("a header alone, or blank rows, is an empty corpus")
    func empty() throws {
        try expectError("id,title\n", .names(["title"])) { .empty(files: [$0]) }
        try expectError("\n\r\n \n") { .empty(files: [$0]) }
        try expectError("") { .empty(files: [$0]) }
    }
}
