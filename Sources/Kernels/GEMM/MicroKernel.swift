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
    /// Whether an iteration of the micro-kernel's loop may take four terms.
    static var takesFourTerms: Bool { get }
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
    @inline(__always) static var takesFourTerms: Bool { true }

    let pointer: UnsafePointer<Float>
    let rowStride: Int

    @inline(__always) var columnStride: Int { 1 }

    @inline(__always)
    func row(_ i: Int) -> UnsafePointer<Float> { ci_register(pointer + i * rowStride) }

    @inline(__always)
    func from(_ i: Int) -> RowMajor { RowMajor(pointer: pointer + i * rowStride, rowStride: rowStride) }

    @inline(__always) func prefetch(_ term: Int) {}
}

/// Column-major: neighbouring elements of each of many columns. The stride should be an odd number
/// of cache lines.
struct ColumnMajor: LeftFactor {
    @inline(__always) static var takesFourTerms: Bool { true }

    let pointer: UnsafePointer<Float>
    let columnStride: Int

    @inline(__always) func row(_ i: Int) -> UnsafePointer<Float> { pointer + i }

    @inline(__always)
    func from(_ i: Int) -> ColumnMajor { ColumnMajor(pointer: pointer + i, columnStride: columnStride) }

    @inline(__always) func prefetch(_ term: Int) { ci_prefetch(pointer + term + 8 * columnStride) }
}

/// Vectors that lie anywhere, from an offset on.
struct Vectors: LeftFactor {
    @inline(__always) static var takesFourTerms: Bool { false }

    let pointers: UnsafePointer<UnsafeRawPointer>
    var offset = 0

    @inline(__always) var columnStride: Int { 1 }

    @inline(__always)
    func row(_ i: Int) -> UnsafePointer<Float> { pointers[i].assumingMemoryBound(to: Float.self) + offset }

    @inline(__always)
    func from(_ i: Int) -> Vectors { Vectors(pointers: pointers + i, offset: offset) }

    @inline(__always) func prefetch(_ term: Int) {}
}

// MARK: - Registers

/// The accumulators of NR neighbouring elements of a row of C. An element of A, and one of B for
/// each of them, takes the place of a float, and may be several numbers.
protocol Accumulators {
    /// A row of B.
    associatedtype Right
    /// An element of A, in every lane.
    associatedtype Left

    /// NR.
    static var columns: Int { get }
    /// The most rows of a tile, MR.
    static var mostRows: Int { get }
    /// Whether an iteration of the loop takes four terms, not one.
    ///
    /// The instructions beside the multiply-adds are then a twentieth of all, not a quarter. That
    /// matters where two threads compete for the instructions that a core issues.
    static var takesFourTerms: Bool { get }
    init(at source: UnsafePointer<Float>)
    static func right(at source: UnsafePointer<Float>) -> Right
    static func left(at source: UnsafePointer<Float>) -> Left
    /// Adds a term.
    mutating func add(_ a: Left, _ b: Right)
    /// Leaves the elements of C.
    ///
    /// - Parameter scales: What integer accumulators are multiplied with before they are added to
    ///   C.
    func store(at c: UnsafeMutablePointer<Float>, scales: UnsafePointer<Float>)
}

/// Floats, as C holds them.
struct FloatAccumulators: Accumulators {
    private var c: Vector

    @inline(__always) static var columns: Int { laneCount }

    /// Whether the instruction set has a fused multiply-add. Where it is a call of a function,
    /// larger tiles would only make the library larger.
    @inline(__always)
    static var hasFusedMultiplyAdd: Bool {
        #if AVX512 || AVX2 || arch(arm64)
            true
        #else
            false
        #endif
    }

    @inline(__always) static var mostRows: Int { hasFusedMultiplyAdd ? 6 : 1 }

    @inline(__always) static var takesFourTerms: Bool { hasFusedMultiplyAdd }

    @inline(__always) init(at source: UnsafePointer<Float>) { c = Vector(at: source) }

    @inline(__always)
    static func right(at source: UnsafePointer<Float>) -> Vector { Vector(at: source) }

    @inline(__always)
    static func left(at source: UnsafePointer<Float>) -> Vector { Vector(repeating: source.pointee) }

    @inline(__always) mutating func add(_ a: Vector, _ b: Vector) { c = c.adding(b, times: a) }

    @inline(__always)
    func store(at c: UnsafeMutablePointer<Float>, scales: UnsafePointer<Float>) { self.c.store(at: c) }
}

/// Accumulators of more columns.
struct SideBySide<First: Accumulators, Second: Accumulators>: Accumulators where First.Left == Second.Left {
    private var first: First
    private var second: Second

    @inline(__always) static var columns: Int { First.columns + Second.columns }

    @inline(__always) static var mostRows: Int { First.mostRows }

    @inline(__always) static var takesFourTerms: Bool { First.takesFourTerms }

    @inline(__always)
    init(at source: UnsafePointer<Float>) {
        first = First(at: source)
        second = Second(at: source + First.columns)
    }

    @inline(__always)
    static func right(at source: UnsafePointer<Float>) -> (First.Right, Second.Right) {
        (First.right(at: source), Second.right(at: source + First.columns))
    }

    @inline(__always)
    static func left(at source: UnsafePointer<Float>) -> First.Left { First.left(at: source) }

    @inline(__always)
    mutating func add(_ a: First.Left, _ b: (First.Right, Second.Right)) {
        first.add(a, b.0)
        second.add(a, b.1)
    }

    @inline(__always)
    func store(at c: UnsafeMutablePointer<Float>, scales: UnsafePointer<Float>) {
        first.store(at: c, scales: scales)
        second.store(at: c + First.columns, scales: scales + First.columns)
    }
}

typealias TwoPanels<Panel: Accumulators> = SideBySide<Panel, Panel>
typealias ThreePanels<Panel: Accumulators> = SideBySide<TwoPanels<Panel>, Panel>
typealias FourPanels<Panel: Accumulators> = SideBySide<TwoPanels<Panel>, TwoPanels<Panel>>

/// MR rows of accumulators, and the rows of A that they take.
protocol Tile {
    associatedtype Row: Accumulators
    static var rows: Int { get }
    init<A: LeftFactor>(at source: UnsafePointer<Float>, stride: Int, _ a: A, row: Int)
    /// Adds a term: a row of B, times the column of A at offset `term`.
    mutating func add(_ b: Row.Right, _ term: Int)
    func store(at c: UnsafeMutablePointer<Float>, stride: Int, scales: UnsafePointer<Float>)
}

struct OneRow<Row: Accumulators>: Tile {
    private var accumulators: Row
    private let a: UnsafePointer<Float>

    @inline(__always) static var rows: Int { 1 }

    @inline(__always)
    init<A: LeftFactor>(at source: UnsafePointer<Float>, stride: Int, _ a: A, row: Int) {
        accumulators = Row(at: source)
        self.a = a.row(row)
    }

    @inline(__always)
    mutating func add(_ b: Row.Right, _ term: Int) { accumulators.add(Row.left(at: a + term), b) }

    @inline(__always)
    func store(at c: UnsafeMutablePointer<Float>, stride: Int, scales: UnsafePointer<Float>) {
        accumulators.store(at: c, scales: scales)
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
        lower = Lower(at: source + Upper.rows * stride, stride: stride, a, row: row + Upper.rows)
    }

    @inline(__always)
    mutating func add(_ b: Upper.Row.Right, _ term: Int) {
        upper.add(b, term)
        lower.add(b, term)
    }

    @inline(__always)
    func store(at c: UnsafeMutablePointer<Float>, stride: Int, scales: UnsafePointer<Float>) {
        upper.store(at: c, stride: stride, scales: scales)
        lower.store(at: c + Upper.rows * stride, stride: stride, scales: scales)
    }
}

typealias TwoRows<Row: Accumulators> = Stack<OneRow<Row>, OneRow<Row>>
typealias ThreeRows<Row: Accumulators> = Stack<TwoRows<Row>, OneRow<Row>>
typealias FourRows<Row: Accumulators> = Stack<TwoRows<Row>, TwoRows<Row>>
typealias FiveRows<Row: Accumulators> = Stack<FourRows<Row>, OneRow<Row>>
typealias SixRows<Row: Accumulators> = Stack<FourRows<Row>, TwoRows<Row>>

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
    /// What integer accumulators are multiplied with, one scale for each column; nil if they are
    /// floats.
    var scales: UnsafePointer<Float>?

    /// The same for the columns from `column` on.
    @inline(__always)
    func panel(_ column: Int) -> PanelProduct {
        var product = self
        product.b += column
        product.origin += column
        product.c += column
        product.scales = scales.map { $0 + column }
        return product
    }

    /// The same for the rows from `i` on.
    @inline(__always)
    func from(_ i: Int) -> PanelProduct {
        var product = self
        product.a = a.from(i)
        product.origin += i * originStride
        product.c += i * cStride
        return product
    }
}

/// Adds A · B to a tile of C.
@inline(__always)
func microKernel<A: LeftFactor, T: Tile, L: CacheLevel>(
    _ tile: T.Type, _ product: PanelProduct<A>, _ prefetch: PrefetchCursor<L>
) {
    var tile = T(at: product.origin, stride: product.originStride, product.a, row: 0)
    let (column, bStride, step) = (product.a.columnStride, product.bStride, prefetch.step)
    var (b, place, p, left) = (product.b, prefetch.place, 0, product.terms)
    // Offsets are not checked for overflow, which would cost a few per cent: they are within memory
    // that exists.
    if T.Row.takesFourTerms, A.takesFourTerms {
        while left >= 4 {
            // Without an order the compiler would load so early that the accumulators would not
            // stay in registers.
            ci_keep_order()
            addTerm(&tile, product.a, p, b, prefetch, place)
            ci_keep_order()
            addTerm(&tile, product.a, p &+ column, b + bStride, prefetch, place + step)
            ci_keep_order()
            addTerm(&tile, product.a, p &+ 2 &* column, b + 2 * bStride, prefetch, place + 2 * step)
            ci_keep_order()
            addTerm(&tile, product.a, p &+ 3 &* column, b + 3 * bStride, prefetch, place + 3 * step)
            b += 4 * bStride
            place += 4 * step
            p &+= 4 &* column
            left &-= 4
        }
    } else {
        while left >= 2 {
            addTerm(&tile, product.a, p, b, prefetch, place)
            addTerm(&tile, product.a, p &+ column, b + bStride, prefetch, place + step)
            b += 2 * bStride
            place += 2 * step
            p &+= 2 &* column
            left &-= 2
        }
    }
    while left > 0 {
        addTerm(&tile, product.a, p, b, prefetch, place)
        b += bStride
        place += step
        p &+= column
        left &-= 1
    }
    tile.store(at: product.c, stride: product.cStride, scales: product.scales ?? UnsafePointer(product.c))
}

@inline(__always)
private func addTerm<A: LeftFactor, T: Tile, L: CacheLevel>(
    _ tile: inout T, _ a: A, _ term: Int, _ b: UnsafePointer<Float>, _ prefetch: PrefetchCursor<L>,
    _ place: UnsafePointer<Float>
) {
    a.prefetch(term)
    L.prefetch(place)
    tile.add(T.Row.right(at: b), term)
}
