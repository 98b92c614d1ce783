// Matrix × vectors over float weights packed into panels.
//
// A panel holds sixteen rows of the matrix, one in each lane, column after column. Panels are interleaved in groups of
// four, the last of which may have fewer: the floats of column 0 of all four, then those of column 1 … A product with one
// vector thus reads the packed weights once, front to back, and the group's independent sums hide the latency of the
// multiply-add. A product with more vectors keeps the sums of up to six of them in registers, so that a weight and an
// activation once loaded serve several multiply-adds; it goes through a block of columns for all vectors before the next
// block, so that the weights come from the first-level cache.
//
// Each sum is one chain of fused multiply-adds over the columns in ascending order, whatever is done side by side.

import CIntrinsics

/// The rows of a full group of panels.
public let groupRows = 4 * laneCount

/// The columns of a block: 16 KB of a full group, which the first-level cache holds while the next one comes.
let blockColumns = 64

/// The columns that are packed together, 4 KB of a full group.
let packedColumns = 16

/// The rows of the group of panels that begins at `row`.
@inline(__always)
func groupHeight(at row: Int, of rows: Int) -> Int {
    min(rows - row, groupRows)
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
        // A few columns of all rows at a time, so that what is written stays in the first-level cache until it is whole.
        for first in Swift.stride(from: 0, to: columns, by: packedColumns) {
            let last = min(first + packedColumns, columns)
            for lane in 0..<height {
                let source = order[row + lane]
                let weights = matrix + max(source, 0) * columns
                var place = target + first * height + lane
                for column in first..<last {
                    place.pointee = source < 0 ? 0 : weights[column]
                    place += height
                }
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
        let y = sums + row
        if count == 1 {
            addGroup(w, height, 0..<columns, inputs, y)
        } else {
            for first in Swift.stride(from: 0, to: columns, by: blockColumns) {
                let block = first..<min(first + blockColumns, columns)
                #if AVX512
                    if height == groupRows {
                        addFullGroup(w + first * height, block, inputs, count, y, stride)
                        continue
                    }
                #endif
                for panel in Swift.stride(from: 0, to: height, by: laneCount) {
                    addPanel(w + first * height + panel, height, block, inputs, count, y + panel, stride)
                }
            }
        }
        w += height * columns
        row += height
    }
}

// The compiler inlines only so much into one function, so each of these is one by itself.

/// All columns of a group of panels, one vector.
@inline(never)
private func addGroup(
    _ weights: UnsafePointer<Float>, _ height: Int, _ columns: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ y: UnsafeMutablePointer<Float>
) {
    switch height {
    case laneCount: addBlock(1, 1, weights, height, columns, inputs, y, 0)
    case 2 * laneCount: addBlock(2, 1, weights, height, columns, inputs, y, 0)
    case 3 * laneCount: addBlock(3, 1, weights, height, columns, inputs, y, 0)
    default: addBlock(4, 1, weights, height, columns, inputs, y, 0)
    }
}

#if AVX512
    /// Some columns of a full group, several vectors: 32 registers hold the sums of four panels for six vectors. Each round
    /// of vectors asks for one panel of the next block, as all at once would come too slowly.
    @inline(never)
    private func addFullGroup(
        _ weights: UnsafePointer<Float>, _ columns: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>,
        _ count: Int, _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        var index = 0
        var ahead = blockColumns * groupRows
        while index < count {
            let vectors = vectorsAtOnce(of: count - index, most: 6)
            let (x, y) = (inputs + index, y + index * stride)
            switch vectors {
            case 6: addBlock(4, 6, weights, groupRows, columns, x, y, stride, ahead: ahead)
            case 4: addBlock(4, 4, weights, groupRows, columns, x, y, stride, ahead: ahead)
            case 3: addBlock(4, 3, weights, groupRows, columns, x, y, stride, ahead: ahead)
            case 2: addBlock(4, 2, weights, groupRows, columns, x, y, stride, ahead: ahead)
            default: addBlock(4, 1, weights, groupRows, columns, x, y, stride, ahead: ahead)
            }
            index += vectors
            ahead = blockColumns * groupRows + (ahead + laneCount) % groupRows
        }
    }
#endif

/// Some columns of a panel of a group of `height` rows, several vectors.
@inline(never)
private func addPanel(
    _ weights: UnsafePointer<Float>, _ height: Int, _ columns: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ count: Int, _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let ahead = blockColumns * height
    var index = 0
    while index < count {
        let vectors = vectorsAtOnce(of: count - index, most: 6)
        let (x, y) = (inputs + index, y + index * stride)
        switch vectors {
        case 6: addBlock(1, 6, weights, height, columns, x, y, stride, ahead: ahead)
        case 4: addBlock(1, 4, weights, height, columns, x, y, stride, ahead: ahead)
        case 3: addBlock(1, 3, weights, height, columns, x, y, stride, ahead: ahead)
        case 2: addBlock(1, 2, weights, height, columns, x, y, stride, ahead: ahead)
        default: addBlock(1, 1, weights, height, columns, x, y, stride, ahead: ahead)
        }
        index += vectors
    }
}

/// How many of `count` vectors come next: 6 if `most` is that, 4, 3, 2, or 1 if there is only one.
@inline(__always)
func vectorsAtOnce(of count: Int, most: Int) -> Int {
    #if AVX512 || AVX2 || arch(arm64)
        switch count {
        case 9..., 6: most
        case 7, 8: 4
        case 5: 3
        default: count
        }
    #else
        // Where the multiply-add is a call of a function, more kernels would only make the library larger.
        count < 4 ? 1 : 4
    #endif
}

/// One to four vectors: a column of so many panels, or their sums for one vector of activations.
private struct Panels {
    private var a: Vector
    private var b: Vector
    private var c: Vector
    private var d: Vector

    @inline(__always)
    init(_ count: Int, at source: UnsafePointer<Float>) {
        a = Vector(at: source)
        b = count > 1 ? Vector(at: source + 16) : a
        c = count > 2 ? Vector(at: source + 32) : a
        d = count > 3 ? Vector(at: source + 48) : a
    }

    @inline(__always)
    mutating func add(_ count: Int, _ weights: Panels, times x: Float) {
        let x = Vector(repeating: x)
        a = a.adding(weights.a, times: x)
        if count > 1 { b = b.adding(weights.b, times: x) }
        if count > 2 { c = c.adding(weights.c, times: x) }
        if count > 3 { d = d.adding(weights.d, times: x) }
    }

    @inline(__always)
    func store(_ count: Int, at target: UnsafeMutablePointer<Float>) {
        a.store(at: target)
        if count > 1 { b.store(at: target + 16) }
        if count > 2 { c.store(at: target + 32) }
        if count > 3 { d.store(at: target + 48) }
    }
}

/// Some columns of `panels` panels, 1 to 4, of a group of `height` rows, and `vectors` vectors, 1 to 6. Both numbers are
/// constants where this is inlined, so that what is not there costs nothing. With several vectors, the processor is asked
/// for the cache line that lies `ahead` floats further in each column.
@inline(__always)
private func addBlock(
    _ panels: Int, _ vectors: Int, _ weights: UnsafePointer<Float>, _ height: Int, _ columns: Range<Int>,
    _ inputs: UnsafePointer<UnsafeRawPointer>, _ y: UnsafeMutablePointer<Float>, _ stride: Int, ahead: Int = 0
) {
    func input(_ vector: Int) -> UnsafePointer<Float> {
        inputs[vector < vectors ? vector : 0].assumingMemoryBound(to: Float.self)
    }
    func place(_ vector: Int) -> UnsafeMutablePointer<Float> {
        y + (vector < vectors ? vector : 0) &* stride
    }
    let (p, q, r, s, t, u) = (input(0), input(1), input(2), input(3), input(4), input(5))
    var a = Panels(panels, at: place(0))
    var b = Panels(panels, at: place(1))
    var c = Panels(panels, at: place(2))
    var d = Panels(panels, at: place(3))
    var e = Panels(panels, at: place(4))
    var f = Panels(panels, at: place(5))
    var w = weights
    for column in columns {
        let values = Panels(panels, at: w)
        a.add(panels, values, times: p[column])
        if vectors > 1 { b.add(panels, values, times: q[column]) }
        if vectors > 2 { c.add(panels, values, times: r[column]) }
        if vectors > 3 { d.add(panels, values, times: s[column]) }
        if vectors > 4 { e.add(panels, values, times: t[column]) }
        if vectors > 5 { f.add(panels, values, times: u[column]) }
        if vectors > 1 {
            // Part of the next block, which the processor does not foresee.
            ci_prefetch(w + ahead)
        }
        w += height
    }
    a.store(panels, at: place(0))
    if vectors > 1 { b.store(panels, at: place(1)) }
    if vectors > 2 { c.store(panels, at: place(2)) }
    if vectors > 3 { d.store(panels, at: place(3)) }
    if vectors > 4 { e.store(panels, at: place(4)) }
    if vectors > 5 { f.store(panels, at: place(5)) }
}
