import ArgumentParser
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// `trainer export`: writes a trained model to one file.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a training's model as a .cgw file, or for other programs.",
        discussion: """
            Writes the checkpoint with the lowest validation loss. docs/pytorch.md describes the formats of other \
            programs. When standard output is not a terminal, the model's \
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

    @Option(
        help: ArgumentHelp(
            "The format to write.",
            discussion: """
                Beside weights in safetensors, such as model.safetensors, a file model.json is written, with the \
                characters and the sizes.
                """,
            valueName: "format"))
    var format = ExportFormat.cgw

    @OptionGroup
    var model: ModelFileOptions

    func validate() throws {
        guard folder == nil || checkpoint == nil else { throw ValidationError("Give --run or --checkpoint, not both.") }
        guard format.takesEveryType || model.type ?? .float32 == .float32 else {
            throw ValidationError("--format \(format) holds floats: leave out --weights.")
        }
    }

    func run() throws {
        Terminal.ignoreClosedOutput()
        try format.refuseToOverwriteOthers(output)
        let path = try checkpoint ?? Runs.folder(folder).exportedCheckpointPath()
        let checkpoint = try Checkpoint(path: path)
        try model.write(checkpoint.model(), to: output, as: format, from: path) {
            checkpoint.settings.corpus.with(path: $0)
        }
    }
}

extension ExportFormat: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "cgw": "for chargen", "safetensors": "weights for PyTorch", "onnx": "a graph for ONNX Runtime",
            "c": "the .cgw file as an array in C",
        ]
    }
}
