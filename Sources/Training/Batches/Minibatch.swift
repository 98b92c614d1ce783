/// What one update learns from: rows of consecutive symbols of the corpus.
///
/// Row b reads symbols `starts[b]` ..< `starts[b] + time` and predicts the symbol after each. A
/// worker copies the symbols of its rows when it reads them.
struct Minibatch: Equatable {
    /// The position in the corpus of each row's first symbol.
    var starts: [Int]
    /// The number of time steps.
    var time: Int
    /// Whether each row continues the same row of the previous minibatch.
    var continuesState = false

    /// Replaces the minibatch by another in the same memory.
    mutating func replace(
        rows: Int, time: Int, continuesState: Bool = false, startOfRow: (_ row: Int) -> Int
    ) {
        starts.removeAll(keepingCapacity: true)
        for row in 0..<rows { starts.append(startOfRow(row)) }
        self.time = time
        self.continuesState = continuesState
    }
}

/// A division of a corpus into minibatches.
///
/// A minibatch depends on its epoch and its number alone, so that a resumed training continues
/// exactly.
protocol MinibatchSource {
    /// The number of updates in an epoch, at least 1.
    var updatesPerEpoch: Int { get }
    /// The number of minibatches held out for validation; 0 if there are none.
    var validationCount: Int { get }
    /// The number of rows whose state is carried over to the next minibatch; 0 if none is.
    var carriedRows: Int { get }

    /// Sets a minibatch to learn from: 0 ..< ``updatesPerEpoch``, of an epoch from 1.
    func setTraining(_ minibatch: inout Minibatch, _ index: Int, epoch: Int)
    /// Sets a minibatch held out: 0 ..< ``validationCount``.
    func setValidation(_ minibatch: inout Minibatch, _ index: Int)
}
