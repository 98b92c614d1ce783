/// How many updates the time of a training allows, estimated from the speed of this process.
///
/// The number is part of the progress, so that the learning rate depends on it and the updates
/// alone.
struct TimePlan {
    /// The time that the training may take, in seconds.
    private let budget: Double
    /// When the process began the training: the time includes the reading of the text.
    private let began: ContinuousClock.Instant
    /// The seconds that earlier processes have spent of the time.
    private let spentBefore: Double
    /// When this process began its updates, and the number of those that it has made.
    private var start: ContinuousClock.Instant
    private var updates = 0
    private var plannedAt: ContinuousClock.Instant
    /// The duration of a validation in updates, as long as none has been measured.
    private let validationUpdates: Double
    /// The duration of the last validation, in seconds; another one ends the training.
    var validationSeconds: Double?

    init(
        minutes: Double, began: ContinuousClock.Instant, spentBefore: Double = 0, validationUpdates: Double
    ) {
        budget = minutes * 60
        self.began = began
        self.spentBefore = spentBefore
        self.validationUpdates = validationUpdates
        start = began
        plannedAt = began
    }

    /// Notes that the updates of this process begin.
    mutating func begin(now: ContinuousClock.Instant) {
        start = now
        plannedAt = now
        updates = 0
    }

    /// Plans the number of updates after each update, or leaves it as it is for some time.
    ///
    /// - Parameter most: The number of updates of the epochs that are asked for.
    mutating func plan(_ progress: inout Progress, most: Int, now: ContinuousClock.Instant = .now) {
        updates += 1
        let spent = (now - start).seconds
        let isDue =
            progress.plannedUpdates == nil
            ? spent > budget / 200 || updates >= 20 : (now - plannedAt).seconds > budget / 100
        guard isDue else { return }
        plannedAt = now
        let pace = spent / Double(updates)
        let left = budget - spentBefore - (now - began).seconds - (validationSeconds ?? validationUpdates * pace)
        let updatesLeft = Int(max(0, min(left / pace, Double(Progress.mostUpdates))))
        progress.plannedUpdates = min(progress.updates + updatesLeft, most)
    }

    /// Changes the plan of a checkpoint to that of another time.
    ///
    /// - Parameters:
    ///   - minutes: The time of the training that continues; nil for a number of epochs.
    ///   - before: The time by which the checkpoint's training was planned.
    ///   - seconds: The time that the training has taken.
    /// - Returns: The seconds that have been spent of the time; nil if it is over.
    static func replan(
        _ progress: inout Progress, minutes: Double?, before: Double?, seconds: Double
    ) -> Double? {
        guard let minutes else {
            progress.plannedUpdates = nil
            return 0
        }
        guard let before, let planned = progress.plannedUpdates else { return seconds }
        // The fraction first: it is exactly 1 at the end.
        let spent = before * 60 * (Double(progress.updates) / Double(max(1, planned)))
        guard minutes * 60 > spent else { return nil }
        if minutes != before {
            progress.plannedUpdates = Int(min(Double(planned) * minutes / before, Double(Progress.mostUpdates)))
        }
        return spent
    }
}
