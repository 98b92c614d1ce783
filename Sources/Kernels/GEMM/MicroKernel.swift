import CIntrinsics
import Core

// The micro-kernel of the matrix products, in the terms of BLIS (Van Zee and van de Geijn 2015): a
// tile of MR × NR elements of C is kept in registers while the products of kc terms, a column of A
// times a row of B each, are added.
//
// A processor starts two multiply-adds a cycle, each of which takes four, and loads two vectors a
// cycle. A tile of MR rows and NR = 16·v columns needs MR + v loads for MR · v multiply-adds, and
// at least eight accumulators that do not wait for each other. With 32 registers of 16 floats
// (AVX-512) that is v = 4 and MR from 4 to 6; with 16 registers of 8 floats (AVX2) v = 1, which is
// two registers.
//
// Every element of C is one chain of fused multiply-adds over ascending terms, whatever the tile.

// MARK: - The left factor

/// The layout of A: where element (i, p), of row i and term p, is.
protocol LeftFactor {
    /// The distance between the elements of two terms.
    var columnStride: Int { get }
    /// The first element of a row.
    func row(_ i: Int) -> UnsafePointer<Float>
    /// The rows from `i` on.
    func from(_ i: Int) -> Self
    /// Called at every term with its offset.
    func prefetch(_ term: Int)
}

/// Row-major: a few rows, each read from front to back, as the hardware prefetcher expects.
struct RowMajor: LeftFactor {
    let pointer: UnsafePointer<Float>
    let rowStride: Int

    @inline(__always) var columnStride: Int { 1 }

    @inline(__always)
    func row(_ i: Int) -> UnsafePointer<Float> { ci_register(pointer + i &* rowStride) }

    @inline(__always)
    func from(_ i: Int) -> RowMajor { RowMajor(pointer: pointer + i &* rowStride, rowStride: rowStride) }

    @inline(__always) func prefetch(_ term: Int) {}
}

/// Column-major: neighbouring elements of each of many columns. The stride should be an odd number
/// of cache lines.
struct ColumnMajor: LeftFactor {
    let pointer: UnsafePointer<Float>
    let columnStride: Int

    @inline(__always) func row(_ i: Int) -> UnsafePointer<Float> { pointer + i }

    @inline(__always)
    func from(_ i: Int) -> ColumnMajor { ColumnMajor(pointer: pointer + i, columnStride: columnStride) }

    @inline(__always) func prefetch(_ term: Int) { ci_prefetch(pointer + term + 8 &* columnStride) }
}

// MARK: - Registers

/// What a term adds to sixteen accumulators.
protocol ElementProduct {
    /// Whether an iteration of the loop takes four terms, not one.
    ///
    /// The instructions beside the multiply-adds are then a twentieth of all, not a quarter. That
    /// matters where two threads compete for the instructions that a core issues.
    static var takesFourTerms: Bool { get }
    /// `c` plus the product of `a` and `b`.
    static func add(_ c: Vector, _ a: Vector, _ b: Vector) -> Vector
}

/// The elements are floats.
enum FloatProduct: ElementProduct {
    @inline(__always) static var takesFourTerms: Bool { hasFusedMultiplyAdd }

    @inline(__always)
    static func add(_ c: Vector, _ a: Vector, _ b: Vector) -> Vector { c.adding(b, times: a) }
}

/// NR neighbouring elements of a row, of B or of the accumulators.
protocol RowVector {
    init(at source: UnsafePointer<Float>)
    /// Adds a term: an element of A, in every lane, times a row of B.
    mutating func add<E: ElementProduct>(_ a: Vector, _ b: Self, _ element: E.Type)
    func store(at target: UnsafeMutablePointer<Float>)
    static var columns: Int { get }
}

extension Vector: RowVector {
    @inline(__always) static var columns: Int { laneCount }

    @inline(__always)
    mutating func add<E: ElementProduct>(_ a: Vector, _ b: Vector, _ element: E.Type) {
        self = E.add(self, a, b)
    }
}

/// Two row vectors side by side.
struct SideBySide<Row: RowVector>: RowVector {
    private var first: Row
    private var second: Row

    @inline(__always) static var columns: Int { 2 &* Row.columns }

    @inline(__always)
    init(at source: UnsafePointer<Float>) {
        first = Row(at: source)
        second = Row(at: source + Row.columns)
    }

    @inline(__always)
    mutating func add<E: ElementProduct>(_ a: Vector, _ b: SideBySide, _ element: E.Type) {
        first.add(a, b.first, element)
        second.add(a, b.second, element)
    }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>) {
        first.store(at: target)
        second.store(at: target + Row.columns)
    }
}

/// MR rows of accumulators, and the rows of A that they take.
protocol Tile {
    associatedtype Row: RowVector
    static var rows: Int { get }
    init<A: LeftFactor>(at source: UnsafePointer<Float>, stride: Int, _ a: A, row: Int)
    /// Adds a term: a row of B, times the column of A at offset `term`.
    mutating func add<E: ElementProduct>(_ b: Row, _ term: Int, _ element: E.Type)
    func store(at c: UnsafeMutablePointer<Float>, stride: Int)
}

struct OneRow<Row: RowVector>: Tile {
    private var accumulators: Row
    private let a: UnsafePointer<Float>

    @inline(__always) static var rows: Int { 1 }

    @inline(__always)
    init<A: LeftFactor>(at source: UnsafePointer<Float>, stride: Int, _ a: A, row: Int) {
        accumulators = Row(at: source)
        self.a = a.row(row)
    }

    @inline(__always)
    mutating func add<E: ElementProduct>(_ b: Row, _ term: Int, _ element: E.Type) {
        accumulators.add(Vector(repeating: a[term]), b, element)
    }

    @inline(__always)
    func store(at c: UnsafeMutablePointer<Float>, stride: Int) {
        accumulators.store(at: c)
    }
}

/// One tile above another. Tiles are composed, because in a loop over rows Swift would keep the
/// accumulators in memory.
struct Stack<Upper: Tile, Lower: Tile>: Tile where Upper.Row == Lower.Row {
    typealias Row = Upper.Row

    private var upper: Upper
    private var lower: Lower

    @inline(__always) static var rows: Int { Upper.rows + Lower.rows }

    @inline(__always)
    init<A: LeftFactor>(at source: UnsafePointer<Float>, stride: Int, _ a: A, row: Int) {
        upper = Upper(at: source, stride: stride, a, row: row)
        lower = Lower(at: source + Upper.rows &* stride, stride: stride, a, row: row + Upper.rows)
    }

    @inline(__always)
    mutating func add<E: ElementProduct>(_ b: Row, _ term: Int, _ element: E.Type) {
        upper.add(b, term, element)
        lower.add(b, term, element)
    }

    @inline(__always)
    func store(at c: UnsafeMutablePointer<Float>, stride: Int) {
        upper.store(at: c, stride: stride)
        lower.store(at: c + Upper.rows &* stride, stride: stride)
    }
}

typealias TwoRows<Row: RowVector> = Stack<OneRow<Row>, OneRow<Row>>
typealias ThreeRows<Row: RowVector> = Stack<TwoRows<Row>, OneRow<Row>>
typealias FourRows<Row: RowVector> = Stack<TwoRows<Row>, TwoRows<Row>>
typealias FiveRows<Row: RowVector> = Stack<FourRows<Row>, OneRow<Row>>
typealias SixRows<Row: RowVector> = Stack<FourRows<Row>, TwoRows<Row>>

// MARK: - The micro-kernel

/// Rows of C, the rows of A that they take, and a panel of B.
struct PanelProduct<A: LeftFactor> {
    var a: A
    /// kc rows of NR elements, `bStride` apart.
    var b: UnsafePointer<Float>
    var bStride: Int
    /// kc, the number of terms.
    var terms: Int
    /// What the accumulators start from: C itself, or one row for all, with a stride of 0.
    var origin: UnsafePointer<Float>
    var originStride: Int
    var c: UnsafeMutablePointer<Float>
    var cStride: Int

    /// The same for the columns from `column` on.
    @inline(__always)
    func panel(_ column: Int) -> PanelProduct {
        var product = self
        product.b += column
        product.origin += column
        product.c += column
        return product
    }

    /// The same for the rows from `i` on.
    @inline(__always)
    func from(_ i: Int) -> PanelProduct {
        var product = self
        product.a = a.from(i)
        product.origin += i &* originStride
        product.c += i &* cStride
        return product
    }
}

/// Adds A · B to a tile of C.
@inline(__always)
func microKernel<E: ElementProduct, A: LeftFactor, T: Tile>(
    _ element: E.Type, _ tile: T.Type, _ product: PanelProduct<A>, _ prefetch: PrefetchCursor
) {
    var tile = T(at: product.origin, stride: product.originStride, product.a, row: 0)
    let (column, bStride, step) = (product.a.columnStride, product.bStride, prefetch.step)
    var (b, place, p, left) = (product.b, prefetch.place, 0, product.terms)
    // Offsets are not checked for overflow, which would cost a few per cent: they are within memory
    // that exists.
    if E.takesFourTerms {
        while left >= 4 {
            // Without an order the compiler would load so early that the accumulators would not
            // stay in registers.
            ci_keep_order()
            addTerm(element, &tile, product.a, p, b, place)
            ci_keep_order()
            addTerm(element, &tile, product.a, p &+ column, b + bStride, place + step)
            ci_keep_order()
            addTerm(element, &tile, product.a, p &+ 2 &* column, b + 2 * bStride, place + 2 * step)
            ci_keep_order()
            addTerm(element, &tile, product.a, p &+ 3 &* column, b + 3 * bStride, place + 3 * step)
            b += 4 * bStride
            place += 4 * step
            p &+= 4 &* column
            left &-= 4
        }
    }
    while left > 0 {
        addTerm(element, &tile, product.a, p, b, place)
        b += bStride
        place += step
        p &+= column
        left &-= 1
    }
    tile.store(at: product.c, stride: product.cStride)
}

@inline(__always)
private func addTerm<E: ElementProduct, A: LeftFactor, T: Tile>(
    _ element: E.Type, _ tile: inout T, _ a: A, _ term: Int, _ b: UnsafePointer<Float>,
    _ prefetched: UnsafePointer<Float>
) {
    a.prefetch(term)
    ci_prefetch_l2(prefetched)
    tile.add(T.Row(at: b), term, element)
}
