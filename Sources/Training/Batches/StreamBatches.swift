/// The corpus as B contiguous streams, read in parallel in steps of T symbols with the state
/// carried over: truncated backpropagation through time, as in char-rnn. The end of every stream is
/// held out for validation.
struct StreamBatches: MinibatchSource {
    let updatesPerEpoch: Int
    let validationCount: Int
    private let rows: Int
    private let time: Int

    /// - Throws: ``TrainingError`` when the corpus is too short for one minibatch to learn from and
    ///   one to validate with.
    init(count: Int, rows: Int, time: Int, validationFraction: Double) throws {
        let steps = (count - 1) / rows / time
        updatesPerEpoch = Int(Double(steps) * (1 - validationFraction))
        validationCount = steps - updatesPerEpoch
        self.rows = rows
        self.time = time
        guard updatesPerEpoch > 0 else {
            throw TrainingError.corpusTooShort(
                symbols: count, needed: (validationFraction > 0 ? 2 : 1) * rows * time + 1)
        }
    }

    var carriedRows: Int { rows }

    func setTraining(_ minibatch: inout Minibatch, _ index: Int, epoch: Int) {
        set(&minibatch, step: index, isFirst: index == 0)
    }

    func setValidation(_ minibatch: inout Minibatch, _ index: Int) {
        set(&minibatch, step: updatesPerEpoch + index, isFirst: index == 0)
    }

    private func set(_ minibatch: inout Minibatch, step: Int, isFirst: Bool) {
        let streamLength = (updatesPerEpoch + validationCount) * time
        minibatch.replace(rows: rows, time: time, continuesState: !isFirst) { $0 * streamLength + step * time }
    }
}
