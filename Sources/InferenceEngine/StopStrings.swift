import Core
import ModelFormat

/// Strings at which generated text stops, and how much of each the text ends with.
///
/// They are found by the algorithm of Knuth, Morris and Pratt ("Fast Pattern Matching in Strings",
/// SIAM Journal on Computing 6, 1977).
struct StopStrings {
    private struct Place: BitwiseCopyable {
        var start = 0
        var length = 0
        /// The number of the string among those that were set.
        var index = 0
    }

    /// One string after the other.
    private var symbols: List<Int32>
    /// For each symbol, the length of the longest beginning of its string, shorter than the part up
    /// to the symbol, with which that part also ends.
    private var borders: List<Int32>
    private var places: List<Place>
    /// With how many symbols of each string the text ends.
    private let matched: AlignedBuffer<Int>
    private var isMatching = false
    /// The length of the longest string.
    private(set) var longest = 0

    /// The most strings.
    static var maximumCount: Int { 64 }
    /// The most characters of a string.
    static var maximumLength: Int { 1024 }

    /// No strings.
    ///
    /// - Throws: `outOfMemory`.
    init() throws(ChargenError) {
        symbols = try List()
        borders = try List()
        places = try List()
        matched = try AlignedBuffer(count: StopStrings.maximumCount, for: "stop strings")
    }

    /// Adds a string. One with a character that the model does not know never occurs.
    ///
    /// - Parameter index: Its number, less than ``maximumCount``.
    /// - Throws: `invalidArgument` if it is empty or too long; `invalidUTF8`; `outOfMemory`. The
    ///   strings are then not to be used.
    mutating func append(
        _ string: UnsafeRawBufferPointer, index: Int, _ vocabulary: Vocabulary
    ) throws(ChargenError) {
        let start = symbols.count
        var count = 0
        var offset = 0
        while offset < string.count {
            guard case .scalar(let scalar, let length) = decodeUTF8(string, at: offset) else {
                throw ChargenError(.invalidUTF8, "stop string \(index) is not UTF-8 at byte \(offset)")
            }
            offset += length
            count += 1
            guard count <= StopStrings.maximumLength else { break }
            if let symbol = vocabulary.symbol(of: scalar) { try append(symbol, after: start) }
        }
        guard (1...StopStrings.maximumLength).contains(count) else {
            throw ChargenError(
                .invalidArgument, "stop string \(index) must have from 1 to \(StopStrings.maximumLength) characters")
        }
        guard symbols.count - start == count else {
            while symbols.count > start { (_, _) = (symbols.removeLast(), borders.removeLast()) }
            return
        }
        try places.append(Place(start: start, length: count, index: index))
        longest = max(longest, count)
    }

    private mutating func append(_ symbol: Int, after start: Int) throws(ChargenError) {
        let length = symbols.count - start
        var border = length == 0 ? 0 : Int(borders[start + length - 1])
        while border > 0, symbols[start + border] != Int32(symbol) { border = Int(borders[start + border - 1]) }
        if length > 0, symbols[start + border] == Int32(symbol) { border += 1 }
        try symbols.append(Int32(symbol))
        try borders.append(Int32(border))
    }

    /// A copy that does not share what changes.
    ///
    /// - Throws: `outOfMemory`.
    func copy() throws(ChargenError) -> StopStrings {
        var copy = try StopStrings()
        (copy.symbols, copy.borders, copy.places) = (symbols, borders, places)
        copy.matched.pointer.update(from: matched.pointer, count: matched.count)
        copy.isMatching = isMatching
        copy.longest = longest
        return copy
    }

    func write(_ writer: inout SnapshotWriter) {
        writer.write(places.count)
        for place in places.elements {
            writer.write(UInt8(place.index))
            writer.write(place.length)
            for index in 0..<place.length { writer.write(UInt32(symbols[place.start + index])) }
        }
    }

    /// What was written.
    ///
    /// - Throws: `invalidSnapshot`, `outOfMemory`.
    init(_ reader: inout SnapshotReader, _ vocabulary: Vocabulary) throws(ChargenError) {
        try self.init()
        for _ in 0..<(try reader.read(in: 0...StopStrings.maximumCount)) {
            let index = Int(try reader.read(UInt8.self))
            guard index < StopStrings.maximumCount else { throw SnapshotReader.outsideRange }
            let length = try reader.read(in: 1...StopStrings.maximumLength)
            let start = symbols.count
            for _ in 0..<length {
                try append(try reader.readSymbol(below: vocabulary.characters.count), after: start)
            }
            try places.append(Place(start: start, length: length, index: index))
            longest = max(longest, length)
        }
    }

    /// The bytes of memory.
    var size: Int { symbols.size + borders.size + places.size + matched.size }

    /// Forgets the text.
    mutating func restart() {
        guard isMatching else { return }
        matched.pointer.update(repeating: 0, count: matched.count)
        isMatching = false
    }

    /// What a symbol has led to.
    enum Match {
        /// So many symbols, the last of the text, may be the beginning of a string.
        case begun(Int)
        /// The text ends with a string: its length, and its number among those that were set.
        case found(length: Int, index: Int)
    }

    /// Goes on by a generated symbol. Of several strings that the text then ends with, the longest
    /// is found.
    mutating func advance(_ symbol: Int) -> Match {
        let symbols = symbols.elements
        let borders = borders.elements
        var begun = 0
        var found: Place?
        for (number, place) in places.elements.enumerated() {
            var length = matched.pointer[number]
            while length > 0, symbols[place.start + length] != Int32(symbol) {
                length = Int(borders[place.start + length - 1])
            }
            if symbols[place.start + length] == Int32(symbol) { length += 1 }
            matched.pointer[number] = length
            begun = max(begun, length)
            if length == place.length, length > found?.length ?? 0 { found = place }
        }
        isMatching = begun > 0
        guard let found else { return .begun(begun) }
        restart()
        return .found(length: found.length, index: found.index)
    }
}
