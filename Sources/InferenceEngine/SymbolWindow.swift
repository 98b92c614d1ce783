import Core

/// The last symbols of a text, and how often each is among them.
struct SymbolWindow {
    private let symbols: AlignedBuffer<Int32>
    private let counts: AlignedBuffer<Int32>
    /// The place of the next symbol. Where the window is full, the oldest one is there.
    private var next = 0
    private var length = 0

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

    /// Removes all symbols.
    mutating func clear() {
        counts.pointer.update(repeating: 0, count: counts.count)
        next = 0
        length = 0
    }

    /// Lowers the logit of each symbol that is in the window: once, and for each time.
    func subtract(repetition: Float, frequency: Float, from logits: UnsafeMutablePointer<Float>, _ count: Int) {
        for symbol in 0..<count {
            let times = counts.pointer[symbol]
            if times > 0 { logits[symbol] -= repetition + frequency * Float(times) }
        }
    }
}
