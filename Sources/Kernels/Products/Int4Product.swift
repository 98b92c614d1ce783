import CIntrinsics
import Core

// Matrix × vectors over 4-bit weights packed into panels of sixteen rows.
//
// A panel goes through the columns in groups of 32: sixteen bfloat16 scales, one a row, then four
// times sixty-four bytes. Of these sixty-four, four belong to each row: their low halves to columns
// 8k to 8k + 3 of the group, for the k-th sixty-four, their high halves to columns 8k + 4 to 8k +
// 7. A half holds the weight plus 8, from 0 to 15.
//
// Activations come as signed bytes from ``quantiseSigned(_:count:into:)``, followed by what takes
// the 8 out again.

/// The bytes of a group of columns of one panel.
private let groupLength = 2 * laneCount + 4 * 64

/// The byte offset of a row's scale in a group: rows 0 to 7 have the lower halves of eight words,
/// the others the upper.
private func scaleOffset(_ lane: Int) -> Int { 4 * (lane % 8) + 2 * (lane / 8) }

/// The bytes of a packed row.
public func int4RowLength(columns: Int) -> Int {
    scaleGroupCount(columns) * (groupLength / laneCount)
}

/// Packs rows of a row-major matrix of 4-bit weights into panels.
///
/// - Parameters:
///   - matrix: Rows of `columns` integers from −8 to 7.
///   - scales: For each row one scale, a bfloat16 number, for each group of 32 columns.
///   - order: For each packed row, its row in the matrix, or a negative number for a row of zeros.
///   - rows: The number of packed rows, a multiple of ``laneCount``.
///   - packed: Room for `rows` times ``int4RowLength(columns:)``.
public func packInt4(
    _ matrix: UnsafePointer<Int8>, scales: UnsafePointer<Float>, order: UnsafePointer<Int>, rows: Int, columns: Int,
    into packed: UnsafeMutableRawPointer
) {
    let groups = scaleGroupCount(columns)
    for row in 0..<rows {
        let source = order[row]
        let lane = row % laneCount
        for group in 0..<groups {
            let target = packed + (row / laneCount * groups + group) * groupLength
            let scale = source < 0 ? 0 : scales[source * groups + group] / activationLimit
            target.storeBytes(
                of: UInt16(truncatingIfNeeded: scale.bitPattern >> 16), toByteOffset: scaleOffset(lane), as: UInt16.self
            )
            func nibble(_ column: Int) -> UInt8 {
                let column = group * scaleGroupSize + column
                return source < 0 || column >= columns
                    ? 8 : UInt8(truncatingIfNeeded: matrix[source * columns + column] &+ 8)
            }
            for k in 0..<4 {
                for byte in 0..<4 {
                    target.storeBytes(
                        of: nibble(8 * k + byte) | nibble(8 * k + 4 + byte) << 4,
                        toByteOffset: 2 * laneCount + 64 * k + 4 * lane + byte, as: UInt8.self)
                }
            }
        }
    }
}

/// Adds Σ scale · (W · a), over the groups of columns in ascending order, to the outputs of each
/// vector a, over weights that ``packInt4(_:scales:order:rows:columns:into:)`` packed. Each W · a
/// is exact; each addition rounds once. The vectors are as ``quantiseSigned(_:count:into:)`` leaves
/// them.
func addInt4Product(_ product: UnsafePointer<PackedProduct>) {
    let product = product.pointee
    let groups = scaleGroupCount(product.columns)
    let (count, stride) = (product.count, product.stride)
    var w = product.weights
    for row in Swift.stride(from: 0, to: product.rows, by: laneCount) {
        var y = product.outputs + row
        var index = 0
        while index + 4 <= count {
            addPanelToFour(w, groups, product.inputs + index, y, stride)
            y += 4 * stride
            index += 4
        }
        while index < count {
            addPanel(w, groups, product.inputs[index], y)
            y += stride
            index += 1
        }
        w += groups * groupLength
    }
}

/// The scales of a group.
@inline(__always)
private func scales(_ group: UnsafeRawPointer) -> Vector {
    let words = group.loadUnaligned(as: SIMD8<UInt32>.self)
    return Vector(
        lowHalf: unsafeBitCast(words &<< SIMD8<UInt32>(repeating: 16), to: SIMD8<Float>.self),
        highHalf: unsafeBitCast(words & SIMD8<UInt32>(repeating: 0xFFFF_0000), to: SIMD8<Float>.self))
}

/// What takes the 8 out of the accumulators of a group.
@inline(__always)
private func correction(_ x: UnsafeRawPointer, _ group: Int, _ groups: Int) -> Int32 {
    (x + scaleGroupSize * groups + 4 * group).loadUnaligned(as: Int32.self)
}

/// One panel, one vector.
@inline(__always)
private func addPanel(
    _ panel: UnsafeRawPointer, _ groups: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>
) {
    var w = panel
    var output = Vector(at: y)
    for group in 0..<groups {
        let values = x + scaleGroupSize * group
        var a = NibbleAccumulators()
        for k in 0..<4 {
            let bytes = ByteVector(at: w + 2 * laneCount + 64 * k)
            a.add(nibbles: bytes.lowNibbles, signed: ByteVector(repeatingFourAt: values + 8 * k))
            a.add(nibbles: bytes.highNibbles, signed: ByteVector(repeatingFourAt: values + 8 * k + 4))
        }
        output = output.adding(a.floats(adding: correction(x, group, groups)), timesExactly: scales(w))
        w += groupLength
    }
    output.store(at: y)
}

/// One panel, four vectors.
@inline(__always)
private func addPanelToFour(
    _ panel: UnsafeRawPointer, _ groups: Int, _ inputs: UnsafePointer<UnsafeRawPointer>,
    _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    let p = inputs[0]
    let q = inputs[1]
    let r = inputs[2]
    let s = inputs[3]
    var w = panel
    for group in 0..<groups {
        let first = scaleGroupSize * group
        var a = NibbleAccumulators()
        var b = a
        var c = a
        var d = a
        for k in 0..<4 {
            let bytes = ByteVector(at: w + 2 * laneCount + 64 * k)
            let place = first + 8 * k
            let low = bytes.lowNibbles
            a.add(nibbles: low, signed: ByteVector(repeatingFourAt: p + place))
            b.add(nibbles: low, signed: ByteVector(repeatingFourAt: q + place))
            c.add(nibbles: low, signed: ByteVector(repeatingFourAt: r + place))
            d.add(nibbles: low, signed: ByteVector(repeatingFourAt: s + place))
            let high = bytes.highNibbles
            a.add(nibbles: high, signed: ByteVector(repeatingFourAt: p + place + 4))
            b.add(nibbles: high, signed: ByteVector(repeatingFourAt: q + place + 4))
            c.add(nibbles: high, signed: ByteVector(repeatingFourAt: r + place + 4))
            d.add(nibbles: high, signed: ByteVector(repeatingFourAt: s + place + 4))
        }
        let scale = scales(w)
        add(a.floats(adding: correction(p, group, groups)), scale, y)
        add(b.floats(adding: correction(q, group, groups)), scale, y + stride)
        add(c.floats(adding: correction(r, group, groups)), scale, y + 2 * stride)
        add(d.floats(adding: correction(s, group, groups)), scale, y + 3 * stride)
        w += groupLength
    }
}

@inline(__always)
private func add(_ exact: Vector, _ scale: Vector, _ y: UnsafeMutablePointer<Float>) {
    Vector(at: y).adding(exact, timesExactly: scale).store(at: y)
}
