import CIntrinsics
import Core

/// The cache that a prefetch hint addresses.
protocol CacheLevel {
    static func prefetch(_ address: UnsafePointer<Float>)
}

enum FirstLevel: CacheLevel {
    @inline(__always) static func prefetch(_ address: UnsafePointer<Float>) { ci_prefetch(address) }
}

/// Four lines at once, a term of four panels.
enum FirstLevelGroup: CacheLevel {
    @inline(__always)
    static func prefetch(_ address: UnsafePointer<Float>) {
        ci_prefetch(address)
        ci_prefetch(address + laneCount)
        ci_prefetch(address + 2 * laneCount)
        ci_prefetch(address + 3 * laneCount)
    }
}

enum SecondLevel: CacheLevel {
    @inline(__always)
    static func prefetch(_ address: UnsafePointer<Float>) { ci_prefetch_l2(address) }
}

/// No hints.
enum NoLevel: CacheLevel {
    @inline(__always) static func prefetch(_ address: UnsafePointer<Float>) {}
}

/// What is prefetched while something else is computed: one address a term.
struct PrefetchCursor<Level: CacheLevel> {
    /// The address at the first term of the next tile.
    var place: UnsafePointer<Float>
    /// The floats from one term's address to the next.
    var step = 0
    /// The floats from one tile's address to the next.
    var advance = 0
}
