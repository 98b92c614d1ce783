import Core
import InferenceEngine
import KernelDispatch
import TestSupport
import Testing

/// The settings that change which character is chosen, beside temperature and seed.
@Suite struct SettingsTests {
    /// Settings of all kinds, from a seed.
    struct Settings {
        var temperature: Float
        var topK: Int
        var topP: Float
        var minP: Float
        var repetition: Float = 0
        var frequency: Float = 0
        var window: Int
        var biases: [Int: Float] = [:]
        var allowed: Set<Int>

        init(_ random: inout SplitMix64, symbols: Int) {
            func part(_ random: inout SplitMix64) -> Float { Float(random.next() >> 40) * 0x1p-24 }
            func often(_ random: inout SplitMix64) -> Bool { random.next() % 2 == 0 }
            temperature = [0, 0.3, 1, 3][Int(random.next() % 4)]
            topK = often(&random) ? Int(random.next() % UInt64(symbols + 2)) : 0
            topP = often(&random) ? part(&random) : 1
            minP = often(&random) ? part(&random) * 0.3 : 0
            window = often(&random) ? Int(random.next() % 20) : 0
            if window > 0 {
                repetition = part(&random) * 4 - 2
                frequency = part(&random) * 2 - 0.5
            }
            if often(&random) {
                for _ in 0..<6 {
                    let bias = part(&random) * 8 - 4
                    biases[Int(random.next() % UInt64(symbols - 1))] = bias > 1 ? -.infinity : bias
                }
            }
            let isRestricted = often(&random)
            // The last character is always allowed, and never has a bias.
            allowed = Set((0..<symbols).filter { !isRestricted || $0 == symbols - 1 || random.next() % 2 == 0 })
        }

        func apply(to session: Session) throws {
            let characters = session.model.vocabulary.characters
            try session.setTemperature(temperature)
            try session.setTopK(topK)
            try session.setTopP(topP)
            try session.setMinP(minP)
            try session.setPenalties(repetition: repetition, frequency: frequency, window: window)
            for (symbol, bias) in biases { try session.setBias(bias, of: Unicode.Scalar(characters[symbol])) }
            let text = String(String.UnicodeScalarView(allowed.compactMap { Unicode.Scalar(characters[$0]) }))
            try session.setAllowedCharacters(allowed.count == characters.count ? "" : text)
        }

        /// The symbol that docs/sampling.md has chosen, by sorting.
        func choose(
            _ logits: [Float], history: [Int], _ generator: inout SplitMix64, _ backend: Backend
        ) -> Int {
            var logits = logits
            if !biases.isEmpty || allowed.count < logits.count {
                for symbol in logits.indices {
                    logits[symbol] += biases[symbol] ?? 0
                    if !allowed.contains(symbol) { logits[symbol] = -.infinity }
                }
            }
            let recent = history.suffix(window)
            for symbol in Set(recent) {
                logits[symbol] -= repetition + frequency * Float(recent.count { $0 == symbol })
            }
            let maximum = logits.max() ?? 0
            if temperature == 0 { return logits.firstIndex(of: maximum) ?? 0 }
            let word = generator.next()
            var exponentials = logits.map { ($0 - maximum) * (1 / temperature) }
            exponentials += [Float](repeating: 0, count: padded(logits.count) - logits.count)
            backend.kernels.exponential(&exponentials, exponentials.count)
            let weights = exponentials.prefix(logits.count).map { UInt64(Double($0) * 0x1p31) }
            var ranking = weights.indices.sorted { (weights[$1], $0) < (weights[$0], $1) }
            if topK > 0 { ranking = Array(ranking.prefix(topK)) }
            if topP < 1 {
                let sum = ranking.reduce(UInt128(0)) { $0 + UInt128(weights[$1]) }
                let target = (UInt128(UInt64(Double(topP) * 0x1p64)) * sum) >> 64
                var running = UInt128(0)
                let last = ranking.firstIndex {
                    running += UInt128(weights[$0])
                    return running > target
                }
                ranking = Array(ranking[...(last ?? 0)])
            }
            let kept = Set(ranking.filter { Double(weights[$0]) >= Double(minP) * 0x1p31 })
            let total = kept.reduce(UInt128(0)) { $0 + UInt128(weights[$1]) }
            let target = (UInt128(word) * total) >> 64
            var running = UInt128(0)
            return weights.indices.first {
                if kept.contains($0) { running += UInt128(weights[$0]) }
                return running > target
            } ?? -1
        }
    }

    private static let characters = "abcdefghijklmnopqrstuvwxyz .,é中😀"

    @Test("Every choice is that of the specification, alone, in a copy and in a batch", arguments: Cell.allCases)
    func specification(cell: Cell) throws {
        let bytes = try randomModel(
            cell, hiddenSize: 40, characters: Self.characters, hasEndOfDocument: false, range: 0.8)
        for backend in Backend.available {
            let model = try bytes.withUnsafeBytes { try Model(bytes: $0, backend: backend) }
            let symbols = model.vocabulary.characters.count
            var random = SplitMix64(seed: 9)
            for round in 0..<40 {
                let settings = Settings(&random, symbols: symbols)
                var alone = try Session(model)
                let batched = try Session(model)
                for session in [alone, batched] {
                    try settings.apply(to: session)
                    session.seed = UInt64(round)
                    try session.feed("hello, hello")
                }
                let batch = try Batch(model, capacity: 1)
                var generator = SplitMix64(seed: UInt64(round))
                var history = "hello, hello".unicodeScalars.compactMap { model.vocabulary.symbol(of: $0.value) }
                for step in 0..<25 {
                    let logits = alone.withLogits { Array($0) }
                    let expected = settings.choose(logits, history: history, &generator, backend)
                    history.append(expected)
                    let character = model.vocabulary.character(of: expected)
                    #expect(alone.next() == character, "\(backend.name), round \(round), step \(step)")
                    #expect(try batch.next([batched]) == [character])
                    if step == 10 { alone = try alone.copy() }
                }
            }
        }
    }

    @Test("Texts with settings are those on record, on every backend")
    func conformance() throws {
        let bytes = try randomModel(
            .lstm, hiddenSize: 40, characters: Self.characters, carriesDocuments: true, range: 0.8, seed: 77)
        let changes: [(expected: String, change: (Session) throws -> Void)] = [
            ("😀cctccctcvtvttpppvcvtttn¶vnntvvccctnddddncnctvntndvvlltvltvv", { try $0.setTopK(3) }),
            ("😀icvccctdvdtnntppvcvvtvnvtnnvéénccvnddndnaaavvdnnc¶vncvtnvvt", { try $0.setTopP(0.5) }),
            ("😀ia¶cidvd¶nvqvétntcvvrvlvrnlv¶¶l  znddndncacvvdnncéécattcv¶t", { try $0.setMinP(0.2) }),
            (
                "😀i.¶cndvj¶nérrvprzc中中s¶g😀lhdq¶¶f. yniepjta,cé¶nrtd😀中b wvey¶t",
                { try $0.setPenalties(repetition: 1, frequency: 0.5, window: 16) }
            ),
            (
                "😀caéaccec中dedeeeeée😀ee😀c😀edcd中中caaéccccbcaaa中😀deee😀😀baégdé中é",
                {
                    try $0.setBias(2, of: "e")
                    try $0.setBias(-.infinity, of: nil)
                    try $0.setAllowedCharacters("abcdefgé中😀")
                    try $0.setPenalties(repetition: 0.25, frequency: 0.125, window: 100)
                    try $0.setTemperature(1.5)
                    try $0.setTopK(6)
                    try $0.setTopP(0.875)
                    try $0.setMinP(0.0625)
                }
            ),
        ]
        for backend in Backend.available {
            for (expected, change) in changes {
                let session = try session(bytes, backend: backend)
                try change(session)
                #expect(session.text(60) == expected, "\(backend.name)")
            }
        }
    }

    @Test("What is out of range is refused and changes nothing")
    func ranges() throws {
        let session = try session(randomModel(.gru, characters: "abc", hasEndOfDocument: true))
        let text = try session.copy().text(50)
        func refuse(_ call: () throws -> Void) {
            let error = #expect(throws: ChargenError.self) { try call() }
            #expect(error?.kind == .invalidArgument)
        }
        for value: Float in [-0.1, 1.1, .nan, .infinity, -.infinity] {
            refuse { try session.setTopP(value) }
            refuse { try session.setMinP(value) }
        }
        for value: Float in [1001, -1001, .nan, .infinity, -.infinity] {
            refuse { try session.setPenalties(repetition: value, frequency: 0, window: 5) }
            refuse { try session.setPenalties(repetition: 0, frequency: value, window: 5) }
            if value != -.infinity { refuse { try session.setBias(value, of: "a") } }
        }
        refuse { try session.setTopK(-1) }
        refuse { try session.setPenalties(repetition: 1, frequency: 0, window: -1) }
        refuse { try session.setPenalties(repetition: 1, frequency: 0, window: 65_537) }
        let error = #expect(throws: ChargenError.self) { try session.setBias(1, of: "#") }
        #expect(error?.kind == .unknownCharacter)
        #expect(throws: ChargenError.self) { try session.setAllowedCharacters("ab#") }
        #expect((session.topK, session.topP, session.minP) == (0, 1, 0))
        #expect((session.repetitionPenalty, session.frequencyPenalty, session.penaltyWindow) == (0, 0, 0))
        #expect(session.bias(of: "a") == 0 && session.allows("c") && session.allows(nil))
        #expect(session.text(50) == text)
    }

    @Test("Nothing can ban everything, in any order")
    func lastChoice() throws {
        let session = try session(randomModel(.rnn, characters: "abc", hasEndOfDocument: true))
        for character in ["a", "b", nil] as [Unicode.Scalar?] { try session.setBias(-.infinity, of: character) }
        #expect(throws: ChargenError.self) { try session.setBias(-.infinity, of: "c") }
        #expect(throws: ChargenError.self) { try session.setAllowedCharacters("ab") }
        #expect(session.text(20) == String(repeating: "c", count: 20))
        try session.setBias(0, of: nil)
        try session.setAllowedCharacters("ab")
        #expect(!session.allows("c") && !session.allows("a") && session.allows(nil) && !session.allows("#"))
        #expect(session.text(5) == "¶¶¶¶¶")
        try session.setAllowedCharacters("")
        for character in ["a", "b"] as [Unicode.Scalar] { try session.setBias(0, of: character) }
        #expect(session.allows("a") && session.allows("b") && !session.allows("#"))
    }

    @Test("A banned character is never chosen, even where no logit is above −∞")
    func overflow() throws {
        for temperature: Float in [0, 1] {
            // tanh(10) is 1, and −3e38 − 3e38 is −∞.
            let bytes = try model(.rnn, characters: "abc") { tensor, _ in
                tensor.role == .outputBias || tensor.role == .outputWeight ? -3e38 : 10
            }
            let session = try session(bytes, temperature: temperature)
            try session.setBias(-.infinity, of: "a")
            // The first is chosen from the zero state.
            #expect(session.next() != "a")
            #expect(session.text(5) == "bbbbb")
        }
    }

    @Test("A cut keeps the lower symbols of a tie")
    func ties() throws {
        for change: (Session) throws -> Void in [{ try $0.setTopK(2) }, { try $0.setTopP(0.3) }] {
            let session = try session(constantModel(logits: [0, 1, 1, 1, 1], characters: "abcde"))
            try change(session)
            #expect(Set(session.text(200)) == ["b", "c"])
        }
    }

    @Test("The window forgets at a reset and at the end of a document, and keeps its place in a copy")
    func window() throws {
        let model = try constantModel(logits: [0, 0, 0], characters: "abc")
        let session = try InferenceEngineTests.session(model, temperature: 0)
        try session.setPenalties(repetition: 1, frequency: 0, window: 2)
        #expect(session.text(2) == "ab")
        let copy = try session.copy()
        #expect(session.text(4) == "cabc")
        #expect(copy.text(4) == "cabc")
        session.reset()
        #expect(session.text(4) == "abca")
        try session.setPenalties(repetition: 1, frequency: 0, window: 3)
        #expect(session.text(1) == "a")

        let documents = try constantModel(logits: [0, 0, -0.5], characters: "ab", hasEndOfDocument: true)
        let other = try InferenceEngineTests.session(documents, temperature: 0)
        try other.setPenalties(repetition: 1, frequency: 0, window: 9)
        #expect(other.text(7) == "ab¶ab¶a")
    }
}
