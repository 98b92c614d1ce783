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
            any other, the first character of a document is given, not predicted. When standard output is not a \
            terminal, the numbers are a line of JSON. With --label each document is read from the state of its \
            label, and a table tells how often documents are taken for each label.
            """)

    @Argument(help: "The model, a .cgw file.", completion: .file(extensions: ["cgw"]))
    var model: String

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    @Option(
        help: ArgumentHelp(
            "What to do with a character that the model does not know: 'fail' predicts it as the unknown symbol, and "
                + "ends with an error if the model has none; 'skip' leaves it out. Both count them.",
            valueName: "policy"))
    var unknown = UnknownCharacterPolicy.fail

    func run() throws {
        let model = try Model(path: FileName.cString(model))
        let source = try corpus.source
        let text = try Score.text(source, for: model, unknown: unknown)
        text.printWarnings(for: source)
        let score = try Score(of: model, on: text)
        let tables = try (text.labels?.labels.counts.indices ?? 0..<0).map {
            try ConfusionTable(of: model, on: text, column: $0)
        }
        try Terminal.write(
            Terminal.outputIsTerminal
                ? ([sentence(score)] + tables.map(\.text)).joined(separator: "\n\n") + "\n"
                : jsonLine(score, tables) + "\n")
    }

    private func sentence(_ score: Score) -> String {
        let unknown = score.unknownCharacters == 0 ? "" : "; \(score.unknownSentence)"
        return String(
            format: "%.4f nats a character, %.4f bits a character, over %@ characters%@", score.nats, score.bits,
            Terminal.grouped(Double(score.characters)), unknown)
    }

    private func jsonLine(_ score: Score, _ tables: [ConfusionTable]) throws -> String {
        let numbers = String(
            format:
                "{\"natsPerCharacter\":%.6f,\"bitsPerCharacter\":%.6f,\"characters\":%d,\"unknownCharacters\":%d",
            score.nats, score.bits, score.characters, score.unknownCharacters)
        return numbers + (tables.isEmpty ? "" : ",\"labels\":" + (try JSON.string(tables))) + "}"
    }
}

extension UnknownCharacterPolicy: ExpressibleByArgument {}
