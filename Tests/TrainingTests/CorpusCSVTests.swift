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

    /// The rows and documents that ``CSVReader`` reads from `text` in chunks of `size` bytes, and
    /// its error.
    private func read(_ text: String, inChunksOf size: Int) -> (documents: [String], error: CorpusError?) {
        let bytes = Array(text.utf8)
        var reader = CSVReader(columns: .allButFirst, path: "")
        var documents: [String] = []
        var consumed = 0
        do {
            for end in stride(from: min(size, bytes.count), to: bytes.count + size, by: size) {
                consumed += try bytes[consumed..<min(end, bytes.count)].withUnsafeBytes {
                    try reader.read($0, offset: consumed, isLast: false) { documents.append("\($1) \($0)") }
                }
            }
            _ = try bytes[consumed...].withUnsafeBytes {
                try reader.read($0, offset: consumed, isLast: true) { documents.append("\($1) \($0)") }
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
        #expect(whole == (["1 é \"quoted\"\n", "3 ü a, \n\n b", "4 last "], nil))
        #expect(read(text, inChunksOf: size) == whole)

        let lost = read("1,a\n2,b\n3,5\" pipe\n4,\"c\n\"\n", inChunksOf: size)
        #expect(lost.error == .misplacedQuote(file: "", row: 3))
        let wrong = read("1,a\n2,b\n3,\u{301}\n4\n", inChunksOf: size)
        #expect(wrong.error == .missingColumn(file: "", row: 4, column: 2, columnCount: 1))
    }

    @Test("a lost quotation mark is refused with its row")
    func quotes() throws {
        for text in ["1,a\n2,5\" pipe\n3,b\n", "1,a\n2,\"b\"c\n", "1,a\n2,\"b\n3,c\n", "\"1\n\",a\n2,\""] {
            try expectError(text) { .misplacedQuote(file: $0, row: 2) }
        }
    }

    @Test("a row that is too short is refused with its number and the column")
    func tooShort() throws {
        try expectError("a,b,c\n\nd,e\n", .numbers([1, 3])) {
            .missingColumn(file: $0, row: 3, column: 3, columnCount: 2)
        }
        try expectError("1,a\nb\n") { .missingColumn(file: $0, row: 2, column: 2, columnCount: 1) }
        try expectError("x,y\n1,2\n1\n", .names(["y"])) {
            .missingColumn(file: $0, row: 3, column: 2, columnCount: 1)
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
