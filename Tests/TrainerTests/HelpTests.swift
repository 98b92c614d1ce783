import Testing
import Training

@testable import Trainer

@Suite("The help")
struct HelpTests {
    /// The lines of a command's help, none of them wrapped.
    private func help(_ name: String) throws -> [Substring] {
        let command = try #require(Trainer.configuration.subcommands.first { $0._commandName == name })
        return Trainer.helpMessage(for: command, columns: 10_000).split(separator: "\n")
    }

    @Test(
        "names defaults in one form, and nothing else in brackets",
        arguments: Trainer.configuration.subcommands.map { $0._commandName })
    func form(command: String) throws {
        for line in try help(command) {
            for remark in line.matches(of: /\(([^)]*)\)/) {
                #expect(remark.output.1.contains(/^(default: |values: )/), "\(line)")
                #expect(line[..<remark.range.lowerBound].hasSuffix(". "), "\(line)")
            }
        }
    }

    @Test("of train names the default of each option with a value, unless it is a way to name texts")
    func defaults() throws {
        let namesTexts = ["--files-from", "--separator", "--jsonl", "--epochs"]
        // What follows a long name is on the next line.
        let help = try help("train").joined(separator: "\n").replacing(">\n", with: "> ")
        for line in help.split(separator: "\n") where line.contains(/^  --[a-z0-9-]+ </) {
            let name = line.split(separator: " ")[0]
            #expect(line.contains("default: ") != namesTexts.contains(String(name)), "\(line)")
        }
    }

    @Test("shows the delimiters of CSV as words, which are read as the characters are")
    func delimiters() throws {
        let help = try help("corpus")
        for delimiter in Delimiter.allCases {
            #expect(help.contains { $0.hasPrefix("        \(delimiter) ") })
            #expect(Delimiter(argument: "\(delimiter)") == delimiter)
            #expect(Delimiter(argument: delimiter.rawValue) == delimiter)
        }
    }

    @Test(
        "names the default of an option",
        arguments: [
            ("sweep", "--threads", "1"), ("export", "--run", "the newest in 'runs'"), ("export", "--weights", "f32"),
            ("export", "--format", "cgw"), ("import", "--output", "model.cgw"), ("import", "--weights", "f32"),
            ("generate", "--temperature", "1"), ("generate", "--length", "500"), ("generate", "--count", "1"),
            ("generate", "--format", "text"), ("generate", "--unknown", "fail"), ("evaluate", "--unknown", "fail"),
        ])
    func value(command: String, option: String, value: String) throws {
        let line = try #require(try help(command).first { $0.hasPrefix("  \(option) ") })
        #expect(line.hasSuffix("default: \(value))"), "\(line)")
    }
}
