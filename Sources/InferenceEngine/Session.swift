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
/// generates it where a document ends. As a sequence, a session ends there, as it does at a stop
/// string; the next iteration gives another document, which begins from the same state as the
/// first.
public final class Session: Sequence, IteratorProtocol {
    /// What to do with a character that the model does not know.
    public enum UnknownCharacterPolicy: Equatable, Sendable {
        /// Read it as the model's unknown symbol, or refuse the text if the model has none.
        case fail
        /// Read the text as if the character were not there.
        case skip
        /// Read this character in its place; as with ``fail`` if the model does not know this one
        /// either.
        case replace(Unicode.Scalar)
        /// Read the character that is nearest to it, see ``Model/nearestCharacter(to:)``; as with
        /// ``fail`` if there is none.
        case nearest
    }

    /// The model, kept alive by the session.
    public let model: Model
    var stream: Stream
    let workspace: Workspace
    /// Ends long calls.
    private(set) var interrupt = InterruptFlag()

    /// A session at the beginning of a text, with temperature 1, seed 0 and one thread.
    ///
    /// - Throws: `outOfMemory`.
    public convenience init(_ model: Model) throws(ChargenError) {
        self.init(stream: try Stream(model), workspace: try Workspace(model))
    }

    /// A session of the same model, as a new one is, that shares with another one the memory that
    /// does not belong to the text: some hundred kilobytes for a large model, where a text needs
    /// some ten. They also share their threads.
    ///
    /// Sessions that share memory are used by one thread at a time, together. Each may end first.
    ///
    /// - Throws: `outOfMemory`.
    public convenience init(sharing session: Session) throws(ChargenError) {
        self.init(stream: try Stream(session.model), workspace: session.workspace)
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    init(stream: consuming Stream, workspace: Workspace) {
        model = stream.model
        self.stream = stream
        self.workspace = workspace
    }

    deinit {
        // Another session may get this one's address.
        workspace.releaseLogits()
    }

    /// A session at the same place of the same text, with the same settings, which continues
    /// independently on one thread.
    ///
    /// - Throws: `outOfMemory`.
    public func copy() throws(ChargenError) -> Session {
        Session(stream: try stream.copy(), workspace: try Workspace(model))
    }

    private var evaluator: Evaluator { workspace.evaluator }

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
    public var threads: Int { workspace.threads }

    /// The bytes of memory that the session has for its own text and settings.
    public var size: Int { stream.size }

    /// The bytes of memory that the session works in, which others may share: see
    /// ``init(sharing:)``.
    public var sharedSize: Int { workspace.size }

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
        try workspace.setThreads(count)
    }

    /// The most threads of a session or a batch.
    public static var maximumThreads: Int { 64 }

    /// Sets a flag that ends calls: as soon as it is not 0, what feeds or scores text throws
    /// `interrupted`, and what generates text ends, with ``EndReason/interrupt``. The session is
    /// then at a whole character, and can be used further.
    ///
    /// The flag is read before each character that is generated, and every few milliseconds of
    /// reading.
    ///
    /// - Parameter flag: nil for none, as at first. It must be valid until another one is set or
    ///   the session has ended. Any thread, or a signal handler, may set it.
    public func setInterrupt(_ flag: UnsafePointer<Int32>?) {
        interrupt = InterruptFlag(flag)
    }

    /// Whether the end of a document was generated or read last, and the session not reset since.
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
    ///   skipped; the session is then as before. `interrupted`; see ``setInterrupt(_:)``.
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
    /// - Parameter end: Whether to read and count the end of the document after the text.
    /// - Throws: `unknownCharacter`, unless the model has a symbol for such characters or they are
    ///   skipped, which then do not count, and for an end that the model has not learned; the
    ///   session is then as before. `interrupted`; see ``setInterrupt(_:)``.
    public func score(_ text: String, end: Bool = false) throws(ChargenError) -> TextScore {
        try withBytes(of: text) { (bytes) throws(ChargenError) in try score(bytes, end: end) }
    }

    /// Reads UTF-8 text; see ``feed(_:)-(String)``.
    ///
    /// - Throws: Also `invalidUTF8`.
    package func feed(_ text: UnsafeRawBufferPointer) throws(ChargenError) {
        let symbols = SymbolReader(text, for: stream)
        _ = try symbols.count()
        guard read(symbols) else { throw ChargenError.interrupted }
    }

    /// Reads a character as if it had been generated, or the end of a document: what ``next()``
    /// has given.
    ///
    /// - Parameter character: nil for the end of a document.
    /// - Throws: `unknownCharacter`, unless the model has a symbol for such characters or they are
    ///   skipped; also for an end that the model has not learned.
    public func feed(character: Unicode.Scalar?) throws(ChargenError) {
        guard let character else {
            let end = try model.endOfDocument()
            guard read(CollectionOfOne(end)) else { throw ChargenError.interrupted }
            return
        }
        var bytes: UInt32 = 0
        for byte in character.utf8.reversed() { bytes = bytes << 8 | UInt32(byte) }
        try withUnsafeBytes(of: bytes.littleEndian) { (bytes) throws(ChargenError) in
            try feed(UnsafeRawBufferPointer(rebasing: bytes[..<character.utf8.count]))
        }
    }

    /// Reads one symbol as if it had been generated.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    package func feed(symbol: Int) {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        _ = read(CollectionOfOne(symbol))
    }

    /// Reads UTF-8 text, and tells how probable it was; see ``score(_:end:)-(String,_)``.
    ///
    /// - Throws: Also `invalidUTF8`.
    package func score(_ text: UnsafeRawBufferPointer, end: Bool = false) throws(ChargenError) -> TextScore {
        let symbols = SymbolReader(text, for: stream)
        let count = try symbols.count()
        let endSymbol = end ? try model.endOfDocument() : nil
        var scores = ScoreSum()
        try read(symbols, scores: &scores)
        if let endSymbol { try read(CollectionOfOne(endSymbol), scores: &scores) }
        return TextScore(logProbability: scores.sum, characters: endSymbol == nil ? count : count + 1)
    }

    /// Reads symbols as if they had been generated, and tells how probable they were; see
    /// ``score(_:end:)-(String,_)``.
    ///
    /// - Parameter symbols: Each 0 ..< the vocabulary's count.
    package func score(symbols: some Collection<Int>) -> Double {
        for symbol in symbols { precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol") }
        var scores: ScoreSum? = ScoreSum()
        _ = read(symbols, opening: stream.openingSymbol(beforeChoice: true), &scores)
        return scores?.sum ?? 0
    }

    /// Takes symbols through the network in blocks.
    ///
    /// - Returns: Whether all have been read, and the call not been interrupted.
    func read(_ symbols: some Sequence<Int>) -> Bool {
        var scores: ScoreSum?
        return read(symbols, opening: stream.openingSymbol(beforeChoice: false), &scores)
    }

    /// Takes symbols through the network in blocks, and adds up their log-probabilities.
    ///
    /// - Throws: `interrupted`.
    func read(_ symbols: some Sequence<Int>, scores: inout ScoreSum) throws(ChargenError) {
        var result: ScoreSum? = scores
        guard read(symbols, opening: stream.openingSymbol(beforeChoice: true), &result) else {
            throw ChargenError.interrupted
        }
        if let result { scores = result }
    }

    /// - Parameters:
    ///   - opening: A symbol to read before the first one, which is not scored.
    ///   - scores: nil if the symbols are not to be scored.
    /// - Returns: Whether all have been read, and the call not been interrupted.
    private func read(_ symbols: some Sequence<Int>, opening: Int?, _ scores: inout ScoreSum?) -> Bool {
        var count = 0
        var opening = opening
        // A flag is to be seen within a few milliseconds.
        var length = stream.canUndo ? 1 : evaluator.capacity
        if interrupt.exists { length = Swift.min(length, Swift.max(1, (16 << 20) / model.weightLength)) }
        for symbol in symbols {
            if count == 0 {
                guard !interrupt.isSet else { return false }
                stream.releaseHeld()
            }
            if let first = opening.take() { advance(first, isText: false) }
            stream.note(symbol)
            if symbol == model.vocabulary.resetSymbol {
                // Its probability follows from the state that is then left behind.
                if count > 0 { readBlock(count, &scores) }
                count = 0
                if scores != nil { scores?.add(logProbability(of: symbol)) }
                advance(symbol)
                continue
            }
            evaluator.rows.pointer[count].symbol = symbol
            count += 1
            if count == length {
                readBlock(count, &scores)
                count = 0
            }
        }
        if count > 0 { readBlock(count, &scores) }
        return true
    }

    /// Takes the symbols of the evaluator's first rows through the network.
    ///
    /// - Parameters:
    ///   - isText: Whether the last of them belongs to the text.
    ///   - scores: What each symbol's log-probability is added to, one after the other, unless nil.
    private func readBlock(_ count: Int, isText: Bool = true, _ scores: inout ScoreSum?) {
        let rows = evaluator.rows.pointer
        var buffer = stream.state.front
        for row in 0..<count {
            rows[row].front = buffer
            buffer = UnsafeMutableRawPointer(workspace.buffers.pointer) + row * model.stateLayout.length
            rows[row].back = row == count - 1 ? stream.state.back : buffer
            rows[row].cells = stream.state.cellStates
        }
        evaluator.advanceSteps(count)
        if scores != nil {
            workspace.releaseLogits()
            let logits = evaluator.computeLogits(count)
            for row in 0..<count {
                scores?.add(takeLogProbability(of: rows[row].symbol, logits + row * evaluator.logitStride, model))
            }
        }
        stream.finishStep(read: isText ? rows[count - 1].symbol : nil)
    }

    private func advance(_ symbol: Int, isText: Bool = true) {
        var scores: ScoreSum?
        stream.prepare(for: symbol)
        evaluator.rows.pointer[0].symbol = symbol
        readBlock(1, isText: isText, &scores)
    }

    // MARK: - Writing

    /// Generates the next character and reads it.
    ///
    /// - Returns: The character, or nil at the end of a document, after which the next call begins
    ///   another document, or at another end, which ``endReason`` tells.
    public func next() -> Unicode.Scalar? {
        stream.give(nextOutput())
    }

    private func nextOutput() -> Stream.Output {
        if let output = stream.takeHeld() { return output }
        while true {
            guard !interrupt.isSet else { return .end(.interrupt) }
            if let output = stream.output(of: choose()) { return output }
        }
    }

    /// Chooses the next symbol, and reads it.
    ///
    /// - Returns: nil where a text ends that has no symbol for its end.
    private func choose() -> Int? {
        if let symbol = stream.openingSymbol(beforeChoice: true) { advance(symbol, isText: false) }
        guard let symbol = stream.choose(from: logitPointer(), weights: evaluator.samplingWeights.pointer) else {
            return nil
        }
        stream.note(symbol)
        advance(symbol)
        return symbol
    }

    /// Generates text up to a limit, the end of a document or a stop string, which ``endReason``
    /// then tells.
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

    /// Calls `body` with one generated character after the other, up to a limit, the end of a
    /// document or a stop string.
    ///
    /// - Parameter body: Takes the character; returns whether to go on. It may use the session.
    package func generate(limit: Int, _ body: (Unicode.Scalar) -> Bool) {
        var count = 0
        while count < limit {
            guard let character = next() else { return }
            guard body(character) else {
                stream.endReason = .caller
                return
            }
            count += 1
        }
        stream.endReason = .limit
    }

    /// Generates UTF-8 text into a buffer: whole characters, until one of the limits, the end of a
    /// document or a stop string.
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
        while count < limit {
            guard buffer.count - length >= longest else {
                stream.endReason = .room
                return length
            }
            guard let character = next() else { return length }
            for byte in UTF8.encode(character).unsafelyUnwrapped {
                buffer[length] = byte
                length += 1
            }
            count += 1
        }
        stream.endReason = .limit
        return length
    }

    // MARK: - Logits

    /// The logits of the next symbol, one for each symbol of the vocabulary, valid during the call
    /// of `body`.
    package func withLogits<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        body(currentLogits())
    }

    /// Reads what every text begins with that may follow, unless something has been read.
    func readOpening() {
        if let symbol = stream.openingSymbol(beforeChoice: false) { advance(symbol, isText: false) }
    }

    /// The logits of the next symbol, computed unless they are there. A text that has not begun
    /// still has not.
    func logitPointer() -> UnsafeMutablePointer<Float> {
        readOpening()
        guard !workspace.claimLogits(for: self, version: stream.version) else { return evaluator.logits }
        var front = stream.state.front
        let opening = stream.openingSymbol(beforeChoice: true)
        if let opening {
            // A text that is fed begins without it, so that it is read into other memory.
            let back = UnsafeMutableRawPointer(workspace.buffers.pointer)
            evaluator.rows.pointer[0] = Evaluator.Row(
                front: front, back: back, cells: stream.state.cellStates, symbol: opening)
            evaluator.advanceSteps(1)
            front = back
        }
        evaluator.rows.pointer[0].front = front
        let logits = evaluator.computeLogits(1)
        if opening != nil { stream.clearState() }
        return logits
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
