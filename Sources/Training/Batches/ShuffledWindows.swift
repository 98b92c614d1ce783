import Core

/// Every window of T symbols at a fixed stride, shuffled differently in each epoch, each from a
/// zero state. The first symbols of a window may be burn-in: read, but not predicted.
///
/// The order of the windows is a permutation that is computed, not stored.
final class ShuffledWindows: MinibatchSource {
    var epoch = 1
    let updatesInEpoch: Int
    let validation: ValidationRows?
    private let text: Stretches
    private let rowCount: Int
    private let time: Int
    private let stride: Int
    private let burnIn: Int
    private let windowCount: Int
    private let seed: UInt64

    /// - Parameters:
    ///   - text: What to learn from. A text shorter than `time` is one window.
    ///   - validation: What is held out.
    init(_ text: Stretches, _ settings: Settings, validation: ValidationRows?) {
        self.text = text
        time = min(settings.time, text.count)
        stride = settings.stride
        burnIn = min(settings.burnIn, time - 1)
        self.validation = validation
        seed = settings.seed
        windowCount = (text.count - time) / stride + 1
        rowCount = min(settings.batchSize, windowCount)
        updatesInEpoch = windowCount / rowCount
    }

    /// The windows of one text, whose end is held out.
    ///
    /// - Throws: ``TrainingError`` when there is nothing to learn from or nothing to validate with.
    convenience init(count: Int, _ settings: Settings) throws {
        let fraction = settings.validationFraction
        // A window and the symbol after it lie before what is held out.
        let end = Int(Double(count) * (1 - fraction)) - 1
        let start = end + 1
        guard end > 0, fraction == 0 || start < count - 1 else {
            throw TrainingError.corpusTooShort(symbols: count, needed: fraction > 0 ? Int(2 / fraction) + 2 : 2)
        }
        self.init(
            Stretches([0..<end]), settings,
            validation: fraction > 0
                ? ValidationRows([start..<count - 1], rowCount: settings.batchSize, time: settings.time) : nil)
    }

    var learned: [Range<Int>] { text.ranges }

    var carriedRows: Int { 0 }

    func set(_ minibatch: inout Minibatch, _ index: Int) {
        let order = Permutation(count: windowCount, seed: seed, round: epoch)
        minibatch.text = text
        minibatch.replace(rows: rowCount, time: time) { row in
            let start = order[index * rowCount + row] * stride
            return Minibatch.Row(positions: start..<start + time, context: burnIn)
        }
    }
}
