import Core

/// The division of a minibatch's rows into one chunk per worker, in proportion to its recent speed.
///
/// Cores differ: some are slower, some run other work too, and all wait for the last. What is
/// computed does not depend on the division.
final class RowDivision {
    /// Chunk i has the rows from `bounds[i]` to `bounds[i + 1]`.
    private let bounds: AlignedBuffer<Int>
    /// The rows that a chunk takes in the time in which the chunks take one row each on average, as
    /// a running mean.
    private let speeds: AlignedBuffer<Double>
    /// How long each chunk took last.
    private let seconds: AlignedBuffer<Double>

    /// How much a minibatch counts in the running mean.
    private static let weight = 0.1
    /// The bounds of a chunk's speed, so that it always has rows to be measured by.
    private static let range = 0.5...2

    init(chunks: Int) throws(ChargenError) {
        bounds = try AlignedBuffer(count: chunks + 1, for: "threads")
        speeds = try AlignedBuffer(count: chunks, for: "threads")
        seconds = try AlignedBuffer(count: chunks, for: "threads")
        speeds.elements.update(repeating: 1)
    }

    /// The rows of a chunk.
    subscript(chunk: Int) -> Range<Int> { bounds.pointer[chunk]..<bounds.pointer[chunk + 1] }

    /// Notes how long a chunk took. Each chunk is noted by one thread.
    func note(_ chunk: Int, took duration: Duration) {
        seconds.pointer[chunk] = duration.seconds
    }

    /// Divides the rows of a new minibatch, and updates the speeds by how long the chunks of the
    /// last one took.
    ///
    /// - Parameter slices: The slices of the rows. A chunk has whole ones, or rows of one.
    func divide(rows: Int, slices: Int = 1) {
        learn()
        let chunks = speeds.elements.count
        if slices >= chunks {
            divide(slices, 0..<chunks, unit: rows / slices, first: 0)
        } else {
            for slice in 0..<slices {
                let range = slice * chunks / slices..<(slice + 1) * chunks / slices
                divide(rows / slices, range, unit: 1, first: slice * rows / slices)
            }
        }
    }

    /// Divides `count` times `unit` rows from `first` on among some chunks.
    private func divide(_ count: Int, _ chunks: Range<Int>, unit: Int, first: Int) {
        let total = speeds.elements[chunks].reduce(0, +)
        var sum = 0.0
        bounds.pointer[chunks.lowerBound] = first
        for chunk in chunks {
            sum += speeds.pointer[chunk]
            bounds.pointer[chunk + 1] = first + unit * Int((Double(count) * sum / total).rounded())
        }
    }

    private func learn() {
        func speed(_ chunk: Int) -> Double { Double(self[chunk].count) / seconds.pointer[chunk] }
        let chunks = seconds.elements.indices.lazy.filter { !self[$0].isEmpty && self.seconds.pointer[$0] > 0 }
        let mean = chunks.reduce(0) { $0 + speed($1) } / Double(chunks.count)
        for chunk in chunks {
            let change = speed(chunk) / mean - speeds.pointer[chunk]
            let speed = speeds.pointer[chunk] + RowDivision.weight * change
            speeds.pointer[chunk] = min(max(speed, RowDivision.range.lowerBound), RowDivision.range.upperBound)
        }
    }
}
