extension Unicode.Scalar {
    /// Whether a terminal acts on the character instead of showing it: control characters other
    /// than tab and line feed, and those that override the direction of the text after them.
    fileprivate var controlsTerminal: Bool {
        switch value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// The character, or if it would control a terminal, a picture such as `␛` or an escape such as
    /// `\u{009B}`.
    fileprivate var visible: String {
        guard controlsTerminal else { return String(self) }
        switch value {
        case 0x00...0x1F: return Unicode.Scalar(0x2400 + value).map(String.init) ?? ""
        case 0x7F: return "␡"
        default: return escaped(asASCII: true)
        }
    }
}

extension StringProtocol {
    /// The text with every character that would control a terminal made visible: what a model or a
    /// file contains can neither move the cursor nor reorder what is shown.
    var visible: String {
        unicodeScalars.lazy.map(\.visible).joined()
    }

    /// The same JSON with escapes for every character that would control a terminal.
    var visibleJSON: String {
        unicodeScalars.lazy.map { scalar in
            guard scalar.controlsTerminal else { return String(scalar) }
            // Outside strings there is only white space of this kind.
            return scalar == "\r" ? "\n" : "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst()
        }.joined()
    }
}

extension Unicode.Scalar {
    /// The character as itself, or as an escape if it is not visible by itself.
    var shown: String {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate,
            .nonspacingMark, .enclosingMark, .spacingMark, .spaceSeparator:
            self == " " ? "' '" : escaped(asASCII: true)
        default: String(self)
        }
    }
}

extension String {
    /// The text on one line, with escapes for control characters.
    var onOneLine: String {
        unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true)
            default: String(scalar)
            }
        }.joined()
    }
}
