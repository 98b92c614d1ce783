import Foundation
import ModelFormat
import Testing

@Suite("The nearest character of a vocabulary")
struct NearestCharacterTests {
    private func vocabulary(_ characters: String) throws -> Vocabulary {
        try #require(
            Vocabulary(characters: Set(characters.unicodeScalars.map(\.value)).sorted(), hasEndOfDocument: false))
    }

    private func nearest(_ character: Unicode.Scalar, in characters: String) throws -> Unicode.Scalar? {
        try vocabulary(characters).nearestCharacter(to: character.value).flatMap { Unicode.Scalar($0) }
    }

    @Test(
        "is itself, another width, another case, without its accent, or another form, in this order",
        arguments: [
            ("É", "ÉéEe", "É"), ("É", "éEe", "é"), ("É", "Ee", "E"), ("É", "e", "e"), ("É", "ｅ", "ｅ"),
            ("a", "A", "A"), ("Z", "z", "z"), ("Ａ", "ABa", "A"), ("Ａ", "ａa", "a"), ("ａ", "Ａ", "Ａ"),
            ("A", "Ａa", "Ａ"), ("　", " ", " "), (" ", "　", "　"), ("！", "!", "!"), ("!", "！", "！"),
            ("’", "'`", "'"), ("'", "`’", "’"), ("'", "＇’", "＇"), ("«", "”“", "”"), ("\"", "„“", "“"),
            ("—", "–-", "-"), ("-", "–—", "–"), ("−", "—", "—"), ("\u{A0}", " ", " "), ("\t", "\u{A0}", "\u{A0}"),
            ("…", ".", "."), (".", "…", "…"), ("ß", "s", "s"), ("ß", "S", "S"), ("Œ", "Oo", "O"), ("Ÿ", "ÿ", "ÿ"),
            ("ÿ", "Ÿ", "Ÿ"), ("Ł", "ł", "ł"), ("ź", "Źz", "Ź"), ("İ", "ıi", "i"), ("ı", "I", "I"), ("ſ", "s", "s"),
            ("Ω", "ω", "ω"), ("Ώ", "ώΩ", "ώ"), ("Ώ", "Ωω", "Ω"), ("ΐ", "ι", "ι"), ("ς", "σΣ", "σ"), ("ς", "Σ", "Σ"),
            ("Ж", "ж", "ж"), ("Ё", "еЕ", "Е"), ("ё", "Её", "ё"), ("й", "и", "и"), ("Ї", "ії", "ї"), ("ґ", "Ґг", "Ґ"),
            ("Ԯ", "ԯ", "ԯ"), ("ғ", "Ғ", "Ғ"),
        ])
    func order(_ character: Unicode.Scalar, _ characters: String, _ expected: Unicode.Scalar) throws {
        #expect(try nearest(character, in: characters) == expected)
    }

    @Test(
        "There is none for other characters",
        arguments: [
            "中", "😀", "\u{301}", "×", "÷", "Þ", "\n", "\r", "\u{2028}", "\0", "a", "é", "1", "ｱ", "҂", "Ӏ", "ʼ",
        ])
    func none(_ character: Unicode.Scalar) throws {
        #expect(try nearest(character, in: "bcfgд文'\"- ?") == nil)
        #expect(try vocabulary("a").nearestCharacter(to: 0x11_0000) == nil)
        #expect(try vocabulary("a").nearestCharacter(to: .max) == nil)
        #expect(try vocabulary("a").nearestCharacter(to: 0xD800) == nil)
    }

    @Test("Cases are Unicode's, and letters without their accents those of its decompositions")
    func unicode() throws {
        let ranges: [ClosedRange<UInt32>] = [
            0x41...0x5A, 0x61...0x7A, 0xC0...0x17F, 0x386...0x3CE, 0x400...0x481, 0x48A...0x4BF, 0x4D0...0x52F,
        ]
        for value in ranges.joined() {
            guard let character = Unicode.Scalar(value), character.properties.isAlphabetic else { continue }
            let properties = character.properties
            let other = properties.isUppercase ? properties.lowercaseMapping : properties.uppercaseMapping
            if let other = other.unicodeScalars.first, properties.lowercaseMapping.unicodeScalars.count == 1,
                properties.uppercaseMapping.unicodeScalars.count == 1, other != character,
                // Letters whose other case is another letter's: ı, ſ, ς.
                ![0x130, 0x131, 0x17F, 0x3C2].contains(value)
            {
                #expect(try nearest(character, in: String(other)) == other, "\(character)")
            }
            let base = try #require(String(character).decomposedStringWithCanonicalMapping.unicodeScalars.first)
            if base != character, value < 0x460 {
                #expect(try nearest(character, in: String(base)) == base, "\(character)")
            }
        }
    }
}
