import Testing

@testable import Training

@Suite("Minibatches")
struct BatchTests {
    private let ends = HeldOut(fraction: 0.05, place: .spread)

    @Test("streams read every symbol once, in order, and hold out the end of each")
    func streams() throws {
        let source = try StreamBatches(count: 3 * 40 * 5 + 1, rows: 3, time: 5, heldOut: ends)
        #expect(source.updatesInEpoch == 38)
        let validation = try #require(source.validation)
        #expect(validation.count == 2)
        var seen: [Int] = []
        for row in 0..<3 {
            for index in 0..<38 {
                let minibatch = source.training(index)
                #expect(minibatch.continuesState == (index > 0))
                seen += minibatch.corpusPositions(row)
            }
            for index in 0..<2 {
                let minibatch = validation.minibatch(index)
                #expect(minibatch.continuesState == (index > 0))
                seen += minibatch.corpusPositions(row)
            }
        }
        #expect(seen == Array(0..<600))
    }

    @Test(
        "a short text has fewer streams, and still learns from all but what is held out",
        arguments: [3, 20, 101, 900])
    func shortText(count: Int) throws {
        let source = try StreamBatches(count: count, rows: 50, time: 50, heldOut: ends)
        let validation = try #require(source.validation)
        let learned = (0..<source.updatesInEpoch).map { source.training($0).predictionCount }.reduce(0, +)
        let held = (0..<validation.count).map { validation.minibatch($0).predictionCount }.reduce(0, +)
        #expect(learned > 0 && held > 0)
        // At most a symbol of each stream is left over.
        #expect((count - 1 - source.carriedRows...count - 1).contains(learned + held))
        #expect(Double(held) <= max(Double(source.carriedRows), 0.06 * Double(count)))
    }

    @Test("the end of a text is held out whole, and each row of it is read after some context")
    func heldOutEnd() throws {
        let source = try StreamBatches(count: 40_001, rows: 4, time: 30, heldOut: HeldOut(fraction: 0.1, place: .end))
        let learned = Set((0..<source.updatesInEpoch).flatMap { source.training($0).allPositions })
        #expect(learned == Set(0..<36_000))
        let validation = try #require(source.validation)
        var predicted: [Int] = []
        for index in 0..<validation.count {
            let minibatch = validation.minibatch(index)
            for row in minibatch.rows.indices {
                predicted += minibatch.corpusPositions(row).dropFirst(minibatch.rows[row].context)
            }
        }
        #expect(predicted.sorted() == Array(36_000..<40_000))
        // The first row begins where the held-out text does; the others read 256 symbols before.
        let starts = validation.minibatch(0).rows.indices.map { validation.minibatch(0).corpusPositions($0)[0] }
        #expect(starts == [36_000, 37_000 - 256, 38_000 - 256, 39_000 - 256])
    }

    @Test("windows come once an epoch, in another order each epoch, and do not overlap what is held out")
    func windows() throws {
        var settings = Settings(corpus: CorpusSource(paths: []))
        (settings.batchSize, settings.time, settings.stride) = (7, 20, 3)
        (settings.burnIn, settings.validationFraction) = (4, 0.1)
        let source = try ShuffledWindows(count: 1000, settings)
        // 900 symbols to learn from: starts 0, 3 … 879, each with 20 symbols and the one after.
        #expect(source.updatesInEpoch == 294 / 7)
        let epochs = (1...2).map { epoch in
            source.epoch = epoch
            return (0..<source.updatesInEpoch).flatMap { source.training($0).rows.map(\.positions.lowerBound) }
        }
        #expect(epochs[0].sorted() == Array(stride(from: 0, through: 879, by: 3)))
        #expect(epochs[1].sorted() == epochs[0].sorted())
        #expect(epochs[0] != epochs[1])
        #expect(epochs[0] != epochs[0].sorted())
        #expect(source.training(0).predictionCount == 7 * 16)
        let validation = try #require(source.validation)
        #expect(Set((0..<validation.count).flatMap { validation.minibatch($0).allPositions }) == Set(900..<999))
    }

    @Test("each window comes first with the same probability")
    func shuffleIsFair() throws {
        var counts = [Int](repeating: 0, count: 10)
        for seed in 0..<5000 { counts[Permutation(count: 10, seed: UInt64(seed), round: 1)[0]] += 1 }
        // 500 each on average, with a standard deviation of 21.
        #expect(counts.allSatisfy { abs($0 - 500) < 110 })
    }

    @Test("a permutation has every number once", arguments: [1, 2, 3, 15, 16, 17, 1000, 65_537])
    func permutation(count: Int) {
        let permutation = Permutation(count: count, seed: 3, round: 2)
        #expect((0..<count).map { permutation[$0] }.sorted() == Array(0..<count))
    }

    @Test("streams of documents read each document once an epoch, after the symbol that it begins with")
    func documentStreams() throws {
        let names = (0..<200).map { "name\($0)" + String(repeating: "x", count: $0 % 7) }
        let corpus = try testCorpus(names.joined(separator: "\n"), documents: .line)
        let end = try #require(corpus.vocabulary.endOfDocument)
        let split = DocumentSplit(corpus, ends)
        let source = DocumentStreams(split, rows: 4, time: 9, seed: 3)
        let epochs = try [1, 2].map { epoch in
            source.epoch = epoch
            return try texts((0..<source.updatesInEpoch).map { source.training($0) }, corpus, end)
        }
        let validation = try #require(source.validation)
        let held = try texts((0..<validation.count).map { validation.minibatch($0) }, corpus, end)
        #expect(held == stride(from: 19, to: 200, by: 20).map { names[$0] })
        #expect(epochs[0].sorted() == names.filter { !held.contains($0) }.sorted())
        #expect(epochs[1].sorted() == epochs[0].sorted() && epochs[1] != epochs[0])
    }

    /// The documents that the rows of some minibatches read and predict whole, row after row.
    private func texts(_ minibatches: [Minibatch], _ corpus: Corpus, _ end: Int) throws -> [String] {
        var documents: [String] = []
        for row in minibatches[0].rows.indices {
            var inputs: [Int32] = []
            var targets: [Int32] = []
            for minibatch in minibatches {
                let positions = minibatch.rows[row].positions
                var symbols = [Int32](repeating: 0, count: 2 * minibatch.time)
                symbols.withUnsafeMutableBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return }
                    minibatch.text.copy(positions, of: corpus, inputs: base, targets: base + minibatch.time, stride: 1)
                }
                inputs += symbols.prefix(positions.count)
                targets += symbols[minibatch.time...].prefix(positions.count)
            }
            #expect(inputs.first == Int32(end) && targets.last == Int32(end))
            // A target is the next input, wherever the next input is not that of another row.
            #expect(Array(inputs.dropFirst()) == Array(targets.dropLast()))
            documents += targets.split(separator: Int32(end)).map { symbols in
                String(String.UnicodeScalarView(symbols.compactMap { corpus.vocabulary.character(of: Int($0)) }))
            }
        }
        return documents
    }

    @Test("of a few long documents the end of each is held out, and a row may begin within one")
    func longDocuments() throws {
        let text = [String(repeating: "ab", count: 3000), String(repeating: "ba", count: 2000)].joined(separator: "\n")
        let corpus = try testCorpus(text, documents: .line)
        let split = DocumentSplit(corpus, ends)
        // A document of n characters has n + 1 inputs, the first of them the end-of-document
        // symbol.
        #expect(split.training == [-1..<5700, 6000..<9801])
        let source = DocumentStreams(split, rows: 10, time: 20, seed: 1)
        #expect(source.carriedRows == 10)
        #expect((0..<10).allSatisfy { source.training(0).rows[$0].positions.count == 20 })
        #expect(source.updatesInEpoch <= 50)
    }

    @Test("windows of one document are all its windows, and short documents are skipped")
    func documents() throws {
        let corpus = try testCorpus("abcdefghijklmnop\nabc\nabcdefghijklmnopq\n", documents: .line)
        let source = try DocumentWindows(corpus, time: 6, limit: nil)
        #expect(source.updatesInEpoch == 2)
        #expect(source.training(0).rows.map(\.positions) == (0..<10).map { $0..<$0 + 6 })
        #expect(source.training(1).rows.map(\.positions) == (21..<32).map { $0..<$0 + 6 })
        #expect(try DocumentWindows(corpus, time: 6, limit: 1).updatesInEpoch == 1)
        let long = try testCorpus(String(repeating: "a", count: 70_000))
        #expect(throws: TrainingError.documentTooLong(characters: 70_000, limit: 65_542)) {
            try DocumentWindows(long, time: 6, limit: nil)
        }
        #expect(throws: TrainingError.documentsTooShort(needed: 18)) {
            try DocumentWindows(corpus, time: 8, limit: nil)
        }
    }

    @Test("a corpus one symbol too short is refused with the length that is enough")
    func tooShort() throws {
        func needed(_ body: () throws -> Void) -> Int? {
            do { try body() } catch TrainingError.corpusTooShort(_, let needed) { return needed } catch {}
            return nil
        }
        func streams(_ count: Int) throws {
            _ = try StreamBatches(count: count, rows: 4, time: 10, heldOut: ends)
        }
        #expect(needed { try streams(2) } == 3)
        #expect(needed { try streams(3) } == nil)
        func windows(_ count: Int) throws {
            _ = try ShuffledWindows(count: count, Settings(corpus: CorpusSource(paths: [])))
        }
        let enough = try #require(needed { try windows(20) })
        #expect(needed { try windows(enough) } == nil)
    }
}

extension MinibatchSource {
    fileprivate func training(_ index: Int) -> Minibatch {
        var minibatch = Minibatch()
        set(&minibatch, index)
        return minibatch
    }
}

extension ValidationRows {
    fileprivate func minibatch(_ index: Int) -> Minibatch {
        var minibatch = Minibatch()
        set(&minibatch, index)
        return minibatch
    }
}

extension Minibatch {
    /// The positions of a row's inputs in the corpus.
    fileprivate func corpusPositions(_ row: Int) -> [Int] {
        rows[row].positions.map { position in
            let stretch = text.stretch(at: position)
            return text.ranges[stretch].lowerBound + position - text.start(of: stretch)
        }
    }

    fileprivate var allPositions: [Int] { rows.indices.flatMap { corpusPositions($0) } }
}
