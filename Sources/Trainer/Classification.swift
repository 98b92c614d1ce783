import Core
import Foundation

/// The probabilities of labels for a text.
struct Classification {
    struct Entry: Encodable {
        /// Its number among the column's labels.
        let index: Int
        let label: String
        let probability: Float

        private enum CodingKeys: CodingKey { case label, probability }
    }

    /// From the most probable down; at least one.
    let sorted: [Entry]

    /// - Throws: `ChargenError` when the model's output overflows.
    init(_ labels: [String], _ probabilities: [Float]) throws {
        guard !labels.isEmpty, !probabilities.contains(where: \.isNaN) else {
            throw ChargenError(.invalidModel, "the model's output overflows: its weights are too large")
        }
        sorted = zip(labels, probabilities).enumerated().map {
            Entry(index: $0, label: $1.0, probability: $1.1)
        }.sorted { $0.probability > $1.probability }
    }

    /// The most probable labels in words.
    var sentence: String {
        sorted.prefix(4).map { String(format: "%@ %.3f", $0.label.onOneLine, $0.probability) }.joined(separator: ", ")
    }
}
