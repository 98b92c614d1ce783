import KernelDispatch
import Kernels
import ModelFormat

/// Many sessions of one model, advanced together: one pass over the weights serves all of them.
///
/// A batch owns no session. Each call names those that take part, so sessions join and leave as they please, and each
/// gives the same text as it would alone. A batch is used by one thread at a time, and so are the sessions in a call.
public final class Batch {
    /// The model, kept alive by the batch.
    public let model: Model
    /// The most sessions in a call.
    public let capacity: Int

    private let stepper: Stepper
    /// For each session of a call, how far its text has been read.
    private let offsets: AlignedBuffer<Int>
    /// For each row of a step, which session it belongs to.
    private let sessionOfRow: AlignedBuffer<Int>

    /// The largest capacity.
    public static var maximumCapacity: Int { 65_536 }

    /// A batch of at most `capacity` sessions, on `threads` threads, the caller's included.
    ///
    /// - Throws: `invalidArgument` unless there are 1 to ``maximumCapacity`` sessions and 1 to
    ///   ``Session/maximumThreads`` threads; `outOfMemory`.
    public convenience init(_ model: Model, capacity: Int, threads: Int = 1) throws(ModelError) {
        guard (1...Batch.maximumCapacity).contains(capacity) else {
            throw ModelError(.invalidArgument, "the capacity must be from 1 to \(Batch.maximumCapacity) sessions")
        }
        try checkThreads(threads)
        self.init(
            model, stepper: try Stepper(model, capacity: capacity, threads: threads),
            offsets: try AlignedBuffer(count: capacity, for: "a batch"),
            sessionOfRow: try AlignedBuffer(count: capacity, for: "a batch"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(_ model: Model, stepper: Stepper, offsets: AlignedBuffer<Int>, sessionOfRow: AlignedBuffer<Int>) {
        self.model = model
        capacity = stepper.capacity
        self.stepper = stepper
        self.offsets = offsets
        self.sessionOfRow = sessionOfRow
    }

    /// Generates the next character of each session, and reads it.
    ///
    /// - Parameters:
    ///   - count: The number of sessions.
    ///   - session: A session by its number, each another one.
    ///   - body: Takes a session's number and character, or nil at the end of a document. It must not use the batch.
    /// - Throws: `invalidArgument`, before anything has happened: more sessions than the capacity, one of another model,
    ///   or one twice.
    public func next(
        _ count: Int, _ session: (Int) -> Session, _ body: (Int, Unicode.Scalar?) -> Void
    ) throws(ModelError) {
        try check(count, session)
        open(count, session, beforeChoice: true) { _ in true }
        for index in 0..<count { stepper.rows.pointer[index].previous = session(index).state.previous }
        let logits = stepper.computeLogits(count)
        for index in 0..<count {
            let symbol = session(index).choose(logits + index * stepper.logitStride)
            setRow(index, session(index), symbol)
        }
        stepper.advanceStreams(count)
        for index in 0..<count {
            session(index).turn()
        }
        for index in 0..<count { body(index, session(index).take(stepper.rows.pointer[index].symbol)) }
    }

    /// Has each session read a text; see ``Session/feed(_:)-(UnsafeRawBufferPointer)``.
    ///
    /// - Parameter text: A session's text, by the session's number.
    /// - Throws: As ``next(_:_:_:)``, and what is wrong with a text; no session has then read anything.
    public func feed(
        _ count: Int, _ session: (Int) -> Session, text: (Int) throws(ModelError) -> UnsafeRawBufferPointer
    ) throws(ModelError) {
        try read(count, session, text: text, score: nil)
    }

    /// Has each session read a text, and tells how probable it was; see ``Session/score(_:)-(UnsafeRawBufferPointer)``.
    ///
    /// - Parameters:
    ///   - text: A session's text, by the session's number.
    ///   - results: Room for `count` sums of log-probabilities.
    /// - Throws: As ``next(_:_:_:)``, and what is wrong with a text; no session has then read anything.
    public func score(
        _ count: Int, _ session: (Int) -> Session, text: (Int) throws(ModelError) -> UnsafeRawBufferPointer,
        results: UnsafeMutablePointer<Double>
    ) throws(ModelError) {
        try read(count, session, text: text, score: results)
    }

    private func read(
        _ count: Int, _ session: (Int) -> Session, text: (Int) throws(ModelError) -> UnsafeRawBufferPointer,
        score: UnsafeMutablePointer<Double>?
    ) throws(ModelError) {
        try check(count, session)
        for index in 0..<count {
            do {
                // A text without symbols leaves a session where it is: then there is no need for an opening either.
                offsets.pointer[index] = try SymbolReader(try text(index), of: session(index)).count() > 0 ? 0 : -1
            } catch {
                throw ModelError(error.kind, "session \(index): " + error.message)
            }
        }
        open(count, session, beforeChoice: score != nil) { offsets.pointer[$0] == 0 }
        for index in 0..<count { score?[index] = 0 }
        while true {
            var rows = 0
            for index in 0..<count where offsets.pointer[index] >= 0 {
                // Every text has been looked at once already.
                guard let bytes = try? text(index),
                    let symbol = SymbolReader(bytes, of: session(index)).symbol(at: &offsets.pointer[index])
                else {
                    offsets.pointer[index] = -1
                    continue
                }
                sessionOfRow.pointer[rows] = index
                setRow(rows, session(index), symbol)
                rows += 1
            }
            guard rows > 0 else { return }
            if let score {
                let logits = stepper.computeLogits(rows)
                for row in 0..<rows {
                    score[sessionOfRow.pointer[row]] += takeLogProbability(
                        of: stepper.rows.pointer[row].symbol, logits + row * stepper.logitStride, model)
                }
            }
            stepper.advanceStreams(rows)
            for row in 0..<rows { session(sessionOfRow.pointer[row]).readInBatch() }
        }
    }

    /// Has those sessions read their opening symbol that are at the beginning of a text.
    private func open(_ count: Int, _ session: (Int) -> Session, beforeChoice: Bool, _ takesPart: (Int) -> Bool) {
        var rows = 0
        for index in 0..<count where takesPart(index) {
            guard let symbol = session(index).openingSymbol(beforeChoice: beforeChoice) else { continue }
            sessionOfRow.pointer[rows] = index
            setRow(rows, session(index), symbol)
            rows += 1
        }
        guard rows > 0 else { return }
        stepper.advanceStreams(rows)
        for row in 0..<rows { session(sessionOfRow.pointer[row]).turn() }
    }

    private func setRow(_ row: Int, _ session: Session, _ symbol: Int) {
        let state = session.state
        stepper.rows.pointer[row] = Stepper.Row(
            previous: state.previous, next: state.next, cells: state.cellStates, symbol: symbol)
    }

    private func check(_ count: Int, _ session: (Int) -> Session) throws(ModelError) {
        guard count <= capacity else {
            throw ModelError(.invalidArgument, "\(count) sessions are more than the batch's capacity of \(capacity)")
        }
        defer { for index in 0..<count { session(index).isInBatch = false } }
        for index in 0..<count {
            guard session(index).model === model else {
                throw ModelError(.invalidArgument, "session \(index) belongs to another model than the batch")
            }
            guard !session(index).isInBatch else {
                throw ModelError(.invalidArgument, "session \(index) takes part twice")
            }
            session(index).isInBatch = true
        }
    }
}
