// Matrix × vector over weights packed into panels.
//
// A panel holds sixteen rows of the matrix, one in each lane, column after column. Panels are interleaved in groups of
// four while four are left: 64 floats of column 0, then 64 of column 1 … The rest are groups of one. A product thus
// reads the packed weights once, front to back, and four independent sums hide the latency of the multiply-add.

/// The panels of a full group.
private let groupPanels = 4

/// Packs a row-major matrix into panels.
///
/// - Parameters:
///   - matrix: `rows` × `columns`, row after row.
///   - rows: A multiple of ``laneCount``.
///   - packed: Room for `rows` × `columns` floats.
@export(interface)
public func packPanels(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into packed: UnsafeMutablePointer<Float>
) {
    var target = packed
    var row = 0
    while row < rows {
        let height = rows - row >= groupPanels * laneCount ? groupPanels * laneCount : laneCount
        for column in 0..<columns {
            for lane in 0..<height {
                target[lane] = matrix[(row + lane) * columns + column]
            }
            target += height
        }
        row += height
    }
}

/// sums ← sums + W · x, each sum one chain of fused multiply-adds over the columns in ascending order.
///
/// - Parameters:
///   - weights: W as ``packPanels(_:rows:columns:into:)`` leaves it.
///   - sums: `rows` floats: the biases or earlier sums on entry.
@export(interface)
public func addMatrixVector(
    _ weights: UnsafePointer<Float>, rows: Int, columns: Int, _ x: UnsafePointer<Float>,
    to sums: UnsafeMutablePointer<Float>
) {
    var w = weights
    var y = sums
    let end = sums + rows
    while end - y >= groupPanels * laneCount {
        var a = Vector(at: y)
        var b = Vector(at: y + 16)
        var c = Vector(at: y + 32)
        var d = Vector(at: y + 48)
        for column in 0..<columns {
            let value = Vector(repeating: x[column])
            a = a.adding(Vector(at: w), times: value)
            b = b.adding(Vector(at: w + 16), times: value)
            c = c.adding(Vector(at: w + 32), times: value)
            d = d.adding(Vector(at: w + 48), times: value)
            w += groupPanels * laneCount
        }
        a.store(at: y)
        b.store(at: y + 16)
        c.store(at: y + 32)
        d.store(at: y + 48)
        y += groupPanels * laneCount
    }
    while y < end {
        var a = Vector(at: y)
        for column in 0..<columns {
            a = a.adding(Vector(at: w), times: Vector(repeating: x[column]))
            w += laneCount
        }
        a.store(at: y)
        y += laneCount
    }
}
