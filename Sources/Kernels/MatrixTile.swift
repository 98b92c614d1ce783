import CIntrinsics

// The innermost part of training's matrix products: a tile of a few rows and one strip of columns of the target is kept
// in registers while the products of all depths are added to it.
//
// A processor starts two multiply-adds a cycle, each of which takes four, and reads two vectors a cycle. A tile of r rows
// and s vectors needs r + s reads for r · s multiply-adds, and at least eight sums that do not wait for each other. With
// 32 registers of 16 floats (AVX-512) that is a strip of four vectors and four to six rows; with 16 registers of 8 floats
// (AVX2) a strip of one vector, which is two registers.
//
// Every element of the target is one chain of fused multiply-adds in the order of the depth, whatever the tile.

/// What a product adds for two vectors of elements.
protocol Multiplication {
    /// Whether a turn of the innermost loop takes four depths, not one.
    ///
    /// What a turn costs beside its multiply-adds is then a twentieth of the instructions, not a quarter. That counts where the
    /// processor shares what it begins in a cycle between this thread and another.
    static var takesFourDepths: Bool { get }
    /// `sum` plus the products of the elements of `a` and `b`.
    static func add(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector
}

/// The elements are floats.
enum FloatMultiplication: Multiplication {
    #if AVX512 || AVX2
        static var takesFourDepths: Bool { true }
    #else
        // A multiply-add is a function's call there.
        static var takesFourDepths: Bool { false }
    #endif

    @inline(__always)
    static func add(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector {
        sum.adding(a, times: b)
    }
}

/// How a product's left factor lies in memory: element (r, k), of row r and depth k.
protocol LeftFactor {
    /// The distance between the elements of two rows, where `stride` is that between the factor's lines in memory.
    static func row(_ stride: Int) -> Int
    /// The distance between the elements of two depths.
    static func column(_ stride: Int) -> Int
    /// A row's first element, in a register of its own if it needs one.
    static func pointer(_ place: UnsafePointer<Float>) -> UnsafePointer<Float>
    /// Called at every depth with the place of the tile's first element.
    static func prefetch(_ place: UnsafePointer<Float>, _ stride: Int)
}

/// Row after row: a few rows, each read from front to back, which the processor foresees.
enum Plain: LeftFactor {
    @inline(__always)
    static func row(_ stride: Int) -> Int { stride }

    @inline(__always)
    static func column(_ stride: Int) -> Int { 1 }

    @inline(__always)
    static func pointer(_ place: UnsafePointer<Float>) -> UnsafePointer<Float> { ci_register(place) }

    @inline(__always)
    static func prefetch(_ place: UnsafePointer<Float>, _ stride: Int) {}
}

/// Depth after depth: some neighbouring elements of each of many lines. The stride should be an odd number of cache lines;
/// with a power of two the lines would fall into a few sets of the cache.
enum Transposed: LeftFactor {
    @inline(__always)
    static func row(_ stride: Int) -> Int { 1 }

    @inline(__always)
    static func column(_ stride: Int) -> Int { stride }

    @inline(__always)
    static func pointer(_ place: UnsafePointer<Float>) -> UnsafePointer<Float> { place }

    @inline(__always)
    static func prefetch(_ place: UnsafePointer<Float>, _ stride: Int) { ci_prefetch(place + 8 * stride) }
}

/// What is asked for, to be in the second-level cache when it is read, while something else is computed: one place a depth.
struct Ahead {
    /// The place at the first depth of the tile that comes next.
    var place: UnsafePointer<Float>
    /// The floats from one depth's place to the next.
    var step: Int
    /// The floats from one tile's place to the next.
    var advance: Int
}

/// Some neighbouring columns of a row.
private protocol Strip {
    static var columns: Int { get }
    init(at source: UnsafePointer<Float>)
    mutating func add<M: Multiplication>(_ strip: Self, times factor: Vector, _ multiplication: M.Type)
    func store(at target: UnsafeMutablePointer<Float>)
}

extension Vector: Strip {
    @inline(__always)
    static var columns: Int { laneCount }

    @inline(__always)
    mutating func add<M: Multiplication>(_ strip: Vector, times factor: Vector, _ multiplication: M.Type) {
        self = M.add(self, strip, factor)
    }
}

/// Two strips side by side.
private struct Twice<S: Strip>: Strip {
    var left: S
    var right: S

    @inline(__always)
    static var columns: Int { 2 * S.columns }

    @inline(__always)
    init(at source: UnsafePointer<Float>) {
        left = S(at: source)
        right = S(at: source + S.columns)
    }

    @inline(__always)
    mutating func add<M: Multiplication>(_ strip: Twice, times factor: Vector, _ multiplication: M.Type) {
        left.add(strip.left, times: factor, multiplication)
        right.add(strip.right, times: factor, multiplication)
    }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>) {
        left.store(at: target)
        right.store(at: target + S.columns)
    }
}

/// Some rows of a strip of the target, and of the left factor.
private protocol Tile {
    associatedtype S: Strip
    static var rows: Int { get }
    init<A: LeftFactor>(
        at source: UnsafePointer<Float>, stride: Int, times a: UnsafePointer<Float>, row: Int, _ factor: A.Type
    )
    /// Adds the products of a strip of the right factor and a column of the left one, which is at `place` in its rows.
    mutating func add<M: Multiplication>(_ strip: S, _ place: Int, _ multiplication: M.Type)
    func store(at target: UnsafeMutablePointer<Float>, stride: Int)
}

private struct OneRow<S: Strip>: Tile {
    var sums: S
    let a: UnsafePointer<Float>

    @inline(__always)
    static var rows: Int { 1 }

    @inline(__always)
    init<A: LeftFactor>(
        at source: UnsafePointer<Float>, stride: Int, times a: UnsafePointer<Float>, row: Int, _ factor: A.Type
    ) {
        sums = S(at: source)
        self.a = A.pointer(a)
    }

    @inline(__always)
    mutating func add<M: Multiplication>(_ strip: S, _ place: Int, _ multiplication: M.Type) {
        sums.add(strip, times: Vector(repeating: a[place]), multiplication)
    }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>, stride: Int) {
        sums.store(at: target)
    }
}

/// One tile above another: tiles are put together, because in a loop over rows Swift would keep the sums in memory.
private struct Stack<Upper: Tile, Lower: Tile>: Tile where Upper.S == Lower.S {
    var upper: Upper
    var lower: Lower

    @inline(__always)
    static var rows: Int { Upper.rows + Lower.rows }

    @inline(__always)
    init<A: LeftFactor>(
        at source: UnsafePointer<Float>, stride: Int, times a: UnsafePointer<Float>, row: Int, _ factor: A.Type
    ) {
        upper = Upper(at: source, stride: stride, times: a, row: row, factor)
        lower = Lower(
            at: source + Upper.rows * stride, stride: stride, times: a + Upper.rows * row, row: row, factor)
    }

    @inline(__always)
    mutating func add<M: Multiplication>(_ strip: Upper.S, _ place: Int, _ multiplication: M.Type) {
        upper.add(strip, place, multiplication)
        lower.add(strip, place, multiplication)
    }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>, stride: Int) {
        upper.store(at: target, stride: stride)
        lower.store(at: target + Upper.rows * stride, stride: stride)
    }
}

private typealias TwoRows<S: Strip> = Stack<OneRow<S>, OneRow<S>>
private typealias FourRows<S: Strip> = Stack<TwoRows<S>, TwoRows<S>>
private typealias FiveRows<S: Strip> = Stack<FourRows<S>, OneRow<S>>
private typealias SixRows<S: Strip> = Stack<FourRows<S>, TwoRows<S>>

/// How rows are divided into tiles: evenly, and into tiles of at most six.
struct Tiling {
    let count: Int
    private let height: Int
    /// The number of tiles at the front that have a row more.
    private let higher: Int

    @inline(__always)
    init(rows: Int) {
        count = (rows + 5) / 6
        height = rows / count
        higher = rows % count
    }

    @inline(__always)
    func first(_ index: Int) -> Int {
        index * height + min(index, higher)
    }

    @inline(__always)
    func height(_ index: Int) -> Int {
        index < higher ? height + 1 : height
    }
}

/// target ← origin + a · b, where a is a matrix of `rows` × `depth`, b one of `depth` × `width`.
///
/// - Parameters:
///   - origin: What the sums start from, rows `originStride` apart: `target` itself, or one row for all, with a stride of 0.
///   - a: With `aStride` floats between its lines in memory.
///   - b: Row after row, without gaps.
///   - width: 64, 32 or 16.
@inline(__always)
func addTiles<M: Multiplication, A: LeftFactor>(
    _ multiplication: M.Type, _ factor: A.Type, _ a: UnsafePointer<Float>, stride aStride: Int, rows: Int,
    _ b: UnsafePointer<Float>, width: Int, depth: Int, from origin: UnsafePointer<Float>, stride originStride: Int,
    to target: UnsafeMutablePointer<Float>, stride: Int, _ ahead: inout Ahead
) {
    #if AVX512
        switch width {
        case 64:
            addTiles(
                multiplication, factor, Twice<Twice<Vector>>.self, a, aStride, rows, b, 64, depth, origin, originStride,
                target, stride, &ahead)
        case 32:
            addTiles(
                multiplication, factor, Twice<Vector>.self, a, aStride, rows, b, 32, depth, origin, originStride,
                target, stride, &ahead)
        default:
            addTiles(
                multiplication, factor, Vector.self, a, aStride, rows, b, 16, depth, origin, originStride, target,
                stride, &ahead)
        }
    #else
        for column in Swift.stride(from: 0, to: width, by: laneCount) {
            addTiles(
                multiplication, factor, Vector.self, a, aStride, rows, b + column, width, depth,
                origin + column, originStride, target + column, stride, &ahead)
        }
    #endif
}

@inline(__always)
private func addTiles<M: Multiplication, A: LeftFactor, S: Strip>(
    _ multiplication: M.Type, _ factor: A.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ aStride: Int,
    _ rows: Int, _ b: UnsafePointer<Float>, _ width: Int, _ depth: Int, _ origin: UnsafePointer<Float>,
    _ originStride: Int, _ target: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: inout Ahead
) {
    let tiling = Tiling(rows: rows)
    for index in 0..<tiling.count {
        let height = tiling.height(index)
        let first = a + tiling.first(index) * A.row(aStride)
        let x = origin + tiling.first(index) * originStride
        let y = target + tiling.first(index) * stride
        switch height {
        case 6:
            add(
                multiplication, factor, SixRows<S>.self, first, aStride, b, width, depth, x, originStride, y, stride,
                ahead)
        case 5:
            add(
                multiplication, factor, FiveRows<S>.self, first, aStride, b, width, depth, x, originStride, y, stride,
                ahead)
        case 4:
            add(
                multiplication, factor, FourRows<S>.self, first, aStride, b, width, depth, x, originStride, y, stride,
                ahead)
        default:
            for row in 0..<height {
                add(
                    multiplication, factor, OneRow<S>.self, first + row * A.row(aStride), aStride, b, width, depth,
                    x + row * originStride, originStride, y + row * stride, stride, ahead)
            }
        }
        ahead.place += ahead.advance
    }
}

@inline(__always)
private func add<M: Multiplication, A: LeftFactor, T: Tile>(
    _ multiplication: M.Type, _ factor: A.Type, _ tile: T.Type, _ a: UnsafePointer<Float>, _ aStride: Int,
    _ b: UnsafePointer<Float>, _ width: Int, _ depth: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: Ahead
) {
    var tile = T(at: x, stride: xStride, times: a, row: A.row(aStride), factor)
    let column = A.column(aStride)
    var (b, place, k, left) = (b, ahead.place, 0, depth)
    if M.takesFourDepths {
        while left >= 4 {
            // Without an order the compiler would read so far ahead that the sums would not stay in registers. Places are
            // not checked for overflow, which would cost a few per cent: they are in memory that exists.
            ci_keep_order()
            addDepth(multiplication, factor, &tile, a, aStride, k, b, place)
            ci_keep_order()
            addDepth(multiplication, factor, &tile, a, aStride, k &+ column, b + width, place + ahead.step)
            ci_keep_order()
            addDepth(multiplication, factor, &tile, a, aStride, k &+ 2 &* column, b + 2 * width, place + 2 * ahead.step)
            ci_keep_order()
            addDepth(multiplication, factor, &tile, a, aStride, k &+ 3 &* column, b + 3 * width, place + 3 * ahead.step)
            b += 4 * width
            place += 4 * ahead.step
            k &+= 4 &* column
            left &-= 4
        }
    }
    while left > 0 {
        addDepth(multiplication, factor, &tile, a, aStride, k, b, place)
        b += width
        place += ahead.step
        k &+= column
        left &-= 1
    }
    tile.store(at: y, stride: stride)
}

@inline(__always)
private func addDepth<M: Multiplication, A: LeftFactor, T: Tile>(
    _ multiplication: M.Type, _ factor: A.Type, _ tile: inout T, _ a: UnsafePointer<Float>, _ aStride: Int, _ k: Int,
    _ b: UnsafePointer<Float>, _ ahead: UnsafePointer<Float>
) {
    A.prefetch(a + k, aStride)
    ci_prefetch_l2(ahead)
    tile.add(T.S(at: b), k, multiplication)
}
