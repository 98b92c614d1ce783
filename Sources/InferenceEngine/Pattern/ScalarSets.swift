import Core

/// The sets of characters of a pattern, each a list of ranges of scalar values; equal ones are one.
struct ScalarSets {
    private struct Range: BitwiseCopyable, Equatable {
        var lower: UInt32
        var upper: UInt32
    }

    private var ranges: List<Range>
    /// Where the ranges of each set begin; the last one is where those of the next set will.
    private var starts: List<Int>

    init() throws(ChargenError) {
        ranges = try List()
        starts = try List()
        try starts.append(0)
    }

    /// The number of sets.
    var count: Int { starts.count - 1 }

    /// The number of ranges of a set.
    func size(_ set: Int) -> Int { starts[set + 1] - starts[set] }

    // MARK: - Making a set

    /// Begins a set, to which the functions below add.
    mutating func begin() throws(ChargenError) {
        while ranges.count > starts[count] { _ = ranges.removeLast() }
    }

    mutating func add(_ characters: ClosedRange<UInt32>) throws(ChargenError) {
        try ranges.append(Range(lower: characters.lowerBound, upper: characters.upperBound))
    }

    /// Every character but a line break.
    mutating func addAnyCharacter() throws(ChargenError) {
        try add(0...0x09)
        try add(0x0B...0x10_FFFF)
    }

    mutating func addDigits() throws(ChargenError) {
        try add(0x30...0x39)
    }

    /// ASCII letters, digits and the underscore.
    mutating func addWordCharacters() throws(ChargenError) {
        try addDigits()
        try add(0x41...0x5A)
        try add(0x5F...0x5F)
        try add(0x61...0x7A)
    }

    /// The space, and tab, line feed, vertical tab, form feed and carriage return.
    mutating func addSpaces() throws(ChargenError) {
        try add(0x09...0x0D)
        try add(0x20...0x20)
    }

    /// Turns the set into its complement.
    mutating func negate() throws(ChargenError) {
        sort()
        let first = starts[count]
        let old = ranges.count
        var next: UInt32 = 0
        for index in first..<old {
            let range = ranges[index]
            if range.lower > next { try add(next...range.lower - 1) }
            next = max(next, range.upper + 1)
        }
        if next <= 0x10_FFFF { try add(next...0x10_FFFF) }
        let new = ranges.count - old
        for index in 0..<new { ranges[first + index] = ranges[old + index] }
        while ranges.count > first + new { _ = ranges.removeLast() }
    }

    /// Sorts the ranges by their lower ends. There are few.
    private mutating func sort() {
        let first = starts[count]
        for index in first..<ranges.count {
            let range = ranges[index]
            var place = index
            while place > first, ranges[place - 1].lower > range.lower {
                ranges[place] = ranges[place - 1]
                place -= 1
            }
            ranges[place] = range
        }
    }

    /// Ends the set.
    ///
    /// - Returns: Its number, which is that of an equal set if there is one.
    mutating func end() throws(ChargenError) -> Int {
        let first = starts[count]
        let length = ranges.count - first
        for set in 0..<count where starts[set + 1] - starts[set] == length {
            if (0..<length).allSatisfy({ ranges[starts[set] + $0] == ranges[first + $0] }) { return set }
        }
        try starts.append(ranges.count)
        return count - 1
    }

    /// The set of one character.
    mutating func single(_ character: UInt32) throws(ChargenError) -> Int {
        try begin()
        try add(character...character)
        return try end()
    }

    // MARK: - Reading

    func contains(_ character: UInt32, in set: Int) -> Bool {
        for index in starts[set]..<starts[set + 1] {
            if ranges[index].lower <= character, character <= ranges[index].upper { return true }
        }
        return false
    }
}
