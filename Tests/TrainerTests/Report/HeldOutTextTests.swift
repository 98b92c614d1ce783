import Foundation
import ModelFormat
import TestSupport
import Testing
import Training

@testable import Trainer

@Suite("The text that a report measures")
struct HeldOutTextTests {
    /// Runs `body` with the corpus of a text.
    private func corpus(_ text: String, documents: DocumentKind = .whole) throws -> Corpus {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("text.txt")
            try text.write(to: file, atomically: true, encoding: .utf8)
            return try Corpus(reading: CorpusSource(paths: [file.path], documents: documents))
        }
    }

    private func texts(_ passages: [Passage]?, _ vocabulary: Vocabulary) -> [String] {
        (passages ?? []).map { $0.text(vocabulary) }
    }

    @Test("is the end of each stream, or of the whole text with windows")
    func batching() throws {
        let corpus = try corpus("abcdefghijklmnopqrstuvwxyzabcdefghijklmno")
        var settings = Settings(corpus: CorpusSource(paths: []))
        settings.batchSize = 2
        settings.time = 5
        settings.validationFraction = 0.25
        let streams = HeldOutText(of: corpus, settings: settings, for: corpus.vocabulary)
        #expect(texts(streams.heldOut, corpus.vocabulary) == ["pqrstu", "jklmno"])
        #expect(texts(streams.training, corpus.vocabulary) == ["abcdefghijklmnop", "uvwxyzabcdefghij"])
        #expect(streams.heldOut[0].given == 15)
        settings.batching = .windows
        let windows = HeldOutText(of: corpus, settings: settings, for: corpus.vocabulary)
        #expect(texts(windows.heldOut, corpus.vocabulary) == ["efghijklmno"])
        settings.batching = .documents
        #expect(HeldOutText(of: corpus, settings: settings, for: corpus.vocabulary).heldOut == [])
        settings.batching = .streams
        settings.validationFraction = 0
        #expect(HeldOutText(of: corpus, settings: settings, for: corpus.vocabulary).heldOut == [])
    }

    @Test("shows characters that the model does not know as U+FFFD, which compressors read too")
    func unknown() throws {
        let vocabulary = try #require(Vocabulary(characters: [0x61], hasUnknown: true, hasEndOfDocument: true))
        let passage = Passage(given: 1, symbols: [0, 1, 2])
        #expect(passage.text(vocabulary) == "\u{FFFD}a\u{FFFD}\n")
        let surprises = ([1, 3, 2] as [Float]).withUnsafeBufferPointer { logits in
            passage.symbols.map { Surprise($0, logits: logits) }
        }
        let markup = SurpriseText(passages: [(given: 1, surprises: surprises)], vocabulary: vocabulary).html.markup
        for shown in [">\u{FFFD}<span", ">\u{FFFD}</span>", ">∎</span>"] { #expect(markup.contains(shown)) }
        #expect(markup.contains("data-l=\"\u{FFFD}\u{A0}67\u{A0}% · ∎\u{A0}24\u{A0}% · a\u{A0}9.0\u{A0}%\""))
    }

    @Test("documents are passages of their own, whose ends are predicted if the model knows them")
    func documents() throws {
        let corpus = try corpus("ab\ncde\nf\n", documents: .line)
        let vocabulary = corpus.vocabulary
        let all = Passage.passages(of: [0..<corpus.count], in: corpus, for: vocabulary, limit: 100)
        #expect(all.map(\.given) == [nil, nil, nil])
        #expect(texts(all, vocabulary) == ["ab\n", "cde\n", "f\n"])
        let unending = vocabulary.with(endOfDocument: false)
        let without = Passage.passages(of: [0..<corpus.count], in: corpus, for: unending, limit: 100)
        #expect(without.map(\.given) == [0, 2])
        #expect(texts(without, unending) == ["ab", "cde"])
        // From the middle of the first document to the middle of the second.
        let piece = Passage.passages(of: [1..<5], in: corpus, for: vocabulary, limit: 100)
        #expect(piece.map(\.given) == [1, nil])
        #expect(texts(piece, vocabulary) == ["b\n", "cd"])
        let limited = Passage.passages(of: [0..<corpus.count], in: corpus, for: vocabulary, limit: 5)
        #expect(texts(limited, vocabulary) == ["ab\n", "cd"])
    }
}
