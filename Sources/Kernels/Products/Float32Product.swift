// Matrix × vectors over float weights packed into panels.
//
// A panel holds sixteen rows of the matrix, one in each lane, column after column. Panels are
// interleaved in groups of four, the last of which may have fewer: the floats of column 0 of all
// four, then those of column 1 … A product with one vector thus reads the packed weights once,
// front to back, and the group's independent accumulators hide the latency of the multiply-add. In
// the terms of the micro-kernel, the vectors are rows of A, and a group of panels is a panel of B.
// A product with several vectors takes a block of columns for all vectors before the next block, so
// that the weights come from the first-level cache.
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
func addFloat32Product(_ product: PackedProduct) {
    var w = product.weights.assumingMemoryBound(to: Float.self)
    var row = 0
    while row < product.rows {
        let height = groupHeight(at: row, of: product.rows)
        if product.count == 1 {
            addGroup(group(product, w, row, height, 0..<product.columns), height)
        } else {
            for first in stride(from: 0, to: product.columns, by: blockColumns) {
                let block = first..<min(first + blockColumns, product.columns)
                let group = group(product, w, row, height, block)
                #if AVX512
                    if height == groupRows {
                        addFullGroup(group, product.count)
                        continue
                    }
                #endif
                for panel in stride(from: 0, to: height, by: laneCount) {
                    addPanel(group, panel, product.count)
                }
            }
        }
        w += height * product.columns
        row += height
    }
}

/// Some columns of a group of panels.
@inline(__always)
private func group(
    _ product: PackedProduct, _ weights: UnsafePointer<Float>, _ row: Int, _ height: Int, _ columns: Range<Int>
) -> PanelProduct<Vectors> {
    let outputs = product.outputs + row
    return PanelProduct(
        a: Vectors(pointers: product.inputs, offset: columns.lowerBound), b: weights + columns.lowerBound * height,
        bStride: height, terms: columns.count, origin: outputs, originStride: product.stride, c: outputs,
        cStride: product.stride)
}

// The compiler inlines only so much into one function, so each of these is one by itself.

/// All columns of a group of panels, one vector.
@inline(never)
private func addGroup(_ group: PanelProduct<Vectors>, _ height: Int) {
    let prefetch = PrefetchCursor<NoLevel>(place: group.b)
    guard FloatAccumulators.hasFusedMultiplyAdd else {
        for row in stride(from: 0, to: height, by: laneCount) {
            microKernel(OneRow<FloatAccumulators>.self, group.panel(row), prefetch)
        }
        return
    }
    switch height {
    case laneCount: microKernel(OneRow<FloatAccumulators>.self, group, prefetch)
    case 2 * laneCount: microKernel(OneRow<TwoPanels<FloatAccumulators>>.self, group, prefetch)
    case 3 * laneCount: microKernel(OneRow<ThreePanels<FloatAccumulators>>.self, group, prefetch)
    default: microKernel(OneRow<FourPanels<FloatAccumulators>>.self, group, prefetch)
    }
}

#if AVX512
    /// Some columns of a full group, several vectors: 32 registers hold the accumulators of four
    /// panels for six vectors. Each tile prefetches a panel of the next block, as all at once would
    /// come too slowly.
    @inline(never)
    private func addFullGroup(_ group: PanelProduct<Vectors>, _ count: Int) {
        var prefetch = PrefetchCursor<FirstLevel>(
            place: group.b + blockColumns * groupRows, step: groupRows, advance: laneCount)
        multiplyTiles(FourPanels<FloatAccumulators>.self, group, rows: count, &prefetch)
    }
#endif

/// Some columns of a panel of a group, several vectors.
@inline(never)
private func addPanel(_ group: PanelProduct<Vectors>, _ row: Int, _ count: Int) {
    let panel = group.panel(row)
    // Part of the next block, which the hardware prefetcher does not foresee.
    var prefetch = PrefetchCursor<FirstLevel>(place: panel.b + blockColumns * group.bStride, step: group.bStride)
    multiplyTiles(FloatAccumulators.self, panel, rows: count, &prefetch)
}
