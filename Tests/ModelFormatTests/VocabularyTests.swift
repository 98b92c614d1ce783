import ModelFormat
import Testing

@Suite struct VocabularyTests {
    private let characters: [UInt32] = [0x00, 0x0A, 0x61, 0xE9, 0xD7FF, 0xE000, 0x1F600, 0x10FFFF]

    @Test("A character's symbol is its place, and back; others have none", arguments: [false, true])
    func lookup(hasEndOfDocument: Bool) throws {
        let vocabulary = try #require(Vocabulary(characters: characters, hasEndOfDocument: hasEndOfDocument))
        for (symbol, character) in characters.enumerated() {
            #expect(vocabulary.symbol(of: character) == symbol)
            #expect(vocabulary.character(of: symbol)?.value == character)
            for neighbour in [character &- 1, character + 1] where !characters.contains(neighbour) {
                #expect(vocabulary.symbol(of: neighbour) == nil)
            }
        }
        #expect(vocabulary.count == (hasEndOfDocument ? 9 : 8))
        #expect(vocabulary.endOfDocument == (hasEndOfDocument ? 8 : nil))
        #expect(!hasEndOfDocument || vocabulary.character(of: 8) == nil)
    }

    @Test("The unknown symbol follows the characters, and the end of a document all others", arguments: [false, true])
    func unknown(hasEndOfDocument: Bool) throws {
        let vocabulary = try #require(
            Vocabulary(characters: characters, hasUnknown: true, hasEndOfDocument: hasEndOfDocument))
        #expect(vocabulary.count == (hasEndOfDocument ? 10 : 9))
        #expect(vocabulary.unknown == 8)
        #expect(vocabulary.endOfDocument == (hasEndOfDocument ? 9 : nil))
        for symbol in 8..<vocabulary.count { #expect(vocabulary.character(of: symbol) == nil) }
        #expect(vocabulary.symbol(of: 0x62) == nil)
        #expect(vocabulary.with(endOfDocument: !hasEndOfDocument).unknown == 8)
        #expect(Vocabulary(characters: characters, hasEndOfDocument: hasEndOfDocument)?.unknown == nil)
    }

    @Test("Only strictly ascending Unicode scalars make a vocabulary")
    func refused() {
        for characters: [UInt32] in [[2, 1], [1, 1], [0xD800], [0xDFFF], [0x11_0000], [.max], [1, 0xDABC]] {
            #expect(Vocabulary(characters: characters, hasEndOfDocument: false) == nil)
        }
    }

    @Test("The longest character counts in UTF-8 bytes")
    func longest() {
        for (last, length) in [(0x7F, 1), (0x80, 2), (0x7FF, 2), (0x800, 3), (0xFFFF, 3), (0x1_0000, 4)]
            as [(UInt32, Int)]
        {
            #expect(Vocabulary(characters: [0x20, last], hasEndOfDocument: true)?.maximumUTF8Length == length)
        }
    }
}
