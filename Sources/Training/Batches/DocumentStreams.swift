import Core

/// Documents as B streams, read in parallel in steps of T symbols with the state carried over
/// within a document. Their order is another one in each epoch.
final class DocumentStreams: MinibatchSource {
    let learned: [Range<Int>]
    let validation: ValidationRows?
    private let rowCount: Int
    private let time: Int
    private let seed: UInt64
    private var text = Stretches([])
    private var rows: [Range<Int>] = []

    var epoch = 0 {
        didSet { if epoch != oldValue { shuffle() } }
    }

    init(_ documents: DocumentSplit, rows: Int, time: Int, seed: UInt64) {
        learned = documents.training
        validation = documents.validation(rowCount: rows, time: time)
        // So many rows that each has a few minibatches.
        let count = documents.training.reduce(0) { $0 + $1.count }
        rowCount = max(1, min(rows, count / (4 * min(time, count))))
        self.time = time
        self.seed = seed
        epoch = 1
        shuffle()
    }

    private func shuffle() {
        let order = Permutation(count: learned.count, seed: seed, round: epoch)
        text = Stretches((0..<learned.count).map { learned[order[$0]] })
        rows = text.rows(rowCount, tolerance: time)
    }

    var updatesInEpoch: Int { divideRoundingUp(rows.map(\.count).max() ?? 1, by: time) }

    var carriedRows: Int { rowCount }

    func set(_ minibatch: inout Minibatch, _ index: Int) {
        minibatch.text = text
        minibatch.replace(rows: rowCount, time: time, continuesState: index > 0) {
            rows[$0].minibatchRow(index, time: time)
        }
    }
}
