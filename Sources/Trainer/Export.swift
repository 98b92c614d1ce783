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

    @Option(
        name: .customLong("weights"),
        help: ArgumentHelp(
            "How to store the weights. (default: f32)",
            discussion: """
                With fewer bits the model is smaller and faster. With bf16 and int8 it predicts a text almost as \
                well; --text shows the loss.
                """,
            valueName: "type"))
    // Optional, because the help would name a default by its number in model files.
    var type: ElementType?

    @Option(
        help: ArgumentHelp(
            "A text on which to measure how well the model predicts, and what fewer bits cost. It is read as the "
                + "training's was: as UTF-8 or CSV, in the same documents. (default: none)", valueName: "file"),
        completion: .file())
    var text: String?

    @Option(
        help: ArgumentHelp(
            "What to do with a character of --text that the model does not know: 'fail' predicts it as the unknown "
                + "symbol, and ends with an error if the model has none; 'skip' leaves it out. Both count them.",
            valueName: "policy"))
    var unknown = UnknownCharacterPolicy.fail

    func validate() throws {
        guard folder == nil || checkpoint == nil else { throw ValidationError("Give --run or --checkpoint, not both.") }
        guard unknown == .fail || text != nil else { throw ValidationError("--unknown needs --text.") }
    }

    func run() throws {
        Terminal.ignoreClosedOutput()
        try refuseToOverwriteOthers()
        let path = try checkpoint ?? Runs.folder(folder).exportedCheckpointPath()
        let checkpoint = try Checkpoint(path: path)
        let original = try Model(
            checkpoint.parameters(), vocabulary: checkpoint.vocabulary, labels: checkpoint.labels)
        let originalFile = try checkpoint.modelFile()
        let weights = type ?? .float32
        let untested =
            switch weights {
            case .float32: originalFile
            case .bfloat16, .int8: try checkpoint.modelFile(weights: weights)
            case .int4: try checkpoint.modelFile(weights: weights, calibration: Calibration.text(from: original))
            }
        let file = try withSelfTest(untested)
        let report = try ExportReport(
            file, weights: weights, original: original,
            originalBytes: originalFile.count + file.count - untested.count,
            text: try text.map { try corpus($0, of: checkpoint, for: original) })
        try AtomicFile.write(file, to: output)
        Terminal.note("\(FileName.shown(output)): \(report.sentence), from \(path)")
        guard !Terminal.outputIsTerminal else { return }
        let line = try report.jsonLine()
        do {
            try Terminal.write(line + "\n")
        } catch {
            Terminal.note("\(error); the model is written")
        }
    }

    /// The file with a self-test, which a model of the file has just passed.
    private func withSelfTest(_ file: [UInt8]) throws -> [UInt8] {
        let model = try Model(file)
        var test = SelfTest(for: model.vocabulary)
        test.result = try model.result(of: test)
        return try ModelFile.replacingProvenance(of: file, with: test.added(to: model.provenance))
    }

    /// Reads a text as the training read its own.
    private func corpus(_ path: String, of checkpoint: Checkpoint, for model: Model) throws -> Corpus {
        try Score.text(checkpoint.settings.corpus.with(path: path), for: model, unknown: unknown)
    }

    /// A model may be replaced; a file of another kind, named by mistake, must not be.
    private func refuseToOverwriteOthers() throws {
        // What cannot be read, such as a folder, is refused when it is written.
        let beginning = FileContents.beginning(of: output, count: 8)
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
    public static var allValueStrings: [String] { allCases.map(\.name.description) }
    public static var allValueDescriptions: [String: String] {
        [
            "f32": "as they were trained", "bf16": "half the size: the upper halves of the floats",
            "int8": "a quarter: 8 bits, and a scale a row", "int4": "an eighth: 4 bits, and a scale for every 32",
        ]
    }
}
