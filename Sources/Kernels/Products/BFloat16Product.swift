// Matrix × vectors over bfloat16 weights, the upper halves of floats, packed into panels as in
// Float32Product.swift: two columns of a row take the place of a float, the first in the lower
// half. Activations and outputs are floats, and the outputs are the chains of the same weights in
// floats.

import CIntrinsics
import Core

/// The bytes of a packed row.
public func bfloat16RowLength(columns: Int) -> Int { 4 * divideRoundingUp(columns, by: 2) }

/// Packs rows of a row-major matrix into panels.
///
/// - Parameters:
///   - matrix: Rows of `columns` floats that are bfloat16 numbers.
///   - order: For each packed row, its row in the matrix, or a negative number for a row of zeros.
///   - rows: The number of packed rows, a multiple of ``laneCount``.
///   - packed: Room for `rows` times ``bfloat16RowLength(columns:)``, all zeros.
public func packBFloat16(
    _ matrix: UnsafePointer<Float>, order: UnsafePointer<Int>, rows: Int, columns: Int,
    into packed: UnsafeMutableRawPointer
) {
    var target = packed.assumingMemoryBound(to: UInt32.self)
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        for first in Swift.stride(from: 0, to: columns, by: 2 * packedColumns) {
            let last = min(first + 2 * packedColumns, columns)
            for lane in 0..<height {
                let source = order[row + lane]
                for column in first..<last {
                    let weight = source < 0 ? 0 : matrix[source * columns + column].bitPattern >> 16
                    target[column / 2 * height + lane] |= column % 2 == 0 ? weight : weight << 16
                }
            }
        }
        target += height * ((columns + 1) / 2)
        row += height
    }
}

/// Adds W · x to the outputs of each vector x, over weights that
/// ``packBFloat16(_:order:rows:columns:into:)`` packed.
func addBFloat16Product(_ product: UnsafePointer<PackedProduct>) {
    let product = product.pointee
    let (columns, inputs, count, stride) = (product.columns, product.inputs, product.count, product.stride)
    let pairs = divideRoundingUp(columns, by: 2)
    var w = product.weights
    var row = 0
    while row < product.rows {
        let height = groupHeight(at: row, of: product.rows)
        let outputs = product.outputs + row
        let fours = hasFusedMultiplyAdd ? count & ~3 : 0
        for first in Swift.stride(from: 0, to: fours > 0 ? columns : 0, by: 2 * blockColumns) {
            let block = first..<min(first + 2 * blockColumns, columns)
            for index in Swift.stride(from: 0, to: fours, by: 4) {
                for panel in Swift.stride(from: 0, to: height, by: laneCount) {
                    addPanel(w + 4 * panel, height, block, inputs + index, outputs + index * stride + panel, stride)
                }
            }
        }
        var index = fours
        var y = outputs + fours * stride
        while index < count {
            let x = inputs[index].assumingMemoryBound(to: Float.self)
            if hasFusedMultiplyAdd, height == groupRows {
                addGroup(w, columns, x, y)
            } else {
                for panel in Swift.stride(from: 0, to: height, by: laneCount) {
                    addPanel(w + 4 * panel, height, columns, x, y + panel)
                }
            }
            y += stride
            index += 1
        }
        w += 4 * height * pairs
        row += height
    }
}

/// The weights of sixteen rows in two columns.
private struct Pair {
    private let words: SIMD16<UInt32>

    @inline(__always)
    init(at source: UnsafeRawPointer) {
        words = source.loadUnaligned(as: SIMD16<UInt32>.self)
    }

    @inline(__always)
    var first: Vector { unsafeBitCast(words &<< SIMD16<UInt32>(repeating: 16), to: Vector.self) }

    @inline(__always)
    var second: Vector { unsafeBitCast(words & SIMD16<UInt32>(repeating: 0xFFFF_0000), to: Vector.self) }
}

/// Four panels, one vector.
@inline(__always)
private func addGroup(
    _ weights: UnsafeRawPointer, _ columns: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var w = weights
    var a = Vector(at: y)
    var b = Vector(at: y + 16)
    var c = Vector(at: y + 32)
    var d = Vector(at: y + 48)
    for column in Swift.stride(from: 0, to: columns & ~1, by: 2) {
        let first = Vector(repeating: x[column])
        let second = Vector(repeating: x[column + 1])
        let (e, f, g, h) = (Pair(at: w), Pair(at: w + 64), Pair(at: w + 128), Pair(at: w + 192))
        a = a.adding(e.first, times: first).adding(e.second, times: second)
        b = b.adding(f.first, times: first).adding(f.second, times: second)
        c = c.adding(g.first, times: first).adding(g.second, times: second)
        d = d.adding(h.first, times: first).adding(h.second, times: second)
        w += 4 * groupRows
    }
    if columns % 2 != 0 {
        let last = Vector(repeating: x[columns - 1])
        a = a.adding(Pair(at: w).first, times: last)
        b = b.adding(Pair(at: w + 64).first, times: last)
        c = c.adding(Pair(at: w + 128).first, times: last)
        d = d.adding(Pair(at: w + 192).first, times: last)
    }
    a.store(at: y)
    b.store(at: y + 16)
    c.store(at: y + 32)
    d.store(at: y + 48)
}

/// One panel of a group, one vector.
@inline(__always)
private func addPanel(
    _ weights: UnsafeRawPointer, _ height: Int, _ columns: Int, _ x: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>
) {
    var w = weights
    var a = Vector(at: y)
    for column in Swift.stride(from: 0, to: columns & ~1, by: 2) {
        let pair = Pair(at: w)
        a = a.adding(pair.first, times: Vector(repeating: x[column]))
        a = a.adding(pair.second, times: Vector(repeating: x[column + 1]))
        w += 4 * height
    }
    if columns % 2 != 0 {
        a = a.adding(Pair(at: w).first, times: Vector(repeating: x[columns - 1]))
    }
    a.store(at: y)
}

/// A block of columns of one panel of a group, four vectors.
@inline(__always)
private func addPanel(
    _ weights: UnsafeRawPointer, _ height: Int, _ columns: Range<Int>, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let p = inputs[0].assumingMemoryBound(to: Float.self)
    let q = inputs[1].assumingMemoryBound(to: Float.self)
    let r = inputs[2].assumingMemoryBound(to: Float.self)
    let s = inputs[3].assumingMemoryBound(to: Float.self)
    var w = weights + 2 * columns.lowerBound * height
    var a = Vector(at: y)
    var b = Vector(at: y + stride)
    var c = Vector(at: y + 2 * stride)
    var d = Vector(at: y + 3 * stride)
    // Blocks begin at even columns.
    for column in Swift.stride(from: columns.lowerBound, to: columns.upperBound & ~1, by: 2) {
        let pair = Pair(at: w)
        let first = pair.first
        a = a.adding(first, times: Vector(repeating: p[column]))
        b = b.adding(first, times: Vector(repeating: q[column]))
        c = c.adding(first, times: Vector(repeating: r[column]))
        d = d.adding(first, times: Vector(repeating: s[column]))
        let second = pair.second
        a = a.adding(second, times: Vector(repeating: p[column + 1]))
        b = b.adding(second, times: Vector(repeating: q[column + 1]))
        c = c.adding(second, times: Vector(repeating: r[column + 1]))
        d = d.adding(second, times: Vector(repeating: s[column + 1]))
        ci_prefetch(w + 4 * blockColumns * height)
        w += 4 * height
    }
    if columns.upperBound % 2 != 0 {
        let last = Pair(at: w).first
        a = a.adding(last, times: Vector(repeating: p[columns.upperBound - 1]))
        b = b.adding(last, times: Vector(repeating: q[columns.upperBound - 1]))
        c = c.adding(last, times: Vector(repeating: r[columns.upperBound - 1]))
        d = d.adding(last, times: Vector(repeating: s[columns.upperBound - 1]))
    }
    a.store(at: y)
    b.store(at: y + stride)
    c.store(at: y + 2 * stride)
    d.store(at: y + 3 * stride)
}
