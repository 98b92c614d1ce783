/// Where the rows of a minibatch stand in memory.
///
/// A minibatch has slices of the same number of rows, whose gradients are computed by themselves:
/// one slice unless ``Settings/slices`` says otherwise. Memory has a network's slices one after the
/// other, each time-major: the rows of a time step are contiguous. A row has a place at each step,
/// and another one for its state after the last.
struct RowPlaces: Equatable {
    /// The slices here, by their numbers among all.
    var slices = 0..<1
    /// The slices of the minibatch.
    var totalSlices = 1
    /// The rows of each slice. Some may be padding.
    var sliceRows = 0
    /// T.
    var time = 0

    /// The rows here.
    var rows: Int { slices.count * sliceRows }

    /// Room for these rows and steps, and for others.
    func enclosing(_ other: RowPlaces) -> RowPlaces {
        RowPlaces(sliceRows: max(rows, other.rows), time: max(time, other.time))
    }

    /// The places here.
    var count: Int { slices.count * sliceCount }

    private var sliceCount: Int { (time + 1) * sliceRows }

    /// The place of a row at a step.
    @inline(__always)
    func place(_ step: Int, _ row: Int) -> Int {
        // Without a division if there is one slice.
        guard row >= sliceRows else { return step &* sliceRows &+ row }
        let (slice, offset) = row.quotientAndRemainder(dividingBy: sliceRows)
        return slice * sliceCount + step * sliceRows + offset
    }

    /// The places of a slice's rows, from the first step to the last.
    ///
    /// - Parameter slice: The number of the slice among those here.
    func places(ofSlice slice: Int) -> Range<Int> {
        let first = slice * sliceCount
        return first..<first + time * sliceRows
    }

    /// The number of a row among those of all slices.
    func number(ofRow row: Int) -> Int { slices.lowerBound * sliceRows + row }

    /// The number among those of all slices and steps.
    func number(_ step: Int, _ row: Int) -> Int { step * totalSlices * sliceRows + number(ofRow: row) }

    /// The row of a minibatch of `count` rows that stands here as `row`; nil for padding.
    func minibatchRow(_ row: Int, of count: Int) -> Int? {
        let (slice, offset) = number(ofRow: row).quotientAndRemainder(dividingBy: sliceRows)
        let rows = RowPlaces.rows(ofSlice: slice, of: totalSlices, rows: count)
        return offset < rows.count ? rows.lowerBound + offset : nil
    }

    /// The rows of a minibatch of `count` rows that a slice has.
    static func rows(ofSlice slice: Int, of slices: Int, rows count: Int) -> Range<Int> {
        slice * count / slices..<(slice + 1) * count / slices
    }

    /// Rows of a matrix with a row for each place: those of a range of rows at some steps.
    ///
    /// - Parameters:
    ///   - pointer: The column that is the first.
    ///   - stride: The distance between two rows of the matrix.
    ///   - range: Rows of one slice, or whole slices.
    func rows(
        _ pointer: UnsafeMutablePointer<Float>, stride: Int, _ range: Range<Int>, _ steps: Range<Int>
    ) -> Rows {
        let first = pointer + place(steps.lowerBound, range.lowerBound) * stride
        // Whole slices have the rows of several steps without a gap.
        return range.count > sliceRows
            ? Rows(
                pointer: first, stride: stride, count: sliceRows * steps.count, blocks: range.count / sliceRows,
                block: sliceCount * stride)
            : Rows(pointer: first, stride: stride, count: range.count, blocks: steps.count, block: sliceRows * stride)
    }
}

/// Rows of a matrix: blocks of neighbouring rows.
struct Rows {
    /// The first number of the first row.
    var pointer: UnsafeMutablePointer<Float>
    /// The distance between two rows.
    var stride: Int
    /// The rows of a block.
    var count: Int
    var blocks: Int
    /// The distance between two blocks.
    var block: Int
}
