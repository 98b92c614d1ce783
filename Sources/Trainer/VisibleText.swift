extension Unicode.Scalar {
    /// The character as itself, or as an escape if it is not visible.
    var visible: String {
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
    var visible: String {
        unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true)
            default: String(scalar)
            }
        }.joined()
    }
}
