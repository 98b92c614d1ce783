import CAPI
import CChargen
import TestSupport
import Testing

@Suite("Feeding text")
struct FeedTests {
    @Test("Text in parts is the same as text at once")
    func parts() throws {
        let model = try CModel()
        let (whole, parts) = (CSession(model), CSession(model))
        #expect(whole.feed("abé€😀") == CHARGEN_OK)
        for part in ["ab", "", "é€", "😀"] { #expect(parts.feed(part) == CHARGEN_OK) }
        #expect(whole.symbols(50) == parts.symbols(50))
    }

    @Test("What was fed makes a difference")
    func difference() throws {
        // Large weights, so that the state depends on the text strongly.
        let model = CModel(try randomModel(.lstm, range: 3))
        let (first, second) = (CSession(model), CSession(model))
        #expect(first.feed("aaa") == CHARGEN_OK)
        #expect(second.feed("bbb") == CHARGEN_OK)
        #expect(first.symbols(100) != second.symbols(100))
    }

    @Test("No text is allowed, with a pointer or without")
    func nothing() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        #expect(chargen_session_feed(session.handle, nil, 0) == CHARGEN_OK)
        #expect(session.feed("") == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("Text that is not UTF-8 is refused with the byte, and the session stays as it was")
    func invalidUTF8() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        let text: [UInt8] = [0x61, 0x62, 0xC3, 0x28]
        let status = text.withUnsafeBytes { text in
            chargen_session_feed(session.handle, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count)
        }
        #expect(status == CHARGEN_INVALID_UTF8)
        #expect(errorMessage() == "the text is not UTF-8 at byte 2")
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("A character cut in the middle is refused")
    func cutCharacter() throws {
        let session = CSession(try CModel())
        #expect(chargen_session_feed(session.handle, "a€", 3) == CHARGEN_INVALID_UTF8)
    }

    @Test("An unknown character is refused with its place, and the session stays as it was")
    func unknownCharacter() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        #expect(session.feed("aéß") == CHARGEN_UNKNOWN_CHARACTER)
        #expect(errorMessage().hasPrefix("character 3 of the text, 'ß' (U+00DF) at byte 3,"))
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("With an unknown symbol unknown characters are all read as that, which is never generated")
    func unknownSymbol() throws {
        let model = try CModel(characters: "ab", hasUnknown: true, hasEndOfDocument: false)
        let (first, second, skipping) = (CSession(model), CSession(model), CSession(model))
        #expect(first.feed("aß😀b") == CHARGEN_OK)
        #expect(second.feed("a中\u{FFFD}b") == CHARGEN_OK)
        #expect(chargen_session_set_unknown(skipping.handle, status(CHARGEN_UNKNOWN_SKIP)) == CHARGEN_OK)
        #expect(skipping.feed("aß😀b") == CHARGEN_OK)
        let known = CSession(model)
        #expect(known.feed("ab") == CHARGEN_OK)
        #expect(skipping.score("a").logProbability == known.score("a").logProbability)
        for session in [first, second] {
            #expect(chargen_session_set_temperature(session.handle, 1000) == CHARGEN_OK)
        }
        let symbols = first.symbols(5000)
        #expect(symbols == second.symbols(5000))
        #expect(Set(symbols) == [0x61, 0x62])
        #expect(chargen_session_feed(first.handle, "ß", 1) == CHARGEN_INVALID_UTF8)
    }

    @Test("A NUL is a character like any other")
    func nul() throws {
        let text = "a\0b"
        let known = CSession(try CModel(characters: "ab\0"))
        #expect(known.feed(text) == CHARGEN_OK)
        let unknown = CSession(try CModel(characters: "ab"))
        #expect(unknown.feed(text) == CHARGEN_UNKNOWN_CHARACTER)
        #expect(errorMessage().contains("U+0000"))
    }

    @Test("Unknown characters are skipped as if they were not there")
    func skip() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        #expect(chargen_session_set_unknown(session.handle, status(CHARGEN_UNKNOWN_SKIP)) == CHARGEN_OK)
        #expect(session.feed("#aßb!") == CHARGEN_OK)
        #expect(other.feed("ab") == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("Missing and impossible arguments are named")
    func arguments() throws {
        let session = CSession(try CModel())
        #expect(chargen_session_feed(session.handle, nil, 1) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'text' is NULL")
        #expect(chargen_session_feed(session.handle, "a", Int(bitPattern: UInt.max)) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'length' is larger than any object can be")
    }
}
