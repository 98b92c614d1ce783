import ArgumentParser
import Core
import Foundation
import Training

/// The command `trainer`.
@main
struct Trainer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trainer",
        abstract: "Train a character-level text generator and put it into one small file.",
        discussion: """
            Train on a text, export the model, and generate text with it:

              trainer train shakespeare.txt
              trainer export model.cgw
              trainer generate model.cgw --prompt "ROMEO:"

            Other programs load model.cgw through libchargen.so; see include/chargen.h.
            """,
        version: chargenVersion,
        subcommands: [
            Train.self, Resume.self, Sweep.self, ReportCommand.self, Export.self, Import.self, Generate.self,
            Evaluate.self, Classify.self, CorpusCommand.self, Inspect.self,
        ])

    static func main() {
        // A file that exceeds a limit of size is an error like a full disk, not the end of the
        // process.
        signal(SIGXFSZ, SIG_IGN)
        Terminal.reserveDescriptors()
        do {
            let arguments = Arguments.parsable()
            try refuseUnknownCommand(arguments)
            var command = try parseAsRoot(arguments)
            try command.run()
        } catch {
            end(with: error)
        }
    }

    /// Refuses a word that is no command where one must be, and suggests the most similar one.
    ///
    /// ArgumentParser would treat it as an unexpected argument, or ignore it after `help`.
    static func refuseUnknownCommand(_ arguments: some Collection<String>) throws(ValidationError) {
        let names = configuration.subcommands.map { $0._commandName } + ["help"]
        guard let name = arguments.first(where: { $0 != "help" }), !name.hasPrefix("-"), !names.contains(name) else {
            return
        }
        let suggestion = names.map { ($0, distance: name.difference(from: $0).count) }
            .filter { $0.hasPrefix(name) || $1 <= 3 }.min { $0.distance < $1.distance }
        throw ValidationError(
            "Unknown command '\(name)'" + (suggestion.map { ". Did you mean '\($0.0)'?" } ?? ""))
    }

    /// Ends the process with what ArgumentParser makes of an error: the help or the version on
    /// standard output, or a message on standard error and its status.
    private static func end(with error: any Error) -> Never {
        let message = fullMessage(for: error)
        let status = exitCode(for: error)
        if status.isSuccess {
            do { try Terminal.write(message + "\n") } catch { end(with: error) }
        } else if status == .validationFailure, Ranks.startedRank > 0 {
            // All ranks have the same arguments. mpirun kills the others when one has ended, so the
            // first has time for its message.
            sleep(1)
        } else if !message.isEmpty {
            Terminal.note(FileName.shown(message))
        }
        Foundation.exit(status.rawValue)
    }
}
