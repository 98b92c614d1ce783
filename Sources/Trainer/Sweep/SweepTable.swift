import Foundation
import Training

/// The trials of a sweep, the one with the lowest loss first.
struct SweepTable {
    struct Row {
        let trial: Trial
        let outcome: Trial.Outcome
        /// Whether no finished trial of at most its size has a lower loss, nor a smaller one the
        /// same.
        let isBestForSize: Bool
        /// Whether no finished trial of at most its time has a lower loss, nor a quicker one the
        /// same.
        let isBestForTime: Bool
    }

    let rows: [Row]

    /// - Parameter trials: Those without an outcome are left out.
    init(_ trials: [Trial]) {
        let ended = trials.compactMap { trial in trial.outcome.map { (trial: trial, outcome: $0) } }
        let isBestForSize = SweepTable.front(
            ended.map { ($0.outcome.parameters.map(Double.init), $0.outcome.rankedLoss) })
        let isBestForTime = SweepTable.front(ended.map { ($0.outcome.seconds, $0.outcome.rankedLoss) })
        let rows = ended.indices.map {
            Row(
                trial: ended[$0].trial, outcome: ended[$0].outcome, isBestForSize: isBestForSize[$0],
                isBestForTime: isBestForTime[$0])
        }
        self.rows = rows.sorted { $0.order < $1.order }
    }

    /// The finished trial with the lowest loss.
    var best: Trial? { rows.first { $0.outcome.rankedLoss != nil }?.trial }

    /// Which points no other dominates: is at most as large in both, and smaller in one.
    static func front(_ points: [(cost: Double?, loss: Double?)]) -> [Bool] {
        points.map { point in
            guard let cost = point.cost, let loss = point.loss else { return false }
            return !points.contains { other in
                guard let otherCost = other.cost, let otherLoss = other.loss else { return false }
                return otherCost <= cost && otherLoss <= loss && (otherCost < cost || otherLoss < loss)
            }
        }
    }

    // MARK: - Text

    /// The table in lines of text.
    var text: String {
        let names = rows.first?.trial.choices.map(\.name) ?? []
        let titles = ["trial"] + names + ["parameters", "time", "loss", "best for its"]
        let lines = [titles] + rows.map(\.cells)
        let widths = titles.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        let remarks = [nil] + rows.map(\.outcome.remark)
        return zip(lines, remarks).map { cells, remark in
            let padded = cells.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - cells[column].count)
                // Numbers end in one column.
                return column == cells.count - 1 ? cells[column] + padding : padding + cells[column]
            }
            let line = (padded + (remark.map { [$0] } ?? [])).joined(separator: "  ")
            return line.replacing(#/ +$/#, with: "") + "\n"
        }.joined()
    }

    // MARK: - JSON

    private struct Line: Encodable {
        let trial: String
        let settings: [String: String]
        let ending: Trial.Outcome.Ending
        let message: String?
        let parameters: Int?
        let seconds: Double?
        let validationLoss: Double?
        let fraction: Double?
        let bestForSize: Bool
        let bestForTime: Bool
        let run: String
    }

    /// A line of JSON for each trial.
    ///
    /// - Parameter path: The path of the sweep's folder.
    func jsonLines(path: String) throws -> String {
        try rows.map { row in
            let settings = row.trial.choices.map { ($0.name, $0.value) }
            let line = Line(
                trial: row.trial.name, settings: Dictionary(settings) { first, _ in first },
                ending: row.outcome.ending, message: row.outcome.message, parameters: row.outcome.parameters,
                seconds: row.outcome.seconds, validationLoss: row.outcome.validationLoss,
                fraction: row.outcome.fraction, bestForSize: row.isBestForSize, bestForTime: row.isBestForTime,
                run: path + "/" + row.trial.name)
            return try JSON.string(line) + "\n"
        }.joined()
    }
}

extension Trial.Outcome {
    /// The loss if the trial has finished: that of another is not what its settings reach.
    fileprivate var rankedLoss: Double? { ending == .finished ? validationLoss : nil }
}

extension SweepTable.Row {
    fileprivate var order: (Double, String) { (outcome.validationLoss ?? .infinity, trial.name) }

    fileprivate var cells: [String] {
        let parameters = outcome.parameters.map { Terminal.grouped(Double($0)) } ?? ""
        let time = outcome.seconds.map(Terminal.clock) ?? ""
        let loss = outcome.validationLoss.map { String(format: "%.4f", $0) } ?? ""
        let marks = [isBestForSize ? "size" : nil, isBestForTime ? "time" : nil].compactMap(\.self)
        let values = trial.choices.map(\.value.onOneLine)
        return [trial.name] + values + [parameters, time, loss, marks.joined(separator: ", ")]
    }
}
