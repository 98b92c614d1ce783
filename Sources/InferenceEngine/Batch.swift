import Core
import ModelFormat

/// Many sessions of one model, advanced together: one pass over the weights serves all of them.
///
/// A batch owns no session. Each call names those that take part, so sessions join and leave as
/// they please, and each gives the same text as it would alone. A batch is used by one thread at a
/// time, and so are the sessions in a call.
public final class Batch {
    /// The model, kept alive by the batch.
    public let model: Model
    /// The most sessions in a call.
    public let capacity: Int

    private let evaluator: Evaluator
    /// For each session of a call, how far its text has been read.
    private let offsets: AlignedBuffer<Int>
    /// For each row of a step, which session it belongs to.
    private let sessionOfRow: AlignedBuffer<Int>
    /// The sessions that have not given anything in this call yet, with what each has chosen.
    private let waiting: AlignedBuffer<Waiting>
    private var interrupt = InterruptFlag()

    private struct Waiting: BitwiseCopyable {
        var session: Int
        var choice: Int?
    }

    /// The largest capacity.
    public static var maximumCapacity: Int { 65_536 }

    /// A batch of at most `capacity` sessions, on `threads` threads, the caller's included.
    ///
    /// - Throws: `invalidArgument` unless there are 1 to ``maximumCapacity`` sessions and 1 to
    ///   ``Session/maximumThreads`` threads; `outOfMemory`.
    public convenience init(_ model: Model, capacity: Int, threads: Int = 1) throws(ChargenError) {
        guard (1...Batch.maximumCapacity).contains(capacity) else {
            throw ChargenError(.invalidArgument, "the capacity must be from 1 to \(Batch.maximumCapacity) sessions")
        }
        try checkThreads(threads)
        self.init(
            model, evaluator: try Evaluator(model, capacity: capacity, threads: threads),
            offsets: try AlignedBuffer(count: capacity, for: "a batch"),
            sessionOfRow: try AlignedBuffer(count: capacity, for: "a batch"),
            waiting: try AlignedBuffer(count: capacity, for: "a batch"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        _ model: Model, evaluator: Evaluator, offsets: AlignedBuffer<Int>, sessionOfRow: AlignedBuffer<Int>,
        waiting: AlignedBuffer<Waiting>
    ) {
        self.model = model
        capacity = evaluator.capacity
        self.evaluator = evaluator
        self.offsets = offsets
        self.sessionOfRow = sessionOfRow
        self.waiting = waiting
    }

    /// Sets a flag that ends calls: as soon as it is not 0, they throw `interrupted`. Each session
    /// is then at a whole character. See ``Session/setInterrupt(_:)``; the sessions' own flags are
    /// not read.
    public func setInterrupt(_ flag: UnsafePointer<Int32>?) {
        interrupt = InterruptFlag(flag)
    }

    // MARK: - Sessions

    /// Generates the next character of each session, and reads it.
    ///
    /// - Parameter sessions: At most ``capacity``, each another one.
    /// - Returns: A character for each session, or nil at the end of a document or at a stop
    ///   string, as ``Session/endReason`` tells.
    /// - Throws: `invalidArgument`, before anything has happened: more sessions than the capacity,
    ///   one of another model, or one twice. `interrupted`, also before that.
    public func next(_ sessions: [Session]) throws(ChargenError) -> [Unicode.Scalar?] {
        var characters = [Unicode.Scalar?](repeating: nil, count: sessions.count)
        try next(sessions.count, { sessions[$0] }) { characters[$0] = $1 }
        return characters
    }

    /// Has each session read a text; see ``Session/feed(_:)-(String)``.
    ///
    /// - Parameter texts: One for each session.
    /// - Throws: As ``next(_:)``, and what is wrong with a text; no session has then read anything.
    public func feed(_ sessions: [Session], _ texts: [String]) throws(ChargenError) {
        _ = try read(sessions, texts, score: false)
    }

    /// Has each session read a text, and tells how probable each was; see
    /// ``Session/score(_:end:)-(String,_)``.
    ///
    /// - Parameters:
    ///   - texts: One for each session.
    ///   - end: Whether to read and count the end of a document after each text.
    /// - Throws: As ``next(_:)``, and what is wrong with a text; no session has then read anything.
    public func score(
        _ sessions: [Session], _ texts: [String], end: Bool = false
    ) throws(ChargenError) -> [TextScore] {
        try read(sessions, texts, score: true, end: end)
    }

    private func read(
        _ sessions: [Session], _ texts: [String], score: Bool, end: Bool = false
    ) throws(ChargenError) -> [TextScore] {
        guard sessions.count == texts.count else {
            throw ChargenError(
                .invalidArgument, "each session needs one text: sessions \(sessions.count), texts \(texts.count)")
        }
        // All texts in one array: it gives one pointer that stays valid.
        var ends: [Int] = []
        var bytes: [UInt8] = []
        for text in texts {
            bytes += text.utf8
            ends.append(bytes.count)
        }
        var results = [Double](repeating: 0, count: sessions.count)
        var counts = [Int](repeating: 0, count: sessions.count)
        try bytes.withUnsafeBufferPointer { (bytes) throws(ChargenError) in
            let bytes = UnsafeRawBufferPointer(bytes)
            func text(_ index: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
            }
            try results.withUnsafeMutableBufferPointer { (results) throws(ChargenError) in
                try read(
                    sessions.count, { sessions[$0] }, text: text, score: score ? results.baseAddress : nil, end: end)
            }
            for index in sessions.indices {
                counts[index] = try SymbolReader(text(index), for: sessions[index].stream).count() + (end ? 1 : 0)
            }
        }
        return sessions.indices.map { TextScore(logProbability: results[$0], characters: counts[$0]) }
    }

    // MARK: - Streams

    /// Generates the next character of each session, and reads it; see ``next(_:)``.
    ///
    /// - Parameters:
    ///   - count: The number of sessions.
    ///   - session: A session by its number, each another one.
    ///   - body: Takes a session's number and character, or nil at an end. It must not use the
    ///     batch.
    package func next(
        _ count: Int, _ session: (Int) -> Session, _ body: (Int, Unicode.Scalar?) -> Void
    ) throws(ChargenError) {
        try check(count, session)
        try interrupt.check()
        open(count, session, beforeChoice: true) { _ in true }
        var waitingCount = 0
        for index in 0..<count {
            // One reference a session and loop: counting it is a part of a small step.
            let one = session(index)
            waiting.pointer[waitingCount].session = index
            if !give(index, one, one.stream.takeHeld(), body) { waitingCount += 1 }
        }
        // A session that holds back what it has generated goes on until there is something to give.
        while waitingCount > 0 {
            choose(waitingCount, session)
            var left = 0
            for place in 0..<waitingCount {
                let (index, choice) = (waiting.pointer[place].session, waiting.pointer[place].choice)
                let one = session(index)
                waiting.pointer[left].session = index
                if !give(index, one, one.stream.output(of: choice), body) { left += 1 }
            }
            waitingCount = left
        }
    }

    /// Passes on what a session gives.
    ///
    /// - Returns: Whether there was anything.
    private func give(
        _ index: Int, _ session: Session, _ output: Stream.Output?, _ body: (Int, Unicode.Scalar?) -> Void
    ) -> Bool {
        guard let output else { return false }
        body(index, session.stream.give(output))
        return true
    }

    /// Chooses the next symbol of each waiting session, and has it read that.
    private func choose(_ count: Int, _ session: (Int) -> Session) {
        for place in 0..<count {
            evaluator.rows.pointer[place].front = session(waiting.pointer[place].session).stream.state.front
        }
        let logits = evaluator.computeLogits(count)
        var rows = 0
        for place in 0..<count {
            let index = waiting.pointer[place].session
            let one = session(index)
            let choice = one.stream.choose(
                from: logits + place * evaluator.logitStride, weights: evaluator.samplingWeights.pointer)
            waiting.pointer[place].choice = choice
            guard let choice else { continue }
            one.stream.note(choice)
            sessionOfRow.pointer[rows] = index
            setRow(rows, one, choice)
            rows += 1
        }
        if rows > 0 { advance(rows, session, isText: true) }
    }

    /// Has each session read a UTF-8 text; see ``feed(_:_:)``.
    ///
    /// - Parameter text: A session's text, by the session's number.
    package func feed(
        _ count: Int, _ session: (Int) -> Session, text: (Int) throws(ChargenError) -> UnsafeRawBufferPointer
    ) throws(ChargenError) {
        try read(count, session, text: text, score: nil, end: false)
    }

    /// Has each session read a UTF-8 text, and tells how probable it was; see ``score(_:_:end:)``.
    ///
    /// - Parameters:
    ///   - text: A session's text, by the session's number.
    ///   - end: Whether to read and count the end of a document after each text.
    ///   - results: Room for `count` sums of log-probabilities.
    package func score(
        _ count: Int, _ session: (Int) -> Session, text: (Int) throws(ChargenError) -> UnsafeRawBufferPointer,
        end: Bool = false, results: UnsafeMutablePointer<Double>
    ) throws(ChargenError) {
        try read(count, session, text: text, score: results, end: end)
    }

    private func read(
        _ count: Int, _ session: (Int) -> Session, text: (Int) throws(ChargenError) -> UnsafeRawBufferPointer,
        score: UnsafeMutablePointer<Double>?, end: Bool
    ) throws(ChargenError) {
        try check(count, session)
        let endSymbol = end ? try model.endOfDocument() : nil
        for index in 0..<count {
            do {
                // A text without symbols leaves a session where it is: then there is no need for an
                // opening either.
                let symbols = try SymbolReader(try text(index), for: session(index).stream).count()
                offsets.pointer[index] = symbols > 0 || end ? 0 : Batch.isRead
            } catch {
                throw ChargenError(error.kind, "session \(index): " + error.message)
            }
        }
        open(count, session, beforeChoice: score != nil) { offsets.pointer[$0] == 0 }
        for index in 0..<count { score?[index] = 0 }
        while true {
            try interrupt.check()
            var rows = 0
            for index in 0..<count where offsets.pointer[index] != Batch.isRead {
                // Every text has been checked once already.
                guard let bytes = try? text(index),
                    let symbol = nextSymbol(index, bytes, session(index).stream, end: endSymbol)
                else { continue }
                sessionOfRow.pointer[rows] = index
                evaluator.rows.pointer[rows].front = session(index).stream.state.front
                evaluator.rows.pointer[rows].symbol = symbol
                rows += 1
            }
            guard rows > 0 else { return }
            if let score {
                let logits = evaluator.computeLogits(rows)
                for row in 0..<rows {
                    score[sessionOfRow.pointer[row]] += takeLogProbability(
                        of: evaluator.rows.pointer[row].symbol, logits + row * evaluator.logitStride, model)
                }
            }
            // After the logits: the end of a document clears the state that they follow from.
            for row in 0..<rows {
                let session = session(sessionOfRow.pointer[row])
                session.stream.releaseHeld()
                session.stream.note(evaluator.rows.pointer[row].symbol)
                setRow(row, session, evaluator.rows.pointer[row].symbol)
            }
            advance(rows, session, isText: true)
        }
    }

    /// The next symbol that a session reads: of its text, and then the end of the document if that
    /// is wanted. nil if all is read.
    private func nextSymbol(
        _ index: Int, _ text: UnsafeRawBufferPointer, _ stream: borrowing Stream, end: Int?
    ) -> Int? {
        if let symbol = SymbolReader(text, for: stream).symbol(at: &offsets.pointer[index]) { return symbol }
        offsets.pointer[index] = Batch.isRead
        return end
    }

    /// In place of an offset.
    private static var isRead: Int { -1 }

    /// Has those sessions read their opening symbol that are at the beginning of a text.
    private func open(_ count: Int, _ session: (Int) -> Session, beforeChoice: Bool, _ takesPart: (Int) -> Bool) {
        var rows = 0
        for index in 0..<count where takesPart(index) {
            guard let symbol = session(index).stream.openingSymbol(beforeChoice: beforeChoice) else { continue }
            sessionOfRow.pointer[rows] = index
            setRow(rows, session(index), symbol)
            rows += 1
        }
        if rows > 0 { advance(rows, session, isText: false) }
    }

    /// Takes the sessions of the first `rows` rows through the network.
    ///
    /// - Parameter isText: Whether what they read belongs to their texts.
    private func advance(_ rows: Int, _ session: (Int) -> Session, isText: Bool) {
        evaluator.advanceStreams(rows)
        for row in 0..<rows {
            session(sessionOfRow.pointer[row]).stream.finishStep(
                read: isText ? evaluator.rows.pointer[row].symbol : nil)
        }
    }

    private func setRow(_ row: Int, _ session: Session, _ symbol: Int) {
        session.stream.prepare(for: symbol)
        evaluator.rows.pointer[row] = Evaluator.Row(
            front: session.stream.state.front, back: session.stream.state.back, cells: session.stream.state.cellStates,
            symbol: symbol)
    }

    private func check(_ count: Int, _ session: (Int) -> Session) throws(ChargenError) {
        guard count <= capacity else {
            throw ChargenError(.invalidArgument, "\(count) sessions are more than the batch's capacity of \(capacity)")
        }
        defer { for index in 0..<count { session(index).stream.isInBatch = false } }
        for index in 0..<count {
            guard session(index).model === model else {
                throw ChargenError(.invalidArgument, "session \(index) belongs to another model than the batch")
            }
            guard !session(index).stream.isInBatch else {
                throw ChargenError(.invalidArgument, "session \(index) takes part twice")
            }
            session(index).stream.isInBatch = true
        }
    }
}
