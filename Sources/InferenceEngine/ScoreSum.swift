/// A sum of log-probabilities in the order of the text.
struct ScoreSum {
    private(set) var sum = 0.0
    /// Where the next one goes, if each is wanted.
    private var place: UnsafeMutablePointer<Double>?

    /// - Parameter each: Memory for each of them.
    init(each: UnsafeMutablePointer<Double>? = nil) {
        place = each
    }

    mutating func add(_ logProbability: Double) {
        sum += logProbability
        place?.pointee = logProbability
        place = place.map { $0 + 1 }
    }
}
