/// Every window of T symbols at a fixed stride, shuffled differently in each epoch, each from a
/// zero state. The end of the corpus is held out, as contiguous windows.
///
/// The order of the windows is a permutation that is computed, not stored.
struct ShuffledWindows: MinibatchSource {
    let updatesPerEpoch: Int
    let validationCount: Int
    private let rows: Int
    private let time: Int
    private let stride: Int
    private let windowCount: Int
    private let validationWindows: Int
    private let validationStart: Int
    private let seed: UInt64

    /// - Throws: ``TrainingError`` when the corpus is too short for one minibatch to learn from and
    ///   one window to validate with.
    init(count: Int, rows: Int, time: Int, stride: Int, validationFraction: Double, seed: UInt64) throws {
        validationStart = Int(Double(count) * (1 - validationFraction))
        validationWindows = max(0, (count - validationStart - 1) / time)
        // A window and the symbol after it lie before what is held out.
        windowCount = validationStart > time ? (validationStart - time - 1) / stride + 1 : 0
        updatesPerEpoch = windowCount / rows
        validationCount = (validationWindows + rows - 1) / rows
        self.rows = rows
        self.time = time
        self.stride = stride
        self.seed = seed
        guard updatesPerEpoch > 0, validationWindows > 0 || validationFraction == 0 else {
            let training = Double((rows - 1) * stride + time + 1) / (1 - validationFraction)
            let validation = validationFraction > 0 ? Double(time + 1) / validationFraction : 0
            throw TrainingError.corpusTooShort(symbols: count, needed: Int(max(training, validation)) + 1)
        }
    }

    var carriedRows: Int { 0 }

    func setTraining(_ minibatch: inout Minibatch, _ index: Int, epoch: Int) {
        let order = Permutation(count: windowCount, seed: seed, round: epoch)
        minibatch.replace(rows: rows, time: time) { order[index * rows + $0] * stride }
    }

    func setValidation(_ minibatch: inout Minibatch, _ index: Int) {
        let first = index * rows
        minibatch.replace(rows: min(rows, validationWindows - first), time: time) {
            validationStart + (first + $0) * time
        }
    }
}
