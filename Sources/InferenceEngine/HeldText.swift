import Core
import ModelFormat

/// Generated text that has not been given out yet, since it may be the beginning of a stop string.
struct HeldText {
    private var stopStrings: StopStrings
    /// The symbols, the oldest first, from `first` on in a ring.
    private let symbols: AlignedBuffer<Int32>
    private var first = 0
    /// The number of symbols.
    private(set) var count = 0
    /// How many of them are to be given out.
    private var released = 0
    /// What follows the symbols.
    private var end: EndReason?
    /// The symbols of the text that the end stands for: a stop string's, or that of the document's
    /// end.
    private var endLength = 0
    /// The symbols of the text that come after all that, which were given. Those that are read as
    /// one block count as one; where symbols can be undone, each is a block.
    private var following = 0

    /// No text.
    ///
    /// - Parameter capacity: The most symbols, if that is more than the stop strings need.
    /// - Throws: `outOfMemory`.
    init(_ stopStrings: StopStrings, capacity: Int = 0) throws(ChargenError) {
        symbols = try AlignedBuffer(count: max(capacity, stopStrings.longest, 1), for: "stop strings")
        self.stopStrings = stopStrings
    }

    /// A copy that does not share what changes.
    ///
    /// - Throws: `outOfMemory`.
    func copy() throws(ChargenError) -> HeldText {
        var copy = try HeldText(try stopStrings.copy(), capacity: symbols.count)
        copy.symbols.pointer.update(from: symbols.pointer, count: symbols.count)
        (copy.first, copy.count, copy.released) = (first, count, released)
        (copy.end, copy.endLength, copy.following) = (end, endLength, following)
        return copy
    }

    /// The text of another one, all to be given out, with other stop strings; nil if there is
    /// neither.
    ///
    /// - Throws: `outOfMemory`.
    static func changed(_ old: HeldText?, _ stopStrings: StopStrings) throws(ChargenError) -> HeldText? {
        let count = old?.count ?? 0
        guard count > 0 || old?.end != nil || stopStrings.longest > 0 else { return nil }
        var new = try HeldText(stopStrings, capacity: count)
        if let old {
            for index in 0..<count { new.symbols.pointer[index] = old.symbols.pointer[old.place(index)] }
            (new.count, new.released) = (count, count)
            (new.end, new.endLength, new.following) = (old.end, old.endLength, old.following)
        }
        return new
    }

    func write(_ writer: inout SnapshotWriter) {
        stopStrings.write(&writer)
        writer.write(count)
        writer.write(released)
        for index in 0..<count { writer.write(UInt32(symbols.pointer[place(index)])) }
        let (kind, index): (UInt8, Int) =
            switch end {
            case .document: (1, 0)
            case .pattern: (2, 0)
            case .maximumLength: (3, 0)
            case .stopString(let index): (4, index)
            default: (0, 0)
            }
        writer.write(kind)
        writer.write(UInt8(index))
        writer.write(endLength)
        writer.write(following)
    }

    /// What was written.
    ///
    /// - Throws: `invalidSnapshot`, `outOfMemory`.
    init(_ reader: inout SnapshotReader, _ vocabulary: Vocabulary) throws(ChargenError) {
        let stopStrings = try StopStrings(&reader, vocabulary)
        let count = try reader.read(in: 0...StopStrings.maximumLength)
        let released = try reader.read(in: 0...count)
        try self.init(stopStrings, capacity: count)
        for index in 0..<count {
            let symbol = try reader.readSymbol(below: vocabulary.characters.count)
            // What is held back leads to the same places in the stop strings again.
            if index < released {
                symbols.pointer[index] = Int32(symbol)
                self.count += 1
            } else {
                append(symbol)
            }
        }
        guard self.count == count, end == nil, self.released == released || count == released else {
            throw SnapshotReader.fault("its stop strings do not fit the text")
        }
        self.released = released
        let (kind, index) = (try reader.read(UInt8.self), Int(try reader.read(UInt8.self)))
        switch kind {
        case 0: break
        case 1: end = .document
        case 2: end = .pattern
        case 3: end = .maximumLength
        case 4 where index < StopStrings.maximumCount: end = .stopString(index)
        default: throw SnapshotReader.outsideRange
        }
        endLength = try reader.read(in: 0...StopStrings.maximumLength)
        following = try reader.read(in: 0...Int.max >> 1)
    }

    /// The bytes of memory.
    var size: Int { symbols.size + stopStrings.size }

    private func place(_ index: Int) -> Int {
        let place = first + index
        return place < symbols.count ? place : place - symbols.count
    }

    /// Whether the end of the text is still to be given out, and no other text follows it.
    var isBeforeEnd: Bool { end != nil && following == 0 }

    /// Adds a generated symbol, before which everything has been given out that is to be.
    mutating func append(_ symbol: Int) {
        symbols.pointer[place(count)] = Int32(symbol)
        count += 1
        switch stopStrings.advance(symbol) {
        case .begun(let length): released = count - length
        case .found(let length, let index):
            count -= length
            released = count
            end = .stopString(index)
            endLength = length
        }
        following = 0
    }

    /// Adds the end of the text.
    ///
    /// - Parameter hasSymbol: Whether a symbol of the text stands for it.
    mutating func append(end: EndReason, hasSymbol: Bool) {
        release()
        self.end = end
        endLength = hasSymbol ? 1 : 0
        following = 0
    }

    /// Holds nothing back any more: text of another source follows.
    mutating func release() {
        released = count
        stopStrings.restart()
    }

    /// Notes a symbol of the text that was given.
    mutating func follow() {
        release()
        following += 1
    }

    /// Forgets the last symbols of the text, as far as they are here. The others are to be given
    /// out.
    mutating func removeLast(_ number: Int) {
        release()
        let rest = number - following
        following = max(0, -rest)
        guard rest > 0 else { return }
        count -= min(count, max(0, rest - (end == nil ? 0 : endLength)))
        released = count
        end = nil
    }

    /// Forgets all text.
    mutating func clear() {
        (first, count, released, end, following) = (0, 0, 0, nil, 0)
        stopStrings.restart()
    }

    /// Takes what is next to be given out; nil if there is nothing.
    mutating func take() -> Stream.Output? {
        if released > 0 {
            let symbol = Int(symbols.pointer[first])
            first = place(1)
            (count, released) = (count - 1, released - 1)
            return .symbol(symbol)
        }
        guard let reason = end else { return nil }
        end = nil
        return .end(reason)
    }
}
