/// What one update learns from: rows of consecutive positions of a text.
///
/// A worker copies the symbols of its rows when it reads them.
struct Minibatch {
    /// A row of a minibatch.
    struct Row: Equatable {
        /// The positions in the text, at most as many as there are time steps. The steps after them
        /// are padding.
        var positions: Range<Int>
        /// The number of positions at the front that are context: read, but not predicted.
        var context = 0
    }

    /// The text that the rows are of.
    var text = Stretches([])
    var rows: [Row] = []
    /// The number of time steps.
    var time = 0
    /// Whether each row continues the same row of the previous minibatch.
    var continuesState = false

    /// Nothing, to be replaced.
    init() {}

    /// Rows of `time` symbols from some positions of a text on.
    init(of text: Stretches, starts: [Int], time: Int) {
        self.text = text
        self.time = time
        rows = starts.map { Row(positions: $0..<$0 + time) }
    }

    /// The number of symbols that are predicted.
    var predictionCount: Int { rows.reduce(0) { $0 + $1.positions.count - $1.context } }

    /// Replaces the rows by others in the same memory.
    mutating func replace(rows count: Int, time: Int, continuesState: Bool = false, row: (_ row: Int) -> Row) {
        rows.removeAll(keepingCapacity: true)
        for index in 0..<count { rows.append(row(index)) }
        self.time = time
        self.continuesState = continuesState
    }
}
