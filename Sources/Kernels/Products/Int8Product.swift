// Matrix × vectors over 8-bit weights packed into panels, as in Float32Product.swift: four columns
// of a row take the place of a float. A group of panels begins with a 32-bit correction for
// each row, which its accumulator starts from, then a scale for each row.
//
// Activations come as bytes from ``quantise(_:count:into:)``: a + 64, from 0 to 128, for a from −64
// to 64. That they are not negative and at most 128 lets AVX2 multiply 32 pairs of bytes at once
// without overflow; the correction, −64 times the sum of the row's weights, takes the 64 out again.

import CIntrinsics
import Core

/// The weights' columns that a packed row holds together.
private let quad = 4

/// The largest magnitude of a quantised activation. A power of two: scales are divided by it
/// without rounding.
let activationLimit: Float = 64

/// The bytes of a packed row.
public func int8RowLength(columns: Int) -> Int {
    8 + (columns + quad - 1) / quad * quad
}

/// Packs rows of a row-major matrix of 8-bit weights into panels.
///
/// - Parameters:
///   - matrix: Rows of `columns` integers from −127 to 127.
///   - scales: What the integers of each row are multiplied with.
///   - order: For each packed row, its row in the matrix, or a negative number for a row of zeros.
///   - rows: The number of packed rows, a multiple of ``laneCount``.
///   - packed: Room for `rows` times ``int8RowLength(columns:)``.
public func packInt8(
    _ matrix: UnsafePointer<Int8>, scales: UnsafePointer<Float>, order: UnsafePointer<Int>, rows: Int, columns: Int,
    into packed: UnsafeMutableRawPointer
) {
    var target = packed
    var row = 0
    while row < rows {
        let height = groupHeight(at: row, of: rows)
        for lane in 0..<height {
            let source = order[row + lane]
            let matrixRow = matrix + max(source, 0) * columns
            var sum: Int32 = 0
            for column in 0..<(source < 0 ? 0 : columns) { sum &+= Int32(matrixRow[column]) }
            (target + 4 * lane).storeBytes(of: -64 &* sum, as: Int32.self)
            let scale = source < 0 ? 0 : scales[source] / activationLimit
            (target + 4 * (height + lane)).storeBytes(of: scale, as: Float.self)
        }
        let weights = target + 8 * height
        let quads = (columns + quad - 1) / quad
        for first in Swift.stride(from: 0, to: quads, by: packedColumns) {
            let last = min(first + packedColumns, quads)
            for lane in 0..<height {
                let source = order[row + lane]
                let matrixRow = matrix + max(source, 0) * columns
                var place = weights + quad * (first * height + lane)
                for index in first..<last {
                    let bytes = source < 0 ? 0 : quadBytes(matrixRow, quad * index, columns)
                    place.storeBytes(of: bytes, as: UInt32.self)
                    place += quad * height
                }
            }
        }
        target += height * int8RowLength(columns: columns)
        row += height
    }
}

/// Four columns of a row from `first` on, zeros beyond the last.
@inline(__always)
private func quadBytes(_ row: UnsafePointer<Int8>, _ first: Int, _ columns: Int) -> UInt32 {
    if first + quad <= columns { return UnsafeRawPointer(row + first).loadUnaligned(as: UInt32.self) }
    var bytes: UInt32 = 0
    for column in first..<columns {
        bytes |= UInt32(UInt8(bitPattern: row[column])) << UInt32(8 * (column - first))
    }
    return bytes
}

/// Adds scale · (W · a) to the outputs of each vector a, with a single rounding after the exact W ·
/// a, over weights that ``packInt8(_:scales:order:rows:columns:into:)`` packed. The vectors are as
/// ``quantise(_:count:into:)`` leaves them.
func addInt8Product(_ product: PackedProduct) {
    let quads = divideRoundingUp(product.columns, by: quad)
    var w = product.weights.assumingMemoryBound(to: Float.self)
    var row = 0
    while row < product.rows {
        let height = groupHeight(at: row, of: product.rows)
        let outputs = product.outputs + row
        // Every vector starts from the group's corrections.
        let group = PanelProduct(
            a: Vectors(pointers: product.inputs), b: w + 2 * height, bStride: height, terms: quads, origin: w,
            originStride: 0, c: outputs, cStride: product.stride, scales: w + height)
        if product.count == 1 {
            addGroup(group, height)
        } else {
            addGroup(group, height, product.count)
        }
        w += height * (2 + quads)
        row += height
    }
}

/// An element of A is four activations, one of B four weights.
extension ByteAccumulators: Accumulators {
    @inline(__always) static var columns: Int { laneCount }

    #if AVX512
        @inline(__always) static var mostRows: Int { 6 }
    #else
        // The intermediate products take the registers that are left.
        @inline(__always) static var mostRows: Int { 4 }
    #endif

    @inline(__always) static var takesFourTerms: Bool { false }

    @inline(__always)
    init(at source: UnsafePointer<Float>) { self.init(at: UnsafeRawPointer(source)) }

    @inline(__always)
    static func right(at source: UnsafePointer<Float>) -> ByteVector { ByteVector(at: source) }

    @inline(__always)
    static func left(at source: UnsafePointer<Float>) -> ByteVector { ByteVector(repeatingFourAt: source) }

    @inline(__always)
    mutating func add(_ a: ByteVector, _ b: ByteVector) { add(unsigned: a, signed: b) }

    @inline(__always)
    func store(at c: UnsafeMutablePointer<Float>, scales: UnsafePointer<Float>) {
        Vector(at: c).adding(floats, times: Vector(at: scales)).store(at: c)
    }
}

// The compiler inlines only so much into one function, so each of these is one by itself.

/// A group of panels, one vector.
@inline(never)
private func addGroup(_ group: PanelProduct<Vectors>, _ height: Int) {
    let prefetch = PrefetchCursor<NoLevel>(place: group.b)
    switch height {
    case laneCount: microKernel(OneRow<ByteAccumulators>.self, group, prefetch)
    case 2 * laneCount: microKernel(OneRow<TwoPanels<ByteAccumulators>>.self, group, prefetch)
    case 3 * laneCount: microKernel(OneRow<ThreePanels<ByteAccumulators>>.self, group, prefetch)
    default: microKernel(OneRow<FourPanels<ByteAccumulators>>.self, group, prefetch)
    }
}

/// A group of panels, several vectors. The next group is prefetched, which the hardware prefetcher
/// does not foresee.
@inline(never)
private func addGroup(_ group: PanelProduct<Vectors>, _ height: Int, _ count: Int) {
    let next = group.b + height * group.terms
    #if AVX512
        if height == groupRows {
            var prefetch = PrefetchCursor<FirstLevelGroup>(place: next, step: height)
            return multiplyTiles(FourPanels<ByteAccumulators>.self, group, rows: count, &prefetch)
        }
    #endif
    for row in stride(from: 0, to: height, by: laneCount) {
        var prefetch = PrefetchCursor<FirstLevel>(place: next + row, step: height)
        multiplyTiles(ByteAccumulators.self, group.panel(row), rows: count, &prefetch)
    }
}
