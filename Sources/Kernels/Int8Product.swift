// Matrix × vectors over 8-bit weights packed into panels, as in Float32Product.swift: four columns of a row take the
// place of a float. A group of panels begins with a 32-bit start for each row's sum, then a scale for each row.
//
// Activations come as bytes from ``quantise(_:count:into:)``: a + 64, from 0 to 128, for a from −64 to 64. That they are
// not negative and at most 128 lets AVX2 multiply 32 pairs of bytes at once without overflow; the start, −64 times the
// sum of the row's weights, takes the 64 out again.

import CIntrinsics

/// The weights' columns that a packed row holds together.
private let quad = 4

/// The largest magnitude of a quantised activation. A power of two: scales are divided by it without rounding.
let activationLimit: Float = 64

/// The bytes of a packed row.
public func int8RowLength(columns: Int) -> Int {
    8 + (columns + quad - 1) / quad * quad
}

/// Packs rows of a row-major matrix of 8-bit weights into panels.
///
/// - Parameters:
///   - matrix: Rows of `columns` integers from −127 to 127.
///   - scales: What the integers of each row are multiplied with.
///   - order: For each packed row, its row in the matrix, or a negative number for a row of zeros.
///   - rows: The number of packed rows, a multiple of ``laneCount``.
///   - packed: Room for `rows` times ``int8RowLength(columns:)``.
public func packInt8(
    _ matrix: UnsafePointer<Int8>, scales: UnsafePointer<Float>, order: UnsafePointer<Int>, rows: Int, columns: Int,
    into packed: UnsafeMutableRawPointer
) {
    var target = packed
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        for lane in 0..<height {
            let source = order[row + lane]
            let weights = target + 8 * height + quad * lane
            var sum: Int32 = 0
            for column in 0..<int8RowLength(columns: columns) - 8 {
                let weight = source < 0 || column >= columns ? 0 : matrix[source * columns + column]
                weights.storeBytes(
                    of: weight, toByteOffset: column / quad * quad * height + column % quad, as: Int8.self)
                sum &+= Int32(weight)
            }
            (target + 4 * lane).storeBytes(of: -64 &* sum, as: Int32.self)
            let scale = source < 0 ? 0 : scales[source] / activationLimit
            (target + 4 * (height + lane)).storeBytes(of: scale, as: Float.self)
        }
        target += height * int8RowLength(columns: columns)
        row += height
    }
}

/// sums ← sums + scale · (W · a) for each of `count` vectors a, with a single rounding after the exact W · a.
///
/// - Parameters:
///   - weights: W as ``packInt8(_:scales:order:rows:columns:into:)`` leaves it.
///   - inputs: The vectors, as ``quantise(_:count:into:)`` leaves them.
///   - sums: `rows` floats for each vector, `stride` apart: the biases or earlier sums on entry.
@export(interface)
public func addInt8Product(
    _ weights: UnsafeRawPointer, rows: Int, columns: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, count: Int,
    to sums: UnsafeMutablePointer<Float>, stride: Int
) {
    let quads = (columns + quad - 1) / quad
    var w = weights
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        var y = sums + row
        var index = 0
        while index + 4 <= count {
            for panel in Swift.stride(from: 0, to: height, by: laneCount) {
                addPanel(w + 4 * panel, height, quads, inputs + index, y + panel, stride)
            }
            y += 4 * stride
            index += 4
        }
        while index < count {
            if height == groupRows {
                addGroup(w, quads, inputs[index], y)
            } else {
                addPanel(w, quads, inputs[index], y)
            }
            y += stride
            index += 1
        }
        w += height * (8 + quad * quads)
        row += height
    }
}

/// Multiplies sixteen exact sums with their scales and adds them to `y`.
@inline(__always)
private func finish(_ sums: ByteSums, _ scales: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    Vector(at: y).adding(sums.floats, times: Vector(at: scales.assumingMemoryBound(to: Float.self))).store(at: y)
}

/// Four panels, one vector.
@inline(__always)
private func addGroup(
    _ group: UnsafeRawPointer, _ quads: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>
) {
    let scales = group + 4 * groupRows
    var w = group + 8 * groupRows
    var a = ByteSums(at: group)
    var b = ByteSums(at: group + 64)
    var c = ByteSums(at: group + 128)
    var d = ByteSums(at: group + 192)
    for index in 0..<quads {
        let value = ByteVector(repeatingFourAt: x + quad * index)
        a.add(unsigned: value, signed: ByteVector(at: w))
        b.add(unsigned: value, signed: ByteVector(at: w + 64))
        c.add(unsigned: value, signed: ByteVector(at: w + 128))
        d.add(unsigned: value, signed: ByteVector(at: w + 192))
        w += quad * groupRows
    }
    finish(a, scales, y)
    finish(b, scales + 64, y + 16)
    finish(c, scales + 128, y + 32)
    finish(d, scales + 192, y + 48)
}

/// One panel that is a group by itself, one vector.
@inline(__always)
private func addPanel(
    _ group: UnsafeRawPointer, _ quads: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>
) {
    var w = group + 8 * laneCount
    var a = ByteSums(at: group)
    for index in 0..<quads {
        a.add(unsigned: ByteVector(repeatingFourAt: x + quad * index), signed: ByteVector(at: w))
        w += quad * laneCount
    }
    finish(a, group + 4 * laneCount, y)
}

/// One panel of a group of `height` rows, four vectors.
@inline(__always)
private func addPanel(
    _ panel: UnsafeRawPointer, _ height: Int, _ quads: Int, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let p = inputs[0]
    let q = inputs[1]
    let r = inputs[2]
    let s = inputs[3]
    let scales = panel + 4 * height
    var w = panel + 8 * height
    var a = ByteSums(at: panel)
    var b = a
    var c = a
    var d = a
    for index in 0..<quads {
        let value = ByteVector(at: w)
        a.add(unsigned: ByteVector(repeatingFourAt: p + quad * index), signed: value)
        b.add(unsigned: ByteVector(repeatingFourAt: q + quad * index), signed: value)
        c.add(unsigned: ByteVector(repeatingFourAt: r + quad * index), signed: value)
        d.add(unsigned: ByteVector(repeatingFourAt: s + quad * index), signed: value)
        // The same panel in the next group.
        ci_prefetch(w + quad * height * quads)
        w += quad * height
    }
    finish(a, scales, y)
    finish(b, scales, y + stride)
    finish(c, scales, y + 2 * stride)
    finish(d, scales, y + 3 * stride)
}
