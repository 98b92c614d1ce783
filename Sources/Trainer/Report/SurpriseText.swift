import Foundation
import ModelFormat

/// A text, each character coloured by how surprised the model was, with the likeliest alternatives
/// while the pointer is on it.
struct SurpriseText {
    let passages: [(given: Int?, surprises: [Surprise])]
    let vocabulary: Vocabulary

    /// The symbols of a passage from which on passages are paragraphs; shorter ones share lines.
    private static let paragraphLength = 60

    /// The bits at which the colours change.
    static let thresholds = [0.5, 1, 2, 3, 5, 8]

    /// The number of a colour, from 0; the largest also for a NaN.
    static func level(of bits: Double) -> Int {
        thresholds.firstIndex { bits < $0 } ?? thresholds.count
    }

    var html: HTML {
        let texts = passages.map { passage -> HTML in
            let given = passage.given.map { shown($0) } ?? ""
            return "<p dir=\"auto\">\(given)\(passage.surprises.map(character))</p>\n"
        }
        let isShort = passages.allSatisfy { $0.surprises.count < SurpriseText.paragraphLength }
        let style: HTML = isShort ? "short" : "long"
        return "\(legend)<div class=\"text surprise \(style)\">\n\(texts)</div>\n"
    }

    private var legend: HTML {
        let bounds = SurpriseText.thresholds.map { String(format: "%g", $0) }
        let labels = ["below \(bounds[0])"] + bounds.dropFirst().map { "to \($0)" } + ["more"]
        let items = labels.enumerated().map { level, label -> HTML in
            "<li class=\"s\(level)\">\(label)</li>"
        }
        return "<ol class=\"scale\" aria-label=\"surprise in bits\">\(items)<li>bits</li></ol>\n"
    }

    private func character(_ surprise: Surprise) -> HTML {
        let likeliest = surprise.likeliest.map { "\(name($0.symbol))\u{A0}\(percent($0.probability))" }
        return """
            <span class="s\(SurpriseText.level(of: surprise.bits))" \
            data-p="\(percent(surprise.probability)), \(String(format: "%.1f", surprise.bits)) bits" \
            data-l="\(likeliest.joined(separator: " · "))">\(shown(surprise.symbol))</span>
            """
    }

    private func percent(_ probability: Double) -> String {
        let percent = 100 * probability
        let format = percent >= 9.95 ? "%.0f" : percent >= 0.095 ? "%.1f" : "%.1g"
        return String(format: format, percent) + "\u{A0}%"
    }

    private func special(_ symbol: Int) -> String {
        symbol == vocabulary.unknown ? "\u{FFFD}" : "∎"
    }

    /// A symbol within the text.
    private func shown(_ symbol: Int) -> String {
        guard let scalar = vocabulary.character(of: symbol) else { return special(symbol) }
        if scalar == "\n" { return "↵\n" }
        if scalar == "\t" { return "→\t" }
        return scalar.isInvisible ? scalar.visibleCode : String(scalar)
    }

    /// A symbol by itself.
    private func name(_ symbol: Int) -> String {
        guard let scalar = vocabulary.character(of: symbol) else { return special(symbol) }
        switch scalar {
        case " ": return "␣"
        case "\n": return "↵"
        case "\t": return "→"
        default: break
        }
        switch scalar.properties.generalCategory {
        // A mark stands on a circle in place of the character before it.
        case .nonspacingMark, .enclosingMark, .spacingMark: return "◌" + String(scalar)
        default: return scalar.isInvisible ? scalar.visibleCode : String(scalar)
        }
    }
}
