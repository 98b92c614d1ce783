import CSupport
import KernelDispatch
import Kernels
import ModelFormat

/// One stream of text from a model: its recurrent state, its settings and its random generator.
///
/// A session is used by one thread at a time. All its memory is allocated when it is made; a generated character
/// allocates nothing.
///
/// A model that was trained on more than one document has an end-of-document symbol. It reads that symbol before
/// anything else, so that the first character is one that begins a document, and generates it where a document ends.
public final class Session {
    /// What to do with a character that the model does not know.
    public enum UnknownCharacterPolicy: Sendable {
        /// Refuse the text.
        case fail
        /// Read the text as if the character were not there.
        case skip
    }

    /// The model, kept alive by the session.
    public let model: Model
    /// The sampling temperature; 0 is greedy. See ``setTemperature(_:)``.
    public private(set) var temperature: Float = 1
    /// What ``feed(_:)-(UnsafeRawBufferPointer)`` does with an unknown character; it fails at first.
    public var unknownCharacters = UnknownCharacterPolicy.fail
    /// Whether the symbol generated last was the end of a document.
    public private(set) var hasEnded = false

    private var seed: UInt64 = 0
    private var random = SplitMix64(seed: 0)
    var state: RecurrentState
    /// Set while a batch has this session among its own.
    var isInBatch = false

    private let stepper: Stepper
    /// The generations of hidden states between those of ``state``, when several symbols are read at once.
    private let generations: AlignedBuffer<UInt8>
    private let weights: AlignedBuffer<UInt32>
    private var logitsAreCurrent = false

    /// The most symbols that go through the network at once when a text is read.
    private static var blockLength: Int { 16 }

    /// A session at the beginning of a text, with temperature 1, seed 0 and one thread.
    ///
    /// - Throws: `outOfMemory`.
    public convenience init(_ model: Model) throws(ModelError) {
        let between = (Session.blockLength - 1) * model.stateLayout.length
        self.init(
            model, state: try RecurrentState(model),
            stepper: try Stepper(model, capacity: Session.blockLength, threads: 1),
            generations: try AlignedBuffer(count: between, for: "a session"),
            weights: try AlignedBuffer(count: padded(model.shape.vocabularySize), for: "a session"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        _ model: Model, state: RecurrentState, stepper: Stepper, generations: AlignedBuffer<UInt8>,
        weights: AlignedBuffer<UInt32>
    ) {
        self.model = model
        self.state = state
        self.stepper = stepper
        self.generations = generations
        self.weights = weights
    }

    // MARK: - Settings

    /// Sets the sampling temperature.
    ///
    /// Probabilities are proportional to exp(logit / temperature): below 1 the likely becomes likelier, above 1 the
    /// text grows wilder. 0 always takes the likeliest character, the first in the vocabulary at a tie, and uses no
    /// randomness.
    ///
    /// - Throws: `invalidArgument` unless the temperature is 0 or from 0.001 to 1000.
    public func setTemperature(_ temperature: Float) throws(ModelError) {
        guard temperature == 0 || (temperature >= 0.001 && temperature <= 1000) else {
            throw ModelError(.invalidArgument, "the temperature must be 0 (greedy) or from 0.001 to 1000")
        }
        self.temperature = temperature
    }

    /// Restarts the random generator with `seed`. The text read and written so far stays.
    public func setSeed(_ seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
    }

    /// Sets the number of threads that work on each character, the caller's included: 1, as at first, to
    /// ``maximumThreads``.
    ///
    /// More than one pays for large models only. The text is the same. The session's own threads end with it.
    ///
    /// - Throws: `invalidArgument`, or `outOfMemory` when the system refuses a thread; the number is then as before.
    public func setThreads(_ count: Int) throws(ModelError) {
        try checkThreads(count)
        try stepper.setThreads(count)
    }

    /// The most threads of a session or a batch.
    public static var maximumThreads: Int { 64 }

    /// Goes back to the beginning: forgets all text and restarts the random generator with its seed. Settings stay.
    public func reset() {
        state.reset()
        logitsAreCurrent = false
        random = SplitMix64(seed: seed)
        hasEnded = false
    }

    // MARK: - Reading

    /// Reads UTF-8 text as if it had been generated, so that what follows continues it.
    ///
    /// - Throws: `invalidUTF8`, or `unknownCharacter` unless such characters are skipped; the session is then as
    ///   before.
    /// - Complexity: one step of the network a character. The products with a layer's input are done for several
    ///   characters at once.
    public func feed(_ text: UnsafeRawBufferPointer) throws(ModelError) {
        let symbols = SymbolReader(text, of: self)
        _ = try symbols.count()
        _ = read(symbols, opening: openingSymbol(beforeChoice: false), score: false)
    }

    /// Reads text as if it had been generated; see ``feed(_:)-(UnsafeRawBufferPointer)``.
    public func feed(_ text: String) throws(ModelError) {
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBufferPointer { (bytes) throws(ModelError) in try feed(UnsafeRawBufferPointer(bytes)) }
    }

    /// Reads one symbol as if it had been generated.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    public func feed(symbol: Int) {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        _ = read(CollectionOfOne(symbol), opening: openingSymbol(beforeChoice: false), score: false)
    }

    /// Reads UTF-8 text as ``feed(_:)-(UnsafeRawBufferPointer)`` does, and tells how probable it was.
    ///
    /// - Returns: The sum of the natural logarithms of the probabilities, at temperature 1, of each character after those
    ///   before it, and the number of characters. Unknown characters that are skipped do not count. Not a number if the
    ///   logits overflowed.
    /// - Throws: As ``feed(_:)-(UnsafeRawBufferPointer)``.
    public func score(
        _ text: UnsafeRawBufferPointer
    ) throws(ModelError) -> (logProbability: Double, characters: Int) {
        let symbols = SymbolReader(text, of: self)
        let count = try symbols.count()
        return (read(symbols, opening: openingSymbol(beforeChoice: true), score: true), count)
    }

    /// Reads symbols as if they had been generated, and tells how probable they were; see
    /// ``score(_:)-(UnsafeRawBufferPointer)``.
    ///
    /// - Parameter symbols: Each 0 ..< the vocabulary's count.
    public func score(symbols: some Collection<Int>) -> Double {
        for symbol in symbols { precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol") }
        return read(symbols, opening: openingSymbol(beforeChoice: true), score: true)
    }

    /// Takes symbols through the network in blocks.
    ///
    /// - Parameter opening: A symbol to read before the first of them, which is not scored.
    /// - Returns: The sum of the symbols' log-probabilities if they are to be scored, otherwise 0.
    private func read(_ symbols: some Sequence<Int>, opening: Int?, score: Bool) -> Double {
        var sum = 0.0
        var count = 0
        var opening = opening
        for symbol in symbols {
            if let first = opening.take() { advance(first) }
            stepper.rows.pointer[count].symbol = symbol
            count += 1
            hasEnded = false
            if count == stepper.capacity {
                readBlock(count, score: score, addingTo: &sum)
                count = 0
            }
        }
        if count > 0 { readBlock(count, score: score, addingTo: &sum) }
        return sum
    }

    /// Takes the symbols of the stepper's first rows through the network.
    ///
    /// - Parameter sum: What each symbol's log-probability is added to, one after the other, if they are to be scored.
    private func readBlock(_ count: Int, score: Bool, addingTo sum: inout Double) {
        let rows = stepper.rows.pointer
        var generation = state.previous
        for row in 0..<count {
            rows[row].previous = generation
            generation = UnsafeMutableRawPointer(generations.pointer) + row * model.stateLayout.length
            rows[row].next = row == count - 1 ? state.next : generation
            rows[row].cells = state.cellStates
        }
        stepper.advanceSteps(count)
        if score {
            let logits = stepper.computeLogits(count)
            for row in 0..<count {
                sum += takeLogProbability(of: rows[row].symbol, logits + row * stepper.logitStride, model)
            }
        }
        turn()
    }

    // MARK: - Writing

    /// Generates the next character and reads it.
    ///
    /// - Returns: The character, or nil at the end of a document; the next call then begins another document.
    public func next() -> Unicode.Scalar? {
        prepareChoice()
        let symbol = choose(logits())
        advance(symbol)
        return take(symbol)
    }

    /// Calls `body` with one generated character after the other.
    ///
    /// - Parameters:
    ///   - limit: The most characters to generate; nil for no limit.
    ///   - body: Takes the character; returns whether to go on. It may use the session.
    /// - Note: Also stops at the end of a document, which ``hasEnded`` then tells.
    public func generate(limit: Int? = nil, _ body: (Unicode.Scalar) -> Bool) {
        var count = 0
        while limit.map({ count < $0 }) ?? true, let character = next() {
            guard body(character) else { return }
            count += 1
        }
    }

    /// Generates UTF-8 text into a buffer: whole characters, until one of the limits or the end of a document.
    ///
    /// - Parameter limit: The most characters to generate.
    /// - Returns: The number of bytes written.
    /// - Throws: `bufferTooSmall` when the buffer could not hold every character of the vocabulary; nothing is
    ///   generated.
    public func generate(limit: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ModelError) -> Int {
        let longest = model.vocabulary.maximumUTF8Length
        guard buffer.count >= longest else {
            throw ModelError(
                .bufferTooSmall,
                "a buffer of \(buffer.count) bytes cannot hold a character of this model, which takes up to \(longest)")
        }
        var length = 0
        var count = 0
        while count < limit, buffer.count - length >= longest, let character = next() {
            for byte in UTF8.encode(character).unsafelyUnwrapped {
                buffer[length] = byte
                length += 1
            }
            count += 1
        }
        return length
    }

    // MARK: - Probabilities

    /// The natural logarithm of the probability that `symbol` comes next, at temperature 1; not a number if the logits
    /// overflowed.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    public func logProbability(of symbol: Int) -> Double {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        prepareChoice()
        defer { logitsAreCurrent = false }
        return takeLogProbability(of: symbol, logits(), model)
    }

    /// The logits of the next symbol, one for each symbol of the vocabulary, valid during the call of `body`.
    public func withLogits<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        prepareChoice()
        return body(UnsafeBufferPointer(start: logits(), count: model.shape.vocabularySize))
    }

    // MARK: - Steps

    /// What is read before anything else, at the beginning of a text: the end-of-document symbol, if the model has one.
    ///
    /// A model without one has read nothing that could tell it what comes first. Before a choice, a line break, if it
    /// knows one, is the likeliest thing before a text.
    func openingSymbol(beforeChoice: Bool) -> Int? {
        guard state.isAtBeginning else { return nil }
        return model.vocabulary.endOfDocument ?? (beforeChoice ? model.vocabulary.symbol(of: 0x0A) : nil)
    }

    private func prepareChoice() {
        if let symbol = openingSymbol(beforeChoice: true) { advance(symbol) }
    }

    private func advance(_ symbol: Int) {
        var sum = 0.0
        stepper.rows.pointer[0].symbol = symbol
        readBlock(1, score: false, addingTo: &sum)
    }

    private func logits() -> UnsafeMutablePointer<Float> {
        guard !logitsAreCurrent else { return stepper.logits }
        stepper.rows.pointer[0].previous = state.previous
        logitsAreCurrent = true
        return stepper.computeLogits(1)
    }

    /// Chooses the next symbol by its logit, as the settings say.
    func choose(_ logits: UnsafePointer<Float>) -> Int {
        let count = model.shape.vocabularySize
        guard temperature > 0 else { return model.backend.indexOfMaximum(logits, count) }
        let word = random.next()
        let total = model.backend.sampleWeights(logits, count, 1 / temperature, weights.pointer)
        // The logits overflowed.
        guard total > 0 else { return model.backend.indexOfMaximum(logits, count) }
        return model.backend.pickSymbol(weights.pointer, count, total, word)
    }

    /// Notes that a symbol has been generated and read.
    ///
    /// - Returns: Its character, or nil for the end of a document.
    func take(_ symbol: Int) -> Unicode.Scalar? {
        let character = model.vocabulary.character(of: symbol)
        hasEnded = character == nil
        return character
    }

    /// Notes that a batch has taken this session through the network.
    func turn() {
        state.turn()
        logitsAreCurrent = false
    }

    /// Notes that a batch has had this session read a symbol of a text.
    func readInBatch() {
        turn()
        hasEnded = false
    }
}

/// Refuses an impossible number of threads.
func checkThreads(_ count: Int) throws(ModelError) {
    guard (1...Session.maximumThreads).contains(count) else {
        throw ModelError(.invalidArgument, "the number of threads must be from 1 to \(Session.maximumThreads)")
    }
}
