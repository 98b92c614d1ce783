// Matrix × vectors over float weights packed into panels: see Panels.swift.

import CIntrinsics
import Core

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
    #if AVX512 || AVX2 || arch(arm64) || arch(wasm32)
        addPanelProduct(FloatWeights.self, product.pointee)
    #else
        addEmulatedProduct(product.pointee)
    #endif
}

#if AVX512 || AVX2 || arch(arm64) || arch(wasm32)
    private enum FloatWeights: PanelWeights {
        @inline(__always) static var columnsPerWord: Int { 1 }

        @inline(__always)
        static func vector(at source: UnsafeRawPointer, column: Int) -> Vector {
            Vector(at: source.assumingMemoryBound(to: Float.self))
        }
    }
#else
    /// The same without an instruction for fused multiply-adds.
    private func addEmulatedProduct(_ product: PackedProduct) {
        var weights = product.weights.assumingMemoryBound(to: Float.self)
        var row = 0
        while row < product.rows {
            let height = groupHeight(at: row, of: product.rows)
            for panel in Swift.stride(from: 0, to: height, by: laneCount) {
                for index in 0..<product.count {
                    ci_add_rows_times_vector(
                        product.outputs + index * product.stride + row + panel, weights + panel, height,
                        product.inputs[index].assumingMemoryBound(to: Float.self), product.columns)
                }
            }
            weights += height * product.columns
            row += height
        }
    }
#endif
