import Core

/// One text as B contiguous streams, read in parallel in steps of T symbols with the state carried
/// over: truncated backpropagation through time, as in char-rnn.
///
/// Held out is the end of every stream, or of the text. A text that is too short for B streams has
/// fewer.
final class StreamBatches: MinibatchSource {
    var epoch = 1
    let updatesInEpoch: Int
    let validation: ValidationRows?
    private let text: Stretches
    private let rows: [Range<Int>]
    private let time: Int

    /// - Throws: ``TrainingError`` when there is nothing to learn from or nothing to validate with.
    init(count: Int, rows rowCount: Int, time: Int, heldOut: HeldOut) throws {
        let positions = count - 1
        let fraction = heldOut.fraction
        let held = fraction > 0 ? max(1, Int(Double(positions) * fraction)) : 0
        guard positions > held else {
            throw TrainingError.corpusTooShort(symbols: count, needed: fraction > 0 ? 3 : 2)
        }
        text = Stretches([0..<positions])
        self.time = time
        let steps = positions / rowCount / time
        switch heldOut.place {
        case .end:
            let end = positions - held
            let count = max(1, min(rowCount, end / min(time, end)))
            let length = end / count
            rows = (0..<count).map { $0 * length..<($0 + 1) * length }
            updatesInEpoch = divideRoundingUp(length, by: time)
            validation = held > 0 ? ValidationRows([end..<positions], rowCount: rowCount, time: time) : nil
        case .spread where Int(Double(steps) * (1 - fraction)) > 0 && (steps > 1 || fraction == 0):
            // As in char-rnn: whole minibatches, and a remainder that is not used.
            let updates = Int(Double(steps) * (1 - fraction))
            rows = (0..<rowCount).map { $0 * steps * time..<($0 * steps + updates) * time }
            updatesInEpoch = updates
            let ends = (0..<rowCount).map { ($0 * steps + updates) * time..<($0 + 1) * steps * time }
            validation = updates < steps ? ValidationRows(ends, rowCount: rowCount, time: time) : nil
        case .spread:
            let count = max(1, min(rowCount, positions / (4 * time)))
            let length = positions / count
            let held = fraction > 0 ? max(1, Int(Double(length) * fraction)) : 0
            rows = (0..<count).map { $0 * length..<($0 + 1) * length - held }
            updatesInEpoch = divideRoundingUp(length - held, by: time)
            let ends = (0..<count).map { ($0 + 1) * length - held..<($0 + 1) * length }
            validation = held > 0 ? ValidationRows(ends, rowCount: count, time: time) : nil
        }
    }

    var learned: [Range<Int>] { rows }

    var carriedRows: Int { rows.count }

    func set(_ minibatch: inout Minibatch, _ index: Int) {
        minibatch.text = text
        minibatch.replace(rows: rows.count, time: time, continuesState: index > 0) {
            rows[$0].minibatchRow(index, time: time)
        }
    }
}
