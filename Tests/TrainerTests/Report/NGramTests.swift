import Core
import Foundation
import ModelFormat
import Testing

@testable import Trainer

@Suite("N-gram models")
struct NGramTests {
    /// A vocabulary of some symbols, the last of which ends a document.
    private func vocabulary(_ count: Int) throws -> Vocabulary {
        try #require(Vocabulary(characters: (0..<UInt32(count - 1)).map { 0x61 + $0 }, hasEndOfDocument: true))
    }

    /// A sequence in which each symbol depends on the one before it.
    private func sequence(_ count: Int, symbols: Int, seed: UInt64) -> [Int] {
        var random = SplitMix64(seed: seed)
        var symbol = 0
        return (0..<count).map { _ in
            symbol = random.next() % 4 == 0 ? Int(random.next() % UInt64(symbols)) : (symbol + 1) % symbols
            return symbol
        }
    }

    @Test("the probabilities of all symbols add up to 1, after contexts that were seen and others")
    func distribution() throws {
        let models = try NGramModels(
            vocabulary(9),
            [
                Passage(given: nil, symbols: sequence(500, symbols: 7, seed: 1)),
                Passage(given: 3, symbols: sequence(500, symbols: 7, seed: 2)),
            ])
        for given in [nil, 0, 7] as [Int?] {
            var context = models.context(of: Passage(given: given, symbols: []))
            for symbol in sequence(60, symbols: 9, seed: 3) {
                var sums = [Double](repeating: 0, count: 7)
                for next in 0..<9 {
                    let probabilities = models.probabilities(of: next, after: context)
                    for order in 0..<7 {
                        #expect(probabilities[order] > 0)
                        sums[order] += probabilities[order]
                    }
                }
                for sum in sums { #expect(abs(sum - 1) < 1e-12) }
                models.advance(&context, symbol)
            }
        }
    }

    @Test("are those of Witten and Bell's formula")
    func formula() throws {
        // After 0 come 1, 1 and 2: three tokens of two types. All: 1 three times, 0 twice, 2 once.
        let models = try NGramModels(vocabulary(4), [Passage(given: 0, symbols: [1, 0, 1, 0, 2, 1])])
        let context = models.context(of: Passage(given: 0, symbols: []))
        let uniform = 0.25
        let order0 = (3 + 3 * uniform) / (6 + 3)
        let order1 = (2 + 2 * order0) / (3 + 2)
        let probabilities = models.probabilities(of: 1, after: context)
        #expect(abs(probabilities[0] - order0) < 1e-15)
        #expect(abs(probabilities[1] - order1) < 1e-15)
        // No pair that ends in the given symbol was seen: the higher orders know no more.
        #expect(probabilities[2] == probabilities[1] && probabilities[6] == probabilities[1])
        #expect(abs(models.probabilities(of: 3, after: context)[0] - 3 * uniform / 9) < 1e-15)
    }

    @Test("an order that reaches as far as the text's regularity predicts it, lower ones do not")
    func order() throws {
        // The symbol after two zeros depends on the one before them.
        let period = [1, 0, 0, 1, 2, 0, 0, 2]
        let text = Passage(given: 0, symbols: (0..<4000).map { period[$0 % 8] })
        let bits = try NGramModels(vocabulary(3), [text]).bits([text])
        #expect(bits.count == 7)
        #expect(bits[0] > 1.4 && bits[2] > 0.2)
        #expect(bits[3] < 0.01 && bits[6] < 0.02)
        for order in 1...3 { #expect(bits[order] < bits[order - 1]) }
    }
}
