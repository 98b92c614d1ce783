/// The bits of a stream that is read from its end, as those of entropy codes are: RFC 8878, 4.1.
///
/// Reading beyond the beginning gives zeros, or bits read before; ``isBeyond`` tells it after
/// ``reload()``.
struct BackwardBits {
    private let start: UnsafePointer<UInt8>
    /// The eight bytes in ``container``: fewer where the stream has fewer.
    private var place: UnsafePointer<UInt8>
    private var container: UInt64
    /// The bits of ``container`` that were read, from its upper end.
    private var consumed: UInt64

    /// - Returns: nil if there is no byte or the last one, whose highest bit set ends the stream,
    ///   is 0.
    @inline(__always)
    init?(_ bytes: UnsafePointer<UInt8>, count: Int) {
        guard count > 0, bytes[count - 1] != 0 else { return nil }
        start = bytes
        consumed = UInt64(bytes[count - 1].leadingZeroBitCount + 1)
        place = bytes
        container = 0
        if count >= 8 {
            place = bytes + (count - 8)
            container = BackwardBits.load(place)
        } else {
            for index in 0..<count { container |= UInt64(bytes[index]) << UInt64(8 * index) }
            consumed += UInt64(8 * (8 - count))
        }
    }

    @inline(__always)
    private static func load(_ place: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt64.self))
    }

    /// The next `count` bits, 1 to 56.
    @inline(__always)
    func peek(_ count: UInt64) -> Int {
        Int(truncatingIfNeeded: (container &<< consumed) &>> (64 &- count))
    }

    /// Passes over bits.
    @inline(__always)
    mutating func skip(_ count: UInt64) {
        consumed = consumed &+ count
    }

    /// Reads `count` bits, 0 to 32. Between two calls of ``reload()`` at most 56 bits may be read.
    @inline(__always)
    mutating func read(_ count: UInt64) -> Int {
        let bits = ((container &<< consumed) &>> 1) &>> (63 &- count)
        skip(count)
        return Int(truncatingIfNeeded: bits)
    }

    /// Whether ``reload()`` brings 56 bits or more.
    @inline(__always)
    var isFull: Bool { place - start >= 8 }

    /// Makes room for up to 56 bits, where ``isFull``.
    @inline(__always)
    mutating func reloadFull() {
        place -= Int(truncatingIfNeeded: consumed &>> 3)
        consumed &= 7
        container = BackwardBits.load(place)
    }

    /// Makes room for up to 56 bits, as far as the stream has them.
    @inline(__always)
    mutating func reload() {
        guard !isFull else { return reloadFull() }
        guard place > start, consumed <= 64 else { return }
        let bytes = min(Int(truncatingIfNeeded: consumed &>> 3), place - start)
        place -= bytes
        consumed &-= UInt64(8 * bytes)
        container = BackwardBits.load(place)
    }

    /// Whether more bits were read than there are.
    @inline(__always)
    var isBeyond: Bool { consumed > 64 }

    /// Whether all bits were read, and no more.
    @inline(__always)
    var isAtEnd: Bool { place == start && consumed == 64 }
}
