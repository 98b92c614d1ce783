// Matrix × vectors over bfloat16 weights, the upper halves of floats, packed into panels as in
// Panels.swift: two columns of a row take the place of a float, the first in the lower half.
// Activations and outputs are floats, and the outputs are the chains of the same weights in floats.

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
    addPanelProduct(BFloat16Weights.self, product.pointee)
}

private enum BFloat16Weights: PanelWeights {
    @inline(__always) static var columnsPerWord: Int { 2 }

    @inline(__always)
    static func vector(at source: UnsafeRawPointer, column: Int) -> Vector {
        let words = source.loadUnaligned(as: SIMD16<UInt32>.self)
        let bits = column == 0 ? words &<< SIMD16(repeating: 16) : words & SIMD16(repeating: 0xFFFF_0000)
        return unsafeBitCast(bits, to: Vector.self)
    }
}
