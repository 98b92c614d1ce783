import Foundation
import InferenceEngine
import ModelFormat
import Training

/// How often documents of each label are taken for each label.
struct ConfusionTable: Encodable {
    /// The name of the column.
    let column: String
    let labels: [String]
    /// For each true label, how often each label was the most probable one.
    private(set) var counts: [[Int]]
    /// The fraction of documents whose own label was; nil without documents.
    var accuracy: Double? {
        let right = labels.indices.reduce(0) { $0 + counts[$1][$1] }
        let count = counts.joined().reduce(0, +)
        return count == 0 ? nil : Double(right) / Double(count)
    }

    private enum CodingKeys: CodingKey { case column, accuracy, labels, counts }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(column, forKey: .column)
        try container.encode(accuracy, forKey: .accuracy)
        try container.encode(labels, forKey: .labels)
        try container.encode(counts, forKey: .counts)
    }

    /// Classifies all documents of a corpus that have a label in a column.
    ///
    /// - Parameter corpus: A text that was read with the model's labels.
    /// - Throws: `ChargenError`.
    init(of model: Model, on corpus: Corpus, column: Int) throws {
        let documents = corpus.documents.lazy.compactMap { document -> (text: String, label: Int)? in
            corpus.labels?.labels(at: document.lowerBound)[column].map { (corpus.text(of: document), $0) }
        }
        try self.init(of: model, on: documents, column: column)
    }

    /// Classifies documents, each with its label in a column.
    ///
    /// - Throws: `ChargenError`.
    init(of model: Model, on documents: some Sequence<(text: String, label: Int)>, column: Int) throws {
        let own = try model.labels(havingColumn: column).columns[column]
        self.column = own.name
        labels = own.labels
        counts = [[Int]](repeating: [Int](repeating: 0, count: labels.count), count: labels.count)
        let session = try Session(model)
        session.unknownCharacters = model.hasUnknown ? .fail : .skip
        for (text, label) in documents {
            let best = try Classification(labels, session.classify(text, column: column)).sorted[0]
            counts[label][best.index] += 1
        }
    }

    /// The table in lines of text: a row for each true label.
    var text: String {
        let names = labels.map { String($0.prefix(14)) }
        let width = max(8, names.map(\.count).max() ?? 0)
        func cell(_ text: String) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
        guard let accuracy else { return "\(column): no document has a label" }
        var lines = [String(format: "%@: %.1f %% of documents are taken for their own label", column, 100 * accuracy)]
        // The rows of many labels would not fit a terminal.
        guard labels.count <= 12 else { return lines[0] }
        lines.append(cell("") + "  " + names.map(cell).joined(separator: " "))
        for (label, row) in counts.enumerated() {
            lines.append(cell(names[label]) + "  " + row.map { cell("\($0)") }.joined(separator: " "))
        }
        return lines.joined(separator: "\n")
    }
}
