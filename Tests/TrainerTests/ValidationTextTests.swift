import Foundation
import TestSupport
import Testing

@Suite("trainer train --validation-text")
struct ValidationTextTests {
    /// Runs `body` in a folder with a training, `run`, that is validated on `a.txt` and `b.txt`.
    private func withRun(
        _ options: [String] = [], _ body: (_ folder: URL, _ training: Command.Result) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            for (index, name) in ["text.txt", "a.txt", "b.txt"].enumerated() {
                try (sampleText(characters: 3000 - 1000 * index, seed: UInt64(index)) + (index == 1 ? "€" : "")).write(
                    to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
            }
            let training = try Command.trainer(
                [
                    "train", "text.txt", "--validation-text", "a.txt", "--validation-text", "b.txt", "--run", "run",
                    "--layers", "1", "--hidden", "16", "--epochs", "2",
                ] + options, in: folder)
            #expect(training.status == 0, "\(training.errors)")
            try body(folder, training)
        }
    }

    @Test(
        "reports the loss on each, which is what evaluate gives, and says what becomes of unknown characters",
        arguments: [
            ([], "leaves them out", "skip"), (["--min-count", "2"], "takes them for the unknown symbol", "fail"),
        ])
    func losses(options: [String], remark: String, policy: String) throws {
        struct Report: Decodable {
            struct Text: Decodable {
                let text: String
                let loss: Double
            }
            let validationLoss: Double?
            let validationLosses: [Text]?
        }
        try withRun(options) { folder, training in
            #expect(training.errors.contains("warning: 'a.txt' has 1 character (0.05 %) that"), "\(training.errors)")
            #expect(training.errors.contains(remark), "\(training.errors)")
            let reports = try training.output.split(separator: "\n").map {
                try JSONDecoder().decode(Report.self, from: Data($0.utf8))
            }
            let best = try #require(
                reports.min { $0.validationLoss ?? .infinity < $1.validationLoss ?? .infinity }?.validationLosses)
            #expect(best.map(\.text) == ["a.txt", "b.txt"])
            #expect(try Command.trainer("export", "model.cgw", "--run", "run", in: folder).status == 0)
            for text in best {
                let evaluation = try Command.trainer(
                    "evaluate", "model.cgw", text.text, "--unknown", policy, in: folder)
                let numbers = try #require(
                    try JSONSerialization.jsonObject(with: Data(evaluation.output.utf8)) as? [String: Double])
                #expect(abs(try #require(numbers["natsPerCharacter"]) - text.loss) < 1e-3)
            }
        }
    }

    @Test("is shown on a terminal and by trainer report, text by text")
    func shown() throws {
        try withRun { folder, _ in
            #expect(try Command.trainer("report", "run", in: folder).status == 0)
            let page = try String(contentsOf: folder.appendingPathComponent("report.html"), encoding: .utf8)
            #expect(page.contains("further validation: b.txt"))
            #expect(page.contains("characters of the text for validation"))
            #expect(page.contains("class=\"furtherValidation run0"))
            let terminal = try Command.terminal(
                [
                    "train", "text.txt", "--validation-text", "a.txt", "--validation-text", "b.txt", "--run", "other",
                    "--layers", "1", "--hidden", "16", "--epochs", "1",
                ], in: folder)
            #expect(terminal.contains("validation: a.txt, b.txt; the first decides"), "\(terminal)")
            #expect(terminal.contains(/validation \d\.\d{4}  b\.txt \d\.\d{4}/), "\(terminal)")
        }
    }

    @Test("resume finds texts that have moved where it is told, and says so otherwise")
    func moved() throws {
        try withRun { folder, _ in
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("texts"), withIntermediateDirectories: true)
            for name in ["a.txt", "b.txt"] {
                try FileManager.default.moveItem(
                    at: folder.appendingPathComponent(name), to: folder.appendingPathComponent("texts/" + name))
            }
            let refused = try Command.trainer("resume", "run", "--epochs", "3", in: folder)
            #expect(refused.status == 1 && refused.errors.contains("with --validation-text"), "\(refused.errors)")
            let resumed = try Command.trainer(
                "resume", "run", "--epochs", "3", "--validation-text", "texts/a.txt", "--validation-text",
                "texts/b.txt", in: folder)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.output.contains(#""validationLosses":[{"loss":"#))
        }
    }
}
