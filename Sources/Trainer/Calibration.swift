import InferenceEngine

/// The text by which the rounding of weights to int4 is chosen: the model's own, so that export
/// needs no corpus.
enum Calibration {
    /// The rows of the text.
    private static let streams = 50
    /// The symbols of a row. Five times as many make the rounding no better.
    private static let length = 400

    /// What a model generates at temperature 1: rows of symbols, ends of documents included. The
    /// same model gives the same text.
    ///
    /// - Throws: `ChargenError`.
    static func text(from model: Model) throws -> [[Int]] {
        let sessions = try (0..<streams).map { seed in
            let session = try Session(model)
            session.seed = UInt64(seed)
            return session
        }
        let batch = try Batch(model, capacity: streams)
        var text = [[Int]](repeating: [], count: streams)
        for _ in 0..<length {
            for (stream, character) in try batch.next(sessions).enumerated() {
                let symbol =
                    character.flatMap { model.vocabulary.symbol(of: $0.value) } ?? model.vocabulary.endOfDocument
                // The model generates nothing that is not in its vocabulary.
                if let symbol { text[stream].append(symbol) }
            }
        }
        return text
    }
}
