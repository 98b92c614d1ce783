import InferenceEngine

/// The text by which the rounding of weights is chosen: the model's own, so that export needs no corpus.
enum Calibration {
    /// How many streams of how many symbols each. Five times as many symbols gained nothing.
    private static let streams = 50
    private static let length = 400

    /// What a model writes at temperature 1, always the same: rows of symbols, ends of documents among them.
    ///
    /// - Parameter bytes: The model's file.
    /// - Throws: `ChargenError`.
    static func text(from bytes: [UInt8]) throws -> [[Int]] {
        let model = try Model(bytes)
        let sessions = try (0..<streams).map { seed in
            let session = try Session(model)
            session.seed = UInt64(seed)
            return session
        }
        let batch = try Batch(model, capacity: streams)
        var text = [[Int]](repeating: [], count: streams)
        for _ in 0..<length {
            try batch.next(streams, { sessions[$0] }) { stream, character in
                let symbol =
                    character.flatMap { model.vocabulary.symbol(of: $0.value) } ?? model.vocabulary.endOfDocument
                // The model writes nothing that is not in its vocabulary.
                if let symbol { text[stream].append(symbol) }
            }
        }
        return text
    }
}
