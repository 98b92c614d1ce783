// Training's matrix products. One factor is packed: its columns in panels of 64, what is left in panels of 32 and 16, and
// a panel row after row, so that it is read from front to back. All sizes across are multiples of `laneCount`.

import CIntrinsics

/// The depth that is done at once: 64 KB of a panel, which the second-level cache holds beside much else.
let depthBlock = 256

/// The columns of the panel that begins where `left` columns are left.
@inline(__always)
func panelWidth(_ left: Int) -> Int {
    left >= 64 ? 64 : left >= 32 ? 32 : 16
}

@inline(__always)
private func copy(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) { Vector(at: source + j).store(at: target + j) }
}

// MARK: - Packing

/// Packs the transpose of some rows of a matrix: what x · Wᵀ reads of W.
///
/// - Parameters:
///   - matrix: The first of the rows, each `columns` floats.
///   - rows: The number of rows that make a panel of their own: 64, or all that are left.
///   - packed: Room for the rows.
public func packTransposed(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into packed: UnsafeMutablePointer<Float>
) {
    var first = 0
    while first < rows {
        let width = panelWidth(rows - first)
        let panel = packed + first * columns
        // Squares of sixteen, so that neither side jumps through memory for every float.
        for row in stride(from: 0, to: width, by: laneCount) {
            for column in stride(from: 0, to: columns, by: laneCount) {
                for lane in 0..<laneCount {
                    let source = matrix + (first + row + lane) * columns + column
                    let target = panel + column * width + row + lane
                    for index in 0..<laneCount { target[index * width] = source[index] }
                }
            }
        }
        first += width
    }
}

/// Packs some rows of a matrix: what d · W reads of W.
///
/// - Parameters:
///   - matrix: The matrix, rows of `columns` floats.
///   - range: The rows to pack.
///   - rows: The number of all rows.
///   - packed: Room for the whole matrix.
public func packRows(
    _ matrix: UnsafePointer<Float>, _ range: Range<Int>, of rows: Int, columns: Int,
    into packed: UnsafeMutablePointer<Float>
) {
    var column = 0
    while column < columns {
        let width = panelWidth(columns - column)
        for row in range {
            copy(matrix + row * columns + column, to: packed + column * rows + row * width, count: width)
        }
        column += width
    }
}

// MARK: - Products

/// sums ← sums + inputs · B for some rows of each of several blocks, such as the rows of a minibatch that a thread has at
/// each of several time steps.
///
/// - Parameters:
///   - inputs: Rows of `depth` floats, `inputStride` apart, and blocks of rows `inputBlock` apart.
///   - packed: B, `depth` × `columns`, packed.
///   - sums: Rows of `columns` floats, `sumStride` apart, and blocks of rows `sumBlock` apart.
///   - rows: The rows of each block.
///   - scratch: Not used here.
@export(interface)
public func addProduct(
    _ inputs: UnsafePointer<Float>, inputStride: Int, inputBlock: Int, depth: Int, _ packed: UnsafePointer<Float>,
    columns: Int, to sums: UnsafeMutablePointer<Float>, sumStride: Int, sumBlock: Int, rows: Int, blocks: Int,
    scratch: UnsafeMutablePointer<Float>
) {
    addPanels(
        FloatMultiplication.self, inputs, inputStride, inputBlock, depth, packed, columns, sums, sumStride, sumBlock,
        rows, blocks)
}

/// ``addProduct(_:inputStride:inputBlock:depth:_:columns:to:sumStride:sumBlock:rows:blocks:scratch:)`` of elements of any kind.
@inline(__always)
func addPanels<M: Multiplication>(
    _ multiplication: M.Type, _ inputs: UnsafePointer<Float>, _ inputStride: Int, _ inputBlock: Int, _ depth: Int,
    _ packed: UnsafePointer<Float>, _ columns: Int, _ sums: UnsafeMutablePointer<Float>, _ sumStride: Int,
    _ sumBlock: Int, _ rows: Int, _ blocks: Int
) {
    var column = 0
    while column < columns {
        let width = panelWidth(columns - column)
        let panel = packed + column * depth
        for start in stride(from: 0, to: depth, by: depthBlock) {
            for block in 0..<blocks {
                addTiles(
                    multiplication, inputs + block * inputBlock + start, rowStride: inputStride, rows: rows,
                    panel + start * width, width: width, depth: min(depthBlock, depth - start),
                    to: sums + block * sumBlock + column, stride: sumStride)
            }
        }
        column += width
    }
}

/// The most columns of the left factor that ``addTransposedProduct(_:stride:rows:_:stride:columns:depth:to:stride:scratch:)``
/// takes: packed, they fill a part of the second-level cache.
public let transposedProductRows = 192

/// The floats of the scratch memory of ``addTransposedProduct(_:stride:rows:_:stride:columns:depth:to:stride:scratch:)``.
public let transposedProductScratch = depthBlock * (transposedProductRows + 64)

/// target ← target + Aᵀ · B.
///
/// - Parameters:
///   - a: A, `depth` rows of `rows` floats, `aStride` apart; at most ``transposedProductRows``.
///   - b: B, `depth` rows of `columns` floats, `bStride` apart.
///   - target: `rows` rows of `columns` floats, `stride` apart.
///   - scratch: ``transposedProductScratch`` floats.
@export(interface)
public func addTransposedProduct(
    _ a: UnsafePointer<Float>, stride aStride: Int, rows: Int, _ b: UnsafePointer<Float>, stride bStride: Int,
    columns: Int, depth: Int, to target: UnsafeMutablePointer<Float>, stride targetStride: Int,
    scratch: UnsafeMutablePointer<Float>
) {
    let panel = scratch + depthBlock * transposedProductRows
    for start in stride(from: 0, to: depth, by: depthBlock) {
        let count = min(depthBlock, depth - start)
        packTiles(a + start * aStride, aStride, rows, depth: count, into: scratch)
        var column = 0
        while column < columns {
            let width = panelWidth(columns - column)
            for k in 0..<count {
                let row = b + (start + k) * bStride + column
                copy(row, to: panel + k * width, count: width)
                // The next panel, which is wanted when this one has been used.
                for lane in stride(from: 0, to: width, by: laneCount) { ci_prefetch(row + width + lane) }
            }
            addTiles(
                FloatMultiplication.self, scratch, rowStride: 0, rows: rows, panel, width: width, depth: count,
                to: target + column,
                stride: targetStride)
            column += width
        }
    }
}

/// Packs `depth` rows of `rows` floats as the tiles of the transpose read them.
@inline(__always)
func packTiles(
    _ a: UnsafePointer<Float>, _ stride: Int, _ rows: Int, depth: Int, into packed: UnsafeMutablePointer<Float>
) {
    let tiling = Tiling(rows: rows)
    // A few rows at a time, whose lines the first-level cache keeps from one tile to the next.
    for start in Swift.stride(from: 0, to: depth, by: laneCount) {
        let count = min(laneCount, depth - start)
        for index in 0..<tiling.count {
            let height = tiling.height(index)
            var source = a + start * stride + tiling.first(index)
            var target = packed + tiling.first(index) * depth + start * height
            for _ in 0..<count {
                // The rows after these, which lie too far apart for the processor to foresee.
                ci_prefetch(source + laneCount * stride)
                if height >= 4 {
                    // The last four may be some of the first four again.
                    let first = UnsafeRawPointer(source).loadUnaligned(as: SIMD4<Float>.self)
                    let last = UnsafeRawPointer(source + height - 4).loadUnaligned(as: SIMD4<Float>.self)
                    UnsafeMutableRawPointer(target).storeBytes(of: first, as: SIMD4<Float>.self)
                    UnsafeMutableRawPointer(target + height - 4).storeBytes(of: last, as: SIMD4<Float>.self)
                } else {
                    for lane in 0..<height { target[lane] = source[lane] }
                }
                source += stride
                target += height
            }
        }
    }
}

/// target ← target + the sum of `rows` rows of `count` floats, a multiple of ``laneCount``, which lie `stride` apart.
@export(interface)
public func addRows(
    _ source: UnsafePointer<Float>, stride rowStride: Int, rows: Int, to target: UnsafeMutablePointer<Float>, count: Int
) {
    for row in 0..<rows {
        for j in stride(from: 0, to: count, by: laneCount) {
            (Vector(at: target + j) + Vector(at: source + row * rowStride + j)).store(at: target + j)
        }
    }
}

/// Adds each of `rows` rows of `count` floats, a multiple of ``laneCount``, to the row of `target` that its index picks.
///
/// - Parameters:
///   - source: The rows, `rowStride` apart.
///   - target: Rows `targetStride` apart.
@export(interface)
public func scatterRows(
    _ source: UnsafePointer<Float>, stride rowStride: Int, rows: Int, to target: UnsafeMutablePointer<Float>,
    stride targetStride: Int, indices: UnsafePointer<Int32>, count: Int
) {
    for row in 0..<rows {
        let source = source + row * rowStride
        let target = target + Int(indices[row]) * targetStride
        for j in stride(from: 0, to: count, by: laneCount) {
            (Vector(at: target + j) + Vector(at: source + j)).store(at: target + j)
        }
    }
}
