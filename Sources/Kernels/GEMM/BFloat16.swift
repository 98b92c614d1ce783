import CIntrinsics
import Core

// Training's matrix products in bfloat16, the upper half of a float: both factors are rounded to
// it, the accumulators stay floats.
//
// Elements come in pairs, of neighbouring terms, the first in the lower half of 32 bits. A pair
// lies where a float does in the products of floats, so the tiles are the same. The processor's own
// instruction for it (AVX-512 BF16, since 2020) treats subnormal numbers as zeros and may round
// once a pair, so it does not give the same bits as the two fused multiply-adds that take its place
// elsewhere. Those serve to try out what the rounding does; they are not fast.

/// The elements are pairs.
private enum PairProduct: ElementProduct {
    #if AVX512BF16
        @inline(__always) static var takesFourTerms: Bool { true }
    #else
        // The halves of the pairs take the registers that are left.
        @inline(__always) static var takesFourTerms: Bool { false }
    #endif

    @inline(__always)
    static func add(_ c: Vector, _ a: Vector, _ b: Vector) -> Vector {
        #if AVX512BF16
            ci_add_pair_products(c, a, b)
        #else
            c.adding(a.firstOfPairs, times: b.firstOfPairs).adding(a.secondOfPairs, times: b.secondOfPairs)
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

    /// The nearest bfloat16 numbers, of two equally near ones the even one, in the lower halves of
    /// 32 bits.
    @inline(__always)
    fileprivate var rounded: SIMD16<UInt32> {
        let nearest = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
        // The carry could turn a NaN into a number.
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
func packTransposedPairs(
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
func packRowPairs(
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

/// ``multiply(_:)`` in bfloat16: B is packed in pairs, and `scratch` has room for `m` · `blocks` ·
/// `k` / 2 floats.
func multiplyPairs(_ product: UnsafePointer<MatrixProduct>) {
    let product = product.pointee
    let pairs = product.k / 2
    for block in 0..<product.blocks {
        for row in 0..<product.m {
            packNeighbours(
                product.a + block * product.aBlock + row * product.aStride, count: product.k,
                into: product.scratch + (block * product.m + row) * pairs)
        }
    }
    var packed = product
    packed.a = UnsafePointer(product.scratch)
    packed.aStride = pairs
    packed.aBlock = product.m * pairs
    packed.k = pairs
    multiplyPacked(PairProduct.self, packed)
}

/// ``multiplyTransposed(_:)`` in bfloat16. `m` is a multiple of ``laneCount``, and nothing is
/// prefetched.
func multiplyTransposedPairs(_ product: UnsafePointer<MatrixProduct>) {
    let product = product.pointee
    let (a, b, m, n, k) = (product.a, product.b, product.m, product.n, product.k)
    let pairs = divideRoundingUp(k, by: 2)
    let pairStride = paddedToOddLines(m)
    let panel = product.scratch + transposedProductTerms / 2 * (transposedProductRows + laneCount)
    for index in 0..<pairs {
        let p = 2 * index
        packPairs(
            a + p * product.aStride, p + 1 < k ? a + (p + 1) * product.aStride : nil, count: m,
            into: product.scratch + index * pairStride)
    }
    var prefetch = PrefetchCursor(place: product.scratch)
    var column = 0
    while column < n {
        let width = panelWidth(n - column)
        for index in 0..<pairs {
            let p = 2 * index
            packPairs(
                b + p * product.bStride + column, p + 1 < k ? b + (p + 1) * product.bStride + column : nil,
                count: width, into: panel + index * width)
        }
        multiplyPanel(
            PairProduct.self,
            PanelProduct(
                a: ColumnMajor(pointer: product.scratch, columnStride: pairStride), b: panel, bStride: width,
                terms: pairs, origin: product.c + column, originStride: product.cStride, c: product.c + column,
                cStride: product.cStride),
            rows: m, columns: width, &prefetch)
        column += width
    }
}
