import ArgumentParser
import Foundation
import InferenceEngine
import Training

/// `trainer evaluate`: how well a model predicts a text.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how well a model predicts a text.",
        discussion: """
            Prints the mean cross-entropy in nats and in bits a character: lower is better. Each document is read \
            from the start state. For a model that has an end-of-document symbol, the ends are predicted too; for \
            any other, the first character of a document is given, not predicted.
            """)

    @Argument(help: "The model, a .cgw file.", completion: .file(extensions: ["cgw"]))
    var model: String

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    func run() throws {
        let model = try Model(path: FileName.cString(model))
        let source = try corpus.source
        let text = try Score.text(source, for: model)
        text.printWarnings(for: source)
        let score = try Score(of: model, on: text)
        let format =
            Terminal.outputIsTerminal
            ? "%.4f nats a character, %.4f bits a character, over %d\n"
            : "{\"natsPerCharacter\":%.6f,\"bitsPerCharacter\":%.6f,\"characters\":%d}\n"
        try Terminal.write(String(format: format, score.nats, score.bits, score.characters))
    }
}
