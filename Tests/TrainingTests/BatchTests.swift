import Testing

@testable import Training

@Suite("Minibatches")
struct BatchTests {
    @Test("streams read every symbol once, in order, and hold out the end of each")
    func streams() throws {
        let source = try StreamBatches(count: 3 * 40 * 5 + 1, rows: 3, time: 5, validationFraction: 0.05)
        #expect(source.updatesPerEpoch == 38)
        #expect(source.validationCount == 2)
        var seen: [Int] = []
        for row in 0..<3 {
            for index in 0..<38 {
                let minibatch = source.training(index, epoch: 1)
                #expect(minibatch.continuesState == (index > 0))
                seen += minibatch.starts[row]..<minibatch.starts[row] + 5
            }
            for index in 0..<2 {
                let minibatch = source.validation(index)
                #expect(minibatch.continuesState == (index > 0))
                seen += minibatch.starts[row]..<minibatch.starts[row] + 5
            }
        }
        #expect(seen == Array(0..<600))
    }

    @Test("windows come once an epoch, in another order each epoch, and do not overlap what is held out")
    func windows() throws {
        let source = try ShuffledWindows(
            count: 1000, rows: 7, time: 20, stride: 3, validationFraction: 0.1, seed: 5)
        // 900 symbols to learn from: starts 0, 3 … 879, each with 20 symbols and the one after.
        #expect(source.updatesPerEpoch == 294 / 7)
        let epochs = (1...2).map { epoch in
            (0..<source.updatesPerEpoch).flatMap { source.training($0, epoch: epoch).starts }
        }
        #expect(epochs[0].sorted() == Array(stride(from: 0, through: 879, by: 3)))
        #expect(epochs[1].sorted() == epochs[0].sorted())
        #expect(epochs[0] != epochs[1])
        #expect(epochs[0] != epochs[0].sorted())
        let held = (0..<source.validationCount).flatMap { source.validation($0).starts }
        #expect(held == [900, 920, 940, 960])
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

    @Test("windows of one document are all its windows, and short documents are skipped")
    func documents() throws {
        let corpus = try testCorpus("abcdefghijklmnop\nabc\nabcdefghijklmnopq\n", documents: .line)
        let source = try DocumentWindows(corpus, time: 6, limit: nil)
        #expect(source.updatesPerEpoch == 2)
        #expect(source.training(0, epoch: 1) == Minibatch(starts: Array(0..<10), time: 6))
        #expect(source.training(1, epoch: 1) == Minibatch(starts: Array(21..<32), time: 6))
        #expect(try DocumentWindows(corpus, time: 6, limit: 1).updatesPerEpoch == 1)
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
            _ = try StreamBatches(count: count, rows: 4, time: 10, validationFraction: 0.05)
        }
        #expect(needed { try streams(80) } == 81)
        #expect(needed { try streams(81) } == nil)
        func windows(_ count: Int) throws {
            _ = try ShuffledWindows(
                count: count, rows: 4, time: 10, stride: 1, validationFraction: 0.05, seed: 1)
        }
        let enough = try #require(needed { try windows(50) })
        #expect(needed { try windows(enough) } == nil)
    }
}

extension MinibatchSource {
    fileprivate func training(_ index: Int, epoch: Int) -> Minibatch {
        var minibatch = Minibatch(starts: [], time: 0)
        setTraining(&minibatch, index, epoch: epoch)
        return minibatch
    }

    fileprivate func validation(_ index: Int) -> Minibatch {
        var minibatch = Minibatch(starts: [], time: 0)
        setValidation(&minibatch, index)
        return minibatch
    }
}
