import Core

extension SplitMix64 {
    /// A float uniform in ±`range`.
    mutating func uniform(_ range: Float) -> Float {
        (Float(next() >> 40) * 0x1p-23 - 1) * range
    }

    /// A float of any kind: zeros, infinities, NaN, subnormals and large numbers among ordinary
    /// ones.
    mutating func anyKind() -> Float {
        switch next() % 16 {
        case 0: Float(bitPattern: UInt32(truncatingIfNeeded: next()))
        case 1:
            [0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude][Int(next() % 7)]
        default: uniform(12)
        }
    }

    mutating func array(_ count: Int, _ element: (inout SplitMix64) -> Float) -> [Float] {
        (0..<count).map { _ in element(&self) }
    }
}

extension [Float] {
    /// The bit patterns, with one for all NaNs, whose sign and payload depend on the processor.
    var bits: [UInt32] { map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern } }
}
