import Core
import InferenceEngine
import TestSupport
import Testing

@Suite struct GenerateTests {
    /// Characters of one to four bytes.
    private func makeSession(hasEndOfDocument: Bool = false) throws -> Session {
        try session(randomModel(.gru, characters: "aé中😀", hasEndOfDocument: hasEndOfDocument), seed: 11)
    }

    @Test("Buffers of any size hold whole characters, and together the text of one long call", arguments: 4...40)
    func buffers(capacity: Int) throws {
        let expected = try makeSession().generate(limit: 300, capacity: 1200)
        let session = try makeSession()
        var text: [UInt8] = []
        var count = 0
        while count < 300 {
            let piece = try session.generate(limit: 300 - count, capacity: capacity)
            let characters = try #require(String(validating: piece, as: UTF8.self), "a character was split")
            #expect(!piece.isEmpty)
            count += characters.unicodeScalars.count
            text += piece
        }
        #expect(text == expected)
        #expect(Set(String(decoding: text, as: UTF8.self)) == Set("aé中😀"))
    }

    @Test("A buffer that could not hold every character is refused, and nothing is generated", arguments: 0...3)
    func tooSmall(capacity: Int) throws {
        let session = try makeSession()
        let error = #expect(throws: ChargenError.self) { try session.generate(limit: 10, capacity: capacity) }
        #expect(error?.kind == .bufferTooSmall)
        #expect(
            error?.message
                == "a buffer of \(capacity) bytes cannot hold a character of this model, which takes up to 4")
        #expect(try session.text(50) == makeSession().text(50))
    }

    @Test("One byte is enough for an ASCII model")
    func ascii() throws {
        let session = try session(randomModel(.rnn, characters: "ab", hasEndOfDocument: false))
        #expect(try session.generate(limit: 10, capacity: 1).count == 1)
    }

    @Test("The limit counts characters", arguments: [0, -1, 1, 7, 100])
    func limit(_ limit: Int) throws {
        let text = try makeSession().generate(limit: limit, capacity: 1000)
        #expect(String(decoding: text, as: UTF8.self).unicodeScalars.count == max(0, limit))
        var count = 0
        try makeSession().generate(limit: limit) { _ in
            count += 1
            return true
        }
        #expect(count == max(0, limit))
    }

    @Test("Every way of generating gives the same text")
    func sameText() throws {
        let expected = try makeSession().text(100)
        var streamed = String.UnicodeScalarView()
        try makeSession().generate(limit: 100) {
            streamed.append($0)
            return true
        }
        #expect(String(streamed) == expected)
        #expect(try String(decoding: makeSession().generate(limit: 100, capacity: 400), as: UTF8.self) == expected)
    }

    @Test("A callback can stop the text, which goes on from there later")
    func stop() throws {
        let session = try makeSession()
        var text = String.UnicodeScalarView()
        for length in 1...10 {
            var count = 0
            session.generate(limit: .max) {
                text.append($0)
                count += 1
                return count < length
            }
        }
        #expect(try String(text) == makeSession().text(55))
    }
}
