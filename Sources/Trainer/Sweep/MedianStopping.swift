/// The median stopping rule of Google Vizier (Golovin et al. 2017): a training is hopeless if its
/// lowest loss is worse than the median of what others had reached at the same point.
///
/// A training is compared only with those that are no larger and not much slower. A small or quick
/// model is not stopped because larger or slower ones are better: it may be the best of its size or
/// time.
enum MedianStopping {
    /// The part of its training that each has in any case.
    static let grace = 0.3
    /// The fewest trainings whose median counts.
    static let fewestRivals = 3
    /// How many times as long a training may take to count: times vary with what else the machine
    /// does.
    static let timeTolerance = 2.0

    /// Whether a training that is not over should end.
    static func isHopeless(_ curve: LossCurve, among others: [LossCurve]) -> Bool {
        guard let own = curve.points.last, own.fraction >= grace, own.fraction < 1 else { return false }
        let rivals = others.compactMap { other -> Double? in
            guard other.parameterCount <= curve.parameterCount, let point = other.point(at: own.fraction),
                point.seconds <= timeTolerance * own.seconds
            else { return nil }
            return point.loss
        }
        guard rivals.count >= fewestRivals else { return false }
        let sorted = rivals.sorted()
        // The mean of the two in the middle, which are the same for an odd number.
        return own.loss > (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
