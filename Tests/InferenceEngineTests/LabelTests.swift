import Core
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

/// Documents that begin from states of labels.
@Suite struct LabelTests {
    private static let columns = [
        Labels.Column(name: "class", labels: ["a", "b", "é"]), Labels.Column(name: "kind", labels: ["b", "long"]),
    ]

    private func bytes(_ cell: Cell, weights: ElementType = .float32, hasEnd: Bool = true) throws -> [UInt8] {
        try randomModel(
            cell, hiddenSize: 19, characters: "abcde ", hasEndOfDocument: hasEnd, labels: Self.columns, range: 0.8,
            weights: weights)
    }

    private func session(_ bytes: [UInt8], backend: Backend? = nil) throws -> Session {
        try Session(bytes.withUnsafeBytes { try Model(bytes: $0, backend: backend) })
    }

    /// The states of labels as the file has them: hidden, then cells.
    private func states(_ bytes: [UInt8]) throws -> [[Float]] { Array(try modelTensors(bytes).dropFirst(10)) }

    /// The state before the first symbol.
    private func initialState(_ session: Session) -> [Float] {
        var values = [Float](repeating: 0, count: session.recurrentStateCount)
        values.withUnsafeMutableBufferPointer { values in
            guard let first = values.baseAddress else { return }
            session.getRecurrentState(first)
        }
        return values
    }

    @Test("A document begins from the limited sum of its labels' states", arguments: Cell.allCases)
    func sum(cell: Cell) throws {
        // Without an end of documents nothing is read first.
        let bytes = try bytes(cell, hasEnd: false)
        let states = try states(bytes)
        let width = 2 * 19
        func expected(_ weights: [Int: Float]) -> [Float] {
            func sum(_ rows: [Float], _ limit: Float) -> [Float] {
                (0..<width).map { unit in
                    let sum = weights.sorted { $0.key < $1.key }.reduce(rows[unit]) {
                        $0 + $1.value * rows[(1 + $1.key) * width + unit]
                    }
                    return max(min(sum, limit), -limit)
                }
            }
            let hidden = sum(states[0], 1)
            guard states.count > 1 else { return hidden }
            let cells = sum(states[1], 1e6)
            return [0, 19].flatMap { Array(hidden[$0..<$0 + 19] + cells[$0..<$0 + 19]) }
        }
        let session = try session(bytes)
        #expect(initialState(session) == expected([:]))
        try session.setLabel(2)
        #expect(initialState(session) == expected([2: 1]))
        try session.setLabel(1, column: 1)
        #expect(initialState(session) == expected([2: 1, 4: 1]))
        try session.setLabelWeights([1, 0, 3])
        #expect(initialState(session) == expected([0: 0.25, 2: 0.75, 4: 1]))
        try session.setLabel(nil, column: 1)
        try session.setLabel(nil)
        #expect(initialState(session) == expected([:]))
        // Some hidden states of the sum were beyond the limit.
        try session.setLabelWeights([1, 1, 1])
        try session.setLabel(0, column: 1)
        #expect(initialState(session).contains { abs($0) == 1 } || cell == .lstm)
    }

    @Test("Documents that follow begin from the same state, alone and in a batch", arguments: Cell.allCases)
    func followingDocuments(cell: Cell) throws {
        let bytes = try bytes(cell)
        let alone = try session(bytes)
        let batched = try Session(alone.model)
        let batch = try Batch(alone.model, capacity: 2)
        try alone.setLabel(1)
        try batched.setLabel(1)
        let first = alone.logitBits
        for _ in 0..<3 {
            while alone.next() != nil {}
            #expect(alone.logitBits == first)
            while try batch.next([batched])[0] != nil {}
            #expect(batched.logitBits == first)
        }
        let end = try #require(alone.model.vocabulary.endOfDocument)
        _ = alone.score(symbols: [0, 1, end])
        #expect(alone.logitBits == first)
        // After the end of a document the next one has not begun.
        for each in [alone, batched] {
            #expect(each.hasEnded)
            try each.setLabel(2)
            #expect(each.hasEnded && each.logitBits != first)
            let other = try Session(each.model)
            try other.setLabel(2)
            #expect(each.logitBits == other.logitBits && each.hasEnded)
            try each.setLabel(1)
            #expect(each.logitBits == first)
        }
        // A label that is set within a document counts from the next one on.
        try alone.feed("ab")
        let within = alone.logitBits
        try alone.setLabel(2)
        #expect(alone.logitBits == within)
        try alone.feed(character: nil)
        #expect(alone.logitBits != first)
        try batched.setLabel(2)
        batched.reset()
        #expect(alone.logitBits == batched.logitBits)
    }

    @Test(
        "Texts of labels have the same bits on every backend",
        arguments: Cell.allCases, [ElementType.float32, .bfloat16, .int8, .int4])
    func backends(cell: Cell, weights: ElementType) throws {
        let bytes = try bytes(cell, weights: weights)
        func results(_ backend: Backend) throws -> ([UInt32], [UInt32], String) {
            let session = try session(bytes, backend: backend)
            try session.setLabelWeights([0.3, 1, 0.25])
            try session.setLabel(1, column: 1)
            session.seed = 4
            let text = session.text(100)
            return (session.logitBits, try session.classify("abc de").map(\.bitPattern), text)
        }
        let expected = try results(.portable)
        for backend in Backend.available { #expect(try results(backend) == expected, "\(backend.name)") }
    }

    @Test("The probability of a label is its part of the text's probability with each", arguments: Cell.allCases)
    func classification(cell: Cell) throws {
        let session = try session(bytes(cell, weights: .int8))
        try session.feed("abc")
        let before = session.logitBits
        for (column, text) in [(0, "abc"), (1, "e"), (0, ""), (1, "a text that is longer than others")] {
            let text = text.filter("abcde ".contains)
            for isWhole in [true, false] {
                let other = try Session(session.model)
                let scores = try Self.columns[column].labels.indices.map { label in
                    other.reset()
                    try other.setLabel(label, column: column)
                    return try other.score(text, end: isWhole).logProbability
                }
                let exponentials = scores.map { exponential($0 - (scores.max() ?? 0)) }
                let probabilities = try session.classify(text, column: column, isWhole: isWhole)
                for (probability, part) in zip(probabilities, exponentials) {
                    #expect(abs(Double(probability) - part / exponentials.reduce(0, +)) < 1e-6)
                }
                if !isWhole, !text.isEmpty {
                    let prefixes = try session.classifyPrefixes(text, column: column)
                    #expect(prefixes.count == text.count)
                    #expect(prefixes.last == probabilities)
                    #expect(
                        try prefixes[0] == session.classify(String(text.prefix(1)), column: column, isWhole: false))
                }
            }
        }
        #expect(session.logitBits == before)
        // Labels of other columns count.
        let alone = try session.classify("abc")
        try session.setLabel(1, column: 1)
        #expect(try session.classify("abc") != alone)
    }

    /// e to the power of a number from −50 to 0, by its series.
    private func exponential(_ value: Double) -> Double {
        var sum = 1.0
        var term = 1.0
        for index in 1..<60 {
            term *= value / 64 / Double(index)
            sum += term
        }
        return (0..<6).reduce(sum) { result, _ in result * result }
    }

    @Test("Copies and snapshots have the labels", arguments: Cell.allCases)
    func snapshots(cell: Cell) throws {
        let session = try session(bytes(cell))
        try session.setLabelWeights([0.5, 0, 2])
        try session.setLabel(0, column: 1)
        try session.feed("abc")
        let copy = try session.copy()
        let restored = try Session(restoring: session.snapshot(), model: session.model)
        let texts = [session, copy, restored].map { $0.text(60) }
        #expect(Set(texts).count == 1)
        // Setting another column keeps the first one's.
        for each in [session, copy, restored] { try each.setLabel(1, column: 1) }
        #expect(Set([session, copy, restored].map { $0.text(60) }).count == 1)
        var snapshot = try session.snapshot()
        snapshot.removeLast(8)
        #expect(throws: ChargenError.self) { try Session(restoring: snapshot, model: session.model) }
    }

    @Test("A state of the caller's own is where documents begin, in any model")
    func ownState() throws {
        for bytes in [try bytes(.lstm), try randomModel(.lstm, hiddenSize: 19, characters: "abcde ")] {
            let session = try session(bytes)
            let plain = session.logitBits
            let values = (0..<session.recurrentStateCount).map { Float($0 % 7) / 7 - 0.4 }
            try values.withUnsafeBufferPointer { try session.setInitialState($0.baseAddress) }
            let first = session.logitBits
            #expect(first != plain)
            while session.next() != nil {}
            #expect(session.logitBits == first)
            let restored = try Session(restoring: session.snapshot(), model: session.model)
            restored.reset()
            #expect(restored.logitBits == first)
            #expect(try session.copy().logitBits == first)
            try session.setInitialState(nil)
            session.reset()
            #expect(session.logitBits == plain)
            for wrong: Float in [.nan, 1.5, -.infinity] {
                var values = values
                values[3] = wrong
                #expect(throws: ChargenError.self) {
                    try values.withUnsafeBufferPointer { try session.setInitialState($0.baseAddress) }
                }
            }
            #expect(session.logitBits == plain)
        }
    }

    @Test("Labels that there are none of, and weights that are none, are refused, and change nothing")
    func refusals() throws {
        let session = try session(bytes(.gru))
        try session.setLabel(1)
        let before = session.logitBits
        #expect(throws: ChargenError.self) { try session.setLabel(3) }
        #expect(throws: ChargenError.self) { try session.setLabel(-1) }
        #expect(throws: ChargenError.self) { try session.setLabel(0, column: 2) }
        #expect(throws: ChargenError.self) { try session.setLabel(0, column: -1) }
        for weights in [[0, 0, 0], [1, -1, 1], [1, .nan, 1], [.infinity, 0, 0], [1, 1], [3e38, 3e38, 0]] as [[Float]] {
            #expect(throws: ChargenError.self) { try session.setLabelWeights(weights) }
        }
        #expect(throws: ChargenError.self) { try session.classify("abc", column: 2) }
        #expect(throws: ChargenError.self) { try session.classify("xyz") }
        #expect(session.logitBits == before)
        let plain = try Session(Model(randomModel(.gru)))
        #expect(throws: ChargenError.self) { try plain.setLabel(0) }
        #expect(throws: ChargenError.self) { try plain.classify("abc") }
        #expect(plain.model.labelColumnCount == 0)
    }
}
