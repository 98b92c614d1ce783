import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusSourceTests {
    @Test(
        "a list of columns is one of numbers or one of names",
        arguments: [
            ("", .allButFirst), ("2", .numbers([2])), ("3,1", .numbers([3, 1])), ("title", .names(["title"])),
            ("title,long text", .names(["title", "long text"])),
        ] as [(String, CSVColumns)])
    func columns(list: String, columns: CSVColumns) throws {
        #expect(try CSVColumns(list) == columns)
    }

    @Test("other lists are refused", arguments: ["0", "1,-2", "1,title", ",", "title,", "2,"])
    func wrongColumns(list: String) {
        #expect(throws: CorpusError.invalidColumns(list)) { try CSVColumns(list) }
    }

    @Test(
        "settings in JSON keep a source",
        arguments: [
            (nil, "{\"documents\":\"line\",\"paths\":[\"-\"]}"),
            (.allButFirst, "{\"csv\":[],\"documents\":\"line\",\"paths\":[\"-\"]}"),
            (.numbers([2, 3]), "{\"csv\":[2,3],\"documents\":\"line\",\"paths\":[\"-\"]}"),
            (.names(["a", "2"]), "{\"csv\":[\"a\",\"2\"],\"documents\":\"line\",\"paths\":[\"-\"]}"),
        ] as [(CSVColumns?, String)])
    func json(columns: CSVColumns?, json: String) throws {
        let source = CorpusSource(paths: ["-"], documents: .line, csv: columns)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(source), as: UTF8.self) == json)
        #expect(try JSONDecoder().decode(CorpusSource.self, from: Data(json.utf8)) == source)
    }

    @Test("settings with a column below 1 are refused")
    func wrongJSON() {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(CSVColumns.self, from: Data("[0]".utf8)) }
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(CSVColumns.self, from: Data("[true]".utf8)) }
    }

    @Test("files without text are an empty corpus", arguments: DocumentKind.allCases)
    func empty(kind: DocumentKind) throws {
        let contents: [[UInt8]] = [[], [0xEF, 0xBB, 0xBF]]
        try withFiles(kind == .whole || kind == .file ? contents : contents + [Array("\n\r\n".utf8)]) { paths in
            #expect(throws: CorpusError.empty(files: paths)) {
                try Corpus(reading: CorpusSource(paths: paths, documents: kind))
            }
        }
        #expect(throws: CorpusError.empty(files: [])) { try Corpus(reading: CorpusSource(paths: [], documents: kind)) }
    }

    @Test("a missing file and an empty folder are refused by name")
    func unreadable() throws {
        try withTemporaryFolder { folder in
            let missing = folder.appendingPathComponent("missing.txt").path
            for csv in [nil, CSVColumns.allButFirst] {
                #expect(throws: CorpusError.unreadable(file: missing, reason: "No such file or directory")) {
                    try Corpus(reading: CorpusSource(paths: [missing], csv: csv))
                }
                #expect(throws: CorpusError.emptyFolder(folder.path, include: [])) {
                    try Corpus(reading: CorpusSource(paths: [folder.path], csv: csv))
                }
            }
        }
    }

    @Test(
        "errors say what is wrong, where, and what to do",
        arguments: [
            (.unreadable(file: "a.txt", reason: "Permission denied"), "cannot read 'a.txt': Permission denied"),
            (.empty(files: ["a.txt", "-"]), "the corpus is empty: no text in 'a.txt', standard input"),
            (.empty(files: []), "the corpus is empty: no files are named"),
            (
                .notUTF8(file: "-", offset: 7),
                "standard input is not UTF-8 at byte offset 7; convert it first, for example with iconv"
            ),
            (
                .tooManyCharacters(file: "a.bin", place: .offset(9)),
                "more than 65535 different characters, the last in 'a.bin' at byte offset 9: this is probably not text"
            ),
            (
                .unknownCharacter("é", file: "a.txt", place: .offset(3)),
                "the vocabulary has no 'é' (U+00E9), which is in 'a.txt' at byte offset 3"
            ),
            (
                .unknownCharacter("\n", file: "a.csv", place: .line(3)),
                "the vocabulary has no U+000A, which is in 'a.csv' at line 3"
            ),
            (
                .noEndOfDocument(file: "a.txt", place: .offset(3)),
                "a second document begins in 'a.txt' at byte offset 3, but the vocabulary has no end of document; "
                    + "read the text as one document (whole)"
            ),
            (
                .misplacedQuote(file: "a.csv", line: 2),
                "'a.csv', line 2: a quotation mark in this row is out of place; "
                    + "quote the whole field, and double the quotation marks inside it"
            ),
            (
                .unclosedQuote(file: "a.csv", line: 2),
                "'a.csv', line 2: a quotation mark opens here and is never closed; "
                    + "quote the whole field, and double the quotation marks inside it"
            ),
            (
                .longRecord(file: "a.csv", line: 2),
                "'a.csv', line 2: a row of more than 16 MiB begins here; the file is probably of another format"
            ),
            (
                .otherDelimiter(file: "a.csv", .semicolon),
                "'a.csv' has one column between commas, but several between semicolons"
            ),
            (
                .invalidJSON(file: "a", line: 3),
                "'a', line 3: it is not a JSON object; JSON Lines have one on each line"
            ),
            (
                .missingField("text", file: "a", line: 3, fields: ["body", "id"]),
                "'a', line 3: there is no field 'text'; the fields are: body, id"
            ),
            (.fieldIsNotText("id", file: "a", line: 3), "'a', line 3: the field 'id' is not a string"),
            (.emptyFolder("a", include: []), "the folder 'a' has no files; hidden ones are skipped"),
            (.emptyFolder("a", include: ["*.txt"]), "the folder 'a' has no files whose names match '*.txt'"),
            (.emptyList("-"), "the list of files in standard input is empty"),
            (
                .wideEncoding(file: "a.txt", .utf16LittleEndian),
                "'a.txt' is UTF-16LE, not UTF-8; convert it first: iconv -f UTF-16LE -t UTF-8 < input.txt > output.txt"
            ),
            (
                .missingColumn(file: "a.csv", line: 2, column: 3, columnCount: 2),
                "'a.csv', line 2: there is no column 3; the number of columns is 2"
            ),
            (
                .unknownColumn("text", file: "a.csv", header: ["id", "title"]),
                "'a.csv' has no column 'text'; its header is: id, title"
            ),
            (
                .invalidColumns("0"),
                "'0' does not choose columns; give numbers from 1 (2,3) or names (title,description)"
            ),
        ] as [(CorpusError, String)])
    func descriptions(error: CorpusError, description: String) {
        #expect(error.description == description)
    }
}
