import InferenceEngine

/// The text by which the rounding of weights is chosen: the model's own, so that export needs no corpus.
enum Calibration {
    /// How many streams of how many symbols each. Five times as many symbols gained nothing.
    private static let streams = 50
    private static let length = 400

    /// What a model generates at temperature 1, always the same: rows of symbols, ends of documents among them.
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
