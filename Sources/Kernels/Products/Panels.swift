// Matrix × vectors over weights packed into panels, which become floats when they are read.
//
// A panel holds sixteen rows of the matrix, one in each lane, column after column. Panels are
// interleaved in groups of four, the last of which may have fewer: the words of column 0 of all
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

/// The words of a row in a block: 16 KB of a full group, which the first-level cache holds while
/// the next one comes.
private let blockWords = 64

/// The words of a row that are packed together, 4 KB of a full group.
let packedColumns = 16

/// The rows of the group of panels that begins at `row`.
@inline(__always)
func groupHeight(at row: Int, of rows: Int) -> Int {
    min(rows - row, groupRows)
}

/// How a 32-bit word of a panel holds the weights of a row.
protocol PanelWeights {
    /// The columns in a word.
    static var columnsPerWord: Int { get }
    /// The weights of a panel's rows in one of the columns of the words at `source`.
    static func vector(at source: UnsafeRawPointer, column: Int) -> Vector
}

/// Adds W · x to the outputs of each vector x.
@inline(__always)
func addPanelProduct<W: PanelWeights>(_ weights: W.Type, _ product: PackedProduct) {
    let (inputs, count, stride) = (product.inputs, product.count, product.stride)
    let (rows, columns) = (product.rows, product.columns)
    let words = divideRoundingUp(columns, by: W.columnsPerWord)
    var w = product.weights
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        let y = product.outputs + row
        if count == 1 {
            addGroup(W.self, Block(weights: w, height: height, columns: 0..<columns, prefetch: 0), inputs, y)
        } else {
            for first in Swift.stride(from: 0, to: words, by: blockWords) {
                let start = first * W.columnsPerWord
                let block = Block(
                    weights: w + 4 * first * height, height: height,
                    columns: start..<min(start + blockWords * W.columnsPerWord, columns),
                    prefetch: 4 * blockWords * height)
                #if AVX512
                    if height == groupRows {
                        addFullGroup(W.self, block, inputs, count, y, stride)
                        continue
                    }
                #endif
                for panel in Swift.stride(from: 0, to: height, by: laneCount) {
                    addPanel(W.self, block.from(panel), inputs, count, y + panel, stride)
                }
            }
        }
        w += 4 * height * words
        row += height
    }
}

/// Some columns of a group of panels.
private struct Block {
    var weights: UnsafeRawPointer
    /// The rows of the group: words from one word of a row to the next.
    let height: Int
    let columns: Range<Int>
    /// The bytes from a word to what is prefetched meanwhile, if there are several vectors.
    var prefetch: Int

    /// The panels from a row on.
    @inline(__always)
    func from(_ row: Int) -> Block {
        var block = self
        block.weights += 4 * row
        return block
    }
}

// The compiler inlines only so much into one function, so each of these is one by itself.

/// All columns of a group of panels, one vector.
@inline(never)
private func addGroup<W: PanelWeights>(
    _ weights: W.Type, _ block: Block, _ inputs: UnsafePointer<UnsafeRawPointer>, _ y: UnsafeMutablePointer<Float>
) {
    guard hasFusedMultiplyAdd else {
        for panel in Swift.stride(from: 0, to: block.height, by: laneCount) {
            addBlock(W.self, 1, 1, block.from(panel), inputs, y + panel, 0)
        }
        return
    }
    switch block.height {
    case laneCount: addBlock(W.self, 1, 1, block, inputs, y, 0)
    case 2 * laneCount: addBlock(W.self, 2, 1, block, inputs, y, 0)
    case 3 * laneCount: addBlock(W.self, 3, 1, block, inputs, y, 0)
    default: addBlock(W.self, 4, 1, block, inputs, y, 0)
    }
}

#if AVX512
    /// Some columns of a full group, several vectors: 32 registers hold the accumulators of four
    /// panels for six vectors. Each iteration prefetches a panel of the next block, as all at once
    /// would come too slowly.
    @inline(never)
    private func addFullGroup<W: PanelWeights>(
        _ weights: W.Type, _ block: Block, _ inputs: UnsafePointer<UnsafeRawPointer>, _ count: Int,
        _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        var index = 0
        var panel = 0
        while index < count {
            let vectors = vectorsAtOnce(of: count - index, most: 6)
            let (x, y) = (inputs + index, y + index * stride)
            var block = block
            block.prefetch += 4 * panel
            switch vectors {
            case 6: addBlock(W.self, 4, 6, block, x, y, stride)
            case 4: addBlock(W.self, 4, 4, block, x, y, stride)
            case 3: addBlock(W.self, 4, 3, block, x, y, stride)
            case 2: addBlock(W.self, 4, 2, block, x, y, stride)
            default: addBlock(W.self, 4, 1, block, x, y, stride)
            }
            index += vectors
            panel = (panel + laneCount) % groupRows
        }
    }
#endif

/// Some columns of a panel of a group, several vectors.
@inline(never)
private func addPanel<W: PanelWeights>(
    _ weights: W.Type, _ block: Block, _ inputs: UnsafePointer<UnsafeRawPointer>, _ count: Int,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    var index = 0
    while index < count {
        let vectors = vectorsAtOnce(of: count - index, most: 6)
        let (x, y) = (inputs + index, y + index * stride)
        switch vectors {
        case 6: addBlock(W.self, 1, 6, block, x, y, stride)
        case 4: addBlock(W.self, 1, 4, block, x, y, stride)
        case 3: addBlock(W.self, 1, 3, block, x, y, stride)
        case 2: addBlock(W.self, 1, 2, block, x, y, stride)
        default: addBlock(W.self, 1, 1, block, x, y, stride)
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
    init<W: PanelWeights>(_ weights: W.Type, _ count: Int, at source: UnsafeRawPointer, column: Int) {
        a = W.vector(at: source, column: column)
        b = count > 1 ? W.vector(at: source + 64, column: column) : a
        c = count > 2 ? W.vector(at: source + 128, column: column) : a
        d = count > 3 ? W.vector(at: source + 192, column: column) : a
    }

    @inline(__always)
    mutating func add(_ count: Int, _ weights: Panels, times x: Float) {
        let x = Vector(repeating: x)
        if count > 3 { d = d.adding(weights.d, times: x) }
        if count > 2 { c = c.adding(weights.c, times: x) }
        if count > 1 { b = b.adding(weights.b, times: x) }
        a = a.adding(weights.a, times: x)
    }

    @inline(__always)
    func store(_ count: Int, at target: UnsafeMutablePointer<Float>) {
        a.store(at: target)
        if count > 1 { b.store(at: target + 16) }
        if count > 2 { c.store(at: target + 32) }
        if count > 3 { d.store(at: target + 48) }
    }
}

/// The vectors of a product, and their accumulators for some panels. The numbers of both are
/// constants where this is inlined, so that unused branches cost nothing.
private struct Accumulators {
    private var a: Panels
    private var b: Panels
    private var c: Panels
    private var d: Panels
    private var e: Panels
    private var f: Panels
    private let p: UnsafePointer<Float>
    private let q: UnsafePointer<Float>
    private let r: UnsafePointer<Float>
    private let s: UnsafePointer<Float>
    private let t: UnsafePointer<Float>
    private let u: UnsafePointer<Float>

    @inline(__always)
    init(
        _ panels: Int, _ vectors: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, at y: UnsafeMutablePointer<Float>,
        _ stride: Int
    ) {
        func input(_ vector: Int) -> UnsafePointer<Float> {
            inputs[vector < vectors ? vector : 0].assumingMemoryBound(to: Float.self)
        }
        func place(_ vector: Int) -> UnsafeMutablePointer<Float> {
            y + (vector < vectors ? vector : 0) &* stride
        }
        (p, q, r, s, t, u) = (input(0), input(1), input(2), input(3), input(4), input(5))
        a = Panels(panels, at: place(0))
        b = Panels(panels, at: place(1))
        c = Panels(panels, at: place(2))
        d = Panels(panels, at: place(3))
        e = Panels(panels, at: place(4))
        f = Panels(panels, at: place(5))
    }

    @inline(__always)
    mutating func add(_ panels: Int, _ vectors: Int, _ weights: Panels, column: Int) {
        a.add(panels, weights, times: p[column])
        if vectors > 1 { b.add(panels, weights, times: q[column]) }
        if vectors > 2 { c.add(panels, weights, times: r[column]) }
        if vectors > 3 { d.add(panels, weights, times: s[column]) }
        if vectors > 4 { e.add(panels, weights, times: t[column]) }
        if vectors > 5 { f.add(panels, weights, times: u[column]) }
    }

    @inline(__always)
    func store(_ panels: Int, _ vectors: Int, at y: UnsafeMutablePointer<Float>, _ stride: Int) {
        a.store(panels, at: y)
        if vectors > 1 { b.store(panels, at: y + stride) }
        if vectors > 2 { c.store(panels, at: y + 2 * stride) }
        if vectors > 3 { d.store(panels, at: y + 3 * stride) }
        if vectors > 4 { e.store(panels, at: y + 4 * stride) }
        if vectors > 5 { f.store(panels, at: y + 5 * stride) }
    }
}

/// `panels` panels of a block, 1 to 4, and `vectors` vectors, 1 to 6.
@inline(__always)
private func addBlock<W: PanelWeights>(
    _ weights: W.Type, _ panels: Int, _ vectors: Int, _ block: Block, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    var accumulators = Accumulators(panels, vectors, inputs, at: y, stride)
    var w = block.weights
    // Blocks begin at a word's first column.
    let whole = block.columns.upperBound & ~(W.columnsPerWord - 1)
    var column = block.columns.lowerBound
    while column < whole {
        accumulators.add(panels, vectors, Panels(W.self, panels, at: w, column: 0), column: column)
        if W.columnsPerWord > 1 {
            accumulators.add(panels, vectors, Panels(W.self, panels, at: w, column: 1), column: column + 1)
        }
        if vectors > 1 {
            // Part of the next block, which the hardware prefetcher does not foresee.
            ci_prefetch(w + block.prefetch)
        }
        w += 4 * block.height
        column += W.columnsPerWord
    }
    if W.columnsPerWord > 1, column < block.columns.upperBound {
        accumulators.add(panels, vectors, Panels(W.self, panels, at: w, column: 0), column: column)
    }
    accumulators.store(panels, vectors, at: y, stride)
}
