import Core
import InferenceEngine

/// Generates texts that continue a prompt.
struct TextGenerator {
    /// Holds the temperature and what to do with unknown characters.
    let session: Session
    let prompt: String
    /// The most characters to generate.
    let limit: Int
    /// The text to stop after, which is not empty; nil for none.
    let until: String?

    /// Reads the prompt from the start state.
    ///
    /// - Throws: `ChargenError` for a character that the model does not know.
    func begin(seed: UInt64) throws {
        session.reset()
        session.seed = seed
        do {
            try session.feed(prompt)
        } catch  where error.kind == .unknownCharacter {
            throw ChargenError(error.kind, error.message + " (--unknown skip)")
        }
    }

    /// Generates the text that continues the prompt, after ``begin(seed:)``.
    ///
    /// - Parameter body: Takes each character.
    func generate(_ body: (Unicode.Scalar) throws -> Void) rethrows -> GeneratedText.Ending {
        let stop = Array((until ?? "").unicodeScalars)
        var last: [Unicode.Scalar] = []
        for _ in 0..<limit {
            guard let character = session.next() else { return .document }
            try body(character)
            guard !stop.isEmpty else { continue }
            if last.count == stop.count { last.removeFirst() }
            last.append(character)
            if last == stop { return .until }
        }
        return .length
    }

    /// Generates a text as a whole.
    ///
    /// - Throws: `ChargenError` for a character of the prompt that the model does not know.
    func text(seed: UInt64) throws -> GeneratedText {
        try begin(seed: seed)
        var text = String.UnicodeScalarView()
        let ending = generate { text.append($0) }
        return GeneratedText(prompt: prompt, text: String(text), seed: seed, ending: ending)
    }

    /// The natural logarithm of a text's probability at temperature 1, given the prompt; nil if the
    /// model's output overflows.
    ///
    /// - Throws: `ChargenError` for a character that the model does not know.
    func logProbability(of text: GeneratedText) throws -> Double? {
        try begin(seed: text.seed)
        var sum = try session.score(text.text).logProbability
        if text.ending == .document, let end = session.model.vocabulary.endOfDocument {
            sum += session.logProbability(of: end)
        }
        return sum.isFinite ? sum : nil
    }
}
