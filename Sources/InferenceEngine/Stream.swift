import Core
import KernelDispatch
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
    private var textHasEnded = false
    /// Generated text that is held back; nil without stop strings.
    private var held: HeldText?
    /// Why generating came to an end last; nil if it gave a character or has not begun.
    var endReason: EndReason?
    /// What the stream was before its last symbols; nil if they are not to be undone.
    private var undoRing: UndoRing?
    /// Whether the next symbol's place is in the ring already.
    private var isInStep = false
    /// Why the text ends whose end is chosen.
    private var chosenEnd = EndReason.document
    /// Whether nothing has been read but what every text begins with.
    private var isOpened = false
    /// Changes with every step and reset, so that what was computed from the state can be
    /// recognised as outdated.
    private(set) var version = 0
    /// Set while a batch has this stream among its own.
    var isInBatch = false

    private var generator = SplitMix64(seed: 0)

    /// What the random generator starts from. Setting it restarts the generator.
    var seed: UInt64 = 0 {
        didSet {
            generator = SplitMix64(seed: seed)
            dropOpenPlace()
        }
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
        if let initial = state.initial {
            try copy.state.makeInitial(model)
            copy.state.initial?.copy(initial)
        }
        copy.state.copy(state)
        copy.sampler = try sampler.copy()
        copy.constraint = try constraint.copy()
        copy.unknownCharacters = unknownCharacters
        copy.unfinished = unfinished
        copy.textHasEnded = textHasEnded
        if let held { copy.held = try held.copy() }
        copy.endReason = endReason
        copy.isOpened = isOpened
        copy.seed = seed
        copy.generator = generator
        return copy
    }

    // MARK: - Snapshots

    func write(_ writer: inout SnapshotWriter) {
        state.write(&writer)
        writer.write(textHasEnded)
        writer.write(seed)
        writer.write(generator.state)
        writer.write(unknownCharacters)
        unfinished.write(&writer)
        sampler.write(&writer)
        constraint.write(&writer)
        writer.write(held != nil)
        held?.write(&writer)
        // At the end, so that those without it are as they were before it existed.
        guard let initial = state.initial else { return }
        writer.write(isOpened)
        initial.write(&writer)
    }

    /// Becomes the stream that was written, from a new one of the same model.
    ///
    /// - Throws: `invalidSnapshot`, `outOfMemory`; the stream is then not to be used.
    mutating func read(_ reader: inout SnapshotReader) throws(ChargenError) {
        try state.read(&reader)
        textHasEnded = try reader.readBool()
        seed = try reader.read(UInt64.self)
        generator.state = try reader.read(UInt64.self)
        unknownCharacters = try reader.readPolicy(model.vocabulary)
        unfinished = try UnfinishedCharacter(&reader)
        try sampler.read(&reader, model.vocabulary)
        try constraint.read(&reader, model, try sampler.excludedSymbols(model.vocabulary))
        if try reader.readBool() { held = try HeldText(&reader, model.vocabulary) }
        if reader.hasMore {
            isOpened = try reader.readBool()
            try state.makeInitial(model)
            try state.initial?.read(&reader)
        }
    }

    /// The bytes of memory.
    var size: Int {
        state.size + sampler.size + constraint.size + (held?.size ?? 0) + (undoRing?.size ?? 0)
    }

    /// Becomes the beginning of a text again. The settings stay.
    mutating func reset() {
        state.reset()
        generator = SplitMix64(seed: seed)
        sampler.clearText()
        constraint.restart()
        unfinished = UnfinishedCharacter()
        held?.clear()
        forgetPlaces()
        endReason = nil
        textHasEnded = false
        isOpened = false
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

    // MARK: - Undo

    /// Whether symbols can be undone.
    var canUndo: Bool { undoRing != nil }

    /// The number of symbols that can be undone now.
    var undoCount: Int { (undoRing?.count ?? 0) - (isInStep ? 1 : 0) }

    /// Sets how many symbols can be undone, from now on.
    ///
    /// - Throws: `outOfMemory`; nothing has then changed.
    mutating func setUndo(_ capacity: Int) throws(ChargenError) {
        undoRing = capacity == 0 ? nil : try UndoRing(capacity: capacity, stateSize: state.savedSize)
        isInStep = false
    }

    /// Undoes symbols.
    ///
    /// - Parameter count: At most ``undoCount``.
    mutating func undo(_ count: Int) {
        for _ in 0..<count + (isInStep ? 1 : 0) {
            guard let (place, saved) = undoRing?.removeLast() else { return }
            state.restore(from: saved, isAtBeginning: place.isAtBeginning)
            generator.state = place.generator
            textHasEnded = place.textHasEnded
            constraint.undo(to: place.patternState, length: place.length)
            sampler.undo(to: place.window)
        }
        isInStep = false
        isOpened = false
        held?.removeLast(count)
        endReason = nil
        version += 1
    }

    /// Keeps the place before a symbol, unless that has been done.
    @inline(__always)
    mutating func beginStep() {
        if canUndo, !isInStep { keepPlace() }
    }

    private mutating func keepPlace() {
        isInStep = true
        let place = UndoRing.Place(
            generator: generator.state, isAtBeginning: state.isAtBeginning, textHasEnded: textHasEnded,
            patternState: constraint.state, length: constraint.length, window: sampler.windowPlace)
        if let saved = undoRing?.append(place) { state.save(to: saved) }
    }

    /// Forgets the place of a step that has begun: what it was kept of is replaced.
    private mutating func dropOpenPlace() {
        if isInStep { _ = undoRing?.removeLast() }
        isInStep = false
    }

    /// Forgets the places in the text, which new settings do not fit.
    private mutating func forgetPlaces() {
        undoRing?.removeAll()
        isInStep = false
    }

    // MARK: - Steps

    /// Prepares for reading a symbol: the end of a document is read from the initial state, so that
    /// the next one begins as the first did.
    mutating func prepare(for symbol: Int) {
        beginStep()
        if symbol == model.vocabulary.resetSymbol { state.clear() }
    }

    /// Sets the recurrent state to what it is at the beginning of a text.
    mutating func clearState() {
        state.clear()
    }

    // MARK: - Initial state

    /// Sets the weights of some labels, for the documents that begin from now on.
    mutating func setLabelWeights(from first: Int, count: Int, _ weight: (Int) -> Float) {
        guard let initial = state.initial else { return }
        for index in 0..<count { initial.weights.pointer[first + index] = weight(index) }
        initial.mix(model)
        finishSettingInitialState()
    }

    /// Sets the state that documents begin from; nil for that of no label.
    ///
    /// - Throws: `outOfMemory`; nothing has then changed.
    mutating func setInitialState(_ values: UnsafePointer<Float>?) throws(ChargenError) {
        try state.makeInitial(model)
        guard let initial = state.initial else { return }
        initial.weights.elements.update(repeating: 0)
        if let values {
            initial.values.pointer.update(from: values, count: initial.values.count)
        } else {
            initial.values.elements.update(repeating: 0)
            initial.mix(model)
        }
        finishSettingInitialState()
    }

    /// Takes over the labels of another stream of the same model.
    mutating func copyLabels(of other: borrowing Stream) {
        if let initial = other.state.initial { state.initial?.copy(initial) }
    }

    private mutating func finishSettingInitialState() {
        forgetPlaces()
        // After the end of a document, what begins the next one is read again.
        if isOpened || state.isAtBeginning || textHasEnded && model.vocabulary.resetSymbol != nil { state.reset() }
        isOpened = false
        version += 1
    }

    /// Notes that the hidden and cell states have been replaced.
    mutating func finishSettingState() {
        state.finishSetting()
        dropOpenPlace()
        held?.release()
        textHasEnded = false
        isOpened = false
        version += 1
    }

    /// Notes a symbol of the text, generated or given, before the network reads it.
    mutating func note(_ symbol: Int) {
        beginStep()
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
        beginStep()
        let mask: UnsafePointer<UInt16>?
        switch constraint.choice() {
        case .any: mask = nil
        case .symbols(let symbols): mask = symbols
        case .end(let reason):
            chosenEnd = reason
            guard model.vocabulary.endOfDocument == nil else { return model.vocabulary.endOfDocument }
            dropOpenPlace()
            constraint.restart()
            textHasEnded = true
            return nil
        }
        if let unknown = model.vocabulary.unknown { logits[unknown] = -.infinity }
        let symbol = sampler.choose(
            from: logits, count: model.shape.vocabularySize, mask: mask, &generator, weights: weights,
            model.backend.table)
        if symbol != model.vocabulary.endOfDocument {
            constraint.advance(symbol)
        } else {
            chosenEnd = constraint.reason(ofChosen: symbol)
        }
        return symbol
    }

    // MARK: - Output

    /// What generating gives.
    enum Output {
        case symbol(Int)
        case end(EndReason)
    }

    /// Whether a text ended last, its end has been given out, and the stream not been reset since.
    var hasEnded: Bool { textHasEnded && held?.isBeforeEnd != true }

    /// What is to be given out before anything else is generated; nil if there is nothing.
    mutating func takeHeld() -> Output? {
        guard held != nil else { return nil }
        return held?.take()
    }

    /// What is to be given out after a choice, which has been read; nil if it is held back.
    ///
    /// - Parameter choice: What ``choose(from:weights:)`` has returned.
    mutating func output(of choice: Int?) -> Output? {
        let isEnd = choice == nil || choice == model.vocabulary.endOfDocument
        guard held != nil else { return isEnd ? .end(chosenEnd) : choice.map { .symbol($0) } }
        if let choice, !isEnd {
            held?.append(choice)
        } else {
            held?.append(end: chosenEnd, hasSymbol: choice != nil)
        }
        return held?.take()
    }

    /// The character of an output; nil for an end, whose reason is noted.
    mutating func give(_ output: Output) -> Unicode.Scalar? {
        switch output {
        case .symbol(let symbol):
            endReason = nil
            return model.vocabulary.character(of: symbol)
        case .end(let reason):
            endReason = reason
            return nil
        }
    }

    /// The number of generated characters that have not been given out.
    var heldCount: Int { held?.count ?? 0 }

    /// Holds nothing back any more: symbols that are given follow.
    mutating func releaseHeld() {
        held?.follow()
    }

    /// Replaces the stop strings. What was held back is given out next.
    ///
    /// - Throws: `outOfMemory`; nothing has then changed.
    mutating func setStopStrings(_ stopStrings: StopStrings) throws(ChargenError) {
        held = try HeldText.changed(held, stopStrings)
    }

    // MARK: - Settings

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
            forgetPlaces()
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
        forgetPlaces()
    }

    /// Sets the most characters of a text; 0 for any number.
    ///
    /// - Throws: `invalidArgument` if the pattern has no text so short. Nothing has then changed.
    mutating func setMaximumLength(_ length: Int) throws(ChargenError) {
        try constraint.setMaximumLength(length)
        forgetPlaces()
    }

    /// Sets the penalties; see ``Sampler/setPenalties(repetition:frequency:window:_:)``.
    mutating func setPenalties(repetition: Float, frequency: Float, window: Int) throws(ChargenError) {
        let isOther = window != sampler.penaltyWindow
        try sampler.setPenalties(repetition: repetition, frequency: frequency, window: window, model.vocabulary)
        if isOther { forgetPlaces() }
    }

    /// Notes that the network has read symbols, the last of which it has written to the back
    /// buffer.
    ///
    /// - Parameter symbol: The last symbol of the text among them; nil if there is none.
    mutating func finishStep(read symbol: Int?) {
        state.swap()
        if symbol != nil { isInStep = false }
        isOpened = symbol == nil
        if symbol != nil { textHasEnded = symbol == model.vocabulary.endOfDocument }
        version += 1
    }
}
