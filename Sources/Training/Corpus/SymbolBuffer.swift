/// A sequence of symbols in one byte each, or in two if there are more than 256 different ones, or
/// in a file.
struct SymbolBuffer: Sendable {
    /// The number of different symbols that a byte can hold.
    static let narrowLimit = 256

    // One of the two is empty. An enumeration would be copied whenever its array is appended to.
    private var narrow: [UInt8] = []
    private var wide: [UInt16] = []
    private(set) var isWide: Bool
    /// The symbols of a large text, in place of the two arrays.
    private var mapped: MappedSymbols?
    /// The symbol of each number in the file.
    private(set) var numbering: [UInt16] = []
    /// The same with zeros up to the largest number, so that a damaged file has symbols too.
    private var table: [UInt16] = []

    /// An empty buffer for `symbolCount` different symbols.
    init(symbolCount: Int, capacity: Int) {
        isWide = symbolCount > SymbolBuffer.narrowLimit
        if isWide { wide.reserveCapacity(capacity) } else { narrow.reserveCapacity(capacity) }
    }

    /// The symbols of a file.
    ///
    /// - Parameter numbering: The symbol of each number in the file, at most 65,536 of them.
    init(_ mapped: MappedSymbols, numbering: [UInt16]) {
        isWide = true
        self.mapped = mapped
        renumber(numbering)
    }

    var count: Int { mapped?.symbols.count ?? (isWide ? wide.count : narrow.count) }

    subscript(position: Int) -> Int {
        guard let mapped else { return isWide ? Int(wide[position]) : Int(narrow[position]) }
        return Int(table[Int(mapped.symbols[position])])
    }

    @inline(__always)
    mutating func append(_ symbol: Int32) {
        if isWide {
            wide.append(UInt16(truncatingIfNeeded: symbol))
        } else {
            narrow.append(UInt8(truncatingIfNeeded: symbol))
        }
    }

    /// Appends the entries of `bytes` in `table`.
    mutating func append(_ bytes: UnsafeRawBufferPointer, table: UnsafeBufferPointer<Int32>) {
        if isWide {
            for byte in bytes { wide.append(UInt16(truncatingIfNeeded: table[Int(byte)])) }
        } else {
            let start = narrow.count
            narrow.append(contentsOf: bytes)
            narrow.withUnsafeMutableBufferPointer { symbols in
                for position in start..<symbols.count {
                    symbols[position] = UInt8(truncatingIfNeeded: table[Int(symbols[position])])
                }
            }
        }
    }

    /// Removes all symbols from memory, which keeps room for as many.
    mutating func takeAll() -> [UInt16] {
        let symbols = isWide ? wide : narrow.map { UInt16($0) }
        narrow.removeAll(keepingCapacity: true)
        wide.removeAll(keepingCapacity: true)
        return symbols
    }

    /// Changes to two bytes a symbol.
    mutating func widen() {
        wide.reserveCapacity(narrow.capacity)
        for symbol in narrow { wide.append(UInt16(symbol)) }
        narrow = []
        isWide = true
    }

    /// Replaces every symbol by its entry in `table`; for a file, every number in it.
    mutating func renumber(_ table: [UInt16]) {
        if mapped != nil {
            numbering = table
            self.table = table + [UInt16](repeating: 0, count: 1 << 16 - table.count)
        }
        for position in narrow.indices { narrow[position] = UInt8(truncatingIfNeeded: table[Int(narrow[position])]) }
        for position in wide.indices { wide[position] = table[Int(wide[position])] }
    }

    func firstIndex(of symbol: Int, from start: Int) -> Int? {
        if let mapped {
            let end = mapped.symbols[start...].firstIndex { Int(table[Int($0)]) == symbol }
            mapped.noteAccess((end ?? count) - start)
            return end
        }
        return isWide
            ? wide[start...].firstIndex(of: UInt16(truncatingIfNeeded: symbol))
            : narrow[start...].firstIndex(of: UInt8(truncatingIfNeeded: symbol))
    }

    /// How often each of `symbolCount` symbols occurs.
    func occurrences(symbolCount: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: symbolCount)
        var piece = [Int32](repeating: 0, count: min(count, 1 << 16))
        for start in stride(from: 0, to: count, by: 1 << 16) {
            let length = min(count - start, piece.count)
            piece.withUnsafeMutableBufferPointer { piece in
                guard let destination = piece.baseAddress else { return }
                copy(start..<start + length, to: destination, stride: 1)
            }
            for symbol in piece.prefix(length) { counts[Int(symbol)] += 1 }
        }
        return counts
    }

    func copy(_ range: Range<Int>, to destination: UnsafeMutablePointer<Int32>, stride: Int) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "symbols \(range) of \(count)")
        if let mapped {
            for (index, number) in mapped.symbols[range].enumerated() {
                destination[index * stride] = Int32(table[Int(number)])
            }
            mapped.noteAccess(range.count)
        } else if isWide {
            wide.withUnsafeBufferPointer { source in
                for index in 0..<range.count { destination[index * stride] = Int32(source[range.lowerBound + index]) }
            }
        } else {
            narrow.withUnsafeBufferPointer { source in
                for index in 0..<range.count { destination[index * stride] = Int32(source[range.lowerBound + index]) }
            }
        }
    }
}
