import Testing

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
        arguments: ["train", "resume", "sweep", "export", "generate", "evaluate", "inspect"])
    func form(command: String) throws {
        for line in try help(command) {
            for remark in line.matches(of: /\(([^)]*)\)/) {
                #expect(remark.output.1.contains(/^(default: |values: )/), "\(line)")
            }
        }
    }

    @Test(
        "names the default of an option",
        arguments: [
            ("sweep", "--threads", "1"), ("export", "--run", "the newest in 'runs'"), ("export", "--weights", "f32"),
            ("generate", "--temperature", "1"), ("generate", "--length", "500"), ("generate", "--count", "1"),
            ("generate", "--format", "text"), ("generate", "--unknown", "fail"), ("evaluate", "--unknown", "fail"),
        ])
    func value(command: String, option: String, value: String) throws {
        let line = try #require(try help(command).first { $0.hasPrefix("  \(option) ") })
        #expect(line.hasSuffix("default: \(value))"), "\(line)")
    }
}
