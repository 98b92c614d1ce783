import CAPI
import CChargen
import Core
import TestSupport
import Testing

@Suite("Feeding text in pieces")
struct PieceTests {
    /// Chinese, Arabic, emoji of several scalars, combining marks, and every length of UTF-8.
    private static let text =
        "aé 你好，世界。مَرْحَبًا 👩🏽‍🚀👨‍👩‍👧‍👦🇨🇭 e\u{301}q\u{323}\u{307} नमस्ते "
        + "\u{10FFFF}\u{7FF}\u{800}\u{FFFF}\u{10000}\0z"

    private func feed(_ session: CSession, _ piece: some Collection<UInt8>) -> chargen_status {
        let bytes = piece.map { CChar(bitPattern: $0) }
        return chargen_session_feed_piece(session.handle, bytes, bytes.count)
    }

    private func clone(_ session: CSession) -> CSession {
        var clone: OpaquePointer?
        #expect(chargen_session_clone(session.handle, &clone) == CHARGEN_OK)
        return CSession(owning: clone)
    }

    @Test("Cut anywhere, a text is read as in one piece", arguments: 1...9)
    func pieces(length: Int) throws {
        let model = try CModel(.lstm, characters: Self.text)
        let (session, whole) = (CSession(model), CSession(model))
        let bytes = Array(Self.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: length) {
            #expect(feed(session, bytes[start..<min(start + length, bytes.count)]) == CHARGEN_OK)
        }
        #expect(feed(session, []) == CHARGEN_OK)
        #expect(whole.feed(Self.text) == CHARGEN_OK)
        #expect(session.symbols(100) == whole.symbols(100))
    }

    @Test("So is it in pieces of random lengths, whatever is done with unknown characters")
    func randomPieces() throws {
        let bytes = Array(Self.text.utf8)
        var random = SplitMix64(seed: 1)
        for hasUnknown in [false, true] {
            let model = try CModel(.gru, characters: "aez 你世م", hasUnknown: hasUnknown)
            for unknown in 0..<4 {
                for _ in 0..<20 {
                    let (session, whole) = (CSession(model), CSession(model))
                    for each in [session, whole] {
                        if unknown == CHARGEN_UNKNOWN_REPLACE {
                            #expect(chargen_session_set_replacement(each.handle, 0x61) == CHARGEN_OK)
                        } else {
                            #expect(chargen_session_set_unknown(each.handle, chargen_unknown(unknown)) == CHARGEN_OK)
                        }
                    }
                    let refuses = [CHARGEN_UNKNOWN_FAIL, CHARGEN_UNKNOWN_NEAREST]
                    let isRefused = !hasUnknown && refuses.contains(unknown)
                    var start = 0
                    var isWhole = true
                    while start < bytes.count {
                        let end = min(bytes.count, start + 1 + Int(random.next() % 12))
                        let status = feed(session, bytes[start..<end])
                        #expect(status == CHARGEN_OK || (isRefused && status == CHARGEN_UNKNOWN_CHARACTER))
                        if status != CHARGEN_OK { isWhole = false }
                        guard isWhole else { break }
                        start = end
                    }
                    #expect(isWhole == !isRefused)
                    guard isWhole else { continue }
                    #expect(whole.feed(Self.text) == CHARGEN_OK)
                    #expect(session.symbols(50) == whole.symbols(50))
                }
            }
        }
    }

    @Test("Cut at any two places, the text is as it would be from a clone in between")
    func clones() throws {
        let text = "é你😀a"
        let model = try CModel(.rnn, characters: text)
        let bytes = Array(text.utf8)
        let whole = CSession(model)
        #expect(whole.feed(text) == CHARGEN_OK)
        let expected = whole.symbols(20)
        for first in 1..<bytes.count {
            for second in first..<bytes.count {
                let session = CSession(model)
                #expect(feed(session, bytes[..<first]) == CHARGEN_OK)
                let copy = clone(session)
                for each in [session, copy] {
                    #expect(second == first || feed(each, bytes[first..<second]) == CHARGEN_OK)
                    #expect(feed(each, bytes[second...]) == CHARGEN_OK)
                    #expect(each.symbols(20) == expected)
                }
            }
        }
    }

    @Test("An unfinished character at the end is an error, and is dropped")
    func unfinishedEnd() throws {
        let model = try CModel(.lstm, characters: "aé你😀")
        for beginning in ["é", "你", "😀"] {
            for length in 1..<beginning.utf8.count {
                let (session, other) = (CSession(model), CSession(model))
                #expect(feed(session, Array("a".utf8) + beginning.utf8.prefix(length)) == CHARGEN_OK)
                #expect(other.feed("a") == CHARGEN_OK)
                #expect(feed(session, []) == CHARGEN_INVALID_UTF8)
                #expect(errorMessage() == "the text ends within a character")
                #expect(feed(session, []) == CHARGEN_OK)
                #expect(feed(session, Array("é".utf8)) == CHARGEN_OK && other.feed("é") == CHARGEN_OK)
                #expect(session.symbols(50) == other.symbols(50))
            }
        }
    }

    @Test("After a piece that is refused the session is as before, with what was unfinished")
    func refusedPieces() throws {
        let model = try CModel(.lstm, characters: "aé你😀")
        let emoji = Array("😀".utf8)
        let refused: [([UInt8], Int, String)] = [
            ([0x61], CHARGEN_INVALID_UTF8, "not UTF-8 at byte 0"),
            (emoji, CHARGEN_INVALID_UTF8, "not UTF-8 at byte 0"),
            ([emoji[2], emoji[3], 0x61, 0xFF], CHARGEN_INVALID_UTF8, "not UTF-8 at byte 3"),
            ([emoji[2], emoji[3], 0xE4, 0x41], CHARGEN_INVALID_UTF8, "not UTF-8 at byte 2"),
            ([emoji[2], emoji[3], 0x61, 0x62], CHARGEN_UNKNOWN_CHARACTER, "character 3 of the text, 'b'"),
            ([emoji[2], emoji[3], 0x61, 0x62], CHARGEN_UNKNOWN_CHARACTER, "(U+0062) at byte 3"),
            ([emoji[2], 0xC0], CHARGEN_INVALID_UTF8, "not UTF-8 at byte 0"),
            // U+1F601, which the model does not know.
            ([emoji[2], 0x81], CHARGEN_UNKNOWN_CHARACTER, "character 1 of the text, '😁' (U+1F601) at byte 0"),
            ([emoji[2], emoji[3], 0x80], CHARGEN_INVALID_UTF8, "not UTF-8 at byte 2"),
            ([emoji[2], emoji[3], 0xED, 0xA0], CHARGEN_INVALID_UTF8, "not UTF-8 at byte 2"),
        ]
        for (piece, expected, message) in refused {
            let (session, other) = (CSession(model), CSession(model))
            #expect(feed(session, emoji[..<2]) == CHARGEN_OK)
            #expect(feed(session, piece) == status(expected), "\(piece)")
            #expect(errorMessage().contains(message), "\(errorMessage())")
            #expect(feed(session, emoji[2...]) == CHARGEN_OK && other.feed("😀") == CHARGEN_OK)
            #expect(session.symbols(20) == other.symbols(20))
        }
        for first in [0x80, 0xBF, 0xC0, 0xC1, 0xF5, 0xFF] as [UInt8] {
            #expect(feed(CSession(model), [first]) == CHARGEN_INVALID_UTF8)
        }
    }

    @Test("Other calls do not use an unfinished character; a reset drops it")
    func otherCalls() throws {
        let model = try CModel(.lstm, characters: "aé你😀")
        let (session, other) = (CSession(model), CSession(model))
        #expect(feed(session, [0xE4, 0xBD]) == CHARGEN_OK)
        #expect(session.symbols(10) == other.symbols(10))
        #expect(session.feed("é") == CHARGEN_OK && other.feed("é") == CHARGEN_OK)
        #expect(session.score("a") == other.score("a"))
        #expect(chargen_session_feed_character(session.handle, 0x1F600) == CHARGEN_OK && other.feed("😀") == CHARGEN_OK)
        #expect(session.feed("\u{10FFFF}") == CHARGEN_UNKNOWN_CHARACTER)
        #expect(feed(session, [0xA0]) == CHARGEN_OK && other.feed("你") == CHARGEN_OK)
        #expect(session.symbols(20) == other.symbols(20))

        #expect(feed(session, [0xE4, 0xBD]) == CHARGEN_OK)
        for each in [session, other] { #expect(chargen_session_reset(each.handle) == CHARGEN_OK) }
        #expect(feed(session, [0xA0]) == CHARGEN_INVALID_UTF8)
        #expect(feed(session, []) == CHARGEN_OK)
        #expect(session.symbols(20) == other.symbols(20))
    }

    @Test("Impossible arguments are refused")
    func arguments() throws {
        let model = try CModel(.rnn)
        let session = CSession(model)
        #expect(chargen_session_feed_piece(nil, "a", 1) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_session_feed_piece(session.handle, nil, 1) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'piece' is NULL")
        #expect(chargen_session_feed_piece(session.handle, "a", -1) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_session_feed_piece(session.handle, nil, 0) == CHARGEN_OK)
    }
}
