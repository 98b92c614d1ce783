import Foundation
import InferenceEngine
import ModelFormat
import TestSupport
import Testing

@testable import Trainer

@Suite("Labels on the command line")
struct LabelTests {
    /// Trains a model whose labels decide the texts: x gives "ba…", y gives "du…".
    private func withModel(_ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let rows = (0..<400).map { "\($0 % 2 + 1),\(["ba", "du"][$0 % 2])\($0 % 7)" }.joined(separator: "\n")
            try rows.write(to: folder.appendingPathComponent("text.csv"), atomically: true, encoding: .utf8)
            let training = try Command.trainer(
                "train", "text.csv", "--csv", "--label", "class=1", "--label-names", "1=x,2=y", "--cell", "gru",
                "--layers", "1", "--hidden", "12", "--time", "12", "--batch", "8", "--epochs", "12", "--learning-rate",
                "0.02", "--threads", "1", "--run", "run", "--sample-length", "0", in: folder)
            try #require(training.status == 0, "\(training.errors)")
            let export = try Command.trainer("export", "model.cgw", "--run", "run", "--weights", "int8", in: folder)
            try #require(export.status == 0, "\(export.errors)")
            try body(folder)
        }
    }

    @Test("generate texts of a kind, and tell of which kind texts are")
    func useOfLabels() throws {
        try withModel { folder in
            func generate(_ label: String...) throws -> [Substring] {
                let choices = label.flatMap { ["--label", $0] }
                let result = try Command.trainer(
                    ["generate", "model.cgw", "--count", "20", "--seed", "1"] + choices, in: folder)
                #expect(result.status == 0, "\(result.errors)")
                return result.output.split(separator: "\n")
            }
            #expect(try generate("x").count { $0.hasPrefix("ba") } >= 19)
            #expect(try generate("class:y").count { $0.hasPrefix("du") } >= 19)
            #expect(Set(try generate("x=1,y=1").map { $0.prefix(1) }).isSuperset(of: ["b", "d"]))
            #expect(Set(try generate().map { $0.prefix(1) }).isSuperset(of: ["b", "d"]))

            let classes = try Command.trainer(
                "classify", "model.cgw", "-", "--documents", "line", input: "ba3\ndu6\n", in: folder)
            #expect(classes.status == 0, "\(classes.errors)")
            struct Line: Decodable {
                let document: Int
                struct Entry: Decodable {
                    let label: String
                    let probability: Double
                }
                let prefix: String?
                let text: String?
                let labels: [Entry]
            }
            func lines(_ output: String) throws -> [Line] {
                try output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
            }
            #expect(try lines(classes.output).map(\.labels[0].label) == ["x", "y"])
            #expect(try lines(classes.output).map(\.text) == ["ba3", "du6"])
            let prefixes = try Command.trainer(
                "classify", "model.cgw", "-", "--prefixes", input: "ba3", in: folder)
            #expect(try lines(prefixes.output).map(\.prefix) == ["b", "a", "3"])
            let last = try #require(lines(prefixes.output).last?.labels[0])
            #expect(last.label == "x" && last.probability > 0.9)
            #expect(try Command.terminal(["classify", "model.cgw", "text.csv", "--csv"], in: folder).contains("x 0.9"))

            struct Evaluation: Decodable {
                struct Table: Decodable {
                    let column: String
                    let accuracy: Double
                    let labels: [String]
                    let counts: [[Int]]
                }
                let natsPerCharacter: Double
                let labels: [Table]?
            }
            func evaluate(_ more: String...) throws -> Evaluation {
                let result = try Command.trainer(["evaluate", "model.cgw", "text.csv", "--csv"] + more, in: folder)
                #expect(result.status == 0, "\(result.errors)")
                return try JSONDecoder().decode(Evaluation.self, from: Data(result.output.utf8))
            }
            let labelled = try evaluate("--label", "class=1", "--label-names", "1=x,2=y")
            let table = try #require(labelled.labels?.first)
            #expect((table.column, table.labels) == ("class", ["x", "y"]))
            #expect(table.accuracy > 0.99 && table.counts[0][0] >= 198 && table.counts.joined().reduce(0, +) == 400)
            #expect(try evaluate().natsPerCharacter > labelled.natsPerCharacter + 0.05)
            let report = try Command.trainer("report", "run", "--output", "report.html", in: folder)
            #expect(report.status == 0, "\(report.errors)")
            let page = try String(contentsOf: folder.appendingPathComponent("report.html"), encoding: .utf8)
            #expect(page.contains("<h2>Labels: class</h2>") && page.contains("held-out documents, 100.0 % are taken"))
            #expect(page.contains(/<h3>x<\/h3><p class="text" dir="auto">ba/))
            #expect(
                try Command.trainer("inspect", "model.cgw", in: folder).output.contains("labels:      class: x, y\n"))
        }
    }

    @Test("are told by characters that the model reads as its unknown symbol, and by labels that are equal as strings")
    func unknownCharacters() throws {
        try withTemporaryFolder { folder in
            // Only the texts of one label have characters that are rare.
            let rows = (0..<300).map { index in
                let rare = String(UnicodeScalar(0x4E00 + index) ?? "?")
                return index % 2 == 0 ? "A\u{30A},ab\(rare)a\(rare)" : "\u{212B},abbaa"
            }
            try rows.joined(separator: "\n").write(
                to: folder.appendingPathComponent("text.csv"), atomically: true, encoding: .utf8)
            let training = try Command.trainer(
                "train", "text.csv", "--csv", "--label", "1", "--min-count", "3", "--cell", "gru", "--layers", "1",
                "--hidden", "8", "--time", "8", "--batch", "8", "--epochs", "12", "--learning-rate", "0.02",
                "--threads", "1", "--run", "run", "--sample-length", "0", in: folder)
            try #require(training.status == 0, "\(training.errors)")
            try #require(Command.trainer("export", "model.cgw", "--run", "run", in: folder).status == 0)
            let result = try Command.trainer("evaluate", "model.cgw", "text.csv", "--csv", "--label", "1", in: folder)
            #expect(result.output.contains("\"counts\":[[150,0],[0,150]]"), "\(result)")
            let class1 = try Command.trainer("classify", "model.cgw", "-", input: "ab\u{9F98}a\u{9F98}", in: folder)
            #expect(class1.output.contains("[{\"label\":\"A\u{30A}\",\"probability\":0.9"), "\(class1)")
            for format in ["onnx", "safetensors"] {
                let refused = try Command.trainer(
                    "export", "m.\(format)", "--run", "run", "--format", format, in: folder)
                #expect(refused.status == 1 && refused.errors.contains("labels.hidden"))
            }
        }
    }

    @Test("that a model does not have are refused with those that it has")
    func refusals() throws {
        try withTemporaryFolder { folder in
            let labelled = try randomModel(.gru, labels: [.init(name: "class", labels: ["x", "y"])])
            try Data(labelled).write(to: folder.appendingPathComponent("model.cgw"))
            try Data(randomModel(.gru)).write(to: folder.appendingPathComponent("plain.cgw"))
            try "z,abc\nx,b\n".write(to: folder.appendingPathComponent("text.csv"), atomically: true, encoding: .utf8)
            func errors(_ arguments: String..., status: Int32 = 1) throws -> String {
                let result = try Command.trainer(arguments, in: folder)
                #expect(result.status == status && result.output.isEmpty, "\(arguments): \(result)")
                return result.errors
            }
            #expect(try errors("generate", "model.cgw", "--label", "z").contains("class: x, y"))
            #expect(try errors("generate", "model.cgw", "--label", "x=1,z=1").contains("class: x, y"))
            #expect(try errors("generate", "model.cgw", "--label", "x=0,y=0").contains("sum"))
            #expect(try errors("generate", "model.cgw", "--label", "x", "--label", "y").contains("two times"))
            #expect(try errors("generate", "plain.cgw", "--label", "x").contains("no labels"))
            #expect(try errors("classify", "plain.cgw", "text.csv").contains("no labels"))
            #expect(try errors("classify", "plain.cgw", "text.csv", "--prefixes").contains("no labels"))
            #expect(try errors("classify", "plain.cgw", "text.csv", "--column", "x").contains("no labels"))
            #expect(try errors("classify", "model.cgw", "text.csv", "--column", "kind").contains("class"))
            #expect(
                try errors("evaluate", "model.cgw", "text.csv", "--csv", "--label", "class=1").contains("no label 'z'"))
            #expect(try errors("evaluate", "model.cgw", "text.csv", "--csv", "--label", "1").contains("class"))
            #expect(try errors("evaluate", "plain.cgw", "text.csv", "--csv", "--label", "1").contains("no labels"))
            #expect(try errors("train", "text.csv", "--label", "1", status: 64).contains("'folder' or 'file'"))
            #expect(try errors("train", "text.csv", "--label", "file", status: 64).contains("--documents"))
            #expect(try errors("train", "text.csv", "--csv", "--label", "=1", status: 64).contains("--label"))
            #expect(
                try errors("train", "text.csv", "--csv", "--label", "1", "--label-names", "x", status: 64)
                    .contains("1=World"))
            #expect(try errors("train", "text.csv", "--csv", "--label-dropout", "0.5", status: 64).contains("--label"))
            #expect(try errors("train", "text.csv", "--csv", "--label", "9", "--run", "run").contains("column 9"))
            #expect(try errors("train", "text.csv", "--csv", "--label", "name", "--run", "run").contains("name"))
        }
    }

    @Test("are names, mixtures, and names with their columns")
    func choices() throws {
        let columns = [
            Labels.Column(name: "class", labels: ["a", "a=1", "b"]), Labels.Column(name: "kind", labels: ["b", "c"]),
            // Equal as strings, not as bytes.
            Labels.Column(name: "letter", labels: ["A\u{30A}", "\u{212B}"]),
        ]
        func weights(_ choice: String) -> (Int, [Float])? {
            (try? LabelChoice.weights(of: choice, columns)).map { ($0.column, $0.weights) }
        }
        #expect(try #require(weights("a")) == (0, [1, 0, 0]))
        #expect(try #require(weights("a=1")) == (0, [0, 1, 0]))
        #expect(try #require(weights("a=0.5, b=2")) == (0, [0.5, 0, 2]))
        #expect(try #require(weights("c")) == (1, [0, 1]))
        #expect(try #require(weights("kind:b")) == (1, [1, 0]))
        #expect(try #require(weights("A\u{30A}")) == (2, [1, 0]))
        #expect(try #require(weights("\u{212B}")) == (2, [0, 1]))
        #expect(try #require(weights("kind:b=1,c=3")) == (1, [1, 3]))
        for choice in ["b", "b=1", "", "a,b", "class:c", "a=x", "other:a"] {
            #expect(weights(choice) == nil, "\(choice)")
        }
    }
}
