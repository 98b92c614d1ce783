import Core
import ModelFormat

// The settings of a session that decide which character is chosen, beside temperature and seed.
// docs/sampling.md tells the order in which they apply, and each one to the bit.
extension Session {
    /// The most characters to choose from, the likeliest ones; 0, as at first, or at least the
    /// number of characters, for all.
    public var topK: Int { stream.sampler.topK }

    /// Restricts the choice to the `count` likeliest characters.
    ///
    /// - Throws: `invalidArgument` if the count is negative.
    public func setTopK(_ count: Int) throws(ChargenError) {
        guard count >= 0 else {
            throw ChargenError(.invalidArgument, "top-k must be 0 (all characters) or a number of characters")
        }
        stream.sampler.topK = count
    }

    /// The share of the probability to choose from; 1, as at first, for all of it.
    public var topP: Float { stream.sampler.topP }

    /// Restricts the choice to the fewest of the likeliest characters that together have more than
    /// this share of the probability.
    ///
    /// - Throws: `invalidArgument` unless it is from 0, the likeliest character only, to 1.
    public func setTopP(_ share: Float) throws(ChargenError) {
        try stream.sampler.setTopP(share)
    }

    /// The least probability to choose, as a part of the likeliest character's; 0 at first.
    public var minP: Float { stream.sampler.minP }

    /// Restricts the choice to characters that are at least this part as probable as the likeliest.
    ///
    /// - Throws: `invalidArgument` unless it is from 0 to 1.
    public func setMinP(_ part: Float) throws(ChargenError) {
        try stream.sampler.setMinP(part)
    }

    /// What is subtracted from the logit of each character in the window, once; 0 at first.
    public var repetitionPenalty: Float { stream.sampler.repetitionPenalty }
    /// What is subtracted from a character's logit for each time that it is in the window; 0 at
    /// first.
    public var frequencyPenalty: Float { stream.sampler.frequencyPenalty }
    /// The number of characters, the last ones read or generated, that count for the penalties; 0
    /// at first.
    public var penaltyWindow: Int { stream.sampler.penaltyWindow }

    /// Makes characters less probable that have come a short time ago.
    ///
    /// A penalty of p makes a character e^p times less probable in proportion to others; a negative
    /// one makes it more probable. A window of another length is empty at first; otherwise the
    /// characters in it stay. It becomes empty when the session is reset, and where a document
    /// ends, unless the model carries its state into the next.
    ///
    /// - Throws: `invalidArgument` unless both penalties are from −1000 to 1000 and the window is
    ///   from 0 to ``maximumPenaltyWindow``; `outOfMemory`. Nothing has then changed.
    public func setPenalties(repetition: Float, frequency: Float, window: Int) throws(ChargenError) {
        try stream.setPenalties(repetition: repetition, frequency: frequency, window: window)
    }

    /// The most characters in the window of the penalties.
    public static var maximumPenaltyWindow: Int { 65_536 }

    /// What is added to the logit of a character; 0 at first, −∞ if it is banned.
    ///
    /// - Parameter character: nil for the end of a document.
    /// - Returns: 0 for what the model does not know.
    public func bias(of character: Unicode.Scalar?) -> Float {
        symbol(of: character).map { stream.sampler.bias(of: $0) } ?? 0
    }

    /// Makes a character more or less probable: by a factor of e^bias in proportion to others.
    ///
    /// - Parameters:
    ///   - bias: From −1000 to 1000; −∞ bans the character.
    ///   - character: nil for the end of a document.
    /// - Throws: `invalidArgument` for another bias, or if no character and no end of a document
    ///   would be left; `unknownCharacter`; `outOfMemory`. Nothing has then changed.
    public func setBias(_ bias: Float, of character: Unicode.Scalar?) throws(ChargenError) {
        guard let symbol = symbol(of: character) else {
            throw ChargenError(
                .unknownCharacter,
                character.map { "\(described($0.value)) is not in the model's vocabulary" }
                    ?? "this model has not learned where documents end")
        }
        guard (bias == -.infinity) != (self.bias(of: character) == -.infinity) else {
            return try stream.sampler.setBias(bias, of: symbol, model.vocabulary)
        }
        try stream.setExclusions { (sampler, vocabulary) throws(ChargenError) in
            try sampler.setBias(bias, of: symbol, vocabulary)
        }
    }

    /// Restricts generated text to some characters. Documents end as before.
    ///
    /// - Parameter text: The characters, in any order; an empty text for all that the model knows.
    /// - Throws: `unknownCharacter`, unless the model has a symbol for such characters or they are
    ///   skipped; `invalidArgument` if no character and no end of a document would be left;
    ///   `outOfMemory`. Nothing has then changed.
    public func setAllowedCharacters(_ text: String) throws(ChargenError) {
        try withBytes(of: text) { (bytes) throws(ChargenError) in try setAllowedCharacters(bytes) }
    }

    /// Restricts generated text to the characters of a UTF-8 text; see
    /// ``setAllowedCharacters(_:)-(String)``.
    ///
    /// - Throws: Also `invalidUTF8`.
    package func setAllowedCharacters(_ text: UnsafeRawBufferPointer) throws(ChargenError) {
        let symbols = SymbolReader(text, for: stream)
        _ = try symbols.count()
        try stream.setExclusions { (sampler, vocabulary) throws(ChargenError) in
            try sampler.setAllowed(text.isEmpty ? nil : symbols, vocabulary)
        }
    }

    /// Whether a character may be generated: the model knows it, and it is neither banned nor
    /// outside the allowed set.
    ///
    /// - Parameter character: nil for the end of a document.
    public func allows(_ character: Unicode.Scalar?) -> Bool {
        symbol(of: character).map { stream.sampler.allows($0) } ?? false
    }

    private func symbol(of character: Unicode.Scalar?) -> Int? {
        character.map { model.vocabulary.symbol(of: $0.value) } ?? model.vocabulary.endOfDocument
    }
}
