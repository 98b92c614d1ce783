import Foundation
import TestSupport
import Testing

@testable import Trainer

@Suite("Text on a terminal")
struct VisibleTextTests {
    @Test(
        "shows what would control the terminal, and leaves everything else as it is",
        arguments: [
            ("a\tb\nc", "a\tb\nc"),
            ("\u{1B}[31mred\u{7}", "␛[31mred␇"),
            ("a\r\nb\u{0}\u{8}", "a␍\nb␀␈"),
            ("\u{7F}\u{85}\u{9B}1m", "␡\\u{0085}\\u{009B}1m"),
            ("\u{202E}abc\u{202C}\u{2066}\u{2069}", "\\u{202E}abc\\u{202C}\\u{2066}\\u{2069}"),
            ("e\u{301}, 👩‍👩‍👧, שלום, 漢字", "e\u{301}, 👩‍👩‍👧, שלום, 漢字"),
        ])
    func visible(text: String, shown: String) {
        #expect(Array(text.visible.unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test(
        "is the same JSON with escapes",
        arguments: [
            ("{\"a\":\t\"é\"}\n", "{\"a\":\t\"é\"}\n"), ("[1,\r\n2]", "[1,\n\n2]"),
            ("\"\u{7F}\u{9B}\u{202E}\"", #""\u007f\u009b\u202e""#),
        ])
    func visibleJSON(json: String, shown: String) {
        #expect(Array(json.visibleJSON.unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test("is visible on a terminal and as it is in a file, for generated text and for a prompt")
    func terminal() throws {
        try withTemporaryFolder { folder in
            try Data(try randomModel(.gru, characters: "ab\u{1B}\u{9B}", hasEndOfDocument: false)).write(
                to: folder.appendingPathComponent("model.cgw"))
            let arguments = ["generate", "model.cgw", "--prompt", "\u{1B}", "--length", "40", "--seed", "1"]
            let process = try Command.start(arguments, in: folder)
            process.waitUntilExit()
            let raw = try String(contentsOf: folder.appendingPathComponent("stdout"), encoding: .utf8)
            #expect(raw.hasPrefix("\u{1B}") && raw.unicodeScalars.contains("\u{9B}") && raw.unicodeScalars.count == 42)
            let shown = try Command.terminal(arguments, in: folder)
            #expect(shown == raw.visible.replacingOccurrences(of: "\n", with: "\r\n"))
        }
    }

    @Test("is visible in the samples of a training")
    func samples() throws {
        try withTemporaryFolder { folder in
            let line = String(repeating: "\u{1B}[31m", count: 12)
            try String(repeating: line + "\n", count: 20).write(
                to: folder.appendingPathComponent("log.txt"), atomically: true, encoding: .utf8)
            let shown = try Command.terminal(
                [
                    "train", "log.txt", "--documents", "line", "--batching", "documents", "--time", "20", "--hidden",
                    "8", "--sample-prompt", "\u{1B}[31m", "--sample-length", "10", "--run", "run",
                ], in: folder)
            #expect(shown.contains("  ␛[31m") && !shown.contains("\u{1B}[31m"), "\(shown)")
        }
    }

    @Test("is visible in an error message that quotes a file")
    func errors() throws {
        try withTemporaryFolder { folder in
            try "a,\u{1B}[2Jb\n1,2\n".write(
                to: folder.appendingPathComponent("rows.csv"), atomically: true, encoding: .utf8)
            let shown = try Command.terminal(["train", "--csv", "--columns", "title", "rows.csv"], in: folder)
            #expect(shown.contains("its header is: a, ␛[2Jb"), "\(shown)")
            #expect(!shown.contains("\u{1B}[2J"))
        }
    }
}
