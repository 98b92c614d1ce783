import ArgumentParser
import Core
import InferenceEngine
import Training

/// The options of the text that a model continues.
struct PromptOptions: ParsableArguments {
    // A prompt may begin with a dash.
    @Option(
        name: .customLong("prompt"), parsing: .unconditional,
        help: ArgumentHelp("The text to continue. (default: none)", valueName: "text"), transform: Arguments.text)
    var argument: String?

    @Option(
        name: .customLong("prompt-file"),
        help: ArgumentHelp(
            "A file with the text to continue, in UTF-8, line feeds included; '-' is standard input. (default: none)",
            valueName: "file"),
        completion: .file())
    var file: String?

    @Option(
        help: ArgumentHelp(
            "What to do with a character of the prompt that the model does not know: 'fail' reads it as the unknown "
                + "symbol, and ends with an error if the model has none; 'skip' leaves it out.",
            valueName: "policy"))
    var unknown = UnknownCharacterPolicy.fail

    func validate() throws {
        guard argument == nil || file == nil else { throw ValidationError("Give --prompt or --prompt-file, not both.") }
    }

    /// The prompt; empty if there is none.
    ///
    /// - Throws: ``CorpusError`` when the file cannot be read, or is not UTF-8.
    func text() throws -> String {
        guard let file else { return argument ?? "" }
        return try TextFile.documents(of: file, .whole).first ?? ""
    }
}
