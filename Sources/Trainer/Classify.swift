import ArgumentParser
import Core
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// `trainer classify`: which label texts have.
struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell which label texts have, by a model that was trained with labels.",
        discussion: """
            Prints the labels of each document from the most probable down. All labels count as equally probable \
            before the text is known. When standard output is not a terminal, each document is a line of JSON.
            """)

    @Argument(help: "The model, a .cgw file.", completion: .file(extensions: ["cgw"]))
    var model: String

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    @Option(
        help: ArgumentHelp("The column of labels. (default: the first)", valueName: "name"), transform: Arguments.text)
    var column: String?

    @Flag(help: "Tell the probabilities after each character of a text, not only at its end.")
    var prefixes = false

    func validate() throws {
        guard corpus.labels.isEmpty else {
            throw ValidationError("--label is for texts whose labels are known: compare them with trainer evaluate.")
        }
    }

    func run() throws {
        let model = try Model(path: FileName.cString(model))
        let columns = model.labelStates?.labels.columns ?? []
        guard let column = column.map({ name in columns.firstIndex { $0.name == name } }) ?? 0 else {
            throw ChargenError(
                .invalidArgument,
                "the model has no column of labels '\(self.column ?? "")'; its columns: "
                    + columns.map(\.name).joined(separator: ", "))
        }
        let session = try Session(model)
        session.unknownCharacters = .skip
        let source = try corpus.source
        let text = try Score.text(source, for: model, unknown: .skip)
        text.printWarnings(for: source)
        var next = text.nextDocument(from: 0)
        var number = 1
        while let document = next {
            let content = text.text(document)
            if prefixes {
                try writePrefixes(of: content, number, session, column)
            } else {
                let probabilities = try session.classify(content, column: column)
                try write(content, number, try Classification(columns[column].labels, probabilities))
            }
            number += 1
            next = text.nextDocument(from: document.upperBound + 1)
        }
    }

    private func write(_ text: String, _ number: Int, _ result: Classification) throws {
        let line =
            Terminal.outputIsTerminal
            ? "\(number): \(result.sentence)  \(text.prefix(60).description.onOneLine)"
            : try JSON.string(Line(document: number, prefix: nil, label: result.label, probabilities: result.all))
        try Terminal.write(line + "\n")
    }

    private func writePrefixes(of text: String, _ number: Int, _ session: Session, _ column: Int) throws {
        let labels = session.model.labelStates?.labels.columns[column].labels ?? []
        let rows = try session.classifyPrefixes(text, column: column)
        for (index, character) in text.unicodeScalars.enumerated() {
            let result = try Classification(labels, rows[index])
            let line =
                Terminal.outputIsTerminal
                ? "\(number): \(character.escaped(asASCII: false))  \(result.sentence)"
                : try JSON.string(
                    Line(document: number, prefix: index + 1, label: result.label, probabilities: result.all))
            try Terminal.write(line + "\n")
        }
    }

    private struct Line: Encodable {
        let document: Int
        /// The number of characters that are known; nil for all, and the end.
        let prefix: Int?
        let label: String
        let probabilities: [String: Float]
    }
}

/// The probabilities of labels for a text.
struct Classification {
    /// The most probable label.
    let label: String
    /// Each label with its probability.
    let all: [String: Float]
    private let sorted: [(label: String, probability: Float)]

    /// - Throws: `ChargenError` when the model's output overflows.
    init(_ labels: [String], _ probabilities: [Float]) throws {
        sorted = zip(labels, probabilities).sorted { $0.1 > $1.1 }
        guard let first = sorted.first, !first.probability.isNaN else {
            throw ChargenError(.invalidModel, "the model's output overflows: its weights are too large")
        }
        label = first.label
        all = Dictionary(uniqueKeysWithValues: zip(labels, probabilities))
    }

    /// The most probable labels in words.
    var sentence: String {
        sorted.prefix(4).map { String(format: "%@ %.3f", $0.label, $0.probability) }.joined(separator: ", ")
    }
}

extension Corpus {
    /// The characters of some positions; U+FFFD for one that is read as the unknown symbol.
    func text(_ positions: Range<Int>) -> String {
        var text = String.UnicodeScalarView()
        for position in positions { text.append(vocabulary.character(of: self[position]) ?? "\u{FFFD}") }
        return String(text)
    }
}
