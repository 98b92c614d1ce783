import Core

/// A random order of 0 ..< count that takes no memory: each element is computed when it is read.
///
/// A Feistel network (Luby and Rackoff 1988) over the smallest even number of bits that holds
/// `count` permutes all numbers of that many bits. A result that is too large is permuted again
/// until it is small enough ("cycle walking", Black and Rogaway 2002), fewer than four times on
/// average.
struct Permutation {
    let count: Int
    private let halfBits: UInt64
    private let keys: InlineArray<6, UInt64>

    /// The order for `seed` and `round`.
    ///
    /// - Parameter count: At least 1.
    init(count: Int, seed: UInt64, round: Int) {
        self.count = count
        let bits = UInt64(Int.bitWidth - (count - 1).leadingZeroBitCount)
        halfBits = max(1, (bits + 1) / 2)
        var random = SplitMix64(seed: seed)
        random = SplitMix64(seed: random.next() ^ UInt64(round))
        keys = InlineArray { _ in random.next() }
    }

    subscript(index: Int) -> Int {
        var value = permuted(UInt64(index))
        while value >= count { value = permuted(value) }
        return Int(value)
    }

    private func permuted(_ value: UInt64) -> UInt64 {
        let mask = (1 << halfBits) - 1 as UInt64
        var left = value >> halfBits
        var right = value & mask
        for round in keys.indices {
            var mixed = SplitMix64(seed: right ^ keys[round])
            (left, right) = (right, left ^ (mixed.next() & mask))
        }
        return left << halfBits | right
    }
}
