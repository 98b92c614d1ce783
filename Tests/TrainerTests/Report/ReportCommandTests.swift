import Foundation
import TestSupport
import Testing

@Suite("trainer report")
struct ReportCommandTests {
    /// Runs `body` in a folder with a text, `text.txt`, and two trainings of it, `a` and `b`.
    private func withRuns(_ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("text.txt")
            try sampleText(characters: 3000).write(to: text, atomically: true, encoding: .utf8)
            for (run, cell) in [("a", "lstm"), ("b", "gru")] {
                let training = try Command.trainer(
                    "train", "text.txt", "--run", run, "--cell", cell, "--layers", "1", "--hidden", "16", "--batch",
                    "4",
                    "--time", "20", "--epochs", "2", in: folder)
                #expect(training.status == 0, "\(training.errors)")
            }
            try body(folder)
        }
    }

    private func page(_ folder: URL, _ name: String = "report.html") throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    @Test("writes a page of one run or of several, and writes it again")
    func pages() throws {
        try withRuns { folder in
            try #"{"text":"<first>","update":30}"#.write(
                to: folder.appendingPathComponent("a/samples.jsonl"), atomically: true, encoding: .utf8)
            for runs in [["a"], ["a", "b"]] {
                let process = try Command.start(["report"] + runs, in: folder)
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
                let page = try page(folder)
                #expect(page.contains("this model") && page.contains("zstd -19, after the training text"))
                #expect(page.contains("n-gram model of order 6") && page.contains("validation fraction"))
                #expect(page.contains("&lt;first&gt;") && page.contains("class=\"differs\"") == (runs.count == 2))
                #expect(!page.contains(folder.path))
            }
        }
    }

    @Test("a text that is gone leaves out what needs it, and --text takes its place")
    func missingText() throws {
        try withRuns { folder in
            let text = folder.appendingPathComponent("text.txt")
            try FileManager.default.moveItem(at: text, to: folder.appendingPathComponent("moved.txt"))
            let without = try Command.trainer("report", "a", in: folder)
            #expect(without.status == 0 && without.errors.contains("text.txt"))
            #expect(try page(folder).contains("cannot be read again. Name a text to predict with --text."))
            let with = try Command.trainer("report", "a", "--text", "moved.txt", "--output", "b.html", in: folder)
            #expect(with.status == 0)
            #expect(try page(folder, "b.html").contains("zstd -19, alone"))
            #expect(try !page(folder, "b.html").contains("n-gram model of"))
            let unknown = folder.appendingPathComponent("unknown.txt")
            try "ba€".write(to: unknown, atomically: true, encoding: .utf8)
            let refused = try Command.trainer("report", "a", "--text", "unknown.txt", in: folder)
            #expect(refused.status == 1 && refused.errors.contains("€"))
        }
    }

    @Test("a file that is not a report is not overwritten, and a folder without a training is an error")
    func refusals() throws {
        try withRuns { folder in
            let notes = folder.appendingPathComponent("notes.html")
            try "<!doctype html>\n<p>mine".write(to: notes, atomically: true, encoding: .utf8)
            let refused = try Command.trainer("report", "a", "--output", "notes.html", in: folder)
            #expect(refused.status == 1 && refused.errors.contains("not a report"))
            #expect(try page(folder, "notes.html") == "<!doctype html>\n<p>mine")
            let none = try Command.trainer("report", "a", "nowhere", in: folder)
            #expect(none.status == 1 && none.errors.contains("nowhere"))
            let newest = try Command.trainer("report", in: folder)
            #expect(newest.status == 1 && newest.errors.contains("trainer train"))
        }
    }
}
