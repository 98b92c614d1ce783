/// What is prefetched into the second-level cache while something else is computed: one address a
/// term.
struct PrefetchCursor {
    /// The address at the first term of the next tile.
    var place: UnsafePointer<Float>
    /// The floats from one term's address to the next.
    var step = 0
    /// The floats from one tile's address to the next.
    var advance = 0
}
