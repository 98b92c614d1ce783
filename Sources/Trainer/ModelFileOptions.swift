import ArgumentParser
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// The options of the commands that write a model: how its weights are stored, and a text to
/// measure it on.
struct ModelFileOptions: ParsableArguments {
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
            "A text on which to measure how well the model predicts, and what fewer bits cost. (default: none)",
            discussion: """
                'export' reads it as the training's was: as UTF-8 or CSV, in the same documents; 'import' as one text \
                in UTF-8.
                """,
            valueName: "file"),
        completion: .file())
    var text: String?

    @Option(
        help: ArgumentHelp(
            "What to do with a character of --text that the model does not know: 'fail' predicts it as the unknown "
                + "symbol, and ends with an error if the model has none; 'skip' leaves it out. Both count them.",
            valueName: "policy"))
    var unknown = UnknownCharacterPolicy.fail

    func validate() throws {
        guard unknown == .fail || text != nil else { throw ValidationError("--unknown needs --text.") }
    }

    /// Writes a model, and says how large it is and how well it predicts the text.
    ///
    /// - Parameters:
    ///   - output: The path, which ``ExportFormat/refuseToOverwriteOthers(_:)`` has not refused.
    ///   - source: The path that the model comes from.
    ///   - reading: How the text at a path is read.
    func write(
        _ model: TrainedModel, to output: String, as format: ExportFormat, from source: String,
        reading: (String) -> CorpusSource
    ) throws {
        let original = try Model(model)
        let originalFile = try model.modelFile()
        let weights = type ?? .float32
        let untested =
            switch weights {
            case .float32: originalFile
            case .bfloat16, .int8: try model.modelFile(weights: weights)
            case .int4: try model.modelFile(weights: weights, calibration: Calibration.text(from: original))
            }
        let file = try withSelfTest(untested)
        let files = try format.files(of: model, modelFile: file, path: output)
        let report = try ExportReport(
            bytes: format.takesEveryType ? file.count : files.map(\.contents.count).reduce(0, +), weights: weights,
            original: original, originalBytes: originalFile.count + file.count - untested.count,
            text: try text.map { try Score.text(reading($0), for: original, unknown: unknown) },
            exported: try Model(file))
        for (path, contents) in files { try AtomicFile.write(contents, to: path) }
        let names = files.map { FileName.shown($0.path) }.reversed().joined(separator: ", ")
        Terminal.note("\(names): \(report.sentence), from \(FileName.shown(source))")
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
