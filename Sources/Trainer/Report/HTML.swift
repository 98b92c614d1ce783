import Core

/// Markup of a page. A literal is markup; a string put into it is text, and is escaped.
///
///     let cell: HTML = "<td>\(name)</td>"
struct HTML: ExpressibleByStringInterpolation, Equatable {
    /// The markup.
    let markup: String

    /// Markup from a file that belongs to this program.
    init(trusted markup: String) {
        self.markup = markup
    }

    init(stringLiteral markup: String) {
        self.markup = markup
    }

    init(stringInterpolation: Interpolation) {
        markup = stringInterpolation.markup
    }

    struct Interpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity)
        }

        mutating func appendLiteral(_ literal: String) { markup += literal }
        mutating func appendInterpolation(_ text: String) { HTML.append(text, to: &markup) }
        mutating func appendInterpolation(_ number: Int) { markup += "\(number)" }
        mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
        mutating func appendInterpolation(_ list: [HTML]) { for html in list { markup += html.markup } }
    }

    /// Appends a text for an element's content or for an attribute in double quotes.
    private static func append(_ text: String, to markup: inout String) {
        for character in text.unicodeScalars {
            switch character {
            case "&": markup += "&amp;"
            case "<": markup += "&lt;"
            case ">": markup += "&gt;"
            case "\"": markup += "&quot;"
            case "'": markup += "&#39;"
            case "\n", "\t": markup.unicodeScalars.append(character)
            default:
                if character.disturbsText {
                    markup += character.visibleCode
                } else {
                    markup.unicodeScalars.append(character)
                }
            }
        }
    }
}

extension Unicode.Scalar {
    /// Whether the character is a control character, or one that breaks lines or changes the order
    /// of the text around it.
    var disturbsText: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: properties.isBidiControl || properties.isNoncharacterCodePoint
        }
    }

    /// Whether the character leaves no mark of its own on the page.
    var isInvisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
        case .spaceSeparator: self != " "
        default: properties.isDefaultIgnorableCodePoint
        }
    }

    /// The picture of an ASCII control character, such as `␛`, or the code of another character,
    /// such as `[U+202E]`.
    var visibleCode: String {
        let picture = value < 0x20 ? Unicode.Scalar(0x2400 + value) : value == 0x7F ? "\u{2421}" : nil
        return picture.map { String($0) } ?? "[\(codePoint(value))]"
    }
}
