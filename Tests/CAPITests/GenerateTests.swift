import CAPI
import CChargen
import Core
import Testing

@Suite("Generating text")
struct GenerateTests {
    /// What a stream's callback received; it stops after `limit` characters.
    private final class Received {
        var text = ""
        var count = 0
        var limit = Int.max
        var session: OpaquePointer?
    }

    private let append: chargen_character_callback = { character, length, user in
        guard let character, let user else { return 1 }
        let received = Unmanaged<Received>.fromOpaque(user).takeUnretainedValue()
        #expect(String(cString: character).utf8.count == length)
        received.text += String(cString: character)
        received.count += 1
        return received.count < received.limit ? 0 : 1
    }

    private func stream(
        _ session: CSession, _ maximum: Int, into received: Received, _ callback: chargen_character_callback
    ) -> chargen_status {
        chargen_session_stream(session.handle, maximum, callback, Unmanaged.passUnretained(received).toOpaque())
    }

    @Test("One character at a time, a buffer and a stream give the same text", arguments: [Cell.rnn, .gru, .lstm])
    func threeWays(cell: Cell) throws {
        let model = try CModel(cell, hasEndOfDocument: false)
        let characters = CSession(model).symbols(300).compactMap(Unicode.Scalar.init)
        let text = String(String.UnicodeScalarView(characters))
        #expect(characters.count == 300)
        #expect(CSession(model).generate(300) == text)
        let received = Received()
        #expect(stream(CSession(model), 300, into: received, append) == CHARGEN_OK)
        #expect(received.text == text)
    }

    @Test("The functions can be mixed: each call continues the text")
    func mixed() throws {
        let model = try CModel(hasEndOfDocument: false)
        let whole = CSession(model).generate(30)
        let session = CSession(model)
        var text = session.generate(10)
        text.unicodeScalars.append(contentsOf: session.symbols(10).compactMap(Unicode.Scalar.init))
        let received = Received()
        #expect(stream(session, 10, into: received, append) == CHARGEN_OK)
        #expect(text + received.text == whole)
    }

    @Test("A stream, a buffer and single characters end with the document, and then begin another")
    func endOfDocument() throws {
        let model = try CModel()
        let (single, buffered, streamed) = (CSession(model), CSession(model), CSession(model))
        for _ in 0..<20 {
            var text = ""
            var symbol = single.next()
            while let character = Unicode.Scalar(symbol) {
                #expect(chargen_session_ended(single.handle) == 0)
                text.unicodeScalars.append(character)
                symbol = single.next()
            }
            #expect(symbol == CHARGEN_END_OF_DOCUMENT)
            #expect(chargen_session_ended(single.handle) == 1)
            // A size_t beyond Int.max means no limit.
            #expect(buffered.generate(-1) == text)
            #expect(chargen_session_ended(buffered.handle) == 1)
            let received = Received()
            #expect(stream(streamed, -1, into: received, append) == CHARGEN_OK)
            #expect(received.text == text)
            #expect(chargen_session_ended(streamed.handle) == 1)
        }
        #expect(single.feed("a") == CHARGEN_OK)
        #expect(chargen_session_ended(single.handle) == 0)
    }

    @Test("A small buffer holds whole characters, and the next call continues the text", arguments: 4...9)
    func smallBuffer(capacity: Int) throws {
        let model = try CModel(hasEndOfDocument: false)
        let whole = CSession(model).generate(200)
        let session = CSession(model)
        var text = ""
        while text.unicodeScalars.count < 200 {
            let part = session.generate(200 - text.unicodeScalars.count, capacity: capacity)
            #expect(!part.isEmpty && part.utf8.count <= capacity)
            text += part
        }
        #expect(text == whole)
    }

    @Test("A buffer too small for one character is refused, and the session stays as it was", arguments: 0...3)
    func tooSmallBuffer(capacity: Int) throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        var buffer = [CChar](repeating: 7, count: 4)
        var length = 1
        #expect(
            chargen_session_generate(session.handle, 1, &buffer, capacity, &length) == CHARGEN_BUFFER_TOO_SMALL)
        #expect(length == 0)
        #expect(buffer == [7, 7, 7, 7])
        #expect(chargen_session_generate(session.handle, 1, nil, 0, &length) == CHARGEN_BUFFER_TOO_SMALL)
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("Bytes beyond the text stay as they were")
    func restOfBuffer() throws {
        let session = CSession(try CModel(hasEndOfDocument: false))
        var buffer = [CChar](repeating: 7, count: 100)
        var length = 0
        #expect(chargen_session_generate(session.handle, 5, &buffer, 100, &length) == CHARGEN_OK)
        #expect(buffer[length...].allSatisfy { $0 == 7 })
    }

    @Test("No characters wanted, none generated")
    func zeroCharacters() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        #expect(session.generate(0).isEmpty)
        let received = Received()
        #expect(stream(session, 0, into: received, append) == CHARGEN_OK)
        #expect(received.count == 0)
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("A callback stops the stream; the character it stopped at counts as generated")
    func stop() throws {
        let model = try CModel(hasEndOfDocument: false)
        let whole = CSession(model).generate(20)
        let session = CSession(model)
        let received = Received()
        received.limit = 7
        #expect(stream(session, 100, into: received, append) == CHARGEN_OK)
        #expect(received.count == 7)
        #expect(received.text + session.generate(13) == whole)
    }

    @Test("A callback may use its session")
    func reentrancy() throws {
        let model = try CModel(hasEndOfDocument: false)
        let first = CSession(model).next()
        let session = CSession(model)
        let received = Received()
        received.session = session.handle
        let status = stream(session, 5, into: received) { _, _, user in
            guard let user else { return 1 }
            let received = Unmanaged<Received>.fromOpaque(user).takeUnretainedValue()
            received.count += 1
            var character: UInt32 = 0
            #expect(chargen_session_next(received.session, &character) == CHARGEN_OK)
            #expect(chargen_session_set_temperature(received.session, 0.5) == CHARGEN_OK)
            #expect(chargen_session_feed(received.session, "ab", 2) == CHARGEN_OK)
            #expect(chargen_session_stream(received.session, 2, { _, _, _ in 0 }, nil) == CHARGEN_OK)
            #expect(chargen_session_set_temperature(received.session, 1) == CHARGEN_OK)
            #expect(chargen_session_reset(received.session) == CHARGEN_OK)
            return 0
        }
        #expect(status == CHARGEN_OK)
        #expect(received.count == 5)
        #expect(session.next() == first)
    }

    @Test("Missing and impossible arguments are named")
    func arguments() throws {
        let session = CSession(try CModel())
        var length = 1
        #expect(chargen_session_generate(session.handle, 1, nil, 100, &length) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'buffer' is NULL")
        #expect(length == 0)
        var buffer = [CChar](repeating: 0, count: 100)
        #expect(chargen_session_generate(session.handle, 1, &buffer, 100, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'length' is NULL")
        #expect(chargen_session_generate(session.handle, 1, &buffer, -1, &length) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'capacity' is larger than any object can be")
        #expect(chargen_session_stream(session.handle, 1, nil, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'callback' is NULL")
        #expect(chargen_session_next(session.handle, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'character' is NULL")
    }
}
