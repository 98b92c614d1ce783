import ArgumentParser
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// The options of the commands that write a model: how its weights are stored, and a text to measure
/// it on.
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

    /// Writes a model to a file, and says how large it is and how well it predicts the text.
    ///
    /// - Parameters:
    ///   - source: The path that the model comes from.
    ///   - reading: How the text at a path is read.
    func write(
        _ model: TrainedModel, to output: String, from source: String, reading: (String) -> CorpusSource
    ) throws {
        let original = try Model(model.parameters, vocabulary: model.vocabulary)
        let originalFile = try model.modelFile()
        let weights = type ?? .float32
        let untested =
            switch weights {
            case .float32: originalFile
            case .bfloat16, .int8: try model.modelFile(weights: weights)
            case .int4: try model.modelFile(weights: weights, calibration: Calibration.text(from: original))
            }
        let file = try withSelfTest(untested)
        let report = try ExportReport(
            file, weights: weights, original: original,
            originalBytes: originalFile.count + file.count - untested.count,
            text: try text.map { try Score.text(reading($0), for: original, unknown: unknown) })
        try AtomicFile.write(file, to: output)
        Terminal.note("\(FileName.shown(output)): \(report.sentence), from \(FileName.shown(source))")
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

    /// A model may be replaced; a file of another kind, named by mistake, must not be.
    static func refuseToOverwriteOthers(_ output: String) throws {
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
