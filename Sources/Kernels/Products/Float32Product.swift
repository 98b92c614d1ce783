// Matrix × vectors over float weights packed into panels.
//
// A panel holds sixteen rows of the matrix, one in each lane, column after column. Panels are
// interleaved in groups of four, the last of which may have fewer: the floats of column 0 of all
// four, then those of column 1 … A product with one vector thus reads the packed weights once,
// front to back, and the group's independent accumulators hide the latency of the multiply-add. A
// product with more vectors keeps the accumulators of up to six of them in registers, so that a
// weight and an activation once loaded serve several multiply-adds; it takes a block of columns for
// all vectors before the next block, so that the weights come from the first-level cache.
//
// Training's micro-kernel (GEMM/MicroKernel.swift) does the same in other terms. These loops are
// faster for the engine's short products: see docs/architecture.md.
//
// Each output is one chain of fused multiply-adds over the columns in ascending order, whatever is
// done side by side.

import CIntrinsics
import Core

/// The rows of a full group of panels.
public let groupRows = 4 * laneCount

/// The columns of a block: 16 KB of a full group, which the first-level cache holds while the next
/// one comes.
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
        // A few columns of all rows at a time, so that what is written stays in the first-level
        // cache until it is whole.
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

/// Adds W · x to the outputs of each vector x, over weights that
/// ``packFloat32(_:order:rows:columns:into:)`` packed.
func addFloat32Product(_ product: UnsafePointer<PackedProduct>) {
    let product = product.pointee
    let (inputs, count, stride) = (product.inputs, product.count, product.stride)
    let (rows, columns) = (product.rows, product.columns)
    var w = product.weights.assumingMemoryBound(to: Float.self)
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        let y = product.outputs + row
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
    let block = Block(weights: weights, height: height, columns: columns, prefetch: 0)
    guard hasFusedMultiplyAdd else {
        for panel in Swift.stride(from: 0, to: height, by: laneCount) {
            let block = Block(weights: weights + panel, height: height, columns: columns, prefetch: 0)
            addBlock(1, 1, block, inputs, y + panel, 0)
        }
        return
    }
    switch height {
    case laneCount: addBlock(1, 1, block, inputs, y, 0)
    case 2 * laneCount: addBlock(2, 1, block, inputs, y, 0)
    case 3 * laneCount: addBlock(3, 1, block, inputs, y, 0)
    default: addBlock(4, 1, block, inputs, y, 0)
    }
}

#if AVX512
    /// Some columns of a full group, several vectors: 32 registers hold the accumulators of four
    /// panels for six vectors. Each iteration prefetches a panel of the next block, as all at once
    /// would come too slowly.
    @inline(never)
    private func addFullGroup(
        _ weights: UnsafePointer<Float>, _ columns: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>,
        _ count: Int, _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        var index = 0
        var prefetch = blockColumns * groupRows
        while index < count {
            let vectors = vectorsAtOnce(of: count - index, most: 6)
            let (x, y) = (inputs + index, y + index * stride)
            let block = Block(weights: weights, height: groupRows, columns: columns, prefetch: prefetch)
            switch vectors {
            case 6: addBlock(4, 6, block, x, y, stride)
            case 4: addBlock(4, 4, block, x, y, stride)
            case 3: addBlock(4, 3, block, x, y, stride)
            case 2: addBlock(4, 2, block, x, y, stride)
            default: addBlock(4, 1, block, x, y, stride)
            }
            index += vectors
            prefetch = blockColumns * groupRows + (prefetch + laneCount) % groupRows
        }
    }
#endif

/// Some columns of a panel of a group, several vectors.
@inline(never)
private func addPanel(
    _ weights: UnsafePointer<Float>, _ height: Int, _ columns: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ count: Int, _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let block = Block(weights: weights, height: height, columns: columns, prefetch: blockColumns * height)
    var index = 0
    while index < count {
        let vectors = vectorsAtOnce(of: count - index, most: 6)
        let (x, y) = (inputs + index, y + index * stride)
        switch vectors {
        case 6: addBlock(1, 6, block, x, y, stride)
        case 4: addBlock(1, 4, block, x, y, stride)
        case 3: addBlock(1, 3, block, x, y, stride)
        case 2: addBlock(1, 2, block, x, y, stride)
        default: addBlock(1, 1, block, x, y, stride)
        }
        index += vectors
    }
}

/// How many of `count` vectors come next: 6 if `most` is that, 4, 3, 2, or 1 if there is only one.
@inline(__always)
func vectorsAtOnce(of count: Int, most: Int) -> Int {
    guard hasFusedMultiplyAdd else { return count < 4 ? 1 : 4 }
    switch count {
    case 9..., 6: return most
    case 7, 8: return 4
    case 5: return 3
    default: return count
    }
}

/// One to four vectors: a column of so many panels, or their accumulators for one vector of
/// activations.
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

/// Some columns of a group of panels.
private struct Block {
    let weights: UnsafePointer<Float>
    /// The floats from one column to the next.
    let height: Int
    let columns: Range<Int>
    /// The floats from a column to what is prefetched meanwhile, if there are several vectors.
    let prefetch: Int
}

/// `panels` panels of a block, 1 to 4, and `vectors` vectors, 1 to 6. Both numbers are constants
/// where this is inlined, so that unused branches cost nothing.
@inline(__always)
private func addBlock(
    _ panels: Int, _ vectors: Int, _ block: Block, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int
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
    var w = block.weights
    for column in block.columns {
        let values = Panels(panels, at: w)
        a.add(panels, values, times: p[column])
        if vectors > 1 { b.add(panels, values, times: q[column]) }
        if vectors > 2 { c.add(panels, values, times: r[column]) }
        if vectors > 3 { d.add(panels, values, times: s[column]) }
        if vectors > 4 { e.add(panels, values, times: t[column]) }
        if vectors > 5 { f.add(panels, values, times: u[column]) }
        if vectors > 1 {
            // Part of the next block, which the hardware prefetcher does not foresee.
            ci_prefetch(w + block.prefetch)
        }
        w += block.height
    }
    a.store(panels, at: place(0))
    if vectors > 1 { b.store(panels, at: place(1)) }
    if vectors > 2 { c.store(panels, at: place(2)) }
    if vectors > 3 { d.store(panels, at: place(3)) }
    if vectors > 4 { e.store(panels, at: place(4)) }
    if vectors > 5 { f.store(panels, at: place(5)) }
}
