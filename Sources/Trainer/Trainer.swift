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
            Train.self, Resume.self, Export.self, Generate.self, Evaluate.self, CorpusCommand.self, Inspect.self,
        ])

    static func main() {
        // A file that exceeds a limit of size is an error like a full disk, not the end of the
        // process.
        signal(SIGXFSZ, SIG_IGN)
        main(Arguments.parsable())
    }
}
