import Core
import ModelFormat

// What may come next, by the model alone: at temperature 1, whatever the settings. A question
// changes nothing: the text goes on as if it had not been asked.
extension Session {
    /// The probabilities of what may come next: of each character in ascending order, then of the
    /// unknown symbol and of the end of a document, if the model has them; all NaN if the logits
    /// overflowed.
    public func probabilities() -> [Float] { Array(currentProbabilities()) }

    /// The natural logarithms of ``probabilities()``.
    public func logProbabilities() -> [Float] { Array(currentLogProbabilities()) }

    /// The logits of what may come next, in the order of ``probabilities()``.
    public func logits() -> [Float] { Array(currentLogits()) }

    /// The probability that a character comes next; NaN if the logits overflowed.
    ///
    /// - Parameter character: nil for the end of a document. One that the model does not know
    ///   stands for all such characters together, if the model has a symbol for them.
    /// - Throws: `unknownCharacter`.
    public func probability(of character: Unicode.Scalar?) throws(ChargenError) -> Float {
        let symbol = try knownSymbol(of: character)
        return currentProbabilities()[symbol]
    }

    /// The natural logarithm of the probability that a character comes next, as
    /// ``score(_:end:)-(String,_)`` would count it; see ``probability(of:)``.
    ///
    /// - Throws: `unknownCharacter`.
    public func logProbability(of character: Unicode.Scalar?) throws(ChargenError) -> Double {
        logProbability(of: try knownSymbol(of: character))
    }

    /// The likeliest characters with their probabilities, from the likeliest down.
    ///
    /// The order is that of the logits, at a tie that of the characters, where the end of a
    /// document, nil, is the last: the first one is what a session with temperature 0 generates.
    /// The unknown symbol is never among them.
    ///
    /// - Parameter count: The most characters, at least 0.
    /// - Complexity: O(characters · count) at most, beside the logits.
    public func likeliest(_ count: Int) -> [(character: Unicode.Scalar?, probability: Float)] {
        var symbols = [UInt32](repeating: 0, count: Swift.max(0, Swift.min(count, model.shape.vocabularySize)))
        let found = symbols.withUnsafeMutableBufferPointer { rankLikeliest($0) }
        let probabilities = currentProbabilities()
        return symbols[..<found].map { (model.vocabulary.character(of: Int($0)), probabilities[Int($0)]) }
    }

    // MARK: - In the session's memory

    /// The probabilities of ``probabilities()``, valid until the session's next call.
    package func currentProbabilities() -> UnsafeBufferPointer<Float> {
        writeProbabilities(
            of: logitPointer(), count: model.shape.vocabularySize, to: workspace.probabilities.pointer, model)
        return UnsafeBufferPointer(start: workspace.probabilities.pointer, count: model.shape.vocabularySize)
    }

    /// The logarithms of ``logProbabilities()``, valid until the session's next call.
    package func currentLogProbabilities() -> UnsafeBufferPointer<Float> {
        let logits = logitPointer()
        let logProbability = LogSoftmax(of: logits, exponentials: workspace.probabilities.pointer, model)
        for symbol in 0..<model.shape.vocabularySize {
            workspace.probabilities.pointer[symbol] = Float(logProbability(logits[symbol]))
        }
        return UnsafeBufferPointer(start: workspace.probabilities.pointer, count: model.shape.vocabularySize)
    }

    /// The logits of ``logits()``, valid until the session's next call.
    package func currentLogits() -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: logitPointer(), count: model.shape.vocabularySize)
    }

    /// The natural logarithm of the probability that `symbol` comes next; NaN if the logits
    /// overflowed.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    package func logProbability(of symbol: Int) -> Double {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        let logits = logitPointer()
        return LogSoftmax(of: logits, exponentials: workspace.probabilities.pointer, model)(logits[symbol])
    }

    /// Writes the likeliest symbols, as many as there is room for; see ``likeliest(_:)``.
    ///
    /// - Returns: The number of them.
    package func rankLikeliest(_ symbols: UnsafeMutableBufferPointer<UInt32>) -> Int {
        guard !symbols.isEmpty else { return 0 }
        let logits = logitPointer()
        // A NaN is like −∞.
        func rank(_ symbol: Int) -> Float { logits[symbol] > -.infinity ? logits[symbol] : -.infinity }
        var count = 0
        for symbol in 0..<model.shape.vocabularySize where symbol != model.vocabulary.unknown {
            if count < symbols.count {
                count += 1
            } else if rank(symbol) <= rank(Int(symbols[count - 1])) {
                continue
            }
            var place = count - 1
            while place > 0, rank(symbol) > rank(Int(symbols[place - 1])) {
                symbols[place] = symbols[place - 1]
                place -= 1
            }
            symbols[place] = UInt32(symbol)
        }
        return count
    }

    /// The symbol as which a character is read, whether or not such are skipped.
    ///
    /// - Parameter character: nil for the end of a document.
    /// - Throws: `unknownCharacter`.
    func knownSymbol(of character: Unicode.Scalar?) throws(ChargenError) -> Int {
        guard let character else { return try model.endOfDocument() }
        guard let symbol = model.vocabulary.symbol(of: character.value) ?? model.vocabulary.unknown else {
            throw ChargenError(.unknownCharacter, "\(described(character.value)) is not in the model's vocabulary")
        }
        return symbol
    }
}

extension Model {
    /// The symbol that ends a document.
    ///
    /// - Throws: `unknownCharacter` if there is none.
    func endOfDocument() throws(ChargenError) -> Int {
        guard let symbol = vocabulary.endOfDocument else {
            throw ChargenError(.unknownCharacter, "this model has not learned where documents end")
        }
        return symbol
    }
}
