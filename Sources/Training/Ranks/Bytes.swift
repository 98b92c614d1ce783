import Core

extension UnsafeMutablePointer where Pointee: BitwiseCopyable {
    /// The bytes of some of the numbers from here on.
    func bytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: self + range.lowerBound, count: range.count))
    }
}

extension AlignedBuffer {
    /// The bytes of the first `count` numbers.
    func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer { pointer.bytes(0..<count) }
}
