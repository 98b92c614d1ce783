import Foundation

/// The progress of a training: all that its continuation depends on apart from the tensors.
public struct Progress: Codable, Equatable, Sendable {
    /// The current epoch, from 1; after the last epoch one more.
    public internal(set) var epoch = 1
    /// The number of updates in this epoch.
    public internal(set) var updatesInEpoch = 0
    /// The number of updates.
    public internal(set) var updates = 0
    /// The sum and number of the losses since the last report.
    var lossSum = 0.0
    var lossCount = 0
    /// The loss of the last update.
    var lastLoss = 0.0
    /// The exponentially weighted mean of the losses, without the correction for its start at 0.
    var runningSum = 0.0
    /// The number of reports.
    public internal(set) var reports = 0
    /// The training loss of the last report, in nats a character.
    public internal(set) var trainingLoss: Double?
    /// The validation loss of the last report that had one.
    public internal(set) var validationLoss: Double?
    /// The lowest validation loss so far.
    public internal(set) var bestValidationLoss: Double?

    /// The number of updates of the whole training, as estimated from its speed; nil if it is
    /// given by the epochs.
    public internal(set) var plannedUpdates: Int?
    /// The number of times that the training has gone back to an earlier checkpoint.
    public internal(set) var rollbacks: Int?
    /// The number of consecutive updates whose loss is far above those before them; nil for none.
    var leaps: Int?
    /// The number of validations since the best.
    var validationsSinceBest: Int?
    /// The factor of the learning rate by the plateau schedule and rollbacks; nil for 1.
    var reduction: Double?

    /// The factor of the learning rate by the plateau schedule and rollbacks.
    var rateFactor: Double { reduction ?? 1 }

    /// The weight of a new loss in the running mean.
    static let runningWeight = 0.01

    /// The most updates of a training.
    static let mostUpdates = 1 << 48

    /// Which number cannot be that of a training, in words; nil if all can.
    var impossibility: String? {
        let most = Progress.mostUpdates
        let done = min(max(0, updates), most)
        let counts: [(name: String, value: Int?, range: ClosedRange<Int>)] = [
            ("updates", updates, 0...most), ("epoch", epoch, 1...done + 1),
            ("updatesInEpoch", updatesInEpoch, 0...done), ("lossCount", lossCount, 0...done),
            ("reports", reports, 0...done), ("validationsSinceBest", validationsSinceBest, 0...done),
            ("plannedUpdates", plannedUpdates, 0...most), ("rollbacks", rollbacks, 0...TrainingRun.mostRollbacks),
            ("leaps", leaps, 0...TrainingRun.mostLeaps - 1),
        ]
        for (name, value, range) in counts {
            guard let value, !range.contains(value) else { continue }
            return "its '\(name)' is \(value), and must be from \(range.lowerBound) to \(range.upperBound)"
        }
        guard (0...1).contains(rateFactor) else { return "its 'reduction' is \(rateFactor), and must be from 0 to 1" }
        return nil
    }

    /// Whether the epoch and the updates agree, if each epoch has this many.
    func agrees(updatesInEpoch number: Int) -> Bool {
        let (before, overflow) = (epoch - 1).multipliedReportingOverflow(by: number)
        return !overflow && updatesInEpoch < number && updates - updatesInEpoch == before
    }

    /// The running mean of the losses; NaN before the first.
    var runningLoss: Double {
        runningSum / (1 - pow(1 - Progress.runningWeight, Double(updates)))
    }

    /// Whether a training with these settings has reached its last update.
    func isOver(_ settings: Settings) -> Bool {
        if settings.minutes != nil { return plannedUpdates.map { updates >= $0 } ?? false }
        return epoch > settings.epochs
    }

    mutating func record(_ loss: Double) {
        updates += 1
        updatesInEpoch += 1
        lastLoss = loss
        lossSum += loss
        lossCount += 1
        runningSum += Progress.runningWeight * (loss - runningSum)
    }
}

/// One line of a run's metrics: losses in nats a character.
public struct Report: Codable, Equatable, Sendable {
    /// The epoch, from 1.
    public let epoch: Int
    /// The number of updates.
    public let update: Int
    /// The loss of the last update.
    public let loss: Double
    /// The mean of the losses since the last report.
    public let trainingLoss: Double
    /// The mean of all losses, each new one with a weight of 0.01.
    public let runningLoss: Double
    /// The mean over the text held out, or the first other text to validate on; nil between
    /// validations, and without such a text.
    public let validationLoss: Double?
    /// The mean over each text, the first one included; nil unless there are other texts than what
    /// is held out.
    public internal(set) var validationLosses: [TextLoss]?
    /// The learning rate of the last update.
    public let learningRate: Double
    /// The speed since the last report, in characters a second.
    public let charactersPerSecond: Double
    /// The time spent in training, in seconds.
    public let seconds: Double
    /// The part of the training that is done, 0 to 1, as far as it is known; nil in reports of
    /// earlier versions.
    public internal(set) var fraction: Double?
}

/// The loss on a text that a training is validated on, in nats a character.
public struct TextLoss: Codable, Equatable, Sendable {
    /// The name of the text.
    public let text: String
    public let loss: Double
}
