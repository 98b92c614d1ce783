import Training

/// The validation losses of a training, to be compared with those of others.
struct LossCurve: Equatable {
    struct Point: Equatable {
        /// The part of the training that is done, 0 to 1.
        let fraction: Double
        /// The lowest loss up to here, in nats a character.
        let loss: Double
        /// The time spent in training.
        let seconds: Double
    }

    /// The number of weights and biases.
    let parameterCount: Int
    /// Whether the training is over, perhaps before the last update that was planned.
    var isComplete = false
    private(set) var points: [Point] = []

    /// - Parameter reports: In the order in which they were made. Those without a validation loss
    ///   are left out.
    init(_ reports: [Report], parameterCount: Int) {
        self.parameterCount = parameterCount
        for report in reports {
            guard let loss = report.validationLoss, let fraction = report.fraction else { continue }
            points.append(
                Point(fraction: fraction, loss: min(loss, points.last?.loss ?? loss), seconds: report.seconds))
        }
    }

    /// The last point up to a part of the training; nil if there is none, or if the training has
    /// not come so far.
    func point(at fraction: Double) -> Point? {
        guard isComplete || points.last.map({ $0.fraction >= fraction }) == true else { return nil }
        return points.last { $0.fraction <= fraction }
    }
}
