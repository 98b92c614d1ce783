import CAPI
import CChargen
import TestSupport
import Testing

@Suite("Sessions and their settings")
struct SessionTests {
    @Test("A session outlives its model")
    func freeOrder() throws {
        var model: CModel? = try CModel()
        let session = try CSession(#require(model))
        let other = CSession(try CModel())
        model = nil
        #expect(session.symbols(100) == other.symbols(100))
    }

    @Test("The same seed gives the same text, another seed another")
    func seeds() throws {
        let model = try CModel()
        let texts = [UInt64(1), 1, 2, UInt64.max].map { seed in
            let session = CSession(model)
            #expect(chargen_session_set_seed(session.handle, seed) == CHARGEN_OK)
            return session.symbols(100)
        }
        #expect(texts[0] == texts[1])
        #expect(Set(texts).count == 3)
    }

    @Test("A session begins with seed 0 and temperature 1")
    func defaults() throws {
        let model = try CModel()
        let (first, second) = (CSession(model), CSession(model))
        #expect(chargen_session_set_seed(second.handle, 0) == CHARGEN_OK)
        #expect(chargen_session_set_temperature(second.handle, 1) == CHARGEN_OK)
        #expect(first.symbols(100) == second.symbols(100))
    }

    @Test("A reset repeats the text")
    func reset() throws {
        let session = CSession(try CModel())
        #expect(chargen_session_set_seed(session.handle, 5) == CHARGEN_OK)
        #expect(session.feed("abc") == CHARGEN_OK)
        let text = session.symbols(100)
        #expect(session.symbols(100) != text)
        #expect(chargen_session_reset(session.handle) == CHARGEN_OK)
        #expect(chargen_session_ended(session.handle) == 0)
        #expect(session.feed("abc") == CHARGEN_OK)
        #expect(session.symbols(100) == text)
    }

    @Test("Temperature 0 does not depend on the seed")
    func greedy() throws {
        let model = try CModel()
        let texts = [UInt64(1), 2].map { seed in
            let session = CSession(model)
            #expect(chargen_session_set_seed(session.handle, seed) == CHARGEN_OK)
            #expect(chargen_session_set_temperature(session.handle, 0) == CHARGEN_OK)
            return session.symbols(100)
        }
        #expect(texts[0] == texts[1])
    }

    @Test(
        "A temperature out of range is refused and changes nothing",
        arguments: [-1, Float.nan, .infinity, 1e-4, 1001])
    func temperatureOutOfRange(temperature: Float) throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        #expect(chargen_session_set_temperature(session.handle, temperature) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage().contains("temperature"))
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("Each setting of the choice can be read back")
    func getters() throws {
        let session = CSession(try CModel())
        let handle = session.handle
        #expect(chargen_session_temperature(handle) == 1 && chargen_session_seed(handle) == 0)
        #expect(chargen_session_top_k(handle) == 0 && chargen_session_top_p(handle) == 1)
        #expect(chargen_session_min_p(handle) == 0 && chargen_session_penalty_window(handle) == 0)
        #expect(chargen_session_bias(handle, 0x61) == 0 && chargen_session_allows(handle, 0x61) == 1)
        #expect(chargen_session_set_temperature(handle, 0.5) == CHARGEN_OK)
        #expect(chargen_session_set_seed(handle, .max) == CHARGEN_OK)
        #expect(chargen_session_set_top_k(handle, 3) == CHARGEN_OK)
        #expect(chargen_session_set_top_p(handle, 0.75) == CHARGEN_OK)
        #expect(chargen_session_set_min_p(handle, 0.25) == CHARGEN_OK)
        #expect(chargen_session_set_penalties(handle, 0.5, -2, 65_536) == CHARGEN_OK)
        #expect(chargen_session_set_bias(handle, 0x61, 1.5) == CHARGEN_OK)
        #expect(chargen_session_set_bias(handle, CHARGEN_END_OF_DOCUMENT, -.infinity) == CHARGEN_OK)
        #expect(chargen_session_set_allowed(handle, "ab", 2) == CHARGEN_OK)
        #expect(chargen_session_temperature(handle) == 0.5 && chargen_session_seed(handle) == .max)
        #expect(chargen_session_top_k(handle) == 3 && chargen_session_top_p(handle) == 0.75)
        #expect(chargen_session_min_p(handle) == 0.25 && chargen_session_penalty_window(handle) == 65_536)
        #expect(chargen_session_repetition_penalty(handle) == 0.5)
        #expect(chargen_session_frequency_penalty(handle) == -2)
        #expect(chargen_session_bias(handle, 0x61) == 1.5)
        #expect(chargen_session_bias(handle, CHARGEN_END_OF_DOCUMENT) == -.infinity)
        let characters: [UInt32] = [0x61, 0x62, 0x63, CHARGEN_END_OF_DOCUMENT, 0xD800]
        #expect(characters.map { chargen_session_allows(handle, $0) } == [1, 1, 0, 0, 0])
        #expect(Set(session.symbols(200)).isSubset(of: [0x61, 0x62]))
    }

    @Test("Settings of the choice that are out of range are refused, and change nothing")
    func hostileSettings() throws {
        let model = try CModel(characters: "abc")
        let (session, other) = (CSession(model), CSession(model))
        let handle = session.handle
        for value: Float in [.nan, .infinity, -.infinity, -1, 2] {
            #expect(chargen_session_set_top_p(handle, value) == CHARGEN_INVALID_ARGUMENT)
            #expect(chargen_session_set_min_p(handle, value) == CHARGEN_INVALID_ARGUMENT)
        }
        for value: Float in [.nan, .infinity, 1001, -1001] {
            #expect(chargen_session_set_penalties(handle, value, 0, 8) == CHARGEN_INVALID_ARGUMENT)
            #expect(chargen_session_set_penalties(handle, 0, value, 8) == CHARGEN_INVALID_ARGUMENT)
            #expect(chargen_session_set_bias(handle, 0x61, value) == CHARGEN_INVALID_ARGUMENT)
        }
        #expect(chargen_session_set_penalties(handle, 1, 0, -1) == CHARGEN_INVALID_ARGUMENT)
        for character: UInt32 in [0x23, 0xD800, 0x110000] {
            #expect(chargen_session_set_bias(handle, character, 1) == CHARGEN_UNKNOWN_CHARACTER)
        }
        #expect(chargen_session_set_allowed(handle, "a#", 2) == CHARGEN_UNKNOWN_CHARACTER)
        #expect(chargen_session_set_allowed(handle, nil, 1) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_session_set_allowed(handle, nil, 0) == CHARGEN_OK)
        // SIZE_MAX.
        #expect(chargen_session_set_top_k(handle, -1) == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
        for character: UInt32 in [0x61, 0x62, CHARGEN_END_OF_DOCUMENT] {
            #expect(chargen_session_set_bias(handle, character, -.infinity) == CHARGEN_OK)
        }
        #expect(chargen_session_set_bias(handle, 0x63, -.infinity) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage().contains("nothing to choose"))
        #expect(session.symbols(3) == [0x63, 0x63, 0x63])
    }

    @Test("A policy that does not exist is refused and changes nothing", arguments: [-1, 4, Int32.max, Int32.min])
    func unknownPolicy(policy: Int32) throws {
        let session = CSession(try CModel())
        #expect(chargen_session_set_unknown(session.handle, status(CHARGEN_UNKNOWN_SKIP)) == CHARGEN_OK)
        #expect(chargen_session_set_unknown(session.handle, policy) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage().contains("'unknown' is \(policy)"))
        #expect(session.feed("#") == CHARGEN_OK)
    }

    @Test("The text is the same on any number of threads, which may change between characters")
    func threads() throws {
        let model = CModel(try randomModel(.gru, hiddenSize: 100))
        let expected = CSession(model).symbols(60)
        let session = CSession(model)
        var symbols: [UInt32] = []
        for threads in [2, 5, 1, 3] {
            #expect(chargen_session_set_threads(session.handle, threads) == CHARGEN_OK)
            symbols += session.symbols(15)
        }
        #expect(symbols == expected)
    }

    @Test("An impossible number of threads is refused and changes nothing", arguments: [0, 65, -1, Int.max, Int.min])
    func threadsOutOfRange(threads: Int) throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        #expect(chargen_session_set_threads(session.handle, 2) == CHARGEN_OK)
        #expect(chargen_session_set_threads(session.handle, threads) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the number of threads must be from 1 to 64")
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("Missing arguments are named")
    func arguments() throws {
        var session = OpaquePointer(bitPattern: 1)
        #expect(chargen_session_create(nil, &session) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'model' is NULL")
        #expect(session == nil)
        let model = try CModel()
        #expect(chargen_session_create(model.handle, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'session' is NULL")
    }

    @Test(
        "Every function of a session refuses NULL",
        arguments: [
            { chargen_session_reset(nil) }, { chargen_session_set_temperature(nil, 1) },
            { chargen_session_set_seed(nil, 1) }, { chargen_session_set_unknown(nil, 0) },
            { chargen_session_set_top_k(nil, 1) }, { chargen_session_set_top_p(nil, 1) },
            { chargen_session_set_min_p(nil, 0) }, { chargen_session_set_penalties(nil, 0, 0, 0) },
            { chargen_session_set_bias(nil, 0x61, 0) }, { chargen_session_set_allowed(nil, nil, 0) },
            { chargen_session_set_threads(nil, 1) },
            { chargen_session_feed(nil, "a", 1) },
            {
                var (logProbability, characters) = (1.0, 1)
                let status = chargen_session_score(nil, "a", 1, &logProbability, &characters)
                #expect((logProbability, characters) == (0, 0))
                return status
            },
            {
                var character: UInt32 = 1
                let status = chargen_session_next(nil, &character)
                #expect(character == 0)
                return status
            },
            {
                var length = 1
                var buffer = [CChar](repeating: 0, count: 10)
                let status = chargen_session_generate(nil, 1, &buffer, 10, &length)
                #expect(length == 0)
                return status
            },
            { chargen_session_stream(nil, 1, { _, _, _ in 0 }, nil) },
        ] as [@Sendable () -> chargen_status])
    func nullSession(call: @Sendable () -> chargen_status) {
        #expect(call() == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'session' is NULL")
    }
}
