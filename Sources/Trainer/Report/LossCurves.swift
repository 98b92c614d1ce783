import Foundation
import Training

/// The losses and learning rates of runs, laid over each other: against the updates and against the
/// time, of which the reader chooses.
struct LossCurves {
    /// The reports of each run, by the run's name.
    let runs: [(name: String, reports: [Report])]

    /// The quantity along the horizontal axis.
    enum Quantity: String, CaseIterable {
        case updates, time

        /// The unit of time for a training of some seconds.
        fileprivate static func unit(of seconds: Double) -> (name: String, seconds: Double) {
            seconds < 180 ? ("seconds", 1) : seconds < 10_800 ? ("minutes", 60) : ("hours", 3600)
        }
    }

    /// The most places along the axis that have a note.
    private static let noteCount = 160

    var html: HTML {
        let buttons = Quantity.allCases.enumerated().map { index, quantity -> HTML in
            let checked: HTML = index == 0 ? " checked" : ""
            return """
                <input type="radio" name="along" id="along-\(quantity.rawValue)"\(checked)>\
                <label for="along-\(quantity.rawValue)">\(quantity.rawValue)</label>
                """
        }
        let panels = Quantity.allCases.map { quantity -> HTML in
            "<div class=\"panel \(quantity.rawValue)\">\(diagrams(along: quantity).map(\.html))</div>\n"
        }
        return "\(legend)<div class=\"along\"><span>along</span> \(buttons)\n\(panels)</div>\n"
    }

    private var legend: HTML {
        let names = runs.enumerated().map { index, run -> HTML in
            let colour = index % Diagram.colourCount
            let best = run.reports.compactMap(\.validationLoss).min().map { String(format: ": %.3f", $0) } ?? ""
            return "<li><span class=\"swatch run\(colour)\"></span>\(run.name)\(best)</li>"
        }
        let further: HTML =
            furtherTexts.isEmpty
            ? ""
            : """
            <li><span class="line furtherValidation"></span>further validation: \
            \(furtherTexts.joined(separator: ", "))</li>
            """
        return """
            <ul class="legend">\(runs.count > 1 ? names : [])<li><span class="line validation"></span>validation</li>\
            \(further)<li><span class="line training"></span>training</li></ul>

            """
    }

    /// The names of the texts that are validated on after the first, of all runs.
    private var furtherTexts: [String] {
        var names: [String] = []
        for run in runs {
            let texts = run.reports.last { $0.validationLosses != nil }?.validationLosses ?? []
            for text in texts.dropFirst() where !names.contains(text.text) { names.append(text.text) }
        }
        return names
    }

    /// The diagrams of the losses and of the learning rate.
    func diagrams(along quantity: Quantity) -> [Diagram] {
        let longest = runs.flatMap { $0.reports.map(\.seconds) }.range?.upperBound ?? 0
        let unit = Quantity.unit(of: longest)
        func x(_ report: Report) -> Double {
            quantity == .time ? report.seconds / unit.seconds : Double(report.update)
        }
        func curves(_ style: Diagram.Style, _ y: (Report) -> Double?) -> [Diagram.Curve] {
            runs.enumerated().map { index, run in
                let points = run.reports.compactMap { report in y(report).map { Point(x: x(report), y: $0) } }
                return .init(run: index, style: style, points: points)
            }
        }
        let further = furtherTexts.flatMap { name in
            curves(.furtherValidation) { report in
                report.validationLosses?.dropFirst().first { $0.text == name }?.loss
            }
        }
        let losses = curves(.training) { $0.trainingLoss } + further + curves(.validation) { $0.validationLoss }
        let rates = curves(.rate) { $0.learningRate }
        let horizontal = Axis(progressOf: losses.map(\.points))
        let name = quantity == .time ? unit.name : "updates"
        let notes = notes(x, along: horizontal)
        return [
            Diagram(
                title: "Loss in nats a character, against \(name)", horizontal: horizontal,
                vertical: LossCurves.axis(of: losses), size: (1000, 400), curves: losses, notes: notes),
            Diagram(
                title: "Learning rate, against \(name)", horizontal: horizontal,
                vertical: Axis(0...(rates.flatMap(\.points).map(\.y).range?.upperBound ?? 1)), size: (1000, 100),
                curves: rates, notes: notes),
        ]
    }

    /// An axis with a margin of a twentieth on both sides.
    private static func axis(of curves: [Diagram.Curve]) -> Axis {
        let range = curves.flatMap(\.points).map(\.y).range ?? 0...1
        let margin = (range.upperBound - range.lowerBound) / 20
        return Axis(range.lowerBound - margin...range.upperBound + margin)
    }

    /// What the reports say at some places along the axis.
    private func notes(_ x: (Report) -> Double, along axis: Axis) -> [Diagram.Note] {
        var notes: [Int: (x: Double, lines: [String])] = [:]
        for run in runs {
            // The last report of a column stands for all.
            let places = run.reports.map { Int(axis.position(of: x($0)) * Double(LossCurves.noteCount)) }
            for (index, report) in run.reports.enumerated()
            where index == places.count - 1 || places[index] != places[index + 1] {
                let lines = notes[places[index]]?.lines ?? []
                notes[places[index]] = (x(report), lines + [note(report, of: run.name)])
            }
        }
        return notes.values.sorted { $0.x < $1.x }.map { .init(x: $0.x, text: $0.lines.joined(separator: "\n\n")) }
    }

    private func note(_ report: Report, of name: String) -> String {
        let validation = report.validationLoss.map { String(format: "\nvalidation %.4f", $0) } ?? ""
        let further = (report.validationLosses ?? []).dropFirst().map {
            "\n\($0.text) " + String(format: "%.4f", $0.loss)
        }
        let title = runs.count > 1 ? "\(name)\n" : ""
        return title
            + """
            update \(Terminal.grouped(Double(report.update))), epoch \(report.epoch), \(Terminal.clock(report.seconds))
            training \(String(format: "%.4f", report.trainingLoss))\(validation)\(further.joined())
            learning rate \(String(format: "%.3g", report.learningRate))
            """
    }
}
