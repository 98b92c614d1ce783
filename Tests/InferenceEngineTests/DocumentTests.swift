import Core
import InferenceEngine
import TestSupport
import Testing

/// Where texts begin and end.
@Suite struct DocumentTests {
    @Test("A model of documents begins as after the end of one", arguments: Cell.allCases)
    func beginning(cell: Cell) throws {
        let bytes = try randomModel(cell)
        let fresh = try session(bytes)
        var reference = try ReferenceNetwork(bytes)
        reference.advance(try #require(fresh.model.vocabulary.endOfDocument))
        #expect(try largestDifference(fresh, reference) <= 1e-5)
        // The same for a text that is fed first.
        try fresh.feed("a")
        reference.advance(try #require(fresh.model.vocabulary.symbol(of: 0x61)))
        #expect(try largestDifference(fresh, reference) <= 1e-5)
    }

    @Test("A model without documents begins as after a line break, if it knows one", arguments: ["abc\n", "abc"])
    func beginningWithoutDocuments(characters: String) throws {
        let bytes = try randomModel(.gru, characters: characters, hasEndOfDocument: false)
        let fresh = try session(bytes)
        var reference = try ReferenceNetwork(bytes)
        if characters.contains("\n") { reference.advance(0) }
        #expect(try largestDifference(fresh, reference) <= 1e-5)
        // The line break replaces a missing text before the first character, so a text that is fed
        // first has none.
        let fed = try session(bytes)
        try fed.feed("a")
        var begun = try ReferenceNetwork(bytes)
        begun.advance(try #require(fed.model.vocabulary.symbol(of: 0x61)))
        #expect(try largestDifference(fed, begun) <= 1e-5)
    }

    private func largestDifference(_ session: Session, _ reference: ReferenceNetwork) throws -> Double {
        session.withLogits { zip($0, reference.logits).map { abs(Double($0) - $1) }.max() ?? .nan }
    }

    @Test("The end of a document is nil, and another document follows")
    func end() throws {
        let session = try session(randomModel(.lstm, characters: "abc"), seed: 3)
        #expect(!session.hasEnded)
        var ends = 0
        for _ in 0..<200 {
            let character = session.next()
            #expect(session.hasEnded == (character == nil))
            ends += character == nil ? 1 : 0
        }
        // About a quarter of all symbols, of four that are about as likely.
        #expect((20...100).contains(ends))
    }

    @Test(
        "Every document begins with the probabilities of the first, alone and in a batch, unless the model carries on",
        arguments: Cell.allCases, [false, true])
    func everyDocumentBeginsAsTheFirst(cell: Cell, carriesDocuments: Bool) throws {
        let bytes = try randomModel(cell, characters: "abc", carriesDocuments: carriesDocuments)
        func logits(_ session: Session) -> [Float] { session.withLogits { Array($0) } }
        let first = try logits(session(bytes))
        let alone = try session(bytes, seed: 3)
        let batched = try session(bytes, seed: 3)
        let batch = try Batch(batched.model, capacity: 1)
        let endOfDocument = try #require(batched.model.vocabulary.endOfDocument)
        for _ in 0..<5 {
            while alone.next() != nil {}
            while try batch.next([batched])[0] != nil {}
            #expect((logits(alone) == first) == !carriesDocuments)
            #expect((logits(batched) == first) == !carriesDocuments)
        }
        // Symbols that are read, in a block with others.
        let read = try session(bytes)
        _ = read.score(symbols: [0, 1, endOfDocument, 2, 0, endOfDocument])
        #expect((logits(read) == first) == !carriesDocuments)
    }

    @Test("The score of several documents is the sum of their scores", arguments: Cell.allCases)
    func scoreOfDocuments(cell: Cell) throws {
        let bytes = try randomModel(cell, characters: "abc")
        let end = try #require(try session(bytes).model.vocabulary.endOfDocument)
        let documents = [[0, 1, 2, 2, 1, end], [end], [2, end]]
        let apart = try documents.map { try session(bytes).score(symbols: $0) }.reduce(0, +)
        #expect(abs(try session(bytes).score(symbols: documents.flatMap { $0 }) - apart) < 1e-9)
    }

    @Test("Text that is fed and a reset take back that a document has ended")
    func hasEnded() throws {
        let session = try session(
            constantModel(logits: [0, 9], characters: "a", hasEndOfDocument: true), temperature: 0)
        #expect(session.next() == nil)
        #expect(session.hasEnded)
        try session.feed("a")
        #expect(!session.hasEnded)
        #expect(session.next() == nil)
        session.reset()
        #expect(!session.hasEnded)
    }

    @Test("Generation stops at the end of a document")
    func stops() throws {
        let bytes = try randomModel(.lstm, characters: "abc")
        let expected = try session(bytes, seed: 4).text(500).split(separator: "¶", omittingEmptySubsequences: false)
        let buffered = try session(bytes, seed: 4)
        let streamed = try session(bytes, seed: 4)
        for document in expected.dropLast() {
            #expect(try String(decoding: buffered.generate(limit: 1000, capacity: 1000), as: UTF8.self) == document)
            #expect(buffered.hasEnded)
            var text = String.UnicodeScalarView()
            streamed.generate(limit: .max) {
                text.append($0)
                return true
            }
            #expect(String(text) == document)
            #expect(streamed.hasEnded)
        }
    }
}
