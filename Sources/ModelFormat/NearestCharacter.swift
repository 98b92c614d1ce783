import Core

extension Vocabulary {
    /// The character that is nearest to one that the vocabulary may lack: itself, another width,
    /// another case, the letter without its accent, or another form of a quote, a dash or a space;
    /// nil if there is none. docs/unknown-characters.md specifies it.
    public func nearestCharacter(to scalar: UInt32) -> UInt32? {
        if symbol(of: scalar) != nil { return scalar }
        let narrow = halfwidth(scalar)
        let base = withoutAccent(narrow)
        return known(narrow) ?? known(otherCase(narrow)) ?? known(base) ?? known(otherCase(base))
            ?? knownForm(of: narrow)
    }

    /// The character in one of its widths, if the vocabulary has it.
    private func known(_ scalar: UInt32) -> UInt32? {
        if symbol(of: scalar) != nil { return scalar }
        let wide = fullwidth(scalar)
        return symbol(of: wide) == nil ? nil : wide
    }

    /// The first known one of the forms that a character has.
    private func knownForm(of scalar: UInt32) -> UInt32? {
        var isAmongThem = false
        var first: UInt32?
        for character in Characters(forms) {
            if character == 0x0A {
                if isAmongThem { return first }
                first = nil
            } else {
                if character == scalar { isAmongThem = true }
                first = first ?? known(character)
            }
        }
        return nil
    }
}

// Tables are literals: their memory is that of the code.

/// Forms of the single quote, the double quote, the dash, the space and the full stop, the most
/// usual one first; a line feed ends each.
private var forms: StaticString {
    """
    '’‘‚‛′`´‹›
    "”“„‟″«»
    -‐‑‒–—―−
     \u{A0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{205F}\t
    .…

    """
}

/// The base letters of U+00C0 to U+017F; a question mark if there is none.
private var latinLetters: StaticString {
    """
    AAAAAAACEEEEIIIIDNOOOOO?OUUUUY?saaaaaaaceeeeiiiidnooooo?ouuuuy?y\
    AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL\
    lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs
    """
}

/// Greek and Cyrillic letters, each followed by its base letter.
private var greekAndCyrillicLetters: StaticString {
    "ΆΑΈΕΉΗΊΙΌΟΎΥΏΩΐιΪΙΫΥάαέεήηίιΰυϊιϋυόούυώωςσЀЕЁЕЃГЇІЌКЍИЎУЙИйиѐеёеѓгїіќкѝиўу"
}

/// The characters of a literal.
private struct Characters: Sequence, IteratorProtocol {
    private var text: UnsafeRawBufferPointer

    init(_ literal: StaticString) {
        text = UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }

    mutating func next() -> UInt32? {
        guard !text.isEmpty, case .scalar(let character, let length) = decodeUTF8(text, at: 0) else { return nil }
        text = UnsafeRawBufferPointer(rebasing: text[length...])
        return character
    }
}

private func halfwidth(_ scalar: UInt32) -> UInt32 {
    switch scalar {
    case 0xFF01...0xFF5E: scalar - 0xFEE0
    case 0x3000: 0x20
    default: scalar
    }
}

private func fullwidth(_ scalar: UInt32) -> UInt32 {
    switch scalar {
    case 0x21...0x7E: scalar + 0xFEE0
    case 0x20: 0x3000
    default: scalar
    }
}

/// The letter in the other case, or the character itself.
private func otherCase(_ scalar: UInt32) -> UInt32 {
    switch scalar {
    case 0x41...0x5A, 0xC0...0xD6, 0xD8...0xDE, 0x391...0x3A1, 0x3A3...0x3AB, 0x410...0x42F: scalar + 0x20
    case 0x61...0x7A, 0xE0...0xF6, 0xF8...0xFE, 0x3B1...0x3C1, 0x3C3...0x3CB, 0x430...0x44F: scalar - 0x20
    case 0x400...0x40F: scalar + 0x50
    case 0x450...0x45F: scalar - 0x50
    // Pairs of a capital and its small letter.
    case 0x100...0x12F, 0x132...0x137, 0x14A...0x177, 0x460...0x481, 0x48A...0x4BF, 0x4D0...0x52F: scalar ^ 1
    case 0x139...0x148, 0x179...0x17E: scalar & 1 == 1 ? scalar + 1 : scalar - 1
    case 0x178: 0xFF
    case 0xFF: 0x178
    case 0x386: 0x3AC
    case 0x3AC: 0x386
    case 0x388...0x38A: scalar + 0x25
    case 0x3AD...0x3AF: scalar - 0x25
    case 0x38C: 0x3CC
    case 0x3CC: 0x38C
    case 0x38E, 0x38F: scalar + 0x3F
    case 0x3CD, 0x3CE: scalar - 0x3F
    default: scalar
    }
}

/// The letter without its accent, or the character itself.
private func withoutAccent(_ scalar: UInt32) -> UInt32 {
    if 0xC0...0x17F ~= scalar {
        let letter = latinLetters.utf8Start[Int(scalar) - 0xC0]
        return letter == UInt8(ascii: "?") ? scalar : UInt32(letter)
    }
    var letters = Characters(greekAndCyrillicLetters)
    while let letter = letters.next(), let base = letters.next() {
        if letter == scalar { return base }
    }
    return scalar
}
