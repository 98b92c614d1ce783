import CIntrinsics
import Core

// Sums of gradients. All counts are multiples of `laneCount`.

/// The sum of the squares of `count` values.
func sumOfSquares(_ values: UnsafePointer<Float>, count: Int) -> Double {
    // Blocks short enough for a float, summed in a double.
    let blockLength = 256 * laneCount
    var sum = 0.0
    for start in stride(from: 0, to: count, by: blockLength) {
        var squares = Vector(repeating: 0)
        for j in stride(from: start, to: min(start + blockLength, count), by: laneCount) {
            let value = Vector(at: values + j)
            squares = squares.adding(value, times: value)
        }
        sum += Double(squares.total)
    }
    return sum
}

/// target ← target + source, for `count` values.
@inline(__always)
func add(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) {
        (Vector(at: target + j) + Vector(at: source + j)).store(at: target + j)
    }
}

/// Adds rows to the rows of the target that their indices pick, or all to the first.
func addRows(_ rows: UnsafePointer<RowAddition>) {
    let rows = rows.pointee
    for row in 0..<rows.rows {
        let place = rows.indices.map { Int($0[row]) * rows.targetStride } ?? 0
        add(rows.source + row * rows.stride, to: rows.target + place, count: rows.count)
    }
}
