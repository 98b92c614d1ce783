import ArgumentParser
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// `trainer export`: writes a trained model to one file.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a training's model as a .cgw file.",
        discussion: """
            Writes the checkpoint with the lowest validation loss. When standard output is not a terminal, the model's \
            size, and how well it predicts --text, are printed as a line of JSON.
            """)

    @Argument(help: "The file to write, such as model.cgw.", completion: .file(extensions: ["cgw"]))
    var output: String

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The training's folder. (default: the newest in 'runs')", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(
        help: ArgumentHelp("A checkpoint to write in place of a training's best. (default: none)", valueName: "file"),
        completion: .file())
    var checkpoint: String?

    @OptionGroup(title: "Model")
    var model: ModelFileOptions

    func validate() throws {
        guard folder == nil || checkpoint == nil else { throw ValidationError("Give --run or --checkpoint, not both.") }
    }

    func run() throws {
        Terminal.ignoreClosedOutput()
        try ModelFileOptions.refuseToOverwriteOthers(output)
        let path = try checkpoint ?? Runs.folder(folder).exportedCheckpointPath()
        let checkpoint = try Checkpoint(path: path)
        try model.write(checkpoint.model(), to: output, from: path) { checkpoint.settings.corpus.with(path: $0) }
    }
}
