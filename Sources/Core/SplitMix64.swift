/// The random generator behind sampling, initial weights and shuffling: SplitMix64 (Steele, Lea and
/// Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
///
/// Its state is one 64-bit word. All seeds are on one sequence of period 2^64, each at its own
/// place.
public struct SplitMix64: Sendable {
    /// The state: the seed at first.
    public var state: UInt64

    /// A generator at the start of the sequence that belongs to `seed`.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next word, uniform over all 64-bit values.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
