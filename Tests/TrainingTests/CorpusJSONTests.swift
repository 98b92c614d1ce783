import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct CorpusJSONTests {
    private func read(_ text: String, field: String = "text", isLenient: Bool = false) throws -> Corpus {
        try withFiles([Array(text.utf8)]) { paths in
            var source = CorpusSource(paths: paths)
            source.json = field
            source.isLenient = isLenient ? true : nil
            return try Corpus(reading: source)
        }
    }

    private func expectError(_ text: String, _ error: (String) -> CorpusError) throws {
        try withFiles([Array(text.utf8)]) { paths in
            var source = CorpusSource(paths: paths)
            source.json = "text"
            #expect(throws: error(paths[0])) { try Corpus(reading: source) }
        }
    }

    @Test("each line's field is a document; blank lines and empty texts are none")
    func lines() throws {
        let text =
            "\u{FEFF}{\"text\":\"a\\nb\\u00e9\",\"id\":1}\r\n\n  \n{\"text\":\"\"}\n{\"text\":\"\\ud83d\\ude00\"}"
        #expect(try read(text).texts == ["a\nbé", "😀"])
    }

    @Test("a dot leads into an object, unless the name itself has it")
    func paths() throws {
        #expect(try read("{\"a\":{\"b\":\"x\"}}\n", field: "a.b").texts == ["x"])
        #expect(try read("{\"a.b\":\"y\",\"a\":{\"b\":\"x\"}}\n", field: "a.b").texts == ["y"])
    }

    @Test("a line that cannot be read is refused with its number")
    func faults() throws {
        try expectError("{\"text\":\"a\"}\n\n{\"text\":\n") { .invalidJSON(file: $0, line: 3) }
        try expectError("[\"text\"]\n") { .invalidJSON(file: $0, line: 1) }
        try expectError("{\"text\":\"\\ud800\"}\n") { .invalidJSON(file: $0, line: 1) }
        try expectError("{\"text\":\"a\"}\n{\"id\":1,\"body\":2}\n") {
            .missingField("text", file: $0, line: 2, fields: ["body", "id"])
        }
        try expectError("{\"text\":null}\n") { .fieldIsNotText("text", file: $0, line: 1) }
        try expectError("{\"text\":\"" + String(repeating: "a", count: 18 << 20)) { .longRecord(file: $0, line: 1) }
    }

    @Test("what is not UTF-8 is refused with its offset")
    func notUTF8() throws {
        try withFiles([Array("{\"text\":\"a\"}\n{\"text\":\"".utf8) + [0xE9] + Array("\"}\n".utf8)]) { paths in
            var source = CorpusSource(paths: paths)
            source.json = "text"
            #expect(throws: CorpusError.notUTF8(file: paths[0], offset: 22)) { try Corpus(reading: source) }
        }
    }

    @Test("with lenient reading bad lines are skipped and counted")
    func lenient() throws {
        let corpus = try read("{\"text\":\"a\"}\nbad\n{\"id\":1}\n{\"text\":\"b\"}\n", isLenient: true)
        #expect(corpus.texts == ["a", "b"])
        #expect(corpus.notes.skippedRecords == 2)
        guard case .invalidJSON(_, line: 2)? = corpus.notes.firstSkipped else {
            Issue.record("\(String(describing: corpus.notes.firstSkipped))")
            return
        }
    }
}
