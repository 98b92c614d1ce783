// Training's matrix products in bfloat16, the upper half of a float: both factors are rounded to it, the sums stay floats.
//
// Elements come in pairs, of neighbouring depths, the first in the lower half of 32 bits; a pair lies where a float does in
// TrainingProducts.swift, so the tiles are the same. The processor's own instruction for it (AVX-512 BF16, since 2020)
// treats subnormal numbers as zeros and may round once a pair, so it does not give the same bits as the two fused
// multiply-adds that take its place elsewhere. Those serve to try out what the rounding does; they are not fast.

import CIntrinsics

/// The elements are pairs.
private enum PairMultiplication: Multiplication {
    #if AVX512BF16
        static var takesFourDepths: Bool { true }
    #else
        // The halves of the pairs take the registers that are left.
        static var takesFourDepths: Bool { false }
    #endif

    @inline(__always)
    static func add(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector {
        #if AVX512BF16
            ci_add_pair_products(sum, a, b)
        #else
            sum.adding(a.firstOfPairs, times: b.firstOfPairs).adding(a.secondOfPairs, times: b.secondOfPairs)
        #endif
    }
}

extension Vector {
    @inline(__always)
    fileprivate var bits: SIMD16<UInt32> { unsafeBitCast(self, to: SIMD16<UInt32>.self) }

    @inline(__always)
    fileprivate var firstOfPairs: Vector { unsafeBitCast(bits &<< 16, to: Vector.self) }

    @inline(__always)
    fileprivate var secondOfPairs: Vector { unsafeBitCast(bits & 0xFFFF_0000, to: Vector.self) }

    /// The nearest bfloat16 numbers, of two equally near ones the even one, in the lower halves of 32 bits.
    @inline(__always)
    fileprivate var rounded: SIMD16<UInt32> {
        let nearest = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
        // The carry could turn what is no number into one.
        return nearest.replacing(with: 0x7FC0, where: self .!= self)
    }

    /// Pairs of the elements of two vectors.
    @inline(__always)
    fileprivate init(pairing first: Vector, _ second: Vector) {
        self = unsafeBitCast(first.rounded | second.rounded &<< 16, to: Vector.self)
    }
}

@inline(__always)
private func pair(_ first: Float, _ second: Float) -> Float {
    Vector(pairing: Vector(repeating: first), Vector(repeating: second))[0]
}

// MARK: - Packing

/// ``packTransposed(_:rows:columns:into:)`` in pairs; `columns` is even.
///
/// - Parameter packed: Room for half as many floats.
public func packTransposedPairs(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into packed: UnsafeMutablePointer<Float>
) {
    var first = 0
    while first < rows {
        let width = panelWidth(rows - first)
        let panel = packed + first * columns / 2
        for row in 0..<width {
            let source = matrix + (first + row) * columns
            for column in stride(from: 0, to: columns, by: 2) {
                panel[column / 2 * width + row] = pair(source[column], source[column + 1])
            }
        }
        first += width
    }
}

/// ``packRows(_:_:of:columns:into:)`` in pairs; the range begins and ends with an even number.
///
/// - Parameter packed: Room for half as many floats.
public func packRowPairs(
    _ matrix: UnsafePointer<Float>, _ range: Range<Int>, of rows: Int, columns: Int,
    into packed: UnsafeMutablePointer<Float>
) {
    var column = 0
    while column < columns {
        let width = panelWidth(columns - column)
        for row in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
            packPairs(
                matrix + row * columns + column, matrix + (row + 1) * columns + column, count: width,
                into: packed + column * rows / 2 + row / 2 * width)
        }
        column += width
    }
}

/// Packs pairs of the elements of two rows; zeros take the place of a second row that is nil.
@inline(__always)
private func packPairs(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>?, count: Int,
    into target: UnsafeMutablePointer<Float>
) {
    for j in stride(from: 0, to: count, by: laneCount) {
        let other = second.map { Vector(at: $0 + j) } ?? Vector(repeating: 0)
        Vector(pairing: Vector(at: first + j), other).store(at: target + j)
    }
}

/// Packs pairs of a row's neighbouring elements.
@inline(__always)
private func packNeighbours(
    _ source: UnsafePointer<Float>, count: Int, into target: UnsafeMutablePointer<Float>
) {
    for j in stride(from: 0, to: count, by: laneCount) {
        let halves = SIMD16<UInt16>(truncatingIfNeeded: Vector(at: source + j).rounded)
        UnsafeMutableRawPointer(target + j / 2).storeBytes(of: halves, as: SIMD16<UInt16>.self)
    }
}

// MARK: - Products

/// ``addProduct(_:inputStride:inputBlock:depth:_:columns:from:to:sumStride:sumBlock:rows:blocks:next:nextCount:scratch:)``
/// in bfloat16.
///
/// - Parameters:
///   - packed: In pairs.
///   - scratch: `rows` · `blocks` · `depth` / 2 floats.
@export(interface)
public func addPairProduct(
    _ inputs: UnsafePointer<Float>, inputStride: Int, inputBlock: Int, depth: Int, _ packed: UnsafePointer<Float>,
    columns: Int, from origin: UnsafePointer<Float>?, to sums: UnsafeMutablePointer<Float>, sumStride: Int,
    sumBlock: Int, rows: Int, blocks: Int, next: UnsafePointer<Float>?, nextCount: Int,
    scratch: UnsafeMutablePointer<Float>
) {
    let pairs = depth / 2
    for block in 0..<blocks {
        for row in 0..<rows {
            packNeighbours(
                inputs + block * inputBlock + row * inputStride, count: depth,
                into: scratch + (block * rows + row) * pairs)
        }
    }
    addPanels(
        PairMultiplication.self, scratch, pairs, rows * pairs, pairs, packed, columns, origin, sums, sumStride,
        sumBlock, rows, blocks, next, nextCount)
}

/// ``addTransposedProduct(_:stride:rows:_:stride:columns:depth:to:stride:readsOn:scratch:)`` in bfloat16; `rows` is a
/// multiple of ``laneCount``, and nothing is fetched ahead: `readsOn` has no effect.
@export(interface)
public func addTransposedPairProduct(
    _ a: UnsafePointer<Float>, stride aStride: Int, rows: Int, _ b: UnsafePointer<Float>, stride bStride: Int,
    columns: Int, depth: Int, to target: UnsafeMutablePointer<Float>, stride targetStride: Int, readsOn: Bool,
    scratch: UnsafeMutablePointer<Float>
) {
    let pairs = (depth + 1) / 2
    // An odd number of cache lines.
    let pairStride = (rows / laneCount | 1) * laneCount
    let panel = scratch + transposedProductDepth / 2 * (transposedProductRows + laneCount)
    for index in 0..<pairs {
        let k = 2 * index
        packPairs(
            a + k * aStride, k + 1 < depth ? a + (k + 1) * aStride : nil, count: rows,
            into: scratch + index * pairStride)
    }
    var ahead = Ahead(place: scratch, step: 0, advance: 0)
    var column = 0
    while column < columns {
        let width = panelWidth(columns - column)
        for index in 0..<pairs {
            let k = 2 * index
            packPairs(
                b + k * bStride + column, k + 1 < depth ? b + (k + 1) * bStride + column : nil, count: width,
                into: panel + index * width)
        }
        addTiles(
            PairMultiplication.self, Transposed.self, scratch, stride: pairStride, rows: rows, panel, width: width,
            depth: pairs, from: target + column, stride: targetStride, to: target + column, stride: targetStride, &ahead
        )
        column += width
    }
}
