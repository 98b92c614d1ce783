import ArgumentParser
import Foundation
import InferenceEngine
import Training

/// `trainer evaluate`: how well a model predicts a text.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how well a model predicts a text.",
        discussion: """
            Prints the mean cross-entropy in nats and in bits a character: lower is better. Each document is read from \
            the start state. A model that has learned documents is judged on where they end, too; for any other, the \
            first character of a document is given, not predicted.
            """)

    @Argument(help: "The model, a .cgw file.", completion: .file(extensions: ["cgw"]))
    var model: String

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    func run() throws {
        let model = try Model(path: model)
        // The corpus marks where documents end, whether or not the model has learned it.
        let corpus = try Corpus(reading: corpus.source, vocabulary: model.vocabulary.with(endOfDocument: true))
        let session = try Session(model)
        var nats = 0.0
        var count = 0
        var next = corpus.nextDocument(from: 0)
        while let document = next {
            session.reset()
            for place in document {
                let symbol = corpus[place]
                if place > document.lowerBound || model.vocabulary.hasEndOfDocument {
                    nats -= session.logProbability(of: symbol)
                    count += 1
                }
                session.feed(symbol: symbol)
            }
            if let end = model.vocabulary.endOfDocument {
                nats -= session.logProbability(of: end)
                count += 1
            }
            next = corpus.nextDocument(from: document.upperBound + 1)
        }
        guard count > 0 else { throw ValidationError("The text has no character to predict.") }
        let mean = nats / Double(count)
        guard mean.isFinite else { throw ValidationError("The model's output overflows: its weights are too large.") }
        let format =
            Terminal.outputIsTerminal
            ? "%.4f nats a character, %.4f bits a character, over %d\n"
            : "{\"natsPerCharacter\":%.6f,\"bitsPerCharacter\":%.6f,\"characters\":%d}\n"
        try Terminal.write(String(format: format, mean, mean / log(2), count))
    }
}
