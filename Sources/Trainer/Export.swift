import ArgumentParser
import Foundation
import ModelFormat
import Training

/// `trainer export`: puts a trained model into one file.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a training's model as a .cgw file.",
        discussion: """
            Takes the best checkpoint of the newest training in 'runs', the one with the lowest validation loss, \
            unless told otherwise.
            """)

    @Argument(help: "The file to write, such as model.cgw.", completion: .file(extensions: ["cgw"]))
    var output: String

    @Option(
        name: .customLong("run"), help: ArgumentHelp("The training's folder.", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(help: ArgumentHelp("A checkpoint, in place of a training's best.", valueName: "file"), completion: .file())
    var checkpoint: String?

    func validate() throws {
        guard folder == nil || checkpoint == nil else { throw ValidationError("Give --run or --checkpoint, not both.") }
    }

    func run() throws {
        try refuseToOverwriteOthers()
        let path = try checkpoint ?? Runs.folder(folder).exportedCheckpointPath()
        let source = try Checkpoint(path: path)
        let bytes = try source.modelFile()
        try AtomicFile.write(bytes, to: output)
        Terminal.note("\(output): \(Terminal.grouped(Double(bytes.count))) bytes, from \(path)")
    }

    /// An old model may be replaced; a text that was named by mistake must not be.
    private func refuseToOverwriteOthers() throws {
        guard let file = FileHandle(forReadingAtPath: output) else { return }
        // What cannot be read, such as a folder, cannot be written either, and is refused then.
        let beginning = (try? file.read(upToCount: 8)) ?? Data()
        guard beginning.isEmpty || beginning.withUnsafeBytes({ ModelFile.hasSignature($0) }) else {
            throw TrainingError.cannotWrite(
                path: output, reason: "it exists, and is not a .cgw file; choose another name")
        }
    }
}
