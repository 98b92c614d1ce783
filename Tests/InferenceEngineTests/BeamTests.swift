import Core
import Foundation
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

@Suite struct BeamTests {
    /// What a search finds, with copies of sessions and sorting: all continuations if it is wide
    /// enough.
    private func expected(_ session: Session, length: Int, width: Int = .max) throws -> [Found] {
        var texts = [Found(text: "", logProbability: 0, hasEnded: false)]
        for _ in 0..<length {
            var longer: [Found] = []
            for text in texts {
                guard !text.hasEnded else {
                    longer.append(text)
                    continue
                }
                let copy = try session.copy()
                _ = try copy.score(text.text)
                for symbol in 0..<session.model.shape.vocabularySize where symbol != session.model.vocabulary.unknown {
                    let character = session.model.vocabulary.character(of: symbol)
                    longer.append(
                        Found(
                            text: text.text + (character.map { String($0) } ?? ""),
                            logProbability: text.logProbability + copy.logProbability(of: symbol),
                            hasEnded: character == nil))
                }
            }
            // A stable sort: ties stay in the order of the texts before, then of the characters.
            texts = longer.enumerated()
                .sorted { ($1.element.logProbability, $0.offset) < ($0.element.logProbability, $1.offset) }
                .prefix(width).map(\.element)
        }
        return texts
    }

    /// What a search finds.
    private func find(_ beam: Beam, _ session: Session, length: Int? = nil) throws -> [Found] {
        try beam.search(from: session, length: length).map {
            Found(text: $0.text, logProbability: $0.logProbability, hasEnded: $0.hasEnded)
        }
    }

    private struct Found: Equatable {
        let text: String
        let logProbability: Double
        let hasEnded: Bool
    }

    @Test(
        "A search finds what sorting finds, and all continuations if it is wide enough", arguments: Cell.allCases,
        [ElementType.float32, .int8])
    func search(cell: Cell, weights: ElementType) throws {
        for hasEndOfDocument in [true, false] {
            let bytes = try randomModel(
                cell, hiddenSize: 20, characters: "aé\u{1F600}", hasEndOfDocument: hasEndOfDocument, range: 2,
                weights: weights)
            let session = try session(bytes)
            for prompt in ["", "aéa"] {
                try session.feed(prompt)
                let beam = try Beam(session.model, width: 100, length: 5)
                #expect(try find(beam, session, length: 3) == expected(session, length: 3))
                for width in [1, 2, 5, 17] {
                    let narrow = try Beam(session.model, width: width, length: 6, threads: 2)
                    #expect(try find(narrow, session) == expected(session, length: 6, width: width))
                }
            }
        }
    }

    @Test(
        "Each continuation has the bits of its score, on every backend and any number of threads",
        arguments: Backend.available)
    func scores(backend: Backend) throws {
        for cell in Cell.allCases {
            let session = try session(randomModel(cell, layers: 2, hiddenSize: 70, range: 1.5), backend: backend)
            try session.feed("ab")
            let expected = try Beam(session.model, width: 40, length: 12).search(from: session)
            #expect(expected.count == 40)
            for continuation in expected {
                let score = try session.copy().score(continuation.text, end: continuation.hasEnded)
                #expect(score.logProbability == continuation.logProbability)
            }
            #expect(try Beam(session.model, width: 40, length: 12, threads: 3).search(from: session) == expected)
        }
    }

    @Test("Texts as likely as each other are in the order of the texts before, then of the characters")
    func ties() throws {
        let session = try session(constantModel(logits: [0, 0, 0, 0], characters: "cab", hasEndOfDocument: true))
        let texts = try Beam(session.model, width: 9, length: 2).search(from: session).map { ($0.text, $0.hasEnded) }
        // An end at length 1 has a factor of 1/4 less, and therefore comes first.
        #expect(
            texts.map { $0.0 + ($0.1 ? "." : "") } == [".", "aa", "ab", "ac", "a.", "ba", "bb", "bc", "b."])
    }

    @Test("A document that ends is not continued, also in a model that carries its state")
    func ends() throws {
        let session = try session(constantModel(logits: [0, 5], characters: "a", hasEndOfDocument: true))
        let found = try Beam(session.model, width: 3, length: 2).search(from: session)
        #expect(found.map(\.text) == ["", "a", "aa"])
        #expect(found.map(\.hasEnded) == [true, true, false])
        let carried = try InferenceEngineTests.session(randomModel(.gru, characters: "ab", carriesDocuments: true))
        #expect(try find(Beam(carried.model, width: 100, length: 3), carried) == expected(carried, length: 3))
    }

    @Test("The session is not changed, and a search does not depend on the one before", arguments: Cell.allCases)
    func repeated(cell: Cell) throws {
        let bytes = try randomModel(cell, characters: "abc\n", hasEndOfDocument: false)
        let (searched, plain) = (try session(bytes, seed: 4), try session(bytes, seed: 4))
        let beam = try Beam(searched.model, width: 7, length: 6)
        for length in [6, 1, 3, 6] {
            let fresh = try Beam(searched.model, width: 7, length: length).search(from: searched)
            #expect(try beam.search(from: searched, length: length) == fresh)
            try searched.feed("a")
            try plain.feed("a")
            #expect(searched.logitBits == plain.logitBits)
            #expect(searched.text(9) == plain.text(9))
        }
    }

    @Test("The unknown symbol is never part of a continuation")
    func unknown() throws {
        let session = try session(constantModel(logits: [0, 9], characters: "a", hasUnknown: true))
        #expect(try Beam(session.model, width: 3, length: 3).search(from: session).map(\.text) == ["aaa"])
    }

    @Test("Impossible sizes and sessions of other models are refused")
    func refused() throws {
        let session = try session(randomModel(.gru))
        func refuse(_ message: String, _ call: () throws -> Void) {
            let error = #expect(throws: ChargenError.self) { try call() }
            #expect(error?.kind == .invalidArgument && error?.message == message)
        }
        for (width, length) in [(0, 1), (1, 0), (1025, 1), (1, 1025), (-1, 1), (1, Int.min)] {
            refuse("the width and the length of a beam must be from 1 to 1024") {
                _ = try Beam(session.model, width: width, length: length)
            }
        }
        refuse("the number of threads must be from 1 to 64") {
            _ = try Beam(session.model, width: 1, length: 1, threads: 0)
        }
        let beam = try Beam(session.model, width: 2, length: 4)
        for length in [0, 5, -1, Int.max] {
            refuse("the length must be from 1 to 4 characters, the length of the beam") {
                _ = try beam.search(from: session, length: length)
            }
        }
        let other = try InferenceEngineTests.session(randomModel(.gru))
        refuse("the session belongs to another model than the beam") { _ = try beam.search(from: other) }
    }
}
