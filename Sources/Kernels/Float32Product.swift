// Matrix × vectors over float weights packed into panels.
//
// A panel holds sixteen rows of the matrix, one in each lane, column after column. Panels are interleaved in groups of
// four while four are left: 64 floats of column 0, then 64 of column 1 … The rest are groups of one. A product with one
// vector thus reads the packed weights once, front to back, and four independent sums hide the latency of the
// multiply-add. A product with more vectors takes four of them with one panel at a time, and a block of columns for all
// of them before the next block, so that the weights come from the first-level cache.
//
// Each sum is one chain of fused multiply-adds over the columns in ascending order, whatever is done side by side.

import CIntrinsics

/// The rows of a full group of panels.
public let groupRows = 4 * laneCount

/// The columns of a block: 8 KB of a full group, so that the first-level cache holds it and the next one.
let blockColumns = 32

/// The rows of the group of panels that begins at `row`.
@inline(__always)
func groupHeight(at row: Int, of rows: Int) -> Int {
    rows - row >= groupRows ? groupRows : laneCount
}

/// The bytes of a packed row.
public func float32RowLength(columns: Int) -> Int { 4 * columns }

/// Packs rows of a row-major matrix into panels.
///
/// - Parameters:
///   - matrix: Rows of `columns` floats.
///   - order: For each packed row, its row in the matrix, or a negative number for a row of zeros.
///   - rows: The number of packed rows, a multiple of ``laneCount``.
///   - packed: Room for `rows` times ``float32RowLength(columns:)``.
public func packFloat32(
    _ matrix: UnsafePointer<Float>, order: UnsafePointer<Int>, rows: Int, columns: Int,
    into packed: UnsafeMutableRawPointer
) {
    var target = packed.assumingMemoryBound(to: Float.self)
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        for lane in 0..<height {
            let source = order[row + lane]
            for column in 0..<columns {
                target[column * height + lane] = source < 0 ? 0 : matrix[source * columns + column]
            }
        }
        target += height * columns
        row += height
    }
}

/// sums ← sums + W · x for each of `count` vectors x.
///
/// - Parameters:
///   - weights: W as ``packFloat32(_:order:rows:columns:into:)`` leaves it.
///   - inputs: The vectors, each `columns` floats.
///   - sums: `rows` floats for each vector, `stride` apart: the biases or earlier sums on entry.
@export(interface)
public func addFloat32Product(
    _ weights: UnsafeRawPointer, rows: Int, columns: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, count: Int,
    to sums: UnsafeMutablePointer<Float>, stride: Int
) {
    var w = weights.assumingMemoryBound(to: Float.self)
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        let fours = count & ~3
        for first in Swift.stride(from: 0, to: fours > 0 ? columns : 0, by: blockColumns) {
            let block = first..<min(first + blockColumns, columns)
            for index in Swift.stride(from: 0, to: fours, by: 4) {
                for panel in Swift.stride(from: 0, to: height, by: laneCount) {
                    addPanel(w + panel, height, block, inputs + index, sums + index * stride + row + panel, stride)
                }
            }
        }
        var index = fours
        var y = sums + fours * stride + row
        while index < count {
            let x = inputs[index].assumingMemoryBound(to: Float.self)
            if height == groupRows {
                addGroup(w, columns, x, y)
            } else {
                addPanel(w, columns, x, y)
            }
            y += stride
            index += 1
        }
        w += height * columns
        row += height
    }
}

/// Four panels, one vector.
@inline(__always)
private func addGroup(
    _ weights: UnsafePointer<Float>, _ columns: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var w = weights
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
        w += groupRows
    }
    a.store(at: y)
    b.store(at: y + 16)
    c.store(at: y + 32)
    d.store(at: y + 48)
}

/// One panel that is a group by itself, one vector.
@inline(__always)
private func addPanel(
    _ weights: UnsafePointer<Float>, _ columns: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var w = weights
    var a = Vector(at: y)
    for column in 0..<columns {
        a = a.adding(Vector(at: w), times: Vector(repeating: x[column]))
        w += laneCount
    }
    a.store(at: y)
}

/// A block of columns of one panel of a group of `height` rows, four vectors.
@inline(__always)
private func addPanel(
    _ weights: UnsafePointer<Float>, _ height: Int, _ columns: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let p = inputs[0].assumingMemoryBound(to: Float.self)
    let q = inputs[1].assumingMemoryBound(to: Float.self)
    let r = inputs[2].assumingMemoryBound(to: Float.self)
    let s = inputs[3].assumingMemoryBound(to: Float.self)
    var w = weights + columns.lowerBound * height
    var a = Vector(at: y)
    var b = Vector(at: y + stride)
    var c = Vector(at: y + 2 * stride)
    var d = Vector(at: y + 3 * stride)
    for column in columns {
        let value = Vector(at: w)
        a = a.adding(value, times: Vector(repeating: p[column]))
        b = b.adding(value, times: Vector(repeating: q[column]))
        c = c.adding(value, times: Vector(repeating: r[column]))
        d = d.adding(value, times: Vector(repeating: s[column]))
        // The same panel in the next block, which lies too far apart for the processor to foresee.
        ci_prefetch(w + blockColumns * height)
        w += height
    }
    a.store(at: y)
    b.store(at: y + stride)
    c.store(at: y + 2 * stride)
    d.store(at: y + 3 * stride)
}
