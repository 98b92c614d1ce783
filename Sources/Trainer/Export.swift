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
            The default is the checkpoint with the lowest validation loss of the newest training in 'runs'. When \
            standard output is not a terminal, the model's size, and how well it predicts --text, are a line of JSON.
            """)

    @Argument(help: "The file to write, such as model.cgw.", completion: .file(extensions: ["cgw"]))
    var output: String

    @Option(
        name: .customLong("run"), help: ArgumentHelp("The training's folder.", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(help: ArgumentHelp("A checkpoint, in place of a training's best.", valueName: "file"), completion: .file())
    var checkpoint: String?

    @Option(
        name: .customLong("weights"),
        help: ArgumentHelp(
            "How to store the weights.",
            discussion: """
                With fewer bits the model is smaller and faster. With bf16 and int8 it predicts a text almost as \
                well; --text shows the loss.
                """,
            valueName: "type"))
    var weights = ElementType.float32

    @Option(
        help: ArgumentHelp(
            "A text in UTF-8 on which to measure what the fewer bits cost.", valueName: "file"),
        completion: .file())
    var text: String?

    func validate() throws {
        guard folder == nil || checkpoint == nil else { throw ValidationError("Give --run or --checkpoint, not both.") }
    }

    func run() throws {
        try refuseToOverwriteOthers()
        let path = try checkpoint ?? Runs.folder(folder).exportedCheckpointPath()
        let checkpoint = try Checkpoint(path: path)
        let original = try Model(checkpoint.parameters(), vocabulary: checkpoint.vocabulary)
        let originalFile = try checkpoint.modelFile()
        let file =
            switch weights {
            case .float32: originalFile
            case .bfloat16, .int8: try checkpoint.modelFile(weights: weights)
            case .int4: try checkpoint.modelFile(weights: weights, calibration: Calibration.text(from: original))
            }
        let report = try ExportReport(
            file, weights: weights, original: original, originalBytes: originalFile.count,
            text: text.map { CorpusSource(paths: [$0]) })
        try AtomicFile.write(file, to: output)
        Terminal.note("\(FileName.shown(output)): \(report.sentence), from \(path)")
        if !Terminal.outputIsTerminal { try Terminal.write(try report.jsonLine() + "\n") }
    }

    /// A model may be replaced; a file of another kind, named by mistake, must not be.
    private func refuseToOverwriteOthers() throws {
        let descriptor = open(FileName.cString(output), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        // What cannot be read, such as a folder, is refused when it is written.
        let beginning = (try? file.read(upToCount: 8)) ?? Data()
        guard beginning.isEmpty || beginning.withUnsafeBytes({ ModelFile.hasSignature($0) }) else {
            throw TrainingError.cannotWrite(
                path: FileName.shown(output), reason: "it exists, and is not a .cgw file; choose another name")
        }
    }
}

extension ElementType: ExpressibleByArgument {
    public init?(argument: String) {
        guard let type = ElementType.allCases.first(where: { $0.name.description == argument }) else { return nil }
        self = type
    }
    public var defaultValueDescription: String { name.description }
    public static var allValueStrings: [String] { allCases.map(\.name.description) }
    public static var allValueDescriptions: [String: String] {
        [
            "f32": "as they were trained", "bf16": "half the size: the upper halves of the floats",
            "int8": "a quarter: 8 bits, and a scale a row", "int4": "an eighth: 4 bits, and a scale for every 32",
        ]
    }
}
