/// The sum over the slices of a minibatch: the halves of a range of slices are summed by
/// themselves, down to single slices, so that the order does not depend on who sums what.
enum SliceTree {
    /// The two halves of a range of at least two slices.
    static func halves(_ slices: Range<Int>) -> (Range<Int>, Range<Int>) {
        let middle = (slices.lowerBound + slices.upperBound) / 2
        return (slices.lowerBound..<middle, middle..<slices.upperBound)
    }

    /// The largest ranges of the tree that lie within some slices, in their order.
    ///
    /// - Parameter total: All slices.
    static func nodes(within slices: Range<Int>, of total: Range<Int>) -> [Range<Int>] {
        if slices.lowerBound <= total.lowerBound, total.upperBound <= slices.upperBound { return [total] }
        guard slices.overlaps(total) else { return [] }
        let (first, second) = halves(total)
        return nodes(within: slices, of: first) + nodes(within: slices, of: second)
    }

    /// The levels of the tree below some slices.
    static func levels(_ slices: Range<Int>) -> Int { slices.count < 2 ? 0 : 1 + levels(halves(slices).1) }

    /// The sum of a number for each slice.
    static func sum(_ values: UnsafePointer<Double>, _ slices: Range<Int>) -> Double {
        guard slices.count > 1 else { return values[slices.lowerBound] }
        let (first, second) = halves(slices)
        return sum(values, first) + sum(values, second)
    }
}
