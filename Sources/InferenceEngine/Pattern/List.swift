import Core

/// A growing array whose failed allocations throw, where those of `Array` end the process. Copies
/// share their memory: only one of them may be used further.
struct List<Element: BitwiseCopyable> {
    private var buffer: AlignedBuffer<Element>
    private(set) var count = 0

    /// An empty list.
    ///
    /// - Throws: `outOfMemory`.
    init() throws(ChargenError) {
        buffer = try AlignedBuffer(count: 16, for: "a pattern")
    }

    /// - Throws: `outOfMemory`; nothing has then changed.
    mutating func append(_ element: Element) throws(ChargenError) {
        if count == buffer.count {
            let larger = try AlignedBuffer<Element>(count: 2 * count, for: "a pattern")
            larger.pointer.update(from: buffer.pointer, count: count)
            buffer = larger
        }
        buffer.pointer[count] = element
        count += 1
    }

    /// The bytes of memory.
    var size: Int { buffer.size }

    mutating func removeLast() -> Element {
        let last = self[count - 1]
        count -= 1
        return last
    }

    mutating func removeAll() { count = 0 }

    /// The elements, valid until the list changes.
    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: buffer.pointer, count: count) }

    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "no such element")
            return buffer.pointer[index]
        }
        set {
            precondition(index >= 0 && index < count, "no such element")
            buffer.pointer[index] = newValue
        }
    }
}
