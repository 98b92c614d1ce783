import Training

/// A text that a model has generated.
struct GeneratedText {
    /// Why a text is over.
    enum Ending: String, Encodable {
        /// The model ended the document.
        case document
        /// The text to stop after was generated.
        case until
        /// The most characters were generated.
        case length
    }

    let prompt: String
    /// What continues the prompt.
    let text: String
    let seed: UInt64
    let ending: Ending

    private struct Line: Encodable {
        let prompt: String
        let text: String
        let characters: Int
        let seed: UInt64
        let ending: Ending
        let logProbability: Double?
    }

    /// The text as a line of JSON, without the line feed.
    func jsonLine(logProbability: Double?) throws -> String {
        let line = Line(
            prompt: prompt, text: text, characters: text.unicodeScalars.count, seed: seed, ending: ending,
            logProbability: logProbability)
        return try JSON.string(line)
    }
}
