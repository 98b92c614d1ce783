import CAPI
import CChargen
import Foundation
import Testing

@Suite("Scoring text")
struct ScoreTests {
    @Test("A score is a sum over the characters, and leaves the session where feeding leaves it")
    func parts() throws {
        let model = try CModel()
        let (whole, parts, fed) = (CSession(model), CSession(model), CSession(model))
        let text = "abé€😀 a longer text"
        let known = text.filter { "abcdeé€😀 ".contains($0) }
        let score = whole.score(known)
        #expect(score.status == CHARGEN_OK)
        #expect(score.characters == known.unicodeScalars.count)
        #expect(score.logProbability < 0)
        #expect(known.reduce(0.0) { $0 + parts.score(String($1)).logProbability } == score.logProbability)
        #expect(fed.feed(known) == CHARGEN_OK)
        let following = fed.symbols(50)
        #expect(whole.symbols(50) == following)
        #expect(parts.symbols(50) == following)
    }

    @Test("The probabilities of all that may come next add up to 1", arguments: [true, false])
    func total(isAtBeginning: Bool) throws {
        let model = try CModel(hasEndOfDocument: false)
        let total = "abcdeé€😀 ".reduce(0.0) { sum, character in
            let session = CSession(model)
            if !isAtBeginning { #expect(session.feed("dec") == CHARGEN_OK) }
            return sum + exp(session.score(String(character)).logProbability)
        }
        // Each exponential has an error of a few units in the last place of a Float.
        #expect(abs(total - 1) < 1e-5)
    }

    @Test("No text has probability 1")
    func nothing() throws {
        let session = CSession(try CModel())
        #expect(session.score("") == (status(CHARGEN_OK), 0, 0))
        var logProbability = 1.0
        #expect(chargen_session_score(session.handle, nil, 0, &logProbability, nil) == CHARGEN_OK)
        #expect(logProbability == 0)
    }

    @Test("Temperature and seed make no difference, and no random word is used")
    func settings() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        let expected = other.score("abc").logProbability
        #expect(chargen_session_set_temperature(session.handle, 0.1) == CHARGEN_OK)
        #expect(session.score("abc").logProbability == expected)
        #expect(chargen_session_set_temperature(session.handle, 1) == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("Unknown characters that are skipped do not count")
    func skip() throws {
        let model = try CModel()
        let session = CSession(model)
        #expect(chargen_session_set_unknown(session.handle, status(CHARGEN_UNKNOWN_SKIP)) == CHARGEN_OK)
        #expect(session.score("#aßb!") == CSession(model).score("ab"))
    }

    @Test("With an unknown symbol unknown characters count, each with the same probability")
    func unknownSymbol() throws {
        let model = try CModel(characters: "ab", hasUnknown: true)
        let (first, second, batched) = (CSession(model), CSession(model), CSession(model))
        let score = first.score("aßb😀")
        #expect(score.status == CHARGEN_OK && score.characters == 4)
        #expect(second.score("a😀b中") == score)
        let batch = CBatch(model, capacity: 1).score([batched], ["aßb😀"])
        #expect(batch.status == CHARGEN_OK && batch.logProbabilities == [score.logProbability])
    }

    @Test("A text that is refused scores 0 and leaves the session as it was")
    func refused() throws {
        let model = try CModel()
        let (session, other) = (CSession(model), CSession(model))
        #expect(session.score("aéß") == (status(CHARGEN_UNKNOWN_CHARACTER), 0, 0))
        #expect(errorMessage().hasPrefix("character 3 of the text, 'ß' (U+00DF) at byte 3,"))
        var (logProbability, characters) = (1.0, 1)
        #expect(
            chargen_session_score(session.handle, "a€", 3, &logProbability, &characters) == CHARGEN_INVALID_UTF8)
        #expect((logProbability, characters) == (0, 0))
        #expect(session.symbols(50) == other.symbols(50))
    }

    @Test("A score ends the end of a document, as feeding does")
    func endOfDocument() throws {
        let session = CSession(try CModel())
        while session.next() != CHARGEN_END_OF_DOCUMENT {}
        #expect(session.score("").status == CHARGEN_OK)
        #expect(chargen_session_ended(session.handle) == 1)
        #expect(session.score("a").status == CHARGEN_OK)
        #expect(chargen_session_ended(session.handle) == 0)
    }

    @Test("Missing and impossible arguments are named")
    func arguments() throws {
        let session = CSession(try CModel())
        var (logProbability, characters) = (1.0, 1)
        #expect(
            chargen_session_score(session.handle, nil, 1, &logProbability, &characters) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'text' is NULL")
        #expect((logProbability, characters) == (0, 0))
        #expect(chargen_session_score(session.handle, "a", -1, &logProbability, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'length' is larger than any object can be")
        characters = 1
        #expect(chargen_session_score(session.handle, "a", 1, nil, &characters) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'log_probability' is NULL")
        #expect(characters == 0)
    }
}
