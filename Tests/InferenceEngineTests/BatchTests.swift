import Core
import InferenceEngine
import ModelFormat
import TestSupport
import Testing

@Suite struct BatchTests {
    private func model(_ weights: ElementType = .float32) throws -> Model {
        try randomModel(.gru, hiddenSize: 70, range: 0.8, weights: weights).withUnsafeBytes { try Model(bytes: $0) }
    }

    private func session(_ model: Model, _ number: Int) throws -> Session {
        let session = try Session(model)
        session.seed = UInt64(number)
        try session.setTemperature([0, 0.5, 1, 2][number % 4])
        return session
    }

    @Test("Sessions join and leave, and each gives the text it gives alone", arguments: ElementType.allCases)
    func joinAndLeave(weights: ElementType) throws {
        let model = try model(weights)
        let batch = try Batch(model, capacity: 11, threads: 2)
        let sessions = try (0..<11).map { try session(model, $0) }
        var texts = [[Unicode.Scalar?]](repeating: [], count: sessions.count)
        for step in 0..<60 {
            // Every choice of sessions, in an order that changes.
            let numbers = sessions.indices.filter { (step / ($0 + 1)) % 2 == 0 }.shuffledBy(step)
            for (number, character) in zip(numbers, try batch.next(numbers.map { sessions[$0] })) {
                texts[number].append(character)
                #expect(sessions[number].hasEnded == (character == nil))
            }
        }
        for (number, text) in texts.enumerated() {
            let alone = try session(model, number)
            let expected = text.map { _ in alone.next() }
            #expect(text == expected)
        }
    }

    @Test("In a batch so large that each thread has sessions of its own, each gives the text it gives alone")
    func largeBatch() throws {
        for (cell, weights) in zip([Cell.rnn, .gru, .lstm, .lstm], ElementType.allCases) {
            let model = try randomModel(cell, hiddenSize: 70, range: 0.8, weights: weights)
                .withUnsafeBytes { try Model(bytes: $0) }
            for (count, threads) in [(37, 2), (51, 3), (64, 4)] {
                let batch = try Batch(model, capacity: count, threads: threads)
                let sessions = try (0..<count).map { try session(model, $0) }
                let alone = try (0..<count).map { try session(model, $0) }
                for _ in 0..<10 {
                    let together = try batch.next(sessions)
                    #expect(together == alone.map { $0.next() })
                }
                #expect(sessions.map(\.logitBits) == alone.map(\.logitBits))
            }
        }
    }

    @Test("Texts of any lengths are read as alone, whatever was read before")
    func feed() throws {
        let model = try model()
        let batch = try Batch(model, capacity: 8)
        let together = try (0..<8).map { try session(model, $0) }
        let alone = try (0..<8).map { try session(model, $0) }
        for round in 0..<3 {
            let texts = (0..<8).map { Array("the quick brown fox jumps".utf8.prefix($0 * (round + 1))) }
            try batch.feed(together, texts)
            for (session, text) in zip(alone, texts) { try session.feed(text) }
            #expect(together.map(\.logitBits) == alone.map(\.logitBits))
        }
    }

    @Test("Scores have the bits of those taken alone, and leave the same state")
    func score() throws {
        let model = try model()
        let batch = try Batch(model, capacity: 5, threads: 2)
        let together = try (0..<5).map { try session(model, $0) }
        let texts = ["", "a", "the quick brown fox", "jumps over the lazy dog and on it goes", "zz"].map {
            Array($0.utf8)
        }
        let scores = try batch.score(together, texts)
        for index in 0..<5 {
            let alone = try session(model, index)
            let score = try texts[index].withUnsafeBytes { try alone.score($0) }
            #expect(score.characters == texts[index].count)
            #expect(score.logProbability.bitPattern == scores[index].bitPattern)
            #expect(alone.logitBits == together[index].logitBits)
        }
    }

    @Test("What cannot take part is refused by number, and nothing has happened")
    func refusals() throws {
        let model = try model()
        let batch = try Batch(model, capacity: 3)
        let sessions = try (0..<4).map { try session(model, $0) }
        let stranger = try session(try self.model(), 0)
        func expectRefusal(_ refused: [Session], _ words: String, _ kind: ChargenError.Kind = .invalidArgument) {
            let calls = [{ _ = try batch.next(refused) }, { try batch.feed(refused, refused.map { _ in [97] }) }]
            for call in calls {
                let error = #expect(throws: ChargenError.self) { try call() }
                #expect(error?.kind == kind)
                #expect(error?.message.contains(words) == true)
            }
        }
        expectRefusal(sessions, "capacity of 3")
        expectRefusal([sessions[0], stranger], "session 1 belongs to another model")
        expectRefusal([sessions[0], sessions[1], sessions[0]], "session 2 takes part twice")
        let error = #expect(throws: ChargenError.self) {
            try batch.feed([sessions[0], sessions[1]], [Array("fine".utf8), Array("not Ω".utf8)])
        }
        #expect(error?.kind == .unknownCharacter)
        #expect(error?.message.hasPrefix("session 1: ") == true)
        let fresh = try session(model, 0)
        #expect(sessions[0].text(20) == fresh.text(20))
    }

    @Test("Impossible capacities and numbers of threads are refused")
    func limits() throws {
        let model = try model()
        for (capacity, threads) in [(0, 1), (-1, 1), (Batch.maximumCapacity + 1, 1), (1, 0), (1, 65)] {
            let error = #expect(throws: ChargenError.self) { try Batch(model, capacity: capacity, threads: threads) }
            #expect(error?.kind == .invalidArgument)
        }
        let session = try Session(model)
        for threads in [0, -1, 65] {
            #expect(throws: ChargenError.self) { try session.setThreads(threads) }
        }
    }
}

extension [Int] {
    fileprivate func shuffledBy(_ step: Int) -> [Int] {
        sorted { ($0 * 7 + step) % 11 < ($1 * 7 + step) % 11 }
    }
}
