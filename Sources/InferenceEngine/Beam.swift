import CSupport
import Core
import ModelFormat

/// Finds likely continuations of a text by beam search.
///
///     let beam = try Beam(model, width: 10, length: 20)
///     for continuation in try beam.search(from: session) { print(continuation.text) }
///
/// The search keeps the ``width`` likeliest texts at each length, and goes on from all of them
/// together, with one pass over the weights. A text whose document has ended stays as it is. What
/// begins with an unlikely character and becomes likely later may be missed: a wider beam finds
/// more of it.
///
/// A beam is used by one thread at a time. Its memory is allocated when it is made; a search
/// allocates nothing but its result.
public final class Beam {
    /// The model, kept alive by the beam.
    public let model: Model
    /// The most continuations that a search finds.
    public let width: Int
    /// The most characters of a continuation.
    public let length: Int

    private let evaluator: Evaluator
    /// The recurrent states of the texts, and those of the texts that they become.
    private var states: BeamStates
    private var nextStates: BeamStates
    private var hypotheses: AlignedBuffer<Hypothesis>
    private var nextHypotheses: AlignedBuffer<Hypothesis>
    /// The number of them: after a search, of the continuations that it has found.
    package private(set) var count = 0
    /// What each text ends with after each step: ``width`` of them a step.
    private let steps: AlignedBuffer<Step>
    /// The texts of the result, NUL-terminated, each at the end of its part.
    private let texts: AlignedBuffer<UInt8>
    private let exponentials: AlignedBuffer<Float>
    private var interrupt = InterruptFlag()

    /// A text that may become longer.
    private struct Hypothesis: BitwiseCopyable {
        var logProbability: Double
        var step: Step
        /// Whether its document has ended.
        var hasEnded = false
        /// The length of its UTF-8, once the search is done.
        var byteCount = 0
    }

    private struct Step: BitwiseCopyable {
        /// The rank of the text before it.
        var previous: Int32
        /// The symbol that follows that, or ``none`` if its document has ended before.
        var symbol: Int32
        static var none: Int32 { -1 }
    }

    /// The largest width and length.
    public static var maximumSize: Int { 1024 }

    /// A beam of at most `width` continuations of at most `length` characters, on `threads`
    /// threads, the caller's included.
    ///
    /// - Throws: `invalidArgument` unless both are from 1 to ``maximumSize`` and there are 1 to
    ///   ``Session/maximumThreads`` threads; `outOfMemory`.
    public convenience init(_ model: Model, width: Int, length: Int, threads: Int = 1) throws(ChargenError) {
        guard (1...Beam.maximumSize).contains(width), (1...Beam.maximumSize).contains(length) else {
            throw ChargenError(
                .invalidArgument, "the width and the length of a beam must be from 1 to \(Beam.maximumSize)")
        }
        try checkThreads(threads)
        self.init(
            model, length: length, evaluator: try Evaluator(model, capacity: width, threads: threads),
            states: (try BeamStates(model, count: width), try BeamStates(model, count: width)),
            hypotheses: (
                try AlignedBuffer(count: width, for: "a beam"), try AlignedBuffer(count: width, for: "a beam")
            ),
            steps: try AlignedBuffer(count: width * length, for: "a beam"),
            texts: try AlignedBuffer(
                count: width * (length * model.vocabulary.maximumUTF8Length + 1), for: "a beam"),
            exponentials: try AlignedBuffer(count: padded(model.shape.vocabularySize), for: "a beam"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        _ model: Model, length: Int, evaluator: Evaluator, states: (BeamStates, BeamStates),
        hypotheses: (AlignedBuffer<Hypothesis>, AlignedBuffer<Hypothesis>), steps: AlignedBuffer<Step>,
        texts: AlignedBuffer<UInt8>, exponentials: AlignedBuffer<Float>
    ) {
        self.model = model
        self.length = length
        width = evaluator.capacity
        self.evaluator = evaluator
        (self.states, nextStates) = states
        (self.hypotheses, nextHypotheses) = hypotheses
        self.steps = steps
        self.texts = texts
        self.exponentials = exponentials
    }

    /// Sets a flag that ends searches: as soon as it is not 0, a search throws `interrupted`, and
    /// has found nothing. See ``Session/setInterrupt(_:)``.
    public func setInterrupt(_ flag: UnsafePointer<Int32>?) {
        interrupt = InterruptFlag(flag)
    }

    // MARK: - Search

    /// Finds likely continuations of a session's text, the likeliest first.
    ///
    /// Probabilities are the model's, at temperature 1, whatever the session's settings. A text is
    /// as long as asked for, or ends where its document ends. Where two have the same probability,
    /// that one is first whose text without its last character is; else the one with the lower last
    /// character, an end being the last. The session's text does not go on.
    ///
    /// - Parameter length: The characters of a continuation, 1 to ``length``; if nil, ``length``.
    /// - Returns: At most ``width``; fewer only if there are no more, or if logits overflowed.
    /// - Throws: `invalidArgument` for another length, or a session of another model;
    ///   `interrupted`.
    public func search(from session: Session, length: Int? = nil) throws(ChargenError) -> [Continuation] {
        let count = try find(session, length: length ?? self.length)
        return (0..<count).map { rank in
            let text = UnsafeRawBufferPointer(text(rank))
            return Continuation(
                text: String(decoding: text, as: UTF8.self), logProbability: logProbability(rank),
                hasEnded: hasEnded(rank))
        }
    }

    /// Finds likely continuations; see ``search(from:length:)``.
    ///
    /// - Returns: The number of them.
    package func find(_ session: Session, length: Int) throws(ChargenError) -> Int {
        guard session.model === model else {
            throw ChargenError(.invalidArgument, "the session belongs to another model than the beam")
        }
        guard (1...self.length).contains(length) else {
            throw ChargenError(
                .invalidArgument, "the length must be from 1 to \(self.length) characters, the length of the beam")
        }
        begin(with: session)
        var stepCount = 0
        while stepCount < length, extend(stepCount) {
            if interrupt.isSet {
                count = 0
                throw ChargenError.interrupted
            }
            stepCount += 1
            if stepCount < length { advance() }
        }
        writeTexts(stepCount)
        return count
    }

    /// Makes the session's text the only hypothesis.
    private func begin(with session: Session) {
        states.set(0, to: session.stream.state)
        let opening = session.stream.openingSymbol(beforeChoice: true)
        hypotheses.pointer[0] = Hypothesis(
            logProbability: 0, step: Step(previous: 0, symbol: Int32(opening ?? 0)))
        count = 1
        if opening != nil { advance() }
    }

    /// Replaces the hypotheses by the likeliest of those that are a symbol longer.
    ///
    /// - Parameter stepCount: The symbols of each so far.
    /// - Returns: Whether any could become longer; otherwise all stay as they are.
    private func extend(_ stepCount: Int) -> Bool {
        var rows = 0
        for rank in 0..<count where !hasEnded(rank) {
            evaluator.rows.pointer[rows].front = states.hidden(rank)
            rows += 1
        }
        guard rows > 0 else { return false }
        var logits = evaluator.computeLogits(rows)
        var nextCount = 0
        for rank in 0..<count {
            let previous = hypotheses.pointer[rank].logProbability
            guard !hasEnded(rank) else {
                insert(previous, Step(previous: Int32(rank), symbol: Step.none), &nextCount)
                continue
            }
            let logProbability = LogSoftmax(of: logits, exponentials: exponentials.pointer, model)
            for symbol in 0..<model.shape.vocabularySize where symbol != model.vocabulary.unknown {
                insert(
                    previous + logProbability(logits[symbol]), Step(previous: Int32(rank), symbol: Int32(symbol)),
                    &nextCount)
            }
            logits += evaluator.logitStride
        }
        count = nextCount
        swap(&hypotheses, &nextHypotheses)
        for rank in 0..<count { steps.pointer[stepCount * width + rank] = hypotheses.pointer[rank].step }
        return true
    }

    /// Inserts a hypothesis behind all that are as likely, if there is room. One whose probability
    /// is 0 or NaN is left out.
    private func insert(_ logProbability: Double, _ step: Step, _ count: inout Int) {
        let next = nextHypotheses.pointer
        guard logProbability > (count < width ? -.infinity : next[width - 1].logProbability) else { return }
        if count < width { count += 1 }
        var rank = count - 1
        while rank > 0, logProbability > next[rank - 1].logProbability {
            next[rank] = next[rank - 1]
            rank -= 1
        }
        next[rank] = Hypothesis(
            logProbability: logProbability, step: step,
            hasEnded: step.symbol == Step.none || Int(step.symbol) == model.vocabulary.endOfDocument)
    }

    /// Takes the hypotheses' last symbols through the network.
    private func advance() {
        var rows = 0
        for rank in 0..<count where !hasEnded(rank) {
            let step = hypotheses.pointer[rank].step
            // Several may go on from the same hidden states, which they only read.
            nextStates.copyCells(rank, from: states, Int(step.previous))
            evaluator.rows.pointer[rows] = Evaluator.Row(
                front: states.hidden(Int(step.previous)), back: nextStates.hidden(rank),
                cells: nextStates.cells(rank), symbol: Int(step.symbol))
            rows += 1
        }
        if rows > 0 { evaluator.advanceStreams(rows) }
        swap(&states, &nextStates)
    }

    // MARK: - Result

    /// The natural logarithm of a continuation's probability.
    ///
    /// - Parameter rank: 0 ..< what the last search has returned.
    package func logProbability(_ rank: Int) -> Double { hypotheses.pointer[rank].logProbability }

    /// Whether a continuation's document has ended.
    package func hasEnded(_ rank: Int) -> Bool { hypotheses.pointer[rank].hasEnded }

    /// The UTF-8 of a continuation, which a NUL follows, valid until the next search.
    package func text(_ rank: Int) -> UnsafeBufferPointer<UInt8> {
        let length = hypotheses.pointer[rank].byteCount
        return UnsafeBufferPointer(start: textEnd(rank) - length, count: length)
    }

    /// Where a continuation's NUL is.
    private func textEnd(_ rank: Int) -> UnsafeMutablePointer<UInt8> {
        texts.pointer + (rank + 1) * (texts.count / width) - 1
    }

    /// Writes the texts from their ends, where the steps lead back from.
    private func writeTexts(_ stepCount: Int) {
        for rank in 0..<count {
            var place = textEnd(rank)
            var step = Step(previous: Int32(rank), symbol: Step.none)
            for index in stride(from: stepCount - 1, through: 0, by: -1) {
                step = steps.pointer[index * width + Int(step.previous)]
                guard step.symbol != Step.none, let character = model.vocabulary.character(of: Int(step.symbol)) else {
                    continue
                }
                let bytes = UTF8.encode(character).unsafelyUnwrapped
                place -= bytes.count
                var target = place
                for byte in bytes {
                    target.pointee = byte
                    target += 1
                }
            }
            hypotheses.pointer[rank].byteCount = textEnd(rank) - place
        }
    }
}

/// A text that may follow, with its probability.
public struct Continuation: Equatable, Sendable {
    /// The text, without what it continues.
    public let text: String
    /// The natural logarithm of its probability, the end of a document included if it has one: what
    /// ``Session/score(_:end:)-(String,_)`` gives for it.
    public let logProbability: Double
    /// Whether the document ends after it.
    public let hasEnded: Bool
}

/// Recurrent states of a model, one beside the other.
private struct BeamStates {
    private let layout: StateLayout
    private let buffer: AlignedBuffer<UInt8>
    private let cellBuffer: AlignedBuffer<Float>
    /// The floats of a state's cells.
    private let cellCount: Int

    init(_ model: Model, count: Int) throws(ChargenError) {
        layout = model.stateLayout
        cellCount = model.shape.cell.hasCellState ? layout.layers * layout.width : 0
        buffer = try AlignedBuffer(count: count * layout.length, for: "a beam")
        cellBuffer = try AlignedBuffer(count: count * cellCount, for: "a beam")
    }

    func hidden(_ index: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(buffer.pointer) + index * layout.length
    }

    func cells(_ index: Int) -> UnsafeMutablePointer<Float> { cellBuffer.pointer + index * cellCount }

    func set(_ index: Int, to state: borrowing RecurrentState) {
        memcpy(hidden(index), state.front, layout.length)
        memcpy(cells(index), state.cellStates, cellCount * MemoryLayout<Float>.size)
    }

    func copyCells(_ index: Int, from other: BeamStates, _ source: Int) {
        memcpy(cells(index), other.cells(source), cellCount * MemoryLayout<Float>.size)
    }
}
