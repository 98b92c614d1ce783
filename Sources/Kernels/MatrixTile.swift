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

/// target ← target + a · b, where a is a matrix of `rows` × `depth`, b one of `depth` × `width`.
///
/// - Parameters:
///   - a: Element (r, k) lies at r · `rowStride` + k. Where `rowStride` is 0, the matrix is packed: one tile behind the
///     other, and within a tile one column behind the other.
///   - b: Row after row, without gaps.
///   - width: 64, 32 or 16.
@inline(__always)
func addTiles<M: Multiplication>(
    _ multiplication: M.Type, _ a: UnsafePointer<Float>, rowStride: Int, rows: Int, _ b: UnsafePointer<Float>,
    width: Int, depth: Int,
    to target: UnsafeMutablePointer<Float>, stride: Int
) {
    #if AVX512
        switch width {
        case 64: addTiles(multiplication, FourVectors.self, a, rowStride, rows, b, width, depth, target, stride)
        case 32: addTiles(multiplication, TwoVectors.self, a, rowStride, rows, b, width, depth, target, stride)
        default: addTiles(multiplication, OneVector.self, a, rowStride, rows, b, width, depth, target, stride)
        }
    #else
        for column in Swift.stride(from: 0, to: width, by: laneCount) {
            addTiles(
                multiplication, OneVector.self, a, rowStride, rows, b + column, width, depth, target + column, stride)
        }
    #endif
}

@inline(__always)
private func addTiles<M: Multiplication, S: Strip>(
    _ multiplication: M.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ rowStride: Int, _ rows: Int,
    _ b: UnsafePointer<Float>,
    _ width: Int, _ depth: Int, _ target: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let tiling = Tiling(rows: rows)
    for index in 0..<tiling.count {
        let height = tiling.height(index)
        let isPacked = rowStride == 0
        let first = a + tiling.first(index) * (isPacked ? depth : rowStride)
        let row = isPacked ? 1 : rowStride
        let column = isPacked ? height : 1
        let target = target + tiling.first(index) * stride
        // Of each row of the panel that comes after b, a line a tile. Scratch memory has no such panel.
        let ahead = isPacked ? 0 : depth * width + index % 4 * laneCount
        switch height {
        case 6: addSix(multiplication, strip, first, row, column, b, width, depth, target, stride, ahead)
        case 5: addFive(multiplication, strip, first, row, column, b, width, depth, target, stride, ahead)
        case 4: addFour(multiplication, strip, first, row, column, b, width, depth, target, stride, ahead)
        default:
            for index in 0..<height {
                addOne(multiplication, strip, first + index * row, column, b, width, depth, target + index * stride)
            }
        }
    }
}

// The heights are written out: of a loop over the rows Swift would keep the sums in memory.

@inline(__always)
private func addSix<M: Multiplication, S: Strip>(
    _ multiplication: M.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ row: Int, _ column: Int,
    _ b: UnsafePointer<Float>, _ width: Int,
    _ depth: Int, _ y: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: Int
) {
    let (a0, a1, a2, a3, a4, a5) = (a, a + row, a + 2 * row, a + 3 * row, a + 4 * row, a + 5 * row)
    var (s0, s1, s2) = (S(at: y), S(at: y + stride), S(at: y + 2 * stride))
    var (s3, s4, s5) = (S(at: y + 3 * stride), S(at: y + 4 * stride), S(at: y + 5 * stride))
    var b = b
    var k = 0
    for _ in 0..<depth {
        ci_prefetch_l2(b + ahead)
        let values = S(at: b)
        s0.add(values, times: Vector(repeating: a0[k]), multiplication)
        s1.add(values, times: Vector(repeating: a1[k]), multiplication)
        s2.add(values, times: Vector(repeating: a2[k]), multiplication)
        s3.add(values, times: Vector(repeating: a3[k]), multiplication)
        s4.add(values, times: Vector(repeating: a4[k]), multiplication)
        s5.add(values, times: Vector(repeating: a5[k]), multiplication)
        b += width
        k += column
    }
    s0.store(at: y)
    s1.store(at: y + stride)
    s2.store(at: y + 2 * stride)
    s3.store(at: y + 3 * stride)
    s4.store(at: y + 4 * stride)
    s5.store(at: y + 5 * stride)
}

@inline(__always)
private func addFive<M: Multiplication, S: Strip>(
    _ multiplication: M.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ row: Int, _ column: Int,
    _ b: UnsafePointer<Float>, _ width: Int,
    _ depth: Int, _ y: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: Int
) {
    let (a0, a1, a2, a3, a4) = (a, a + row, a + 2 * row, a + 3 * row, a + 4 * row)
    var (s0, s1, s2) = (S(at: y), S(at: y + stride), S(at: y + 2 * stride))
    var (s3, s4) = (S(at: y + 3 * stride), S(at: y + 4 * stride))
    var b = b
    var k = 0
    for _ in 0..<depth {
        ci_prefetch_l2(b + ahead)
        let values = S(at: b)
        s0.add(values, times: Vector(repeating: a0[k]), multiplication)
        s1.add(values, times: Vector(repeating: a1[k]), multiplication)
        s2.add(values, times: Vector(repeating: a2[k]), multiplication)
        s3.add(values, times: Vector(repeating: a3[k]), multiplication)
        s4.add(values, times: Vector(repeating: a4[k]), multiplication)
        b += width
        k += column
    }
    s0.store(at: y)
    s1.store(at: y + stride)
    s2.store(at: y + 2 * stride)
    s3.store(at: y + 3 * stride)
    s4.store(at: y + 4 * stride)
}

@inline(__always)
private func addFour<M: Multiplication, S: Strip>(
    _ multiplication: M.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ row: Int, _ column: Int,
    _ b: UnsafePointer<Float>, _ width: Int,
    _ depth: Int, _ y: UnsafeMutablePointer<Float>, _ stride: Int, _ ahead: Int
) {
    let (a0, a1, a2, a3) = (a, a + row, a + 2 * row, a + 3 * row)
    var (s0, s1) = (S(at: y), S(at: y + stride))
    var (s2, s3) = (S(at: y + 2 * stride), S(at: y + 3 * stride))
    var b = b
    var k = 0
    for _ in 0..<depth {
        ci_prefetch_l2(b + ahead)
        let values = S(at: b)
        s0.add(values, times: Vector(repeating: a0[k]), multiplication)
        s1.add(values, times: Vector(repeating: a1[k]), multiplication)
        s2.add(values, times: Vector(repeating: a2[k]), multiplication)
        s3.add(values, times: Vector(repeating: a3[k]), multiplication)
        b += width
        k += column
    }
    s0.store(at: y)
    s1.store(at: y + stride)
    s2.store(at: y + 2 * stride)
    s3.store(at: y + 3 * stride)
}

@inline(__always)
private func addOne<M: Multiplication, S: Strip>(
    _ multiplication: M.Type, _ strip: S.Type, _ a: UnsafePointer<Float>, _ column: Int, _ b: UnsafePointer<Float>,
    _ width: Int, _ depth: Int,
    _ y: UnsafeMutablePointer<Float>
) {
    var sum = S(at: y)
    var b = b
    var k = 0
    for _ in 0..<depth {
        sum.add(S(at: b), times: Vector(repeating: a[k]), multiplication)
        b += width
        k += column
    }
    sum.store(at: y)
}
