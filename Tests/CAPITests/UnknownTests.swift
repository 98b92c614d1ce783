import CAPI
import CChargen
import TestSupport
import Testing

@Suite("Unknown characters")
struct UnknownTests {
    private let nearest = chargen_unknown(CHARGEN_UNKNOWN_NEAREST)

    @Test("The nearest character is read in the place of an unknown one", arguments: [false, true])
    func nearestIsRead(hasUnknown: Bool) throws {
        let model = try CModel(.lstm, characters: "aé'- ", hasUnknown: hasUnknown)
        let (session, other) = (CSession(model), CSession(model))
        #expect(chargen_session_set_unknown(session.handle, nearest) == CHARGEN_OK)
        #expect(session.feed("A’É—Ａ\u{3000}a") == CHARGEN_OK)
        #expect(other.feed("a'é-a a") == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
        #expect(session.score("Á").logProbability == other.score("a").logProbability)
        // What has no near one is as without the setting.
        #expect(session.feed("a中") == (hasUnknown ? CHARGEN_OK : CHARGEN_UNKNOWN_CHARACTER))
        #expect(other.feed(hasUnknown ? "a中" : "") == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("A replacement is read in the place of each unknown character", arguments: [false, true])
    func replacement(hasUnknown: Bool) throws {
        let model = try CModel(.gru, characters: "ab ", hasUnknown: hasUnknown)
        let (session, other) = (CSession(model), CSession(model))
        #expect(chargen_session_set_replacement(session.handle, 0x20) == CHARGEN_OK)
        #expect(session.feed("aé中😀b") == CHARGEN_OK)
        #expect(other.feed("a   b") == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
        let (first, second) = (session.score("A"), other.score(" "))
        #expect(first == second && first.characters == 1)
        #expect(chargen_session_feed_character(session.handle, 0xE9) == CHARGEN_OK)
        #expect(chargen_session_feed_character(other.handle, 0x20) == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("The settings can be read; what is not one is refused and changes nothing")
    func settings() throws {
        let model = try CModel(.rnn, characters: "ab ")
        let session = CSession(model)
        func state() -> [UInt32] {
            [UInt32(bitPattern: chargen_session_unknown(session.handle)), chargen_session_replacement(session.handle)]
        }
        #expect(state() == [0, .max])
        #expect(chargen_session_set_replacement(session.handle, 0x61) == CHARGEN_OK)
        #expect(state() == [2, 0x61])
        for unknown in [-1, 2, 4, .max, .min] as [chargen_unknown] {
            #expect(chargen_session_set_unknown(session.handle, unknown) == CHARGEN_INVALID_ARGUMENT)
        }
        for character in [0x63, 0xD800, 0x11_0000, .max] as [UInt32] {
            #expect(chargen_session_set_replacement(session.handle, character) == CHARGEN_UNKNOWN_CHARACTER)
        }
        #expect(state() == [2, 0x61])
        #expect(chargen_session_reset(session.handle) == CHARGEN_OK)
        #expect(state() == [2, 0x61])
        for unknown in [3, 1, 0] as [chargen_unknown] {
            #expect(chargen_session_set_unknown(session.handle, unknown) == CHARGEN_OK)
            #expect(state() == [UInt32(unknown), .max])
        }
        #expect(chargen_session_set_replacement(nil, 0x61) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_session_unknown(nil) == 0 && chargen_session_replacement(nil) == .max)
    }

    @Test("A clone has the setting")
    func clone() throws {
        let model = try CModel(.rnn, characters: "ab ")
        let session = CSession(model)
        #expect(chargen_session_set_replacement(session.handle, 0x62) == CHARGEN_OK)
        var clone: OpaquePointer?
        #expect(chargen_session_clone(session.handle, &clone) == CHARGEN_OK)
        #expect(chargen_session_replacement(clone) == 0x62)
        chargen_session_free(clone)
    }

    @Test("A batch reads what each session would alone")
    func batch() throws {
        let model = try CModel(.lstm, characters: "aé' ")
        let (first, second) = (CSession(model), CSession(model))
        let alone = [CSession(model), CSession(model)]
        for session in [first, alone[0]] { #expect(chargen_session_set_unknown(session.handle, nearest) == CHARGEN_OK) }
        for session in [second, alone[1]] {
            #expect(chargen_session_set_replacement(session.handle, 0x61) == CHARGEN_OK)
        }
        var batch: OpaquePointer?
        #expect(chargen_batch_create(model.handle, 2, 1, &batch) == CHARGEN_OK)
        let texts = ["É’A", "中x "]
        for (session, text) in zip(alone, texts) { #expect(session.feed(text) == CHARGEN_OK) }
        "É’A".withCString { one in
            "中x ".withCString { other in
                let handles = [first.handle, second.handle]
                #expect(chargen_batch_feed(batch, handles, 2, [one, other], texts.map(\.utf8.count)) == CHARGEN_OK)
            }
        }
        #expect(first.symbols(50) == alone[0].symbols(50) && second.symbols(50) == alone[1].symbols(50))
        chargen_batch_free(batch)
    }

    @Test("A model tells which character is nearest")
    func question() throws {
        let model = try CModel(.rnn, characters: "aé'")
        // Not 0, to see that a failure makes it so.
        var character: UInt32 = 1
        func ask(_ scalar: Unicode.Scalar) -> chargen_status {
            character = 1
            return withExtendedLifetime(model) { chargen_model_nearest(model.handle, scalar.value, &character) }
        }
        let pairs: [(Unicode.Scalar, Unicode.Scalar)] = [("a", "a"), ("Á", "a"), ("É", "é"), ("‘", "'")]
        for (scalar, expected) in pairs {
            #expect(ask(scalar) == CHARGEN_OK && character == expected.value)
        }
        #expect(ask("中") == CHARGEN_UNKNOWN_CHARACTER && character == 0)
        for number in [0xD800, 0x11_0000, .max] as [UInt32] {
            #expect(chargen_model_nearest(model.handle, number, &character) == CHARGEN_UNKNOWN_CHARACTER)
        }
        #expect(chargen_model_nearest(nil, 0x61, &character) == CHARGEN_INVALID_ARGUMENT && character == 0)
        let status = withExtendedLifetime(model) { chargen_model_nearest(model.handle, 0x61, nil) }
        #expect(status == CHARGEN_INVALID_ARGUMENT)
    }
}
