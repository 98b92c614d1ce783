import Core
import ModelFormat

/// A text that a model continues, with its settings.
///
///     let session = try Session(Model(contentsOf: "model.cgw"))
///     try session.feed("The ")
///     for character in session.prefix(200) { print(character, terminator: "") }
///
/// A session is used by one thread at a time. All its memory is allocated when it is made; a
/// generated character allocates nothing.
///
/// A model that was trained on more than one document has an end-of-document symbol. It reads that
/// symbol before anything else, so that the first character is one that begins a document, and
/// generates it where a document ends. As a sequence, a session ends there; the next iteration
/// gives another document, which begins from the same state as the first.
public final class Session: Sequence, IteratorProtocol {
    /// What to do with a character that the model does not know.
    public enum UnknownCharacterPolicy: Sendable {
        /// Read it as the model's unknown symbol, or refuse the text if the model has none.
        case fail
        /// Read the text as if the character were not there.
        case skip
    }

    /// The model, kept alive by the session.
    public let model: Model
    var stream: Stream
    private let evaluator: Evaluator
    /// The buffers of hidden states between the front and the back one, when several symbols are
    /// read at once.
    private let buffers: AlignedBuffer<UInt8>
    /// Memory for the probabilities of the next symbol, padded to whole vectors.
    private let probabilityBuffer: AlignedBuffer<Float>
    /// The version of the stream that the evaluator's logits belong to.
    private var logitsVersion: Int?

    /// The most symbols that go through the network at once when a text is read.
    private static var blockLength: Int { 16 }

    /// A session at the beginning of a text, with temperature 1, seed 0 and one thread.
    ///
    /// - Throws: `outOfMemory`.
    public convenience init(_ model: Model) throws(ChargenError) {
        try self.init(stream: try Stream(model))
    }

    private convenience init(stream: consuming Stream) throws(ChargenError) {
        let model = stream.model
        self.init(
            stream: stream, evaluator: try Evaluator(model, capacity: Session.blockLength, threads: 1),
            buffers: try AlignedBuffer(count: (Session.blockLength - 1) * model.stateLayout.length, for: "a session"),
            probabilities: try AlignedBuffer(count: padded(model.shape.vocabularySize), for: "a session"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        stream: consuming Stream, evaluator: Evaluator, buffers: AlignedBuffer<UInt8>,
        probabilities: AlignedBuffer<Float>
    ) {
        probabilityBuffer = probabilities
        model = stream.model
        self.stream = stream
        self.evaluator = evaluator
        self.buffers = buffers
    }

    /// A session at the same place of the same text, with the same settings, which continues
    /// independently on one thread.
    ///
    /// - Throws: `outOfMemory`.
    public func copy() throws(ChargenError) -> Session {
        try Session(stream: try stream.copy())
    }

    // MARK: - Settings

    /// The sampling temperature; 0 is greedy. See ``setTemperature(_:)``.
    public var temperature: Float { stream.sampler.temperature }

    /// Sets the sampling temperature.
    ///
    /// Probabilities are proportional to exp(logit / temperature): below 1 the distribution is
    /// sharpened, above 1 it is flattened. 0 always takes the likeliest character, the first in the
    /// vocabulary at a tie, and uses no randomness.
    ///
    /// - Throws: `invalidArgument` unless the temperature is 0 or from 0.001 to 1000.
    public func setTemperature(_ temperature: Float) throws(ChargenError) {
        try stream.sampler.setTemperature(temperature)
    }

    /// The seed, 0 at first. Setting it restarts the random generator; the text read and written so
    /// far stays.
    public var seed: UInt64 {
        get { stream.seed }
        set { stream.seed = newValue }
    }

    /// What reading does with an unknown character; it fails at first.
    public var unknownCharacters: UnknownCharacterPolicy {
        get { stream.unknownCharacters }
        set { stream.unknownCharacters = newValue }
    }

    /// The number of threads that work on each character, the caller's included. See
    /// ``setThreads(_:)``.
    public private(set) var threads = 1

    /// Sets the number of threads that work on each character, the caller's included: 1, as at
    /// first, to ``maximumThreads``.
    ///
    /// More than one pays for large models only. The text is the same. The session's own threads
    /// end with it.
    ///
    /// - Throws: `invalidArgument`, or `outOfMemory` when the system refuses a thread; the number
    ///   is then as before.
    public func setThreads(_ count: Int) throws(ChargenError) {
        try checkThreads(count)
        try evaluator.setThreads(count)
        threads = count
    }

    /// The most threads of a session or a batch.
    public static var maximumThreads: Int { 64 }

    /// Whether the end of a document was generated last, and nothing read nor the session reset
    /// since.
    public var hasEnded: Bool { stream.hasEnded }

    /// Goes to the beginning: forgets all text and restarts the random generator with its seed.
    /// Settings stay.
    public func reset() {
        stream.reset()
    }

    // MARK: - Reading

    /// Reads text as if it had been generated, so that what follows continues it.
    ///
    /// - Throws: `unknownCharacter`, unless the model has a symbol for such characters or they are
    ///   skipped; the session is then as before.
    /// - Complexity: one step of the network a character. The products with a layer's input are
    ///   done for several characters at once.
    public func feed(_ text: String) throws(ChargenError) {
        try withBytes(of: text) { (bytes) throws(ChargenError) in try feed(bytes) }
    }

    /// Reads text as ``feed(_:)-(String)`` does, and tells how probable it was.
    ///
    /// A character that is read as the unknown symbol counts with the probability that some unknown
    /// character comes next.
    ///
    /// - Throws: `unknownCharacter`, unless the model has a symbol for such characters or they are
    ///   skipped, which then do not count; the session is then as before.
    public func score(_ text: String) throws(ChargenError) -> TextScore {
        try withBytes(of: text) { (bytes) throws(ChargenError) in try score(bytes) }
    }

    /// Reads UTF-8 text; see ``feed(_:)-(String)``.
    ///
    /// - Throws: Also `invalidUTF8`.
    package func feed(_ text: UnsafeRawBufferPointer) throws(ChargenError) {
        let symbols = SymbolReader(text, for: stream)
        _ = try symbols.count()
        _ = read(symbols, opening: stream.openingSymbol(beforeChoice: false), score: false)
    }

    /// Reads one symbol as if it had been generated.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    package func feed(symbol: Int) {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        _ = read(CollectionOfOne(symbol), opening: stream.openingSymbol(beforeChoice: false), score: false)
    }

    /// Reads UTF-8 text, and tells how probable it was; see ``score(_:)-(String)``.
    ///
    /// - Throws: Also `invalidUTF8`.
    package func score(_ text: UnsafeRawBufferPointer) throws(ChargenError) -> TextScore {
        let symbols = SymbolReader(text, for: stream)
        let count = try symbols.count()
        let sum = read(symbols, opening: stream.openingSymbol(beforeChoice: true), score: true)
        return TextScore(logProbability: sum, characters: count)
    }

    /// Reads symbols as if they had been generated, and tells how probable they were; see
    /// ``score(_:)-(String)``.
    ///
    /// - Parameter symbols: Each 0 ..< the vocabulary's count.
    package func score(symbols: some Collection<Int>) -> Double {
        for symbol in symbols { precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol") }
        return read(symbols, opening: stream.openingSymbol(beforeChoice: true), score: true)
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
            stream.note(symbol)
            if symbol == model.vocabulary.resetSymbol {
                // Its probability follows from the state that is then left behind.
                if count > 0 { readBlock(count, score: score, addingTo: &sum) }
                count = 0
                if score { sum += logProbability(of: symbol) }
                advance(symbol)
                continue
            }
            evaluator.rows.pointer[count].symbol = symbol
            count += 1
            if count == evaluator.capacity {
                readBlock(count, score: score, addingTo: &sum)
                count = 0
            }
        }
        if count > 0 { readBlock(count, score: score, addingTo: &sum) }
        return sum
    }

    /// Takes the symbols of the evaluator's first rows through the network.
    ///
    /// - Parameters:
    ///   - generated: The symbol, if it is one that was generated.
    ///   - sum: What each symbol's log-probability is added to, one after the other, if they are to
    ///     be scored.
    private func readBlock(_ count: Int, generated: Int? = nil, score: Bool, addingTo sum: inout Double) {
        let rows = evaluator.rows.pointer
        var buffer = stream.state.front
        for row in 0..<count {
            rows[row].front = buffer
            buffer = UnsafeMutableRawPointer(buffers.pointer) + row * model.stateLayout.length
            rows[row].back = row == count - 1 ? stream.state.back : buffer
            rows[row].cells = stream.state.cellStates
        }
        evaluator.advanceSteps(count)
        if score {
            let logits = evaluator.computeLogits(count)
            for row in 0..<count {
                sum += takeLogProbability(of: rows[row].symbol, logits + row * evaluator.logitStride, model)
            }
        }
        stream.finishStep(generated: generated)
    }

    private func advance(_ symbol: Int, generated: Int? = nil) {
        var sum = 0.0
        stream.prepare(for: symbol)
        evaluator.rows.pointer[0].symbol = symbol
        readBlock(1, generated: generated, score: false, addingTo: &sum)
    }

    // MARK: - Writing

    /// Generates the next character and reads it.
    ///
    /// - Returns: The character, or nil at the end of a document; the next call then begins another
    ///   document.
    public func next() -> Unicode.Scalar? {
        let symbol = stream.choose(from: logits(), weights: evaluator.samplingWeights.pointer)
        stream.note(symbol)
        advance(symbol, generated: symbol)
        return model.vocabulary.character(of: symbol)
    }

    /// Generates text up to a limit or the end of a document, which ``hasEnded`` then tells.
    ///
    /// - Parameter limit: The most characters to generate.
    public func generate(limit: Int) -> String {
        var text = String.UnicodeScalarView()
        generate(limit: limit) { character in
            text.append(character)
            return true
        }
        return String(text)
    }

    /// Calls `body` with one generated character after the other, up to a limit or the end of a
    /// document.
    ///
    /// - Parameter body: Takes the character; returns whether to go on. It may use the session.
    package func generate(limit: Int, _ body: (Unicode.Scalar) -> Bool) {
        var count = 0
        while count < limit, let character = next() {
            guard body(character) else { return }
            count += 1
        }
    }

    /// Generates UTF-8 text into a buffer: whole characters, until one of the limits or the end of
    /// a document.
    ///
    /// - Parameter limit: The most characters to generate.
    /// - Returns: The number of bytes written.
    /// - Throws: `bufferTooSmall` when the buffer could not hold every character of the vocabulary,
    ///   unless the limit is 0; nothing is generated.
    package func generate(limit: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ChargenError) -> Int {
        let longest = model.vocabulary.maximumUTF8Length
        guard limit <= 0 || buffer.count >= longest else {
            throw ChargenError(
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

    /// The natural logarithm of the probability that `symbol` comes next, at temperature 1; NaN if
    /// the logits overflowed.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    package func logProbability(of symbol: Int) -> Double {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        let logits = logits()
        defer { logitsVersion = nil }
        return takeLogProbability(of: symbol, logits, model)
    }

    /// The probabilities at temperature 1 of what may come next: of each character in ascending
    /// order, then of the unknown symbol and of the end of a document, if the model has them; all
    /// NaN if the logits overflowed.
    public func probabilities() -> [Float] { Array(currentProbabilities()) }

    /// The probabilities of ``probabilities()``, in the session's memory, valid until its next
    /// call.
    package func currentProbabilities() -> UnsafeBufferPointer<Float> {
        writeProbabilities(of: logits(), to: probabilityBuffer.pointer, model)
        return UnsafeBufferPointer(start: probabilityBuffer.pointer, count: model.shape.vocabularySize)
    }

    /// The logits of the next symbol, one for each symbol of the vocabulary, valid during the call
    /// of `body`.
    package func withLogits<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        body(UnsafeBufferPointer(start: logits(), count: model.shape.vocabularySize))
    }

    /// The logits of the next symbol, computed unless they are there.
    private func logits() -> UnsafeMutablePointer<Float> {
        if let symbol = stream.openingSymbol(beforeChoice: true) { advance(symbol) }
        guard logitsVersion != stream.version else { return evaluator.logits }
        logitsVersion = stream.version
        evaluator.rows.pointer[0].front = stream.state.front
        return evaluator.computeLogits(1)
    }
}

/// Refuses an impossible number of threads.
func checkThreads(_ count: Int) throws(ChargenError) {
    guard (1...Session.maximumThreads).contains(count) else {
        throw ChargenError(.invalidArgument, "the number of threads must be from 1 to \(Session.maximumThreads)")
    }
}

/// Calls `body` with a text's UTF-8.
func withBytes<Result>(
    of text: String, _ body: (UnsafeRawBufferPointer) throws(ChargenError) -> Result
) throws(ChargenError) -> Result {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBufferPointer { (bytes) throws(ChargenError) in
        try body(UnsafeRawBufferPointer(bytes))
    }
}
