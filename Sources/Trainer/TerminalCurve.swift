import Foundation
import Training

/// A curve of the loss for a terminal, in braille characters: each has two columns of four dots.
enum TerminalCurve {
    /// The width of the labels on the left.
    private static let labelWidth = 7

    /// The validation loss, or the training loss if there are fewer than two values of it, against
    /// the updates: lines of text, the last one for the axis; none for fewer than two reports.
    ///
    /// - Parameters:
    ///   - columns: The columns of the terminal, at least 20.
    ///   - rows: The rows of the curve, at least 2.
    static func lines(_ reports: [Report], columns: Int, rows: Int = 4) -> [String] {
        let validation = points(reports, \.validationLoss)
        let isValidation = validation.count > 1
        let points = isValidation ? validation : points(reports, \.trainingLoss)
        let width = columns - labelWidth
        guard points.count > 1, width > 12, rows > 1, let losses = points.map(\.y).range else { return [] }
        let horizontal = Axis(progressOf: [points])
        let dots = dots(points, horizontal, Axis(losses), width: 2 * width, rows: 4 * rows)
        let curve = (0..<rows).map { row -> String in
            let label = row == 0 ? losses.upperBound : row == rows - 1 ? losses.lowerBound : nil
            let start = label.map { String(format: "%6.3f ", $0) } ?? String(repeating: " ", count: labelWidth)
            return start + (0..<width).map { character(dots, column: $0, row: row) }.joined()
        }
        return curve + [axis(horizontal, name: isValidation ? "validation loss" : "training loss", width: width)]
    }

    /// The losses against the updates. One above 99 nats, which a label has no room for, is drawn
    /// as 99.
    private static func points(_ reports: [Report], _ loss: (Report) -> Double?) -> [Point] {
        reports.compactMap { report in
            loss(report).flatMap { $0.isFinite ? Point(x: Double(report.update), y: max(0, min($0, 99))) : nil }
        }
    }

    /// For each row of dots, from the top, which of its dots are set.
    private static func dots(
        _ points: [Point], _ horizontal: Axis, _ vertical: Axis, width: Int, rows: Int
    ) -> [[Bool]] {
        var dots = [[Bool]](repeating: [Bool](repeating: false, count: width), count: rows)
        let places = points.map { point in
            Point(
                x: horizontal.position(of: point.x) * Double(width - 1),
                y: (1 - vertical.position(of: point.y)) * Double(rows - 1))
        }
        for (start, end) in zip(places, places.dropFirst()) {
            let steps = Int(max(abs(end.x - start.x), abs(end.y - start.y)).rounded(.up)) + 1
            for step in 0...steps {
                let fraction = Double(step) / Double(steps)
                let x = start.x + fraction * (end.x - start.x)
                let y = start.y + fraction * (end.y - start.y)
                dots[Int(y.rounded())][Int(x.rounded())] = true
            }
        }
        return dots
    }

    /// The braille character of two columns and four rows of dots.
    private static func character(_ dots: [[Bool]], column: Int, row: Int) -> String {
        // The bits of the dots in Unicode, from the top.
        let bits: [[UInt32]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
        var code: UInt32 = 0x2800
        for y in 0..<4 {
            for x in 0..<2 where dots[4 * row + y][2 * column + x] { code |= bits[y][x] }
        }
        // Some fonts draw the dots of an empty braille character too.
        return code == 0x2800 ? " " : Unicode.Scalar(code).map { String($0) } ?? " "
    }

    /// The line below the curve: the first and last update, and the curve's name between them.
    private static func axis(_ axis: Axis, name: String, width: Int) -> String {
        let first = Terminal.grouped(axis.lower)
        let last = Terminal.grouped(axis.upper)
        let scale = axis.isLogarithmic ? ", logarithmic" : ""
        let middle = "\(name) by update\(scale)"
        let space = width - first.count - last.count
        let text = middle.count + 2 <= space ? middle : ""
        let before = (space - text.count) / 2
        let blank = { (count: Int) in String(repeating: " ", count: max(0, count)) }
        return blank(labelWidth) + first + blank(before) + text + blank(space - text.count - before) + last
    }
}
