import Core
import ModelFormat

/// A text of a model: everything that decides how it continues. Recurrent state, random generator
/// and settings.
///
/// A value: a copy continues independently. It holds no scratch memory; an ``Evaluator`` takes it
/// through the network.
struct Stream: ~Copyable {
    let model: Model
    private(set) var state: RecurrentState
    var sampler = Sampler()
    private(set) var constraint = TextConstraint()
    var unknownCharacters = Session.UnknownCharacterPolicy.fail
    /// What the pieces of a text that were fed have of a character whose end is in the next piece:
    /// a part of the text's place, like the recurrent state, which a copy and a snapshot have too.
    var unfinished = UnfinishedCharacter()
    /// Whether a text ended last, by what was chosen or read, and the stream not reset since.
    private(set) var hasEnded = false
    /// Changes with every step and reset, so that what was computed from the state can be
    /// recognised as outdated.
    private(set) var version = 0
    /// Set while a batch has this stream among its own.
    var isInBatch = false

    private var generator = SplitMix64(seed: 0)

    /// What the random generator starts from. Setting it restarts the generator.
    var seed: UInt64 = 0 {
        didSet { generator = SplitMix64(seed: seed) }
    }

    /// The beginning of a text, with default settings.
    ///
    /// - Throws: `outOfMemory`.
    init(_ model: Model) throws(ChargenError) {
        let state = try RecurrentState(model)
        self.model = model
        self.state = state
    }

    /// A copy that continues independently.
    ///
    /// - Throws: `outOfMemory`.
    func copy() throws(ChargenError) -> Stream {
        var copy = try Stream(model)
        copy.state.copy(state)
        copy.sampler = try sampler.copy()
        copy.constraint = try constraint.copy()
        copy.unknownCharacters = unknownCharacters
        copy.unfinished = unfinished
        copy.hasEnded = hasEnded
        copy.seed = seed
        copy.generator = generator
        return copy
    }

    /// Becomes the beginning of a text again. The settings stay.
    mutating func reset() {
        state.reset()
        generator = SplitMix64(seed: seed)
        sampler.clearText()
        constraint.restart()
        unfinished = UnfinishedCharacter()
        hasEnded = false
        version += 1
    }

    /// What is read before anything else, at the beginning of a text: the end-of-document symbol,
    /// if the model has one.
    ///
    /// A model without one has read nothing that could tell it what comes first. Before the text's
    /// first character is chosen or scored, a line break, if it knows one, is the likeliest thing
    /// before a text.
    func openingSymbol(beforeChoice: Bool) -> Int? {
        guard state.isAtBeginning else { return nil }
        return model.vocabulary.endOfDocument ?? (beforeChoice ? model.vocabulary.symbol(of: 0x0A) : nil)
    }

    /// Prepares for reading a symbol: the end of a document is read from a zero state, so that the
    /// next one begins as the first did.
    mutating func prepare(for symbol: Int) {
        if symbol == model.vocabulary.resetSymbol { state.clear() }
    }

    /// Sets the recurrent state to zero, as it is at the beginning of a text.
    mutating func clearState() {
        state.clear()
    }

    /// Notes that the hidden and cell states have been replaced.
    mutating func finishSettingState() {
        state.finishSetting()
        hasEnded = false
        version += 1
    }

    /// Notes a symbol of the text, before the network reads it.
    mutating func note(_ symbol: Int) {
        if sampler.hasWindow { sampler.note(symbol, model.vocabulary) }
        if symbol == model.vocabulary.endOfDocument { constraint.restart() }
    }

    /// Chooses the next symbol, which is never the unknown one.
    ///
    /// - Parameter logits: The unknown symbol's becomes −∞: its weight is then 0, and it is never
    ///   the largest, on every backend.
    /// - Returns: nil where the text is complete and there is no symbol for its end; the following
    ///   choice begins another text.
    mutating func choose(from logits: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<UInt32>) -> Int? {
        let mask: UnsafePointer<UInt16>?
        switch constraint.choice() {
        case .any: mask = nil
        case .symbols(let symbols): mask = symbols
        case .end:
            guard model.vocabulary.endOfDocument == nil else { return model.vocabulary.endOfDocument }
            constraint.restart()
            hasEnded = true
            return nil
        }
        if let unknown = model.vocabulary.unknown { logits[unknown] = -.infinity }
        let symbol = sampler.choose(
            from: logits, count: model.shape.vocabularySize, mask: mask, &generator, weights: weights, model.backend)
        if symbol != model.vocabulary.endOfDocument { constraint.advance(symbol) }
        return symbol
    }

    /// Changes which symbols the sampler excludes.
    ///
    /// - Throws: What `body` throws, or `invalidArgument` if the pattern would be left without a
    ///   text. Nothing has then changed.
    mutating func setExclusions(
        _ body: (inout Sampler, Vocabulary) throws(ChargenError) -> Void
    ) throws(ChargenError) {
        guard constraint.pattern != nil else { return try body(&sampler, model.vocabulary) }
        let old = try sampler.copy()
        do {
            try body(&sampler, model.vocabulary)
            try constraint.exclude(try sampler.excludedSymbols(model.vocabulary))
        } catch {
            sampler = old
            throw error
        }
    }

    /// Sets the pattern of the text that follows; nil for none.
    ///
    /// - Throws: `invalidArgument` if it belongs to another model, or no text of it is short enough
    ///   and has none of the excluded characters; `outOfMemory`. Nothing has then changed.
    mutating func setPattern(_ pattern: Pattern?) throws(ChargenError) {
        if let pattern, pattern.model !== model {
            throw ChargenError(.invalidArgument, "the pattern belongs to another model than the session")
        }
        try constraint.setPattern(pattern, try sampler.excludedSymbols(model.vocabulary))
    }

    /// Sets the most characters of a text; 0 for any number.
    ///
    /// - Throws: `invalidArgument` if the pattern has no text so short. Nothing has then changed.
    mutating func setMaximumLength(_ length: Int) throws(ChargenError) {
        try constraint.setMaximumLength(length)
    }

    /// Notes that the network has read symbols, the last of which it has written to the back
    /// buffer.
    ///
    /// - Parameter symbol: The last symbol of the text among them; nil if there is none.
    mutating func finishStep(read symbol: Int?) {
        state.swap()
        hasEnded = symbol != nil && symbol == model.vocabulary.endOfDocument
        version += 1
    }
}
