import CSupport

/// Memory for numbers: zeroed, aligned to a cache line, freed with its last reference.
///
/// A failed allocation throws, where an array's ends the process.
public final class AlignedBuffer<Element: BitwiseCopyable> {
    /// The first element.
    public let pointer: UnsafeMutablePointer<Element>
    /// The number of elements.
    public let count: Int

    /// Allocates `count` elements, each of all zero bits.
    ///
    /// - Parameter purpose: What the memory is for, for the error message.
    /// - Throws: `outOfMemory` if the system refuses the block or has refused another one in this
    ///   call, or `count` elements exceed the address space.
    public convenience init(count: Int, for purpose: StaticString) throws(ChargenError) {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        // Large blocks take whole large pages. In pages of 4 KB, reading weights would need an
        // address translation per page, and pages would compete for the same sets of the
        // second-level cache.
        let unit = bytes < AlignedBuffer.largeBlock ? 64 : AlignedBuffer.largePage
        guard !overflow, bytes >= 0, bytes <= Int.max - unit,
            let block = aligned_alloc(unit, (max(bytes, 1) + unit - 1) & ~(unit - 1))
        else {
            let megabytes = (overflow ? Int.max : bytes) / 1_000_000 + 1
            throw ChargenError(.outOfMemory, "not enough memory: \(megabytes) MB for \(purpose)")
        }
        if unit == AlignedBuffer.largePage { madvise(block, (bytes + unit - 1) & ~(unit - 1), MADV_HUGEPAGE) }
        memset(block, 0, bytes)
        self.init(pointer: block.bindMemory(to: Element.self, capacity: count), count: count)
        try checkMemory()
    }

    /// The size of a large page.
    private static var largePage: Int { 2 << 20 }
    /// The size from which a block takes large pages.
    private static var largeBlock: Int { 512 << 10 }

    /// Does not throw: in Embedded mode a partially initialised object would leak.
    private init(pointer: UnsafeMutablePointer<Element>, count: Int) {
        self.pointer = pointer
        self.count = count
    }

    deinit {
        free(pointer)
    }
}

/// Fails if the system has refused this thread memory for an object, an array or a string in this
/// call of the library: see `Memory.c`. The call must not have changed anything yet.
///
/// - Throws: `outOfMemory`.
public func checkMemory() throws(ChargenError) {
    guard cs_memory_refused() == 0 else { throw ChargenError(.outOfMemory, "not enough memory") }
}

extension AlignedBuffer {
    /// The bytes of the elements.
    public var size: Int { count * MemoryLayout<Element>.stride }

    /// The elements.
    public var elements: UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(start: pointer, count: count)
    }
}
