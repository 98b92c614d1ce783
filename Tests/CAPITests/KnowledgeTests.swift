import CAPI
import CChargen
import Testing

/// What a session tells about the next character, from C.
@Suite("What may come next")
struct KnowledgeTests {
    @Test("The likeliest characters have the probabilities of the list of all")
    func likeliest() throws {
        let model = try CModel(characters: "aé€😀", hasUnknown: true)
        let session = CSession(model)
        #expect(session.feed("aé") == CHARGEN_OK)
        let all = session.numbers(chargen_session_probabilities)
        #expect(all.count == 6)
        let choices = "aé€😀".unicodeScalars.map(\.value) + [0x78, CHARGEN_END_OF_DOCUMENT]
        var (characters, probabilities, count) = ([UInt32](repeating: 1, count: 9), [Float](repeating: 2, count: 9), 9)
        #expect(
            chargen_session_likeliest(session.handle, 9, &characters, &probabilities, &count) == CHARGEN_OK)
        #expect(count == 5 && characters[5...] == [1, 1, 1, 1] && probabilities[5...] == [2, 2, 2, 2])
        let expected = choices.indices.filter { $0 != 4 }.sorted { all[$0] > all[$1] }
        #expect(characters[..<5] == expected.map { choices[$0] }[...])
        #expect(probabilities[..<5] == expected.map { all[$0] }[...])
        #expect(chargen_session_likeliest(session.handle, 2, &characters, nil, &count) == CHARGEN_OK)
        #expect(count == 2 && characters[..<2] == expected.prefix(2).map { choices[$0] }[...])
        #expect(chargen_session_likeliest(session.handle, 0, &characters, nil, &count) == CHARGEN_OK)
        #expect(count == 0)
        for (symbol, choice) in choices.enumerated() {
            var (probability, logarithm) = (Float(2), 2.0)
            #expect(chargen_session_probability(session.handle, choice, &probability) == CHARGEN_OK)
            #expect(probability == all[symbol])
            #expect(chargen_session_log_probability(session.handle, choice, &logarithm) == CHARGEN_OK)
            #expect(Float(logarithm) == session.numbers(chargen_session_log_probabilities)[symbol])
        }
        #expect(session.numbers(chargen_session_logits).count == 6)
    }

    @Test("What the session has generated, its ends included, leads another one to the same text")
    func feedCharacter() throws {
        let model = try CModel(.gru)
        let (generated, fed) = (CSession(model), CSession(model))
        var ends = 0
        for symbol in generated.symbols(100) {
            #expect(chargen_session_feed_character(fed.handle, symbol) == CHARGEN_OK)
            #expect(chargen_session_ended(fed.handle) == (symbol == CHARGEN_END_OF_DOCUMENT ? 1 : 0))
            ends += symbol == CHARGEN_END_OF_DOCUMENT ? 1 : 0
        }
        #expect(ends > 2)
        #expect(generated.numbers(chargen_session_logits) == fed.numbers(chargen_session_logits))
    }

    @Test("A document's score is that of its text and of its end, alone and in a batch")
    func documents() throws {
        let model = try CModel()
        let texts = ["abc", "", "é€😀 a", "dd"]
        let sessions = texts.map { _ in CSession(model) }
        let batch = CBatch(model, capacity: 4)
        for round in 0..<2 {
            let batched = batch.scoreDocuments(sessions, texts)
            #expect(batched.status == CHARGEN_OK)
            for (index, text) in texts.enumerated() {
                let session = CSession(model)
                if round == 1 { #expect(session.scoreDocument(text).status == CHARGEN_OK) }
                let whole = CSession(model)
                if round == 1 { #expect(whole.scoreDocument(text).status == CHARGEN_OK) }
                let part = session.score(text)
                var end = 0.0
                #expect(
                    chargen_session_log_probability(session.handle, CHARGEN_END_OF_DOCUMENT, &end) == CHARGEN_OK)
                let score = whole.scoreDocument(text)
                #expect(score == (status(CHARGEN_OK), part.logProbability + end, text.unicodeScalars.count + 1))
                #expect(batched.logProbabilities[index] == score.logProbability)
                #expect(chargen_session_ended(whole.handle) == 1)
                #expect(chargen_session_ended(sessions[index].handle) == 1)
                #expect(whole.numbers(chargen_session_logits) == sessions[index].numbers(chargen_session_logits))
            }
        }
    }

    @Test("A model without ends of documents refuses them, and nothing changes")
    func noEnds() throws {
        let model = try CModel(hasEndOfDocument: false)
        let (session, other) = (CSession(model), CSession(model))
        let message = "this model has not learned where documents end"
        #expect(chargen_session_feed_character(session.handle, CHARGEN_END_OF_DOCUMENT) == CHARGEN_UNKNOWN_CHARACTER)
        #expect(errorMessage() == message)
        #expect(session.scoreDocument("a") == (status(CHARGEN_UNKNOWN_CHARACTER), 0, 0))
        #expect(errorMessage() == message)
        let batched = CBatch(model, capacity: 1).scoreDocuments([session], ["a"])
        #expect(batched.status == CHARGEN_UNKNOWN_CHARACTER && batched.logProbabilities == [0])
        #expect(errorMessage() == message)
        var probability: Float = 1
        #expect(
            chargen_session_probability(session.handle, CHARGEN_END_OF_DOCUMENT, &probability)
                == CHARGEN_UNKNOWN_CHARACTER)
        #expect(probability == 0)
        #expect(session.symbols(20) == other.symbols(20))
    }

    @Test("Each character's score is what the text's score adds up, and skipped ones have 0")
    func scoreCharacters() throws {
        let model = try CModel()
        let text = "é#a€ß😀 abcde abcde abcde#"
        let count = text.unicodeScalars.count
        let (whole, each) = (CSession(model), CSession(model))
        for session in [whole, each] {
            #expect(chargen_session_set_unknown(session.handle, status(CHARGEN_UNKNOWN_SKIP)) == CHARGEN_OK)
        }
        var (scores, found) = ([Double](repeating: 1, count: 40), 0)
        #expect(each.scoreCharacters(text, &scores, count - 1, &found) == CHARGEN_BUFFER_TOO_SMALL)
        #expect(found == 0)
        #expect(each.scoreCharacters(text, &scores, count, &found) == CHARGEN_OK)
        #expect(found == count && scores[count...].allSatisfy { $0 == 1 })
        #expect(scores[..<count].reduce(0, +) == whole.score(text).logProbability)
        for (index, character) in text.unicodeScalars.enumerated() {
            #expect((scores[index] == 0) == "#ß".unicodeScalars.contains(character))
        }
        #expect(whole.numbers(chargen_session_logits) == each.numbers(chargen_session_logits))
        #expect(chargen_session_score_characters(each.handle, nil, 0, nil, 0, &found) == CHARGEN_OK && found == 0)
    }

    @Test("A refused text leaves the session as it was")
    func refusedCharacters() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        var (scores, found) = ([Double](repeating: 1, count: 9), 1)
        #expect(session.scoreCharacters("ab#", &scores, 9, &found) == CHARGEN_UNKNOWN_CHARACTER && found == 0)
        for character: UInt32 in [0xD800, 0x110000, 0xFFFF_FFFE, 0x23] {
            #expect(chargen_session_feed_character(session.handle, character) == CHARGEN_UNKNOWN_CHARACTER)
            var logarithm = 1.0
            #expect(
                chargen_session_log_probability(session.handle, character, &logarithm) == CHARGEN_UNKNOWN_CHARACTER)
            #expect(logarithm == 0)
        }
        #expect(session.symbols(20) == other.symbols(20))
    }

    @Test("Missing arguments are named, and results are 0")
    func arguments() throws {
        let session = CSession(try CModel())
        var (characters, scores) = ([UInt32](repeating: 0, count: 1), [Double](repeating: 1, count: 1))
        var (count, probability, logarithm) = (1, Float(1), 1.0)
        var numbers = UnsafePointer<Float>(bitPattern: 8)
        func refused(_ name: String, _ result: chargen_status) {
            #expect(result == CHARGEN_INVALID_ARGUMENT)
            #expect(errorMessage() == "the argument '\(name)' is NULL")
        }
        refused("session", chargen_session_likeliest(nil, 1, &characters, nil, &count))
        #expect(count == 0)
        refused("characters", chargen_session_likeliest(session.handle, 1, nil, nil, &count))
        refused("count", chargen_session_likeliest(session.handle, 1, &characters, nil, nil))
        refused("session", chargen_session_probability(nil, 0x61, &probability))
        #expect(probability == 0)
        refused("probability", chargen_session_probability(session.handle, 0x61, nil))
        refused("session", chargen_session_log_probability(nil, 0x61, &logarithm))
        #expect(logarithm == 0)
        refused("log_probability", chargen_session_log_probability(session.handle, 0x61, nil))
        refused("session", chargen_session_logits(nil, &numbers, &count))
        #expect(numbers == nil)
        refused("log_probabilities", chargen_session_log_probabilities(session.handle, nil, nil))
        refused("session", chargen_session_feed_character(nil, 0x61))
        refused("log_probabilities", chargen_session_score_characters(session.handle, "a", 1, nil, 1, &count))
        refused("count", chargen_session_score_characters(session.handle, "a", 1, &scores, 1, nil))
        refused("log_probability", chargen_session_score_document(session.handle, "a", 1, nil, &count))
        #expect(count == 0)
    }

    @Test(
        "A character is encoded as UTF-8, NUL-terminated",
        arguments: [
            (0, 1), (0x61, 1), (0x7F, 1), (0x80, 2), (0x7FF, 2), (0x800, 3), (0xFFFF, 3), (0x10000, 4), (0x10FFFF, 4),
        ])
    func encode(character: UInt32, length: Int) throws {
        var text = [CChar](repeating: 1, count: 5)
        #expect(chargen_encode(character, &text) == length)
        let expected = String(try #require(Unicode.Scalar(character))).utf8.map { CChar(bitPattern: $0) }
        #expect(text == expected + [0] + [CChar](repeating: 1, count: 4 - length))
        #expect(chargen_encode(character, nil) == 0)
    }

    @Test(
        "What is not a Unicode scalar value is encoded as nothing",
        arguments: [0xD800, 0xDFFF, 0x110000, CHARGEN_END_OF_DOCUMENT])
    func encodeNothing(character: UInt32) {
        var text = [CChar](repeating: 1, count: 5)
        #expect(chargen_encode(character, &text) == 0)
        #expect(text == [0, 1, 1, 1, 1])
    }
}

@Suite("Beams")
struct BeamTests {
    @Test("Continuations are those of their scores, NUL-terminated, the likeliest first")
    func search() throws {
        let model = try CModel()
        let session = CSession(model)
        #expect(session.feed("aé") == CHARGEN_OK)
        var beam: OpaquePointer?
        #expect(chargen_beam_create(model.handle, 20, 5, 1, &beam) == CHARGEN_OK)
        defer { chargen_beam_free(beam) }
        var count = 0
        #expect(chargen_beam_search(beam, session.handle, 4, &count) == CHARGEN_OK)
        #expect(count == 20)
        var (previous, endings) = (0.0, 0)
        for index in 0..<count {
            var (text, length, logarithm, ended) = (UnsafePointer<CChar>?.none, 0, 0.0, Int32(0))
            #expect(chargen_beam_text(beam, index, &text, &length, &logarithm, &ended) == CHARGEN_OK)
            let found = String(cString: try #require(text))
            #expect(found.utf8.count == length)
            #expect(found.unicodeScalars.count == 4 || ended == 1)
            #expect(logarithm <= previous || index == 0)
            previous = logarithm
            endings += Int(ended)
            let other = CSession(model)
            #expect(other.feed("aé") == CHARGEN_OK)
            let score = ended == 1 ? other.scoreDocument(found) : other.score(found)
            #expect(score.logProbability == logarithm)
            #expect(chargen_beam_text(beam, index, &text, nil, nil, nil) == CHARGEN_OK)
        }
        #expect(endings > 0)
    }

    @Test("A refused search leaves the continuations of the one before")
    func refused() throws {
        let model = try CModel()
        let session = CSession(model)
        var beam = OpaquePointer(bitPattern: 8)
        #expect(chargen_beam_create(nil, 1, 1, 1, &beam) == CHARGEN_INVALID_ARGUMENT && beam == nil)
        #expect(chargen_beam_create(model.handle, 1, 1, 1, nil) == CHARGEN_INVALID_ARGUMENT)
        for size in [0, 1025, -1, Int.min] {
            #expect(chargen_beam_create(model.handle, size, 1, 1, &beam) == CHARGEN_INVALID_ARGUMENT && beam == nil)
            #expect(chargen_beam_create(model.handle, 1, size, 1, &beam) == CHARGEN_INVALID_ARGUMENT && beam == nil)
            #expect(chargen_beam_create(model.handle, 1, 1, size, &beam) == CHARGEN_INVALID_ARGUMENT && beam == nil)
        }
        #expect(chargen_beam_create(model.handle, 2, 3, 1, &beam) == CHARGEN_OK)
        defer { chargen_beam_free(beam) }
        var (text, length, logarithm, ended, count) = (UnsafePointer<CChar>?.none, 1, 1.0, Int32(1), 1)
        #expect(chargen_beam_text(beam, 0, &text, &length, &logarithm, &ended) == CHARGEN_INVALID_ARGUMENT)
        #expect(text == nil && length == 0 && logarithm == 0 && ended == 0)
        #expect(chargen_beam_search(beam, session.handle, 2, &count) == CHARGEN_OK && count == 2)
        #expect(chargen_beam_search(beam, session.handle, 4, &count) == CHARGEN_INVALID_ARGUMENT && count == 0)
        #expect(chargen_beam_search(beam, nil, 1, &count) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_beam_search(nil, session.handle, 1, &count) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_beam_search(beam, session.handle, 1, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_beam_text(beam, 1, &text, nil, nil, nil) == CHARGEN_OK)
        for index in [2, -1, Int.max] {
            #expect(chargen_beam_text(beam, index, &text, nil, nil, nil) == CHARGEN_INVALID_ARGUMENT && text == nil)
        }
        #expect(chargen_beam_text(beam, 0, nil, nil, nil, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_beam_text(nil, 0, &text, nil, nil, nil) == CHARGEN_INVALID_ARGUMENT)
        chargen_beam_free(nil)
    }
}

extension CSession {
    /// A copy of the numbers that a function gives.
    func numbers(
        _ function: (OpaquePointer?, UnsafeMutablePointer<UnsafePointer<Float>?>?, UnsafeMutablePointer<Int>?)
            -> chargen_status
    ) -> [Float] {
        var (numbers, count) = (UnsafePointer<Float>?.none, 0)
        guard function(handle, &numbers, &count) == CHARGEN_OK else { return [] }
        return Array(UnsafeBufferPointer(start: numbers, count: count))
    }

    func scoreDocument(_ text: String) -> (status: chargen_status, logProbability: Double, characters: Int) {
        var (logProbability, characters) = (1.0, 1)
        let status = chargen_session_score_document(handle, text, text.utf8.count, &logProbability, &characters)
        return (status, logProbability, characters)
    }

    func scoreCharacters(
        _ text: String, _ scores: inout [Double], _ capacity: Int, _ count: inout Int
    ) -> chargen_status {
        chargen_session_score_characters(handle, text, text.utf8.count, &scores, capacity, &count)
    }
}
