import Core
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// The labels that texts are to have, as somebody types them.
///
/// A choice is the name of a label, or a mixture such as `Sports=0.7,Business=0.3`. Before it the
/// name of its column and a colon may stand, and must where several columns have such labels.
enum LabelChoice {
    /// Has a session's texts have these labels, each of another column.
    ///
    /// - Throws: `ChargenError` for a label that the model does not have.
    static func apply(_ choices: [String], to session: Session) throws {
        guard !choices.isEmpty else { return }
        guard let labels = session.model.labels else {
            throw ChargenError(.invalidArgument, "the model has no labels; leave out --label")
        }
        var chosen: Set<Int> = []
        for choice in choices {
            let (column, weights) = try weights(of: choice, labels.columns)
            guard chosen.insert(column).inserted else {
                throw ChargenError(
                    .invalidArgument,
                    "two times --label for the column '\(labels.columns[column].name)'; for a mixture write both with "
                        + "their weights, such as A=0.5,B=0.5")
            }
            try session.setLabelWeights(weights, column: column)
        }
    }

    /// The column of a choice, and the weight of each of its labels.
    static func weights(of choice: String, _ columns: [Labels.Column]) throws -> (column: Int, weights: [Float]) {
        let named = columns.indices.filter { choice.hasPrefix(columns[$0].name + ":") }
        let candidates =
            columns.indices.map { ($0, choice) }
            + named.map { ($0, String(choice.dropFirst(columns[$0].name.count + 1))) }
        let found = candidates.compactMap { column, text in
            weights(text, columns[column].labels).map { (column: column, weights: $0) }
        }
        if found.count > 1 {
            throw ChargenError(
                .invalidArgument,
                "the label '\(choice)' is in several columns; write the column before it, such as "
                    + "\(columns[found[0].column].name):\(choice)")
        }
        guard let one = found.first else {
            let known = columns.map { "\($0.name): \(listed($0.labels))" }
            throw ChargenError(
                .invalidArgument, "the model has no label '\(choice)'; its labels are " + known.joined(separator: "; "))
        }
        return one
    }

    private static func weights(_ text: String, _ labels: [String]) -> [Float]? {
        var weights = [Float](repeating: 0, count: labels.count)
        // By bytes: names may differ in nothing else.
        func index(_ name: some StringProtocol) -> Int? { labels.firstIndex { $0.utf8.elementsEqual(name.utf8) } }
        if let label = index(text) {
            weights[label] = 1
            return weights
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let sign = part.lastIndex(of: "="), let weight = Float(part[part.index(after: sign)...]),
                let label = index(part[..<sign].trimmingCharacters(in: .whitespaces))
            else { return nil }
            weights[label] += weight
        }
        return weights
    }
}
