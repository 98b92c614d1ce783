import Core
import Foundation
import InferenceEngine
import ModelFormat
import TestSupport
import Testing

/// Stop strings against a search in the whole text, and why calls end.
@Suite struct StopStringTests {
    private func makeModel(_ characters: String = "abé漢", hasEndOfDocument: Bool = true) throws -> Model {
        try Model(randomModel(.gru, characters: characters, hasEndOfDocument: hasEndOfDocument, range: 0.8))
    }

    /// What a session gives.
    private enum Event: Equatable {
        case character(Unicode.Scalar)
        case end(EndReason)
    }

    private func events(_ session: Session, _ count: Int) -> [Event] {
        (0..<count).map { _ in session.next().map { .character($0) } ?? .end(session.endReason ?? .limit) }
    }

    /// What the events without stop strings become with them, and how many characters are held back
    /// at the end.
    private func expected(_ events: [Event], _ strings: [String]) -> (events: [Event], held: Int) {
        let strings = strings.map { Array($0.unicodeScalars) }
        var result: [Event] = []
        var text: [Unicode.Scalar] = []
        for event in events {
            guard case .character(let character) = event else {
                result += text.map { .character($0) } + [event]
                text = []
                continue
            }
            text.append(character)
            let found = strings.indices.filter { text.suffix(strings[$0].count) == strings[$0][...] }
            if let longest = found.max(by: { strings[$0].count < strings[$1].count }) {
                result += text.dropLast(strings[longest].count).map { .character($0) } + [.end(.stopString(longest))]
                text = []
            }
        }
        let held =
            strings.flatMap { string in (0..<string.count).map { string.prefix($0) } }
            .filter { text.suffix($0.count) == $0 }.map(\.count).max() ?? 0
        return (result + text.dropLast(held).map { .character($0) }, held)
    }

    /// Random strings of a model's characters.
    private func randomStrings(_ generator: inout SplitMix64, _ characters: String) -> [String] {
        let characters = Array(characters)
        return (0..<1 + Int(generator.next() % 4)).map { _ in
            String((0..<1 + Int(generator.next() % 5)).map { _ in characters[Int(generator.next() % 3)] })
        }
    }

    @Test("Text is given out up to the first stop string, and no more is held back than may become one")
    func texts() throws {
        var generator = SplitMix64(seed: 5)
        for hasEndOfDocument in [true, false] {
            let model = try makeModel(hasEndOfDocument: hasEndOfDocument)
            for seed in 0..<60 as Range<UInt64> {
                var strings = randomStrings(&generator, "abé")
                // Equal strings: either number would do.
                strings = strings.enumerated().filter { strings.firstIndex(of: $0.element) == $0.offset }.map(\.element)
                let (plain, stopping) = (try Session(model), try Session(model))
                (plain.seed, stopping.seed) = (seed, seed)
                try stopping.setStopStrings(strings)
                let given = events(stopping, 100)
                var wanted: (events: [Event], held: Int) = ([], 0)
                var read: [Event] = []
                // As many as were read: more may have been read than is needed for 100 events.
                while wanted.events.count < given.count {
                    read += events(plain, 1)
                    wanted = expected(read, strings)
                }
                #expect(given == Array(wanted.events.prefix(given.count)), "\(strings)")
                let rest = wanted.events.dropFirst(given.count)
                #expect(stopping.heldCharacters == wanted.held + rest.count - ends(rest))
            }
        }
    }

    private func ends(_ events: ArraySlice<Event>) -> Int {
        events.count { if case .end = $0 { true } else { false } }
    }

    @Test("The size of a buffer, a limit, a copy and a batch do not change what is given out")
    func pieces() throws {
        var generator = SplitMix64(seed: 6)
        let model = try makeModel()
        let batch = try Batch(model, capacity: 1)
        for seed in 0..<40 as Range<UInt64> {
            let strings = randomStrings(&generator, "abé")
            func makeSession() throws -> Session {
                let session = try Session(model)
                session.seed = seed
                try session.setStopStrings(strings)
                return session
            }
            let wanted = events(try makeSession(), 150)
            var pieces = try makeSession()
            var given: [Event] = []
            while given.count < 100 {
                let limit = 1 + Int(generator.next() % 7)
                switch generator.next() % 4 {
                case 0:
                    let bytes = try pieces.generate(limit: limit, capacity: 3 + Int(generator.next() % 9))
                    given += String(decoding: bytes, as: UTF8.self).unicodeScalars.map { .character($0) }
                case 1:
                    pieces.generate(limit: limit) {
                        given.append(.character($0))
                        return true
                    }
                case 2:
                    pieces = try pieces.copy()
                    continue
                default: given += [try batch.next([pieces])[0].map { .character($0) } ?? .end(.limit)]
                }
                switch pieces.endReason {
                case .limit, .room, nil: break
                case .some(let reason):
                    if given.last == .end(.limit) { given.removeLast() }
                    given.append(.end(reason))
                }
            }
            #expect(given == Array(wanted.prefix(given.count)))
        }
    }

    @Test("Text that is read comes after what is held back, which is given out first")
    func reading() throws {
        let model = try makeModel("ab", hasEndOfDocument: false)
        for count in 1..<40 {
            let (session, plain) = (try Session(model), try Session(model))
            try session.setStopStrings(["aab", "bbbbba"])
            let given = session.generate(limit: count)
            guard session.endReason == .limit else { continue }
            let held = session.heldCharacters
            let copy = try session.copy()
            try session.feed("")
            #expect(session.heldCharacters == held)
            try session.feed("ba")
            // What is held back at the beginning of other stop strings is given out first, too.
            try copy.setStopStrings([])
            try copy.feed("ba")
            let text = plain.text(count + held)
            try plain.feed("ba")
            for session in [session, copy] {
                #expect(given + session.generate(limit: held) == text)
                #expect(session.heldCharacters == 0)
            }
            #expect(copy.text(5) == plain.text(5))
        }
        let session = try Session(model)
        try session.setStopStrings(["aab", "bbbbba"])
        while session.heldCharacters == 0 { _ = session.next() }
        session.reset()
        #expect(session.heldCharacters == 0 && session.endReason == nil)
    }

    @Test("A stop string with a character that the model does not know never occurs")
    func unknownCharacters() throws {
        let model = try makeModel("ab", hasEndOfDocument: false)
        let session = try Session(model)
        try session.setStopStrings(["aX", "Xa", "X"])
        #expect(session.generate(limit: 100) == (try Session(model)).generate(limit: 100))
        #expect(session.heldCharacters == 0)
    }

    @Test("Impossible stop strings are refused, and those before remain")
    func refusals() throws {
        let session = try Session(try makeModel("ab", hasEndOfDocument: false))
        try session.setStopStrings(["a"])
        for strings in [[""], ["a", ""], [String](repeating: "a", count: 65), [String(repeating: "a", count: 1025)]] {
            let error = #expect(throws: ChargenError.self) { try session.setStopStrings(strings) }
            #expect(error?.kind == .invalidArgument)
        }
        #expect(!session.generate(limit: 100).contains("a"))
        #expect(session.endReason == .stopString(0))
        try session.setStopStrings([String](repeating: String(repeating: "b", count: 1024), count: 64))
    }

    @Test("A session tells why a text ends")
    func reasons() throws {
        let model = try makeModel()
        let session = try Session(model)
        #expect(session.endReason == nil)
        #expect(session.generate(limit: 2).unicodeScalars.count == 2 || session.hasEnded)
        session.reset()
        while session.next() != nil { #expect(session.endReason == nil) }
        #expect(session.endReason == .document)
        try session.setPattern(Pattern("ab", for: model))
        #expect(session.generate(limit: 3) == "ab" && session.endReason == .pattern)
        try session.setPattern(Pattern("a*", for: model))
        try session.setBias(-.infinity, of: nil)
        try session.setMaximumLength(3)
        #expect(session.generate(limit: 9) == "aaa" && session.endReason == .maximumLength)
        #expect(session.generate(limit: 3) == "aaa" && session.endReason == .limit)
        #expect(session.generate(limit: 3) == "" && session.endReason == .maximumLength)
        #expect(try session.generate(limit: 9, capacity: 4) == [97, 97] && session.endReason == .room)
        session.generate(limit: 9) { _ in false }
        #expect(session.endReason == .caller)
    }
}

/// Flags that end calls.
@Suite struct InterruptTests {
    private func withFlag(_ body: (UnsafeMutablePointer<Int32>) throws -> Void) rethrows {
        let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        flag.initialize(to: 0)
        defer { flag.deallocate() }
        try body(flag)
    }

    @Test("A call that a flag ends leaves a session at a whole character, and it goes on from there")
    func session() throws {
        let model = try Model(randomModel(.lstm, characters: "abc", hasEndOfDocument: false))
        try withFlag { flag in
            let (session, plain) = (try Session(model), try Session(model))
            session.setInterrupt(flag)
            var text = ""
            session.generate(limit: .max) {
                text.unicodeScalars.append($0)
                if text.count == 5 { flag.pointee = 1 }
                return true
            }
            #expect(text == plain.text(5) && session.endReason == .interrupt)
            #expect(session.next() == nil && session.endReason == .interrupt)
            for call in [{ try session.feed("abc") }, { _ = try session.score("abc") }] {
                #expect(throws: ChargenError.self) { try call() }
            }
            #expect(try session.generate(limit: 0, capacity: 0).isEmpty)
            flag.pointee = 0
            #expect(session.text(20) == plain.text(20))
        }
    }

    @Test("A flag that another thread sets ends feeding in the middle of a text")
    func feeding() throws {
        let model = try Model(randomModel(.gru, characters: "abc", hasEndOfDocument: false))
        let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        flag.initialize(to: 0)
        defer { flag.deallocate() }
        let session = try Session(model)
        session.setInterrupt(flag)
        let address = Int(bitPattern: flag)
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.03)
            UnsafeMutablePointer<Int32>(bitPattern: address)?.pointee = 1
        }
        let text = String(repeating: "abcabcabca", count: 2_000_000)
        let error = #expect(throws: ChargenError.self) { try session.feed(text) }
        #expect(error?.kind == .interrupted)
    }

    @Test("A batch and a beam end at their own flags")
    func batches() throws {
        let model = try Model(randomModel(.gru, characters: "abc", hasEndOfDocument: false))
        try withFlag { flag in
            let sessions = [try Session(model), try Session(model)]
            let batch = try Batch(model, capacity: 2)
            let beam = try Beam(model, width: 3, length: 4)
            batch.setInterrupt(flag)
            beam.setInterrupt(flag)
            flag.pointee = 1
            #expect(throws: ChargenError.self) { try batch.next(sessions) }
            #expect(throws: ChargenError.self) { try batch.feed(sessions, ["ab", "c"]) }
            #expect(throws: ChargenError.self) { try beam.search(from: sessions[0]) }
            flag.pointee = 0
            let plain = try Session(model)
            #expect(
                try batch.next(sessions) == [
                    plain.next(), sessions[0].endReason == nil ? try Session(model).next() : nil,
                ])
            #expect(try beam.search(from: sessions[0]).count == 3)
        }
    }
}
