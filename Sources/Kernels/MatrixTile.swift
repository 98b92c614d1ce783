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
    /// `sum` plus the products of the elements of `a` and `b`.
    static func add(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector
}

/// The elements are floats.
enum FloatMultiplication: Multiplication {
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
    init(at source: UnsafePointer<Float>)
    mutating func add<M: Multiplication>(_ strip: Self, times factor: Vector, _ multiplication: M.Type)
    func store(at target: UnsafeMutablePointer<Float>)
}

private struct OneVector: Strip {
    var a: Vector

    @inline(__always)
    init(at source: UnsafePointer<Float>) {
        a = Vector(at: source)
    }

    @inline(__always)
    mutating func add<M: Multiplication>(_ strip: OneVector, times factor: Vector, _ multiplication: M.Type) {
        a = M.add(a, strip.a, factor)
    }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>) {
        a.store(at: target)
    }
}

private struct TwoVectors: Strip {
    var a: Vector
    var b: Vector

    @inline(__always)
    init(at source: UnsafePointer<Float>) {
        a = Vector(at: source)
        b = Vector(at: source + 16)
    }

    @inline(__always)
    mutating func add<M: Multiplication>(_ strip: TwoVectors, times factor: Vector, _ multiplication: M.Type) {
        a = M.add(a, strip.a, factor)
        b = M.add(b, strip.b, factor)
    }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>) {
        a.store(at: target)
        b.store(at: target + 16)
    }
}

private struct FourVectors: Strip {
    var a: Vector
    var b: Vector
    var c: Vector
    var d: Vector

    @inline(__always)
    init(at source: UnsafePointer<Float>) {
        a = Vector(at: source)
        b = Vector(at: source + 16)
        c = Vector(at: source + 32)
        d = Vector(at: source + 48)
    }

    @inline(__always)
    mutating func add<M: Multiplication>(_ strip: FourVectors, times factor: Vector, _ multiplication: M.Type) {
        a = M.add(a, strip.a, factor)
        b = M.add(b, strip.b, factor)
        c = M.add(c, strip.c, factor)
        d = M.add(d, strip.d, factor)
    }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Float>) {
        a.store(at: target)
        b.store(at: target + 16)
        c.store(at: target + 32)
        d.store(at: target + 48)
    }
}

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
                multiplication, factor, FourVectors.self, a, aStride, rows, b, 64, depth, origin, originStride, target,
                stride, &ahead)
        case 32:
            addTiles(
                multiplication, factor, TwoVectors.self, a, aStride, rows, b, 32, depth, origin, originStride, target,
                stride, &ahead)
        default:
            addTiles(
                multiplication, factor, OneVector.self, a, aStride, rows, b, 16, depth, origin, originStride, target,
                stride, &ahead)
        }
    #else
        for column in Swift.stride(from: 0, to: width, by: laneCount) {
            addTiles(
                multiplication, factor, OneVector.self, a, aStride, rows, b + column, width, depth,
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
            addSix(multiplication, factor, strip, first, aStride, b, width, depth, x, originStride, y, stride, ahead)
        case 5:
            addFive(multiplication, factor, strip, first, aStride, b, width, depth, x, originStride, y, stride, ahead)
        case 4:
            addFour(multiplication, factor, strip, first, aStride, b, width, depth, x, originStride, y, stride, ahead)
        default:
            for row in 0..<height {
                addOne(
                    multiplication, factor, strip, first + row * A.row(aStride), aStride, b, width, depth,
                    x + row * originStride, y + row * stride)
            }
        }
        ahead.place += ahead.advance
    }
}

// The heights are written out: of a loop over the rows Swift would keep the sums in memory. Sums of indices do not check for
// overflow here, which at every depth would cost a few per cent: they are places in memory that exists.

@inline(__always)
private func addSix<M: Multiplication, A: LeftFactor, S: Strip>(
    _ multiplication: M.Type, _ factor: A.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ aStride: Int,
    _ b: UnsafePointer<Float>, _ width: Int, _ depth: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: Ahead
) {
    let row = A.row(aStride)
    let (a0, a1, a2, a3, a4, a5) = (a, a + row, a + 2 * row, a + 3 * row, a + 4 * row, a + 5 * row)
    var (s0, s1, s2) = (S(at: x), S(at: x + xStride), S(at: x + 2 * xStride))
    var (s3, s4, s5) = (S(at: x + 3 * xStride), S(at: x + 4 * xStride), S(at: x + 5 * xStride))
    var (b, place) = (b, ahead.place)
    var k = 0
    for _ in 0..<depth {
        A.prefetch(a0 + k, aStride)
        ci_prefetch_l2(place)
        let values = S(at: b)
        s0.add(values, times: Vector(repeating: a0[k]), multiplication)
        s1.add(values, times: Vector(repeating: a1[k]), multiplication)
        s2.add(values, times: Vector(repeating: a2[k]), multiplication)
        s3.add(values, times: Vector(repeating: a3[k]), multiplication)
        s4.add(values, times: Vector(repeating: a4[k]), multiplication)
        s5.add(values, times: Vector(repeating: a5[k]), multiplication)
        b += width
        place += ahead.step
        k &+= A.column(aStride)
    }
    s0.store(at: y)
    s1.store(at: y + stride)
    s2.store(at: y + 2 * stride)
    s3.store(at: y + 3 * stride)
    s4.store(at: y + 4 * stride)
    s5.store(at: y + 5 * stride)
}

@inline(__always)
private func addFive<M: Multiplication, A: LeftFactor, S: Strip>(
    _ multiplication: M.Type, _ factor: A.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ aStride: Int,
    _ b: UnsafePointer<Float>, _ width: Int, _ depth: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: Ahead
) {
    let row = A.row(aStride)
    let (a0, a1, a2, a3, a4) = (a, a + row, a + 2 * row, a + 3 * row, a + 4 * row)
    var (s0, s1, s2) = (S(at: x), S(at: x + xStride), S(at: x + 2 * xStride))
    var (s3, s4) = (S(at: x + 3 * xStride), S(at: x + 4 * xStride))
    var (b, place) = (b, ahead.place)
    var k = 0
    for _ in 0..<depth {
        A.prefetch(a0 + k, aStride)
        ci_prefetch_l2(place)
        let values = S(at: b)
        s0.add(values, times: Vector(repeating: a0[k]), multiplication)
        s1.add(values, times: Vector(repeating: a1[k]), multiplication)
        s2.add(values, times: Vector(repeating: a2[k]), multiplication)
        s3.add(values, times: Vector(repeating: a3[k]), multiplication)
        s4.add(values, times: Vector(repeating: a4[k]), multiplication)
        b += width
        place += ahead.step
        k &+= A.column(aStride)
    }
    s0.store(at: y)
    s1.store(at: y + stride)
    s2.store(at: y + 2 * stride)
    s3.store(at: y + 3 * stride)
    s4.store(at: y + 4 * stride)
}

@inline(__always)
private func addFour<M: Multiplication, A: LeftFactor, S: Strip>(
    _ multiplication: M.Type, _ factor: A.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ aStride: Int,
    _ b: UnsafePointer<Float>, _ width: Int, _ depth: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: Ahead
) {
    let row = A.row(aStride)
    let (a0, a1, a2, a3) = (a, a + row, a + 2 * row, a + 3 * row)
    var (s0, s1) = (S(at: x), S(at: x + xStride))
    var (s2, s3) = (S(at: x + 2 * xStride), S(at: x + 3 * xStride))
    var (b, place) = (b, ahead.place)
    var k = 0
    for _ in 0..<depth {
        A.prefetch(a0 + k, aStride)
        ci_prefetch_l2(place)
        let values = S(at: b)
        s0.add(values, times: Vector(repeating: a0[k]), multiplication)
        s1.add(values, times: Vector(repeating: a1[k]), multiplication)
        s2.add(values, times: Vector(repeating: a2[k]), multiplication)
        s3.add(values, times: Vector(repeating: a3[k]), multiplication)
        b += width
        place += ahead.step
        k &+= A.column(aStride)
    }
    s0.store(at: y)
    s1.store(at: y + stride)
    s2.store(at: y + 2 * stride)
    s3.store(at: y + 3 * stride)
}

@inline(__always)
private func addOne<M: Multiplication, A: LeftFactor, S: Strip>(
    _ multiplication: M.Type, _ factor: A.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ aStride: Int,
    _ b: UnsafePointer<Float>, _ width: Int, _ depth: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var sum = S(at: x)
    var b = b
    var k = 0
    for _ in 0..<depth {
        sum.add(S(at: b), times: Vector(repeating: a[k]), multiplication)
        b += width
        k &+= A.column(aStride)
    }
    sum.store(at: y)
}
