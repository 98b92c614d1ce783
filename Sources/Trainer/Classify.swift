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
            before the text is known. Without --documents, --csv or --jsonl all files are one text. When standard \
            output is not a terminal, each document is a line of JSON.
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
        // The first column, of which a model without labels is refused.
        let columns = try model.labels(havingColumn: 0).columns
        guard let column = column.map({ name in columns.firstIndex { $0.name == name } }) ?? 0 else {
            throw ChargenError(
                .invalidArgument,
                "the model has no column of labels '\(self.column ?? "")'; its columns: "
                    + columns.map(\.name).joined(separator: ", "))
        }
        let session = try Session(model)
        session.unknownCharacters = model.hasUnknown ? .fail : .skip
        for (index, text) in try TextFile.documents(of: corpus.source).enumerated() {
            if prefixes {
                try writePrefixes(of: text, index + 1, session, column, columns[column].labels)
            } else {
                let probabilities = try session.classify(text, column: column)
                try write(text, index + 1, Classification(columns[column].labels, probabilities))
            }
        }
    }

    private func write(_ text: String, _ number: Int, _ result: Classification) throws {
        let line =
            Terminal.outputIsTerminal
            ? "\(number): \(result.sentence)  \(text.prefix(60).description.onOneLine)"
            : try JSON.string(Line(document: number, text: text, prefix: nil, labels: result.sorted))
        try Terminal.write(line + "\n")
    }

    private func writePrefixes(
        of text: String, _ number: Int, _ session: Session, _ column: Int, _ labels: [String]
    ) throws {
        for (row, character) in zip(try session.classifyPrefixes(text, column: column), text.unicodeScalars) {
            let result = try Classification(labels, row)
            let line =
                Terminal.outputIsTerminal
                ? "\(number): \(character.escaped(asASCII: false))  \(result.sentence)"
                : try JSON.string(
                    Line(document: number, text: nil, prefix: String(character), labels: result.sorted))
            try Terminal.write(line + "\n")
        }
    }

    private struct Line: Encodable {
        let document: Int
        /// The whole text; nil for one of its beginnings.
        let text: String?
        /// The last character of a beginning.
        let prefix: String?
        /// From the most probable down.
        let labels: [Classification.Entry]
    }
}
