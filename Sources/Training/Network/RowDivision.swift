import ModelFormat

/// How the rows of minibatches are divided among threads: a part each, in proportion to how fast it was lately.
///
/// Cores are not alike: some are built slower, some are shared with other work, and all wait for the last. What is computed
/// does not depend on the division.
final class RowDivision {
    /// Part i has the rows from `bounds[i]` to `bounds[i + 1]`.
    private let bounds: AlignedBuffer<Int>
    /// The rows that a part takes in the time in which the parts take one row each on average, as a running mean.
    private let speeds: AlignedBuffer<Double>
    /// How long each part took last.
    private let seconds: AlignedBuffer<Double>

    /// How much a minibatch counts in the running mean.
    private static let weight = 0.1
    /// What a part's speed is taken to be at least and at most, so that it has rows to be measured by.
    private static let range = 0.5...2

    init(parts: Int) throws(ModelError) {
        bounds = try AlignedBuffer(count: parts + 1, for: "threads")
        speeds = try AlignedBuffer(count: parts, for: "threads")
        seconds = try AlignedBuffer(count: parts, for: "threads")
        speeds.elements.update(repeating: 1)
    }

    /// The rows of a part.
    subscript(part: Int) -> Range<Int> { bounds.pointer[part]..<bounds.pointer[part + 1] }

    /// Notes how long a part took. Each part is noted by one thread.
    func note(_ part: Int, took duration: Duration) {
        seconds.pointer[part] = duration.seconds
    }

    /// Divides the rows of a new minibatch, and learns from how long the parts of the last one took.
    func divide(rows: Int) {
        learn()
        let total = speeds.elements.reduce(0, +)
        var sum = 0.0
        for (part, speed) in speeds.elements.enumerated() {
            sum += speed
            bounds.pointer[part + 1] = Int((Double(rows) * sum / total).rounded())
        }
    }

    private func learn() {
        func speed(_ part: Int) -> Double { Double(self[part].count) / seconds.pointer[part] }
        let parts = seconds.elements.indices.lazy.filter { !self[$0].isEmpty && self.seconds.pointer[$0] > 0 }
        let mean = parts.reduce(0) { $0 + speed($1) } / Double(parts.count)
        for part in parts {
            let change = speed(part) / mean - speeds.pointer[part]
            let speed = speeds.pointer[part] + RowDivision.weight * change
            speeds.pointer[part] = min(max(speed, RowDivision.range.lowerBound), RowDivision.range.upperBound)
        }
    }
}
