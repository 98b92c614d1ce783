import Foundation

/// Curves over a horizontal axis. The lines are SVG that is stretched to the page's width, the
/// labels are text beside it, so that they keep their size.
struct Diagram {
    /// What a curve shows, which decides how it is drawn.
    enum Style: String {
        case training, validation, furtherValidation, rate
    }

    struct Curve {
        /// The number of the run, which decides the colour.
        let run: Int
        let style: Style
        let points: [Point]
    }

    /// What is shown when the pointer is near a value of the horizontal axis.
    struct Note {
        let x: Double
        let text: String
    }

    let title: String
    let horizontal: Axis
    let vertical: Axis
    /// The size of the view box.
    let size: (width: Double, rows: Double)
    let curves: [Curve]
    let notes: [Note]

    /// Colours of curves; further runs begin with the first again.
    static let colourCount = 8
    /// The most points of a curve are twice as many.
    static let columns = 200

    /// Where a point is in the view box.
    func place(_ point: Point) -> Point {
        Point(
            x: horizontal.position(of: point.x) * size.width,
            y: (1 - vertical.position(of: point.y)) * size.rows)
    }

    var html: HTML {
        """
        <figure class="diagram"><figcaption>\(title)</figcaption><div class="frame">\
        <svg viewBox="0 0 \(number(size.width)) \(number(size.rows))" preserveAspectRatio="none" role="img" \
        aria-label="\(title)">\(gridLines)\(curves.map(path))\(noteColumns)</svg>\
        \(verticalTicks.map(verticalLabel))\(horizontalTicks.map(horizontalLabel))</div></figure>

        """
    }

    // MARK: - Curves

    private func path(_ curve: Curve) -> HTML {
        let points = curve.points.thinned(along: horizontal, columns: Diagram.columns).map(place)
        guard let first = points.first else { return "" }
        let colour = curve.run % Diagram.colourCount
        let dashes = curve.run / Diagram.colourCount % 3
        var steps = "M\(number(first.x)) \(number(first.y))"
        for point in points.dropFirst() { steps += "L\(number(point.x)) \(number(point.y))" }
        // A line of no length, whose round ends make a dot.
        if points.count == 1 { steps += "h0" }
        return "<path class=\"\(curve.style.rawValue) run\(colour) dash\(dashes)\" d=\"\(steps)\"/>"
    }

    /// Invisible columns that show a note each when the pointer is on them.
    private var noteColumns: [HTML] {
        let places = notes.map { horizontal.position(of: $0.x) * size.width }
        return notes.indices.map { index in
            let left = index == 0 ? 0 : (places[index - 1] + places[index]) / 2
            let right = index == notes.count - 1 ? size.width : (places[index] + places[index + 1]) / 2
            return """
                <path class="note" d="M\(number(left)) 0H\(number(right))V\(number(size.rows))H\(number(left))Z">\
                <title>\(notes[index].text)</title></path>
                """
        }
    }

    // MARK: - Axes

    private var verticalTicks: [Double] { vertical.ticks(size.rows < 200 ? 2 : 6) }
    private var horizontalTicks: [Double] { horizontal.ticks(6) }

    private var gridLines: [HTML] {
        verticalTicks.map { tick in
            let y = number((1 - vertical.position(of: tick)) * size.rows)
            return "<path class=\"grid\" d=\"M0 \(y)H\(number(size.width))\"/>"
        }
            + horizontalTicks.map { tick in
                let x = number(horizontal.position(of: tick) * size.width)
                return "<path class=\"grid\" d=\"M\(x) 0V\(number(size.rows))\"/>"
            }
    }

    private func verticalLabel(_ tick: Double) -> HTML {
        "<span class=\"y\" style=\"top:\(number(100 * (1 - vertical.position(of: tick))))%\">\(shown(tick))</span>"
    }

    private func horizontalLabel(_ tick: Double) -> HTML {
        let place = horizontal.position(of: tick)
        let side = place < 0.02 ? " first" : place > 0.98 ? " last" : ""
        return "<span class=\"x\(side)\" style=\"left:\(number(100 * place))%\">\(shown(tick))</span>"
    }

    /// A value without superfluous digits.
    private func shown(_ value: Double) -> String {
        if value == value.rounded(), abs(value) >= 1000, abs(value) < 1e9 { return Terminal.grouped(value) }
        return String(format: "%g", value)
    }
}

/// A coordinate with one digit after the point.
private func number(_ value: Double) -> String { String(format: "%.1f", value) }
