import Core
import Foundation
import KernelDispatch
import Testing

@Suite struct SamplingTests {
    private func weights(
        _ backend: Backend, _ logits: [Float], inverseTemperature: Float = 1
    ) -> (weights: [UInt32], total: UInt64) {
        var weights = [UInt32](repeating: 7, count: padded(logits.count))
        let total = backend.kernels.sampleWeights(inPadding(logits), logits.count, inverseTemperature, &weights)
        #expect(weights[logits.count...].allSatisfy { $0 == 0 })
        return (Array(weights.prefix(logits.count)), total)
    }

    /// Logits in a buffer of whole vectors, whose padding must not matter.
    private func inPadding(_ logits: [Float]) -> [Float] {
        logits + [Float](repeating: 1e30, count: padded(logits.count) - logits.count)
    }

    @Test("Weights are 2^31 · exp((logit − maximum) / temperature), rounded down", arguments: Backend.available)
    func weightsFollowTheFormula(backend: Backend) {
        var random = SplitMix64(seed: 5)
        for inverseTemperature: Float in [0.001, 0.5, 1, 3, 1000] {
            let logits = random.array(83) { $0.uniform(10) }
            let maximum = logits.max()!
            let (weights, total) = weights(backend, logits, inverseTemperature: inverseTemperature)
            #expect(total == weights.reduce(0) { $0 + UInt64($1) })
            for (logit, weight) in zip(logits, weights) {
                // Subtraction and multiplication round too, hence their Float here.
                let exact = exp(Double((logit - maximum) * inverseTemperature)) * 0x1p31
                #expect(abs(Double(weight) - exact) <= 1 + exact * 0x1p-22)
            }
            #expect(weights.max() == 1 << 31)
        }
    }

    @Test(
        "A NaN weighs nothing; infinities and nothing but NaN give a total of 0",
        arguments: Backend.available)
    func notANumber(backend: Backend) {
        #expect(weights(backend, [.nan, 1, -.infinity, 1]).weights == [0, 1 << 31, 0, 1 << 31])
        #expect(weights(backend, [.nan, .nan]).total == 0)
        #expect(weights(backend, [1, .infinity]).total == 0)
        #expect(weights(backend, [-.infinity, -.infinity]).total == 0)
    }

    @Test("The likeliest symbol is the first of the largest logits", arguments: Backend.available)
    func maximum(backend: Backend) {
        #expect(backend.kernels.indexOfMaximum(inPadding([1, 3, 2, 3]), 4) == 1)
        #expect(backend.kernels.indexOfMaximum(inPadding([-0.0, 0]), 2) == 0)
        #expect(backend.kernels.indexOfMaximum(inPadding([.nan, -5, .nan, -4]), 4) == 3)
        #expect(backend.kernels.indexOfMaximum(inPadding([.nan, .nan]), 2) == 0)
        #expect(backend.kernels.indexOfMaximum(inPadding([-.infinity, -.infinity]), 2) == 0)
    }

    @Test("A word picks the first symbol whose running sum exceeds word · total / 2^64", arguments: Backend.available)
    func pick(backend: Backend) {
        var random = SplitMix64(seed: 6)
        for count in [1, 2, 17, 100] {
            for _ in 0..<200 {
                // Often 0, at times the largest weight there is.
                let weights = (0..<count).map { _ -> UInt32 in
                    random.next() % 3 == 0 ? 0 : random.next() % 5 == 0 ? 1 << 31 : UInt32(random.next() >> 33)
                }
                let total = weights.reduce(0) { $0 + UInt64($1) }
                guard total > 0 else { continue }
                for word in [0, .max, random.next(), random.next()] {
                    // In 128 bits and not rounded down: an integer exceeds ⌊x⌋ if and only if it
                    // exceeds x.
                    let product = UInt128(word) * UInt128(total)
                    var sum: UInt128 = 0
                    let expected = weights.firstIndex {
                        sum += UInt128($0)
                        return sum << 64 > product
                    }
                    let padded = weights + [UInt32](repeating: 0, count: padded(count) - count)
                    #expect(backend.kernels.pickSymbol(padded, count, total, word) == expected)
                }
            }
        }
    }

    @Test("Sampled frequencies fit the softmax", arguments: [0.5, 1, 2] as [Float])
    func frequencies(temperature: Float) {
        let logits: [Float] = [2, 1.5, 1, 0.5, 0, -0.5, -1, -1.5, 1.25, 0.75, 0.25, -0.25]
        let (weights, total) = weights(.portable, logits, inverseTemperature: 1 / temperature)
        let padded = weights + [UInt32](repeating: 0, count: padded(weights.count) - weights.count)
        let samples = 200_000
        var counts = [Double](repeating: 0, count: logits.count)
        var random = SplitMix64(seed: 7)
        for _ in 0..<samples {
            counts[Backend.portable.kernels.pickSymbol(padded, weights.count, total, random.next())] += 1
        }
        let exponentials = logits.map { exp(Double($0 / temperature)) }
        let sum = exponentials.reduce(0, +)
        let chiSquare = zip(counts, exponentials).reduce(0) { result, pair in
            let expected = Double(samples) * pair.1 / sum
            return result + (pair.0 - expected) * (pair.0 - expected) / expected
        }
        // 99.9 % of all samples with 11 degrees of freedom lie below.
        #expect(chiSquare < 31.26)
    }
}

/// Top-k, top-p and min-p against their definition.
@Suite struct SamplingCutTests {
    /// The weights that stay: by sorting.
    private func expected(_ weights: [UInt32], most: Int, share: UInt64, least: UInt32) -> [UInt32] {
        var ranking = weights.indices.filter { weights[$0] > 0 }
            .sorted { (weights[$1], $0) < (weights[$0], $1) }
        ranking = Array(ranking.prefix(most))
        if share < .max {
            let total = ranking.reduce(0) { $0 + UInt64(weights[$1]) }
            let target = share.multipliedFullWidth(by: total).high
            var sum: UInt64 = 0
            ranking = Array(
                ranking.prefix { index in
                    defer { sum += UInt64(weights[index]) }
                    return sum <= target
                })
        }
        ranking = ranking.filter { weights[$0] >= least }
        var result = [UInt32](repeating: 0, count: weights.count)
        for index in ranking { result[index] = weights[index] }
        return result
    }

    @Test("Cuts keep the weights of the ranking that they ought to, equal ones included", arguments: Backend.available)
    func cuts(backend: Backend) {
        var random = SplitMix64(seed: 9)
        func below(_ limit: UInt64) -> UInt64 { random.next() % limit }
        for round in 0..<4000 {
            let count = 1 + Int(below(round % 10 == 0 ? 300 : 40))
            // Few different values, so that many are equal; or many; or nearly none.
            let bits = [1, 2, 4, 16, 31][Int(below(5))]
            var weights = (0..<count).map { _ in UInt32(below(1 << UInt64(bits))) << UInt32(below(UInt64(32 - bits))) }
            for _ in 0...below(3) { weights[Int(below(UInt64(count)))] = 1 << 31 }
            let most = below(3) == 0 ? count : 1 + Int(below(UInt64(count)))
            let share = below(3) == 0 ? UInt64.max : below(2) == 0 ? random.next() : 0
            let least = below(3) == 0 ? 0 : UInt32(below(1 << 31)) + 1
            let wanted = expected(weights, most: most, share: share, least: least)
            let total = weights.reduce(0) { $0 + UInt64($1) }
            let buffer = weights + [UInt32](repeating: 0, count: 15)
            var cut = buffer
            let sum = cut.withUnsafeMutableBufferPointer { cut in
                cut.baseAddress.map { backend.kernels.cutWeights($0, count, total, most, share, least) }
            }
            #expect(Array(cut[..<count]) == wanted, "\(weights) \(most) \(share) \(least)")
            #expect(sum == wanted.reduce(0) { $0 + UInt64($1) })
        }
    }
}
