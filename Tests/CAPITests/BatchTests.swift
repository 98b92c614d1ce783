import CAPI
import CChargen
import Testing

@Suite("Batches")
struct BatchTests {
    static let prompts = ["", "a", "abé€😀 and more than a block of it".filter { "abcdeé€😀 ".contains($0) }, "€"]

    /// Sessions that differ in their settings.
    private func sessions(_ model: CModel) -> [CSession] {
        Self.prompts.indices.map { index in
            let session = CSession(model)
            #expect(chargen_session_set_seed(session.handle, UInt64(index)) == CHARGEN_OK)
            #expect(chargen_session_set_temperature(session.handle, 0.5 * Float(index)) == CHARGEN_OK)
            return session
        }
    }

    @Test("Each session gives the same text as alone, whatever its prompt and settings", arguments: [1, 2])
    func sameText(threads: Int) throws {
        let model = try CModel()
        let (together, alone) = (sessions(model), sessions(model))
        let batch = CBatch(model, capacity: 4, threads: threads)
        #expect(batch.feed(together, Self.prompts) == CHARGEN_OK)
        for (session, prompt) in zip(alone, Self.prompts) { #expect(session.feed(prompt) == CHARGEN_OK) }
        for _ in 0..<100 {
            let next = batch.next(together)
            #expect(next.status == CHARGEN_OK)
            #expect(next.symbols == alone.map { $0.next() })
            #expect(
                together.map { chargen_session_ended($0.handle) } == alone.map { chargen_session_ended($0.handle) })
        }
    }

    @Test("Scores are those taken alone, and leave the sessions in the same place")
    func score() throws {
        let model = try CModel()
        let (together, alone) = (sessions(model), sessions(model))
        let score = CBatch(model, capacity: 9).score(together, Self.prompts)
        #expect(score.status == CHARGEN_OK)
        #expect(score.logProbabilities == zip(alone, Self.prompts).map { $0.score($1).logProbability })
        #expect(together.map { $0.symbols(30) } == alone.map { $0.symbols(30) })
    }

    @Test("Sessions join and leave, in any order, and work alone in between")
    func joining() throws {
        let model = try CModel()
        let expected = sessions(model).map { $0.symbols(60) }
        let batched = sessions(model)
        let batch = CBatch(model, capacity: 3)
        var symbols = batched.map { _ in [UInt32]() }
        for step in 0..<200 {
            let numbers = [step % 4, (step + 3) % 4, (step / 3 + step + 1) % 4]
            let part = numbers.indices.filter { numbers.firstIndex(of: numbers[$0]) == $0 }.map { numbers[$0] }
            for (number, symbol) in zip(part, batch.next(part.map { batched[$0] }).symbols) {
                symbols[number].append(symbol)
            }
            symbols[step % 4].append(batched[step % 4].next())
        }
        #expect(symbols.map { Array($0.prefix(60)) } == expected)
    }

    @Test("A batch, its model and its sessions may be freed in any order")
    func freeOrder() throws {
        var model: CModel? = try CModel()
        let expected = try CSession(#require(model)).symbols(20)
        let session = try CSession(#require(model))
        var batch: CBatch? = try CBatch(#require(model), capacity: 1, threads: 2)
        model = nil
        let first = try #require(batch?.next([session])).symbols
        batch = nil
        #expect(first + session.symbols(19) == expected)
    }

    @Test(
        "An impossible capacity or number of threads is refused",
        arguments: [(0, 1), (65_537, 1), (-1, 1), (Int.max, 1), (1, 0), (1, 65), (1, -1)])
    func limits(capacity: Int, threads: Int) throws {
        let model = try CModel()
        var batch = OpaquePointer(bitPattern: 1)
        #expect(chargen_batch_create(model.handle, capacity, threads, &batch) == CHARGEN_INVALID_ARGUMENT)
        #expect(batch == nil)
        let words = threads == 1 ? "the capacity must be from 1 to 65536" : "the number of threads must be from 1 to 64"
        #expect(errorMessage().hasPrefix(words))
    }

    @Test("What cannot take part is refused by its number; results are 0, and the sessions stay as they were")
    func refusals() throws {
        let model = try CModel()
        let batched = sessions(model)
        let batch = CBatch(model, capacity: 3)
        let stranger = CSession(try CModel())
        let cases: [(sessions: [CSession?], words: String)] = [
            ([batched[0], stranger], "session 1 belongs to another model than the batch"),
            ([batched[0], batched[1], batched[0]], "session 2 takes part twice"),
            ([batched[0], nil], "session 1 of the argument 'sessions' is NULL"),
        ]
        for (sessions, words) in cases {
            let texts = sessions.map { _ in "a" }
            #expect(batch.next(sessions) == (status(CHARGEN_INVALID_ARGUMENT), sessions.map { _ in 0 }))
            #expect(errorMessage() == words)
            #expect(batch.feed(sessions, texts) == CHARGEN_INVALID_ARGUMENT)
            #expect(errorMessage() == words)
            #expect(batch.score(sessions, texts) == (status(CHARGEN_INVALID_ARGUMENT), sessions.map { _ in 0 }))
            #expect(errorMessage() == words)
        }
        #expect(batch.next(batched).status == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'count' must be at most the batch's capacity, 3")
        #expect(batched.map { $0.symbols(30) } == sessions(model).map { $0.symbols(30) })
    }

    @Test("A text that is refused is named with its session; no session has then read anything")
    func refusedText() throws {
        let model = try CModel()
        let batched = Array(sessions(model).prefix(2))
        let batch = CBatch(model, capacity: 2)
        let texts = ["abc", "aß"]
        #expect(batch.feed(batched, texts) == CHARGEN_UNKNOWN_CHARACTER)
        #expect(errorMessage().hasPrefix("session 1: character 2 of the text, 'ß' (U+00DF) at byte 1,"))
        #expect(batch.score(batched, texts) == (status(CHARGEN_UNKNOWN_CHARACTER), [0, 0]))
        #expect(chargen_batch_feed(batch.handle, batched.map(\.handle), 2, [nil, nil], [0, 1]) == 1)
        #expect(errorMessage() == "session 1: the argument 'texts' is NULL")
        #expect(batched.map { $0.symbols(30) } == sessions(model).prefix(2).map { $0.symbols(30) })
    }

    @Test("Each session has its own way with unknown characters")
    func skip() throws {
        let model = try CModel()
        let (batched, alone) = (sessions(model), sessions(model))
        #expect(chargen_session_set_unknown(batched[1].handle, status(CHARGEN_UNKNOWN_SKIP)) == CHARGEN_OK)
        let score = CBatch(model, capacity: 2).score([batched[0], batched[1]], ["ab", "#aßb!"])
        #expect(score.status == CHARGEN_OK)
        #expect(score.logProbabilities == [alone[0].score("ab").logProbability, alone[1].score("ab").logProbability])
    }

    @Test("With no sessions nothing happens")
    func nothing() throws {
        let model = try CModel()
        let batch = CBatch(model, capacity: 1)
        #expect(batch.next([]) == (status(CHARGEN_OK), []))
        #expect(batch.feed([], []) == CHARGEN_OK)
        #expect(batch.score([], []) == (status(CHARGEN_OK), []))
    }

    @Test("Missing arguments are named")
    func arguments() throws {
        let model = try CModel()
        let (batch, session) = (CBatch(model, capacity: 1), CSession(model))
        var created = OpaquePointer(bitPattern: 1)
        var symbols: [UInt32] = [1]
        var scores = [1.0]
        let calls: [(name: String, call: () -> chargen_status)] = [
            ("model", { chargen_batch_create(nil, 1, 1, &created) }),
            ("batch", { chargen_batch_create(model.handle, 1, 1, nil) }),
            ("batch", { chargen_batch_next(nil, [session.handle], 1, &symbols) }),
            ("sessions", { chargen_batch_next(batch.handle, nil, 1, &symbols) }),
            ("characters", { chargen_batch_next(batch.handle, [session.handle], 1, nil) }),
            ("batch", { chargen_batch_feed(nil, [session.handle], 1, [nil], [0]) }),
            ("sessions", { chargen_batch_feed(batch.handle, nil, 1, [nil], [0]) }),
            ("texts", { chargen_batch_feed(batch.handle, [session.handle], 1, nil, [0]) }),
            ("lengths", { chargen_batch_feed(batch.handle, [session.handle], 1, [nil], nil) }),
            ("batch", { chargen_batch_score(nil, [session.handle], 1, [nil], [0], &scores) }),
            ("sessions", { chargen_batch_score(batch.handle, nil, 1, [nil], [0], &scores) }),
            ("texts", { chargen_batch_score(batch.handle, [session.handle], 1, nil, [0], &scores) }),
            ("lengths", { chargen_batch_score(batch.handle, [session.handle], 1, [nil], nil, &scores) }),
            ("log_probabilities", { chargen_batch_score(batch.handle, [session.handle], 1, [nil], [0], nil) }),
        ]
        for (name, call) in calls {
            #expect(call() == CHARGEN_INVALID_ARGUMENT)
            #expect(errorMessage() == "the argument '\(name)' is NULL")
        }
        #expect(created == nil)
        #expect((symbols, scores) == ([0], [0]))
    }
}
