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

/// sums ← origin + inputs · B for some rows of each of several blocks, such as the rows of a minibatch that a thread has at
/// each of several time steps.
///
/// - Parameters:
///   - inputs: Rows of `depth` floats, `inputStride` apart, and blocks of rows `inputBlock` apart.
///   - packed: B, `depth` × `columns`, packed.
///   - origin: The row that every row of sums starts from; nil if they start from what they are.
///   - sums: Rows of `columns` floats, `sumStride` apart, and blocks of rows `sumBlock` apart.
///   - rows: The rows of each block.
///   - next: `nextCount` floats that the caller reads or writes next; nil for none. They are on their way to the cache
///     meanwhile, unless `packed` is so large that its own panels have to be.
///   - scratch: Not used here.
@export(interface)
public func addProduct(
    _ inputs: UnsafePointer<Float>, inputStride: Int, inputBlock: Int, depth: Int, _ packed: UnsafePointer<Float>,
    columns: Int, from origin: UnsafePointer<Float>?, to sums: UnsafeMutablePointer<Float>, sumStride: Int,
    sumBlock: Int, rows: Int, blocks: Int, next: UnsafePointer<Float>?, nextCount: Int,
    scratch: UnsafeMutablePointer<Float>
) {
    addPanels(
        FloatMultiplication.self, inputs, inputStride, inputBlock, depth, packed, columns, origin, sums, sumStride,
        sumBlock, rows, blocks, next, nextCount)
}

/// The largest packed matrix, in floats, that is taken to stay in the second-level cache from one product to the next.
private let cachedWeights = 128 * 1024

/// ``addProduct(_:inputStride:inputBlock:depth:_:columns:from:to:sumStride:sumBlock:rows:blocks:next:nextCount:scratch:)`` of
/// elements of any kind.
@inline(__always)
func addPanels<M: Multiplication>(
    _ multiplication: M.Type, _ inputs: UnsafePointer<Float>, _ inputStride: Int, _ inputBlock: Int, _ depth: Int,
    _ packed: UnsafePointer<Float>, _ columns: Int, _ origin: UnsafePointer<Float>?,
    _ sums: UnsafeMutablePointer<Float>, _ sumStride: Int, _ sumBlock: Int, _ rows: Int, _ blocks: Int,
    _ next: UnsafePointer<Float>?, _ nextCount: Int
) {
    let isCached = depth * columns <= cachedWeights
    var ahead = Ahead(place: next ?? packed, step: 0, advance: 0)
    if isCached, next != nil {
        // Evenly over all depths of all tiles.
        let places = (columns + 63) / 64 * blocks * Tiling(rows: rows).count * depth
        ahead.step = (nextCount + places - 1) / places
    }
    var column = 0
    while column < columns {
        let width = panelWidth(columns - column)
        let panel = packed + column * depth
        for start in stride(from: 0, to: depth, by: depthBlock) {
            let count = min(depthBlock, depth - start)
            let b = panel + start * width
            if isCached {
                ahead.advance = ahead.step * count
            } else {
                // Of each row of what comes after b in memory, a line a tile.
                ahead = Ahead(place: b + count * width, step: width, advance: laneCount)
            }
            for block in 0..<blocks {
                let target = sums + block * sumBlock + column
                let row = start == 0 ? origin.map { $0 + column } : nil
                addTiles(
                    multiplication, Plain.self, inputs + block * inputBlock + start, stride: inputStride, rows: rows, b,
                    width: width, depth: count, from: row ?? UnsafePointer(target), stride: row == nil ? sumStride : 0,
                    to: target, stride: sumStride, &ahead)
            }
        }
        column += width
    }
}

/// The most columns of the left factor that
/// ``addTransposedProduct(_:stride:rows:_:stride:columns:depth:to:stride:readsOn:scratch:)`` takes.
public let transposedProductRows = 256

/// The most rows of its factors: a panel of the right one fills two thirds of the first-level cache.
public let transposedProductDepth = 128

/// The floats of its scratch memory: for a panel of the right factor; in bfloat16, in half the size, for the left one too.
public let transposedProductScratch = transposedProductDepth / 2 * (transposedProductRows + laneCount + 64)

/// target ← target + Aᵀ · B, where A and B are `depth` rows of larger matrices that are taken part by part: the rows that
/// come next in memory are on their way to the cache meanwhile.
///
/// - Parameters:
///   - a: A, rows of `rows` floats, `aStride` apart; at most ``transposedProductRows``.
///   - b: B, rows of `columns` floats, `bStride` apart.
///   - depth: At most ``transposedProductDepth``.
///   - target: `rows` rows of `columns` floats, `stride` apart.
///   - readsOn: Whether the rows that come after A are wanted next, as those after B are.
///   - scratch: ``transposedProductScratch`` floats.
@export(interface)
public func addTransposedProduct(
    _ a: UnsafePointer<Float>, stride aStride: Int, rows: Int, _ b: UnsafePointer<Float>, stride bStride: Int,
    columns: Int, depth: Int, to target: UnsafeMutablePointer<Float>, stride targetStride: Int, readsOn: Bool,
    scratch: UnsafeMutablePointer<Float>
) {
    // Half of the panels ask for the rows after A, the others for those after B.
    let panels = (columns + 63) / 64
    let aPanels = readsOn ? (panels + 1) / 2 : 0
    let tiles = Tiling(rows: rows).count
    var ahead = Ahead(place: a + depth * aStride, step: aStride, advance: rows / (max(aPanels, 1) * tiles) + 1)
    var column = 0
    while column < columns {
        let width = panelWidth(columns - column)
        for k in 0..<depth { copy(b + k * bStride + column, to: scratch + k * width, count: width) }
        if column == aPanels * 64 {
            ahead = Ahead(
                place: b + depth * bStride, step: bStride, advance: columns / ((panels - aPanels) * tiles) + 1)
        }
        addTiles(
            FloatMultiplication.self, Transposed.self, a, stride: aStride, rows: rows, scratch, width: width,
            depth: depth, from: target + column, stride: targetStride, to: target + column, stride: targetStride,
            &ahead)
        column += width
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
