import Core
import InferenceEngine
import TestSupport
import Testing

@Suite struct FeedTests {
    private func makeSession(_ cell: Cell = .lstm) throws -> Session {
        try session(randomModel(cell, characters: "abc é中😀"))
    }

    @Test("Text fed in pieces is text fed at once", arguments: Cell.allCases)
    func pieces(cell: Cell) throws {
        let whole = try makeSession(cell)
        try whole.feed("abc é中😀 cab")
        let pieces = try makeSession(cell)
        for piece in ["a", "bc ", "", "é中", "😀 c", "ab"] { try pieces.feed(piece) }
        #expect(whole.logitBits == pieces.logitBits)
        let symbols = try makeSession(cell)
        for scalar in "abc é中😀 cab".unicodeScalars {
            symbols.feed(symbol: try #require(symbols.model.vocabulary.symbol(of: scalar.value)))
        }
        #expect(whole.logitBits == symbols.logitBits)
    }

    @Test("Text fed is as text generated")
    func asGenerated() throws {
        let generated = try makeSession()
        let fed = try makeSession()
        var text = String.UnicodeScalarView()
        for _ in 0..<40 {
            let logits = generated.logitBits
            guard let character = generated.next() else {
                // A text cannot contain the end of a document, so its symbol is fed.
                fed.feed(symbol: try #require(fed.model.vocabulary.endOfDocument))
                continue
            }
            #expect(logits == fed.logitBits)
            text.append(character)
            try fed.feed(String(character))
        }
        #expect(text.count > 20)
        #expect(fed.logitBits == generated.logitBits)
    }

    @Test("To feed nothing changes nothing")
    func nothing() throws {
        let session = try makeSession()
        try session.feed("")
        #expect(try session.logitBits == makeSession().logitBits)
    }

    @Test(
        "An unknown character fails, by its place and name",
        arguments: [
            ("x", "character 1 of the text, 'x' (U+0078) at byte 0,"),
            ("aé中ß", "character 4 of the text, 'ß' (U+00DF) at byte 6,"),
            ("😀😁", "character 2 of the text, '😁' (U+1F601) at byte 4,"),
            ("a\n", "character 2 of the text, U+000A at byte 1,"),
            ("a\u{85}", "character 2 of the text, U+0085 at byte 1,"),
        ])
    func unknownCharacter(text: String, words: String) throws {
        let session = try makeSession()
        let error = #expect(throws: ChargenError.self) { try session.feed(text) }
        #expect(error?.kind == .unknownCharacter)
        #expect(
            error?.message.hasPrefix(words + " is not in the model's vocabulary") == true, "\(error?.message ?? "")")
    }

    @Test("Unknown characters are passed over when that is asked for")
    func skip() throws {
        let skipping = try makeSession()
        skipping.unknownCharacters = .skip
        try skipping.feed("xaéx\nb x")
        let plain = try makeSession()
        try plain.feed("aéb ")
        #expect(skipping.logitBits == plain.logitBits)
    }

    @Test(
        "Text that is not UTF-8 fails at its byte, even when unknown characters are skipped",
        arguments: [
            ([0x61, 0xFF], 1), ([0xC3], 0), ([0x61, 0xE4, 0xB8], 1), ([0xED, 0xA0, 0x80], 0), ([0x62, 0x62, 0x80], 2),
            ([0xC0, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0),
        ] as [([UInt8], Int)])
    func notUTF8(text: [UInt8], offset: Int) throws {
        let session = try makeSession()
        session.unknownCharacters = .skip
        let error = #expect(throws: ChargenError.self) { try session.feed(text) }
        #expect(error?.kind == .invalidUTF8)
        #expect(error?.message == "the text is not UTF-8 at byte \(offset)")
    }

    @Test("A failed feed leaves the session as it was", arguments: Cell.allCases)
    func failureChangesNothing(cell: Cell) throws {
        // At the beginning and later.
        for prompt in ["", "abc"] {
            let session = try makeSession(cell)
            try session.feed(prompt)
            let expected = try makeSession(cell)
            try expected.feed(prompt)
            #expect(throws: ChargenError.self) { try session.feed("abc ab?") }
            #expect(throws: ChargenError.self) { try session.feed([0x61, 0x62, 0xFF]) }
            #expect(session.logitBits == expected.logitBits)
            #expect(session.text(50) == expected.text(50))
        }
    }
}
