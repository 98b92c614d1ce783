import Foundation
import TestSupport
import Testing

@testable import Trainer

@Suite("Texts that trainer reads")
struct CorpusTests {
    private static let quick = [
        "--layers", "1", "--hidden", "8", "--batch", "2", "--time", "10", "--epochs", "1", "--run", "run",
    ]

    private func run(
        _ arguments: [String], in folder: URL, input: String? = nil
    ) throws -> (status: Int32, output: String, errors: String) {
        let process = try Command.start(arguments, in: folder, input: input)
        process.waitUntilExit()
        return (
            process.terminationStatus,
            try String(contentsOf: folder.appendingPathComponent("stdout"), encoding: .utf8),
            try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
        )
    }

    private func write(_ text: String, _ name: String, in folder: URL) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    @Test("a folder, a list of files and standard input give the same model, and can be resumed")
    func inputs() throws {
        try withTemporaryFolder { folder in
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("texts/b"), withIntermediateDirectories: true)
            try write(sampleText(characters: 400), "texts/a.txt", in: folder)
            try write(sampleText(characters: 500), "texts/b/c.txt", in: folder)
            try write("other", "texts/b/c.md", in: folder)
            try write("texts/a.txt\ntexts/b/c.txt\n", "list", in: folder)
            var hashes: Set<String> = []
            for (inputs, input) in [
                (["texts", "--include", "*.txt"], nil), (["--files-from", "list"], nil),
                (["--files-from", "-"], "texts/a.txt\0texts/b/c.txt\0"), (["texts/a.txt", "texts/b/c.txt"], nil),
            ] as [([String], String?)] {
                let trained = try run(["train"] + inputs + CorpusTests.quick, in: folder, input: input)
                #expect(trained.status == 0, "\(trained.errors)")
                let resumed = try run(["resume", "run", "--epochs", "2"], in: folder, input: input)
                #expect(resumed.status == 0, "\(resumed.errors)")
                let exported = try run(["export", "model.cgw", "--run", "run"], in: folder)
                #expect(exported.status == 0, "\(exported.errors)")
                let inspected = try run(["inspect", "model.cgw", "--json"], in: folder)
                let provenance = try #require(
                    try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
                hashes.insert(try #require((provenance["corpus"] as? [String: Any])?["sha256"] as? String))
                try FileManager.default.removeItem(at: folder.appendingPathComponent("run"))
            }
            #expect(hashes.count == 1)
        }
    }

    @Test(
        "a text of another kind is refused, with what to do",
        arguments: [
            (["--csv", "semicolons.csv"], "--delimiter ';'"), (["--csv", "tabs.csv"], "--delimiter 'tab'"),
            (["--csv", "quote.csv"], "line 2: a quotation mark opens here"), (["--csv", "quote.csv"], "--lenient"),
            (["--jsonl", "text", "bad.jsonl"], "line 2"), (["--jsonl", "body", "bad.jsonl"], "the fields are: text"),
            (["utf16.txt"], "iconv -f UTF-16LE -t UTF-8"), (["empty"], "hidden"), (["missing"], "No such file"),
            (["--files-from", "nothing.csv"], "No such file"),
        ])
    func refused(arguments: [String], mention: String) throws {
        try withTemporaryFolder { folder in
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("empty"), withIntermediateDirectories: true)
            try write("id;title;text\n1;a;b\n2;c;d, e\n", "semicolons.csv", in: folder)
            try write("id\ttitle\n1\ta\n", "tabs.csv", in: folder)
            try write("1,a\n2,\"b\n3,c\n", "quote.csv", in: folder)
            try write("{\"text\":\"a\"}\n{\"text\":\n", "bad.jsonl", in: folder)
            try "a text, without a mark".data(using: .utf16LittleEndian)?.write(
                to: folder.appendingPathComponent("utf16.txt"))
            for command in ["train", "corpus"] {
                let result = try run([command] + arguments, in: folder)
                #expect(result.status == 1)
                #expect(result.errors.hasPrefix("Error: ") && result.errors.contains(mention), "\(result.errors)")
            }
        }
    }

    @Test(
        "options that contradict each other are usage errors",
        arguments: [
            ["--csv", "--documents", "line"], ["--csv", "--jsonl", "text"], ["--separator", "%", "--jsonl", "text"],
            ["--delimiter", ";"], ["--csv", "--delimiter", "x"], ["--lenient"], ["--separator", ""], ["--jsonl", ""],
            ["-", "-"], ["-", "--files-from", "-"], ["--include", "a/b"], ["--normalize", "nfx"],
        ])
    func usage(arguments: [String]) throws {
        try withTemporaryFolder { folder in
            let result = try run(["corpus", "text.txt"] + arguments, in: folder)
            #expect(result.status == 64, "\(result.errors)")
        }
    }

    @Test(
        "what is noticed in a text is a warning",
        arguments: [
            (["--csv", "--lenient", "header.csv"], "--columns, from: id, text"), (["cr.txt"], "tr '\\r' '\\n'"),
            (["--documents", "line", "cr.txt"], "lines end at 99 carriage returns"), (["windows.txt"], "tr -d '\\r'"),
            (["--csv", "--lenient", "header.csv"], "skipped 1 record that"),
        ])
    func warnings(arguments: [String], warning: String) throws {
        try withTemporaryFolder { folder in
            let rows = (0..<100).map { "\($0),\(sampleText(characters: 20))" }
            try write("id,text\n" + rows.joined(separator: "\n") + "\nshort\n", "header.csv", in: folder)
            let lines = (0..<100).map { _ in sampleText(characters: 20) }
            try write(lines.joined(separator: "\r"), "cr.txt", in: folder)
            try write(lines.joined(separator: "\r\n"), "windows.txt", in: folder)
            let trained = try run(["train"] + arguments + CorpusTests.quick, in: folder)
            #expect(trained.status == 0 && trained.errors.contains("warning: "), "\(trained.errors)")
            #expect(trained.errors.contains(warning), "\(trained.errors)")
            let reported = try run(["corpus"] + arguments, in: folder)
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(reported.output.utf8)) as? [String: Any])
            let findings = try #require(report["findings"] as? [String])
            #expect(findings.contains { $0.contains(warning) }, "\(findings)")
        }
    }

    @Test(
        "the report says what looks wrong",
        arguments: [
            ("name\nname\nother\n", ["--documents", "line"], "duplicates: 1 of 3 documents (33.33 %)"),
            ("\u{1B}[31mred\u{1B}[0m\n", [], "has 2 control characters"), ("a\u{FFFD}\n", [], "U+FFFD"),
            ("Ã©Ã¨Ã¼", [], "Latin-1"), ("e\u{301}", [], "--normalize nfc"),
            ("a\n", [], "with 2 characters to learn from"), ("a", [], "with 1 character to learn from"),
            (String(repeating: "Ada\n", count: 30), [], "--documents line"),
            ((100..<250).map { "\($0)\n" }.joined(), ["--documents", "line"], "alphabetical order"),
            (String(String.UnicodeScalarView((0x4E00..<0x5200).compactMap(Unicode.Scalar.init))), [], "1,024"),
        ])
    func findings(text: String, arguments: [String], finding: String) throws {
        try withTemporaryFolder { folder in
            try write(text, "text.txt", in: folder)
            let result = try run(["corpus", "text.txt"] + arguments, in: folder)
            #expect(result.status == 0, "\(result.errors)")
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
            let findings = try #require(report["findings"] as? [String])
            #expect(findings.contains { $0.contains(finding) }, "\(findings)")
        }
    }

    @Test("the report on a terminal has a line for each fact")
    func terminal() throws {
        try withTemporaryFolder { folder in
            try write("ab\nb\nab\nb\u{1}\n", "text.txt", in: folder)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
            process.arguments = ["-qec", "\(Command.executable) corpus text.txt --documents line", "typescript"]
            process.currentDirectoryURL = folder
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            let output = try String(contentsOf: folder.appendingPathComponent("typescript"), encoding: .utf8)
            for line in [
                "text:          7 characters, 11 bytes in 1 file", "documents:     4",
                "lengths:       1 to 2 characters, the median 2", "duplicates:    1",
                "with --min-count:", "  2: 2 characters, 14.29 % of the text unknown", "the rarest:",
                "  \\u{01} (U+0001)  1 time, first in text.txt, line 4", "What looks wrong:",
            ] {
                #expect(output.contains(line), "\(output)")
            }
            #expect(!output.contains("\u{1}"))
        }
    }

    @Test("file names of any bytes are read and written as they are")
    func names() throws {
        try withTemporaryFolder { folder in
            try Data(try randomModel(.gru)).write(to: folder.appendingPathComponent("model.cgw"))
            let script = """
                set -e
                cp model.cgw $'\\xe9.cgw'; printf 'abcabc' > $'\\xe9.txt'
                "$0" generate $'\\xe9.cgw' --length 5
                "$0" evaluate $'\\xe9.cgw' $'\\xe9.txt'
                "$0" corpus $'\\xe9.txt'
                printf 'abc%.0s' {1..200} > $'\\xe9.txt'
                "$0" train $'\\xe9.txt' \(CorpusTests.quick.joined(separator: " "))
                "$0" resume run --epochs 2
                "$0" export $'new\\xe9.cgw' --run run
                test -s $'new\\xe9.cgw'
                "$0" export $'new\\xe9.cgw' --run run
                ! "$0" export $'\\xe9.txt' --run run
                ! "$0" train $'\\xe9.txt' --run $'run\\xe9'
                """
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", script, Command.executable]
            process.currentDirectoryURL = folder
            let errors = folder.appendingPathComponent("stderr")
            try Data().write(to: errors)
            process.standardError = try FileHandle(forWritingTo: errors)
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            let text = try String(contentsOf: errors, encoding: .utf8)
            #expect(process.terminationStatus == 0, "\(text)")
            #expect(text.contains("'run\\xE9'"), "\(text)")
        }
    }

    @Test("long sequences of texts are set aside before the arguments are parsed, and found again")
    func manyArguments() {
        let texts = (0..<1000).map { "\($0)" }
        let arguments = ["evaluate", "model.cgw"] + texts + ["--csv", "-", "--columns", "2"] + texts + ["--", "-x"]
        let shortened = Arguments.shortened(arguments)
        #expect(shortened.count < 20 && shortened.prefix(2) == ["evaluate", "model.cgw"])
        #expect(Arguments.expanded(shortened) == arguments)
        #expect(Arguments.shortened(["train", "a", "--csv"]) == ["train", "a", "--csv"])
    }
}
