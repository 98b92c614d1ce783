import Core
import KernelDispatch

/// From logits to a symbol: the sampling settings, and the choice. `docs/sampling.md` specifies it.
struct Sampler {
    /// 0 is greedy.
    private(set) var temperature: Float = 1

    /// - Throws: `invalidArgument` unless the temperature is 0 or from 0.001 to 1000.
    mutating func setTemperature(_ temperature: Float) throws(ChargenError) {
        guard temperature == 0 || (temperature >= 0.001 && temperature <= 1000) else {
            throw ChargenError(.invalidArgument, "the temperature must be 0 (greedy) or from 0.001 to 1000")
        }
        self.temperature = temperature
    }

    /// Chooses a symbol.
    ///
    /// - Parameters:
    ///   - logits: `count` floats, in a buffer padded to whole vectors.
    ///   - generator: One word of it is used, unless the choice is greedy.
    ///   - weights: Memory for as many integers.
    func choose(
        from logits: UnsafePointer<Float>, count: Int, _ generator: inout SplitMix64,
        weights: UnsafeMutablePointer<UInt32>, _ backend: Backend
    ) -> Int {
        guard temperature > 0 else { return backend.kernels.indexOfMaximum(logits, count) }
        let word = generator.next()
        let total = backend.kernels.sampleWeights(logits, count, 1 / temperature, weights)
        // The logits overflowed.
        guard total > 0 else { return backend.kernels.indexOfMaximum(logits, count) }
        return backend.kernels.pickSymbol(weights, count, total, word)
    }
}
