// Matrix × vectors over 8-bit weights packed into panels, as in Panels.swift: four columns
// of a row take the place of a float. A group of panels begins with a 32-bit correction for
// each row, which its accumulator starts from, then a scale for each row.
//
// Activations come as bytes from ``quantise(_:count:into:)``: a + 64, from 0 to 128, for a from −64
// to 64. That they are not negative and at most 128 lets AVX2 multiply 32 pairs of bytes at once
// without overflow; the correction, −64 times the sum of the row's weights, takes the 64 out again.

import CIntrinsics
import Core

/// The weights' columns that a packed row holds together.
let quad = 4

/// What is added to the bytes of four columns, without carries.
private var quadBias: UInt32 {
    #if arch(wasm32)
        // 128 to the lower byte of 16 bits: see ci_byte_products().
        0x0080_0080
    #else
        0
    #endif
}

/// The largest magnitude of a quantised activation. A power of two: scales are divided by it
/// without rounding.
let activationLimit: Float = 64

/// The bytes of a packed row.
public func int8RowLength(columns: Int) -> Int {
    8 + divideRoundingUp(columns, by: quad) * quad
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
            let matrixRow = matrix + max(source, 0) * columns
            var sum: Int32 = 0
            for column in 0..<(source < 0 ? 0 : columns) { sum &+= Int32(matrixRow[column]) }
            (target + 4 * lane).storeBytes(of: -64 &* sum, as: Int32.self)
            let scale = source < 0 ? 0 : scales[source] / activationLimit
            (target + 4 * (height + lane)).storeBytes(of: scale, as: Float.self)
        }
        let weights = target + 8 * height
        let quads = divideRoundingUp(columns, by: quad)
        for first in Swift.stride(from: 0, to: quads, by: packedColumns) {
            let last = min(first + packedColumns, quads)
            for lane in 0..<height {
                let source = order[row + lane]
                let matrixRow = matrix + max(source, 0) * columns
                var place = weights + quad * (first * height + lane)
                for index in first..<last {
                    let bytes = source < 0 ? 0 : quadBytes(matrixRow, quad * index, columns)
                    place.storeBytes(of: bytes ^ quadBias, as: UInt32.self)
                    place += quad * height
                }
            }
        }
        target += height * int8RowLength(columns: columns)
        row += height
    }
}

/// Four columns of a row from `first` on, zeros beyond the last.
@inline(__always)
private func quadBytes(_ row: UnsafePointer<Int8>, _ first: Int, _ columns: Int) -> UInt32 {
    if first + quad <= columns { return UnsafeRawPointer(row + first).loadUnaligned(as: UInt32.self) }
    var bytes: UInt32 = 0
    for column in first..<columns {
        bytes |= UInt32(UInt8(bitPattern: row[column])) << UInt32(8 * (column - first))
    }
    return bytes
}

/// Adds scale · (W · a) to the outputs of each vector a, with a single rounding after the exact
/// W · a, over weights that ``packInt8(_:scales:order:rows:columns:into:)`` packed. The vectors are
/// as ``quantise(_:count:into:)`` leaves them.
func addInt8Product(_ product: UnsafePointer<PackedProduct>) {
    let product = product.pointee
    let (inputs, count, stride, rows) = (product.inputs, product.count, product.stride, product.rows)
    let quads = divideRoundingUp(product.columns, by: quad)
    var w = product.weights
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        addGroup(w, height, quads, inputs, count, product.outputs + row, stride)
        w += height * (8 + quad * quads)
        row += height
    }
}
