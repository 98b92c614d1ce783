import Core
import Foundation
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

/// Patterns against the regular expressions of Foundation, and the fewest states they can have.
@Suite struct PatternTests {
    private static let characters = "abcdefghijklmnopqrstuvwxyz 0123456789-.é漢字\n"

    private func makeModel(hasEndOfDocument: Bool = true, hasUnknown: Bool = false) throws -> Model {
        try Model(
            randomModel(
                .gru, characters: Self.characters, hasUnknown: hasUnknown, hasEndOfDocument: hasEndOfDocument,
                range: 0.8))
    }

    /// Whether a whole text matches an expression by another program.
    private func matches(_ expression: String, _ text: String) throws -> Bool {
        let regex = try NSRegularExpression(pattern: "\\A(?:" + expression + ")\\z")
        return regex.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
    }

    private static let expressions = [
        "a", "abc|abd|x", "[0-9]{4}-[01][0-9]-[0-3][0-9]", "(ab)*c", "a?b+c{2,3}", "[^a-z0-9. \\n-]+", ".*",
        "(a|b|ab)*(c|)", "\\w+ \\w+", "\\d{1,3}(\\.\\d{1,3}){3}", "(?:a(?:b(?:c)?)?)?", "x{0}y", "(()|a)+b",
        "[a-]\\-[.]\\.",
        "(é|漢字){2}", "", "(a*)*b?", "[]a]x",
    ]

    @Test("Every generated text matches its pattern, and an end is where it may be", arguments: Self.expressions)
    func texts(expression: String) throws {
        for hasEndOfDocument in [true, false] {
            let model = try makeModel(hasEndOfDocument: hasEndOfDocument)
            let session = try Session(model)
            try session.setPattern(Pattern(expression, for: model))
            try session.setMaximumLength(40)
            for seed in 0..<40 as Range<UInt64> {
                session.seed = seed
                let text = session.generate(limit: 100)
                #expect(session.hasEnded)
                #expect(try matches(expression, text), "'\(text)'")
            }
        }
    }

    @Test("A text goes on at random places like one in a batch, and like its copy's")
    func batches() throws {
        let model = try makeModel()
        let pattern = try Pattern("[a-f]+( [0-9]{2})*", for: model)
        func makeSession(_ seed: UInt64) throws -> Session {
            let session = try Session(model)
            session.seed = seed
            try session.setPattern(pattern)
            try session.setMaximumLength(9)
            return session
        }
        let sessions = try (0..<5).map { try makeSession($0) }
        let batch = try Batch(model, capacity: 5)
        var texts = [String](repeating: "", count: 5)
        for _ in 0..<60 {
            for (index, character) in try batch.next(sessions).enumerated() {
                texts[index].unicodeScalars.append(character ?? "¶")
            }
        }
        for index in 0..<5 {
            let alone = try makeSession(UInt64(index))
            let start = alone.text(13)
            let rest = try alone.copy().text(47)
            #expect(start + rest == texts[index])
            #expect(alone.text(47) == rest)
        }
    }

    @Test("What is read does not move the pattern")
    func prompt() throws {
        let model = try makeModel()
        let session = try Session(model)
        try session.feed("zz")
        try session.setPattern(Pattern("ab", for: model))
        #expect(session.next() == "a")
        try session.feed("xyz")
        #expect(!session.mayEnd)
        #expect(session.next() == "b")
        #expect(session.mayEnd)
        #expect(session.next() == nil)
        #expect(session.hasEnded)
        #expect(session.next() == "a")
        session.reset()
        #expect(session.next() == "a")
    }

    @Test("Bans and allowed sets leave a pattern what is without them, or are refused")
    func bans() throws {
        let model = try makeModel()
        let session = try Session(model)
        try session.setPattern(Pattern("ab|(c|d)ef", for: model))
        try session.setBias(-.infinity, of: "b")
        try session.setBias(-.infinity, of: "d")
        for _ in 0..<5 { #expect(session.generate(limit: 10) == "cef") }
        for (change, value) in [("e", -Float.infinity), ("c", -.infinity)] {
            #expect(throws: ChargenError.self) {
                try session.setBias(value, of: change.unicodeScalars.first)
            }
            #expect(session.allows(change.unicodeScalars.first))
        }
        #expect(throws: ChargenError.self) { try session.setAllowedCharacters("abcd") }
        #expect(session.generate(limit: 10) == "cef")
        try session.setBias(0, of: "b")
        try session.setAllowedCharacters("ab")
        #expect(session.generate(limit: 10) == "ab")
        // In the middle of a text only what its rest needs counts.
        try session.setAllowedCharacters("")
        try session.setBias(-.infinity, of: "a")
        #expect(session.next() == "c")
        #expect(throws: ChargenError.self) { try session.setBias(-.infinity, of: "f") }
        #expect(session.generate(limit: 10) == "ef")
        // The end of a document that is banned still comes where nothing else can.
        try session.setBias(-.infinity, of: nil)
        #expect(session.generate(limit: 10) == "cef")
        #expect(session.hasEnded)
    }

    @Test("A maximum length without a pattern ends each text there")
    func maximumLength() throws {
        for hasEndOfDocument in [true, false] {
            let session = try Session(makeModel(hasEndOfDocument: hasEndOfDocument))
            try session.setMaximumLength(7)
            for _ in 0..<10 {
                let text = session.generate(limit: 50)
                #expect(session.hasEnded)
                #expect(hasEndOfDocument ? text.unicodeScalars.count <= 7 : text.unicodeScalars.count == 7)
            }
        }
    }

    @Test("A length that no text of the pattern has is refused")
    func tooShort() throws {
        let model = try makeModel()
        let session = try Session(model)
        try session.setPattern(Pattern("abc+", for: model))
        #expect(throws: ChargenError.self) { try session.setMaximumLength(2) }
        try session.setMaximumLength(3)
        #expect(session.generate(limit: 10) == "abc")
        #expect(throws: ChargenError.self) { try session.setPattern(Pattern("abcd", for: model)) }
        #expect(session.generate(limit: 10) == "abc")
    }

    @Test(
        "The end of a document follows only where the pattern may end, and greedily too", arguments: Backend.available)
    func greedy(backend: Backend) throws {
        let bytes = try randomModel(.lstm, characters: Self.characters, hasUnknown: true, range: 1)
        let session = try session(bytes, backend: backend, temperature: 0)
        try session.setPattern(Pattern("[a-c]{3}|[a-c]{5}", for: session.model))
        for _ in 0..<5 {
            let text = session.generate(limit: 10)
            #expect([3, 5].contains(text.count))
        }
    }

    @Test("Where logits overflow, what is chosen still matches")
    func overflow() throws {
        for signs: [Float] in [[1, 1, 1, 1, 1], [-1, -1, -1, -1, -1], [1, -1, 0, 0, 0], [1, 1, -1, 1, 1]] {
            // The hidden state is all but 1, and logits are its sum with a bias: ±∞.
            let bytes = try model(.rnn, characters: "abcd", hasEndOfDocument: true) { tensor, element in
                switch tensor.role {
                case .hiddenBias: 100
                case .outputWeight, .outputBias: 3e38 * signs[element]
                default: 0
                }
            }
            for temperature: Float in [0, 1] {
                let session = try session(bytes, temperature: temperature)
                try session.setPattern(Pattern("[cd]{4}", for: session.model))
                let text = session.generate(limit: 10)
                #expect(text.count == 4 && text.allSatisfy { "cd".contains($0) })
            }
        }
    }

    @Test("A template keeps its fixed characters, whatever they are")
    func templates() throws {
        let characters = Self.characters + "ABC()[]{}.*+?|\\^$_/"
        let model = try Model(randomModel(.gru, characters: characters, range: 0.8))
        let session = try Session(model)
        for (template, choices) in [("a_c__-", ""), ("(_)[_]\\^$.*", "ab]^-\\"), ("字__é", "漢0"), ("", "")] {
            try session.setPattern(Pattern(template: template, characters: choices, for: model))
            for _ in 0..<20 {
                let text = Array(session.generate(limit: 100))
                #expect(text.count == template.count)
                for (made, wanted) in zip(text, template) {
                    #expect(wanted == "_" ? (choices.isEmpty ? made != "\n" : choices.contains(made)) : made == wanted)
                }
            }
        }
    }

    @Test(
        "A fault names its place",
        arguments: [
            ("a(b", 2), ("a)b", 2), ("[ab", 1), ("a**", 3), ("*a", 1), ("a{2,1}", 2), ("a{1001}", 2), ("a{x}", 2),
            ("ab^", 3), ("\\q", 1), ("a\\", 2), ("[z-a]", 2), ("\\u{D800}", 1), ("\\u{110000}", 1), ("\\u41", 1),
            ("(?=a)", 3),
            ("[\\d-x]", 2), ("x]", 2), ("a{", 2), ("é(漢", 2),
        ])
    func faults(expression: String, place: Int) throws {
        let model = try makeModel()
        let error = #expect(throws: ChargenError.self) { try Pattern(expression, for: model) }
        #expect(error?.kind == .invalidPattern)
        #expect(error?.message.contains("at character \(place)") == true, "\(error?.message ?? "")")
    }

    @Test(
        "A pattern without a text of the model's characters is refused",
        arguments: ["X", "aXb", "[A-Z]+", "[^\\u{0}-\\u{10FFFF}]", "a(X|Y)"])
    func impossible(expression: String) throws {
        let model = try makeModel(hasUnknown: true)
        let error = #expect(throws: ChargenError.self) { try Pattern(expression, for: model) }
        #expect(error?.kind == .invalidPattern)
        #expect(error?.message.contains("no text") == true)
    }

    @Test("A pattern that describes too much is refused, and soon")
    func large() throws {
        let model = try makeModel()
        for expression in [
            "((a{1000}){1000}){1000}", "(((){1000}){1000}){1000}", "(((((()*){1000})*){1000})*){1000}",
            "(a|b)*a(a|b){20}",
            String(repeating: "(", count: 101) + String(repeating: ")", count: 101),
            String(repeating: "a", count: 10_001), "(.*a){1000}.{1000}", "[a-z]{1000}[a-m]{1000}(a|b){1000}c*{5}",
        ] {
            let error = #expect(throws: ChargenError.self) { try Pattern(expression, for: model) }
            #expect(error?.kind == .invalidPattern, "\(expression.prefix(40))")
        }
    }

    @Test("Random expressions accept what Foundation's do")
    func randomExpressions() throws {
        let model = try Model(randomModel(.rnn, characters: "abc", range: 0.8))
        let session = try Session(model)
        try session.setMaximumLength(12)
        var random = SplitMix64(seed: 3)
        func expression(_ depth: Int) -> String {
            switch random.next() % (depth > 0 ? 7 : 2) {
            case 0: ["a", "b", "c", ".", "[ab]", "[^a]"][Int(random.next() % 6)]
            case 1: ["a", "b", "ab", "c"][Int(random.next() % 4)]
            case 2, 3: expression(depth - 1) + expression(depth - 1)
            case 4: "(" + expression(depth - 1) + "|" + expression(depth - 1) + ")"
            default:
                "(" + expression(depth - 1) + ")" + ["*", "+", "?", "{2}", "{0,2}", "{1,}"][Int(random.next() % 6)]
            }
        }
        var count = 0
        for _ in 0..<300 {
            let expression = expression(4)
            let pattern = try Pattern(expression, for: model)
            guard (try? session.setPattern(pattern)) != nil else { continue }
            count += 1
            for _ in 0..<5 {
                let text = session.generate(limit: 20)
                #expect(try matches(expression, text), "'\(text)' by '\(expression)'")
            }
        }
        #expect(count > 200)
    }

    @Test("Automata are minimal")
    func minimal() throws {
        let model = try makeModel()
        for (expression, count) in [
            ("(a|b)*abb", 4), ("a{3}|a{5}", 6), ("(ab|cb)*", 2), ("", 1), (".*", 1), ("abcx|abdx|acdx", 6),
            ("(a|b)(a|b)(a|b)(a|b)", 5), ("(a|a|aa)+", 2),
        ] {
            #expect(try Pattern(expression, for: model).stateCount == count, "\(expression)")
        }
    }

    @Test("A pattern of another model is refused")
    func otherModel() throws {
        let session = try Session(makeModel())
        #expect(throws: ChargenError.self) { try session.setPattern(Pattern("a", for: makeModel())) }
    }
}
