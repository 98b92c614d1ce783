import Core

// B is packed: its columns in panels of NR = 64, what is left in panels of 32 and 16, and a panel
// row after row, so that it is read from front to back.

/// NR of the panel that begins where `left` columns are left.
@inline(__always)
func panelWidth(_ left: Int) -> Int {
    left >= 64 ? 64 : left >= 32 ? 32 : 16
}

@inline(__always)
func copy(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) { Vector(at: source + j).store(at: target + j) }
}

/// Packs the transpose of some rows of a matrix: B = Wᵀ in the forward pass.
///
/// - Parameters:
///   - matrix: The first of the rows of W, each `columns` floats.
///   - rows: The number of rows that make a panel of their own: 64, or all that are left.
///   - packed: Room for the rows.
func packTransposed(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into packed: UnsafeMutablePointer<Float>
) {
    var first = 0
    while first < rows {
        let width = panelWidth(rows - first)
        let panel = packed + first * columns
        // Squares of sixteen, so that neither side strides through memory for every float.
        for row in stride(from: 0, to: width, by: laneCount) {
            for column in stride(from: 0, to: columns, by: laneCount) {
                for lane in 0..<laneCount {
                    let source = matrix + (first + row + lane) * columns + column
                    let target = panel + column * width + row + lane
                    for index in 0..<laneCount { target[index * width] = source[index] }
                }
            }
        }
        first += width
    }
}

/// Packs some rows of a matrix: B = W in the backward pass.
///
/// - Parameters:
///   - matrix: W, rows of `columns` floats.
///   - range: The rows to pack.
///   - rows: The number of all rows.
///   - packed: Room for the whole matrix.
func packRows(
    _ matrix: UnsafePointer<Float>, _ range: Range<Int>, of rows: Int, columns: Int,
    into packed: UnsafeMutablePointer<Float>
) {
    var column = 0
    while column < columns {
        let width = panelWidth(columns - column)
        for row in range {
            copy(matrix + row * columns + column, to: packed + column * rows + row * width, count: width)
        }
        column += width
    }
}
