import Core
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

/// Snapshots, copies and undo go on as the session does that they were made of.
@Suite struct SnapshotTests {
    private static let characters = "abcdeé漢 \n"

    /// Sets everything that a snapshot keeps, at random.
    private func setRandomly(_ session: Session, _ random: inout SplitMix64) throws {
        func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
        session.seed = random.next()
        try session.setTemperature([0, 0.5, 1, 3][below(4)])
        try session.setTopK([0, 4][below(2)])
        try session.setTopP([1, 0.9][below(2)])
        try session.setMinP([0, 0.05][below(2)])
        try session.setPenalties(repetition: 0.5, frequency: 0.25, window: [0, 1, 7][below(3)])
        if below(2) == 0 { try session.setBias([-.infinity, 1][below(2)], of: "b") }
        if below(3) == 0 { try session.setAllowedCharacters("acdeé漢 ") }
        session.unknownCharacters = [.fail, .skip, .nearest, .replace("d")][below(4)]
        try session.setPattern(below(2) == 0 ? Pattern("([ac-e]{1,5}é)*[^b]?", for: session.model) : nil)
        try session.setMaximumLength([0, 8][below(2)])
        try session.setStopStrings([[], ["ac", "cde", "eeé"], ["é"]][below(3)])
    }

    /// Reads and generates something.
    private func goOn(_ session: Session, _ random: inout SplitMix64) throws {
        switch random.next() % 3 {
        case 0: try session.feed(["a", "cde", "é漢", "e c\naé"][Int(random.next() % 4)])
        case 1: _ = session.generate(limit: Int(random.next() % 12))
        default: _ = session.next()
        }
    }

    /// What comes next, ends included.
    private func following(_ session: Session) -> [String] {
        (0..<25).map { _ in session.next().map { String($0) } ?? "\(String(describing: session.endReason))" }
    }

    private static let backends = Backend.InstructionSet.allCases.filter(\.isAvailable)

    @Test(
        "Snapshots, copies and what is undone go on with the same text, at a thousand places",
        arguments: [Cell.rnn, .gru, .lstm], [ElementType.float32, .bfloat16, .int8, .int4])
    func places(cell: Cell, weights: ElementType) throws {
        var random = SplitMix64(seed: UInt64(cell.gates.gateCount * 10 + weights.name.utf8CodeUnitCount))
        for backend in Self.backends {
            for hasEndOfDocument in [true, false] {
                let bytes = try randomModel(
                    cell, hiddenSize: 12, characters: Self.characters, hasEndOfDocument: hasEndOfDocument, range: 0.8,
                    weights: weights)
                let model = try bytes.withUnsafeBytes { try Model(bytes: $0, backend: Backend(backend)) }
                var session = try Session(model)
                for place in 0..<14 {
                    try setRandomly(session, &random)
                    try goOn(session, &random)
                    try goOn(session, &random)
                    try session.setUndoCapacity(100)
                    let copy = try session.copy()
                    let restored = try Session(restoring: session.snapshot(), model: model)
                    let fed = try session.copy()
                    try fed.setUndoCapacity(100)
                    if place % 2 == 0 { try fed.feed("acé") } else { try fed.feed("e") }
                    let text = following(session)
                    #expect(following(copy) == text)
                    #expect(try following(Session(restoring: restored.snapshot(), model: model)) == text)
                    // What was held back, an end included, is not given out twice.
                    guard restored.heldCharacters == 0, text[0].unicodeScalars.count == 1 else { continue }
                    try session.undo(session.undoCount)
                    #expect(following(session) == text)
                    try fed.undo(fed.undoCount)
                    #expect(following(fed) == text)
                    session = restored
                }
            }
        }
    }

    @Test("A snapshot has an unfinished character, and what happens to unknown ones")
    func pieces() throws {
        let model = try Model(randomModel(.gru, characters: Self.characters, range: 0.8))
        let bytes = Array("É漢a".utf8)
        for policy in [.skip, .nearest, .replace("c")] as [Session.UnknownCharacterPolicy] {
            for length in 0...bytes.count {
                let session = try Session(model)
                session.unknownCharacters = policy
                try session.feed(piece: Array(bytes[..<length]))
                let restored = try Session(restoring: session.snapshot(), model: model)
                #expect(restored.unknownCharacters == policy && restored.unfinishedBytes == session.unfinishedBytes)
                let copy = try session.copy()
                for each in [session, restored, copy] where length < bytes.count {
                    try each.feed(piece: Array(bytes[length...]))
                }
                let expected = try Session(model)
                expected.unknownCharacters = policy
                try expected.feed("É漢a")
                let text = following(expected)
                for each in [session, restored, copy] { #expect(following(each) == text) }
            }
        }
    }

    @Test("An interrupt drops an unfinished character")
    func interruptedPiece() throws {
        let model = try Model(randomModel(.gru, characters: Self.characters, range: 0.8))
        let session = try Session(model)
        var flag: Int32 = 1
        try session.feed(piece: [0xC3])
        try withUnsafePointer(to: &flag) { flag in
            session.setInterrupt(flag)
            #expect(throws: ChargenError.self) { try session.feed(piece: [0xA9, 0x61]) }
            #expect(session.unfinishedBytes == 0)
            try session.feed(piece: [0xC3])
            session.setInterrupt(nil)
        }
        try session.feed(piece: [0xA9])
        let other = try Session(model)
        try other.feed("é")
        #expect(following(session) == following(other))
    }

    @Test("Each character that is undone leads back to the place before it")
    func undo() throws {
        for hasEndOfDocument in [true, false] {
            let model = try Model(
                randomModel(.lstm, characters: Self.characters, hasEndOfDocument: hasEndOfDocument, range: 0.8))
            let session = try Session(model)
            try session.setPenalties(repetition: 1, frequency: 0, window: 3)
            try session.setUndoCapacity(20)
            var places: [(count: Int, following: [String])] = []
            for _ in 0..<60 {
                places.append((session.undoCount, following(try session.copy())))
                _ = session.probabilities()
                _ = session.next()
            }
            #expect(session.undoCount == 20)
            for steps in 1...20 {
                try session.undo(1)
                #expect(session.undoCount == 20 - steps)
                #expect(following(try session.copy()) == places[60 - steps].following)
            }
            #expect(throws: ChargenError.self) { try session.undo(1) }
            #expect(throws: ChargenError.self) { try session.undo(-1) }
            #expect(throws: ChargenError.self) { try session.setUndoCapacity(65_537) }
            session.reset()
            #expect(session.undoCount == 0)
        }
    }

    @Test("What is set after a question is there after undo, and the generator's seed")
    func undoOfSettings() throws {
        let model = try Model(randomModel(.lstm, characters: Self.characters, range: 0.8))
        let other = try Session(model)
        try other.feed("abc")
        var state = [Float](repeating: 0, count: other.recurrentStateCount)
        other.getRecurrentState(&state)
        for asks in [true, false] {
            for setsState in [true, false] {
                let session = try Session(model)
                try session.setUndoCapacity(50)
                if asks { _ = session.probabilities() }
                if setsState { try session.setRecurrentState(state) } else { session.seed = 5 }
                let text = following(try session.copy())
                #expect(following(session) == text)
                try session.undo(session.undoCount)
                #expect(following(session) == text)
            }
        }
    }

    @Test("What is undone first is held text, then what was given out")
    func undoOfHeldText() throws {
        let model = try Model(randomModel(.gru, characters: "ab", hasEndOfDocument: false, range: 0.8))
        for count in 1..<30 {
            let (session, plain) = (try Session(model), try Session(model))
            try session.setStopStrings(["aab", "bbbbba"])
            try session.setUndoCapacity(100)
            let given = session.generate(limit: count)
            guard session.endReason == .limit, session.heldCharacters > 0 else { continue }
            let held = session.heldCharacters
            #expect(session.undoCount == count + held)
            try session.feed("b")
            try session.undo(2)
            #expect(session.heldCharacters == held - 1)
            let text = plain.text(count + held - 1)
            #expect(given + session.text(held - 1) == text)
            try session.undo(session.undoCount)
            #expect(session.heldCharacters == 0)
            try session.setStopStrings([])
            #expect(session.text(count) == given)
        }
    }

    /// Why a snapshot is refused; nil if it is not.
    private func kind(_ snapshot: [UInt8], _ model: Model) -> ChargenError.Kind? {
        restore(snapshot, model).error
    }

    private func restore(_ snapshot: [UInt8], _ model: Model) -> (session: Session?, error: ChargenError.Kind?) {
        do { return (try Session(restoring: snapshot, model: model), nil) } catch { return (nil, error.kind) }
    }

    @Test("Damaged snapshots, and those of another model, are refused")
    func damage() throws {
        let bytes = try randomModel(.gru, layers: 1, hiddenSize: 5, characters: "abc")
        let model = try Model(bytes)
        let session = try Session(model)
        try session.setPattern(Pattern("a*b", for: model))
        try session.setPenalties(repetition: 1, frequency: 1, window: 3)
        try session.setBias(1, of: "a")
        try session.setStopStrings(["ab"])
        try session.feed("abc")
        let snapshot = try session.snapshot()
        #expect(kind(snapshot, model) == nil)
        #expect(kind(snapshot, try Model(bytes)) == nil)
        #expect(
            kind(snapshot, try Model(randomModel(.gru, layers: 1, hiddenSize: 5, characters: "abc", seed: 2)))
                == .invalidSnapshot)
        for length in 0..<snapshot.count { #expect(kind(Array(snapshot[..<length]), model) == .invalidSnapshot) }
        #expect(kind(snapshot + [0], model) == .invalidSnapshot)
        for bit in 0..<8 * snapshot.count {
            var altered = snapshot
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(kind(altered, model) == .invalidSnapshot)
        }
    }

    @Test("Whatever the fields of a snapshot with the right checksum are, it is refused or goes on")
    func hostileFields() throws {
        let model = try Model(randomModel(.lstm, layers: 1, hiddenSize: 5, characters: "abc"))
        let session = try Session(model)
        try session.setPattern(Pattern("(a|bc){1,3}", for: model))
        try session.setMaximumLength(6)
        try session.setPenalties(repetition: 1, frequency: 1, window: 3)
        try session.setBias(1, of: "a")
        try session.setStopStrings(["ab", "bcb"])
        _ = session.text(7)
        session.unknownCharacters = .replace("b")
        try session.feed(piece: [0xF0, 0x9F])
        let snapshot = try session.snapshot()
        let crc = CRC32()
        var random = SplitMix64(seed: 1)
        var accepted = 0
        for _ in 0..<4000 {
            var altered = Array(snapshot.dropLast(4))
            for _ in 0..<1 + random.next() % 3 {
                let place = 16 + Int(random.next() % UInt64(altered.count - 16))
                altered[place] = [0, 1, 0x7F, 0xFF, UInt8(truncatingIfNeeded: random.next())][Int(random.next() % 5)]
            }
            let checksum = altered.withUnsafeBytes { crc.checksum($0) }
            for shift in [0, 8, 16, 24] as [UInt32] { altered.append(UInt8(truncatingIfNeeded: checksum >> shift)) }
            let (restored, error) = restore(altered, model)
            guard let restored else {
                #expect(error == .invalidSnapshot)
                continue
            }
            accepted += 1
            _ = restored.text(30)
            #expect(try Session(restoring: restored.snapshot(), model: model).text(30) == restored.text(30))
        }
        #expect(accepted > 100)
    }
}

/// Sessions that share memory.
@Suite struct SharingTests {
    @Test("Sessions that share memory give the same texts as alone, in any order of calls")
    func texts() throws {
        let model = try Model(randomModel(.gru, hasEndOfDocument: true))
        let first = try Session(model)
        let together = try [first] + (1..<6).map { _ in try Session(sharing: first) }
        let alone = try (0..<6).map { _ in try Session(model) }
        var random = SplitMix64(seed: 3)
        for (index, sessions) in zip(together, alone).enumerated() {
            (sessions.0.seed, sessions.1.seed) = (UInt64(index), UInt64(index))
        }
        for _ in 0..<400 {
            let index = Int(random.next() % 6)
            switch random.next() % 4 {
            case 0: #expect(together[index].probabilities() == alone[index].probabilities())
            case 1:
                try together[index].feed("abc")
                try alone[index].feed("abc")
            case 2: #expect(try together[index].score("hello") == alone[index].score("hello"))
            default: #expect(together[index].text(3) == alone[index].text(3))
            }
        }
        #expect(together[1].size < together[1].sharedSize && together[1].sharedSize == first.sharedSize)
    }
}
