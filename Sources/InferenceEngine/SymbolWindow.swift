import Core

/// The last symbols of a text, and how often each is among them.
struct SymbolWindow {
    private let symbols: AlignedBuffer<Int32>
    private let counts: AlignedBuffer<Int32>
    /// The place of the next symbol. Where the window is full, the oldest one is there.
    private var next = 0
    private var length = 0

    /// What is to be known to undo what happens next.
    struct Place: BitwiseCopyable {
        fileprivate var next = 0
        fileprivate var length = 0
        /// What is at the next symbol's place.
        fileprivate var replaced: Int32 = 0
    }

    /// The present place.
    var place: Place { Place(next: next, length: length, replaced: symbols.pointer[next]) }

    /// Becomes what it was before the last symbol, or the last removal of all symbols.
    mutating func undo(to place: Place) {
        symbols.pointer[place.next] = place.replaced
        (next, length) = (place.next, place.length)
        counts.pointer.update(repeating: 0, count: counts.count)
        for age in 0..<length { counts.pointer[Int(symbols.pointer[index(age)])] += 1 }
    }

    /// Where the symbol is that was added `age` symbols before the last.
    private func index(_ age: Int) -> Int { (next + capacity - 1 - age) % capacity }

    /// The most symbols.
    var capacity: Int { symbols.count }

    /// An empty window.
    ///
    /// - Throws: `outOfMemory`.
    init(capacity: Int, symbols count: Int) throws(ChargenError) {
        symbols = try AlignedBuffer(count: capacity, for: "a window of characters")
        counts = try AlignedBuffer(count: count, for: "a window of characters")
    }

    /// A copy that does not share memory.
    ///
    /// - Throws: `outOfMemory`.
    func copy() throws(ChargenError) -> SymbolWindow {
        var copy = try SymbolWindow(capacity: capacity, symbols: counts.count)
        copy.symbols.pointer.update(from: symbols.pointer, count: capacity)
        copy.counts.pointer.update(from: counts.pointer, count: counts.count)
        copy.next = next
        copy.length = length
        return copy
    }

    func write(_ writer: inout SnapshotWriter) {
        writer.write(length)
        for age in (0..<length).reversed() {
            writer.write(UInt32(symbols.pointer[index(age)]))
        }
    }

    /// - Throws: `invalidSnapshot` if there is an impossible symbol.
    mutating func read(_ reader: inout SnapshotReader) throws(ChargenError) {
        for _ in 0..<(try reader.read(in: 0...capacity)) {
            append(try reader.readSymbol(below: counts.count))
        }
    }

    /// The bytes of memory.
    var size: Int { symbols.size + counts.size }

    /// Adds a symbol. The oldest one leaves a full window.
    mutating func append(_ symbol: Int) {
        if length == capacity {
            counts.pointer[Int(symbols.pointer[next])] -= 1
        } else {
            length += 1
        }
        symbols.pointer[next] = Int32(symbol)
        counts.pointer[symbol] += 1
        next = next + 1 == capacity ? 0 : next + 1
    }

    /// Removes all symbols. They stay in memory, for ``undo(to:)``.
    mutating func clear() {
        counts.pointer.update(repeating: 0, count: counts.count)
        length = 0
    }

    /// Lowers the logit of each symbol that is in the window: once, and for each time.
    func subtract(repetition: Float, frequency: Float, from logits: UnsafeMutablePointer<Float>, _ count: Int) {
        let counts = counts.pointer
        // Without a branch, for the compiler to take several symbols at once.
        for symbol in 0..<count {
            let times = counts[symbol]
            logits[symbol] -= times > 0 ? repetition + frequency * Float(times) : 0
        }
    }
}
