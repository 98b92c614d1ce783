import Core

/// A regular expression, parsed: a tree of nodes, each named by its index.
///
/// `docs/patterns.md` specifies the syntax.
struct SyntaxTree {
    enum Kind: UInt8 {
        /// One character of a set.
        case character
        /// The children one after the other.
        case sequence
        /// One of the children.
        case alternation
        /// The child, some number of times.
        case repetition
    }

    struct Node: BitwiseCopyable {
        var kind: Kind
        /// The set of a character; the last child of another node, or −1.
        var content: Int
        /// The child before this one, or −1.
        var previous = -1
        /// How often a repetition's child comes; the most is −1 for no limit.
        var least = 0
        var most = 0
    }

    private(set) var nodes: List<Node>
    private(set) var sets: ScalarSets
    private(set) var root = 0

    /// The most levels of groups within groups.
    static var maximumDepth: Int { 100 }
    /// The largest number of a repetition.
    static var maximumRepetition: Int { 1000 }
    /// The most characters of an expression.
    static var maximumLength: Int { 10_000 }

    private init() throws(ChargenError) {
        nodes = try List()
        sets = try ScalarSets()
    }

    /// Parses an expression in UTF-8.
    ///
    /// - Throws: `invalidPattern` with the place of the fault, `invalidUTF8`, `outOfMemory`.
    init(_ expression: UnsafeRawBufferPointer) throws(ChargenError) {
        try self.init()
        var reader = try ExpressionReader(expression)
        root = try parseAlternation(&reader, depth: 0)
        if reader.next != nil { throw reader.fault("the ')' closes no group") }
    }

    // MARK: - Nodes

    private mutating func add(_ kind: Kind, _ content: Int) throws(ChargenError) -> Int {
        try nodes.append(Node(kind: kind, content: content))
        return nodes.count - 1
    }

    private mutating func addChild(_ child: Int, to parent: Int) {
        nodes[child].previous = nodes[parent].content
        nodes[parent].content = child
    }

    // MARK: - Parsing, by recursive descent

    private mutating func parseAlternation(_ reader: inout ExpressionReader, depth: Int) throws(ChargenError) -> Int {
        guard depth <= SyntaxTree.maximumDepth else {
            throw reader.fault("more than \(SyntaxTree.maximumDepth) groups are within each other")
        }
        let alternation = try add(.alternation, -1)
        repeat {
            let sequence = try parseSequence(&reader, depth: depth)
            addChild(sequence, to: alternation)
        } while reader.take("|")
        return alternation
    }

    private mutating func parseSequence(_ reader: inout ExpressionReader, depth: Int) throws(ChargenError) -> Int {
        let sequence = try add(.sequence, -1)
        while let next = reader.next, next != "|", next != ")" {
            let atom = try parseAtom(&reader, depth: depth)
            let child = try parseRepetition(of: atom, &reader)
            addChild(child, to: sequence)
        }
        return sequence
    }

    private mutating func parseRepetition(
        of atom: Int, _ reader: inout ExpressionReader
    ) throws(ChargenError) -> Int {
        guard let (least, most) = try reader.takeRepetition() else { return atom }
        if let next = reader.next, next == "*" || next == "+" || next == "?" || next == "{" {
            throw reader.fault("a repetition cannot follow another one; use a group")
        }
        let repetition = try add(.repetition, -1)
        nodes[repetition].least = least
        nodes[repetition].most = most
        addChild(atom, to: repetition)
        return repetition
    }

    private mutating func parseAtom(_ reader: inout ExpressionReader, depth: Int) throws(ChargenError) -> Int {
        let start = reader.place
        guard let character = reader.take() else { throw reader.fault("the expression ends too early") }
        switch Unicode.Scalar(character) {
        case "(":
            if reader.take("?"), !reader.take(":") {
                throw reader.fault("only '(?:' may begin a group of another kind")
            }
            let group = try parseAlternation(&reader, depth: depth + 1)
            guard reader.take(")") else { throw reader.fault("the group is not closed", at: start) }
            return group
        case "[": return try add(.character, try parseClass(&reader, from: start))
        case ".":
            try sets.begin()
            try sets.addAnyCharacter()
            return try add(.character, try sets.end())
        case "\\":
            try sets.begin()
            _ = try parseEscape(&reader, from: start)
            return try add(.character, try sets.end())
        case "*", "+", "?", "{": throw reader.fault("there is nothing to repeat; write \\ before it", at: start)
        case "^", "$":
            throw reader.fault(
                "a pattern always matches the whole text: leave it out, or write \\ before it", at: start)
        case "]", "}": throw reader.fault("write \\ before it", at: start)
        default: return try add(.character, try sets.single(character))
        }
    }

    private mutating func parseClass(_ reader: inout ExpressionReader, from start: Int) throws(ChargenError) -> Int {
        try sets.begin()
        let isNegated = reader.take("^")
        var isFirst = true
        while isFirst || reader.next != "]" {
            let itemStart = reader.place
            guard let character = reader.take() else { throw reader.fault("the class is not closed", at: start) }
            isFirst = false
            var lower: UInt32? = character
            if character == 0x5C {
                lower = try parseEscape(&reader, from: itemStart)
            } else {
                try sets.add(character...character)
            }
            guard reader.next == "-", reader.following != "]", reader.following != nil else { continue }
            _ = reader.take()
            let upperStart = reader.place
            guard let lower, var upper = reader.take() else {
                throw reader.fault("a range needs a character at both ends", at: itemStart)
            }
            if upper == 0x5C {
                guard let escaped = try parseEscape(&reader, from: upperStart) else {
                    throw reader.fault("a range needs a character at both ends", at: itemStart)
                }
                upper = escaped
            }
            guard lower <= upper else { throw reader.fault("the range goes downwards", at: itemStart) }
            try sets.add(lower...upper)
        }
        _ = reader.take()
        if isNegated { try sets.negate() }
        return try sets.end()
    }

    /// Adds what follows a backslash to the set that has been begun.
    ///
    /// - Returns: The character, unless it is a class.
    private mutating func parseEscape(
        _ reader: inout ExpressionReader, from start: Int
    ) throws(ChargenError) -> UInt32? {
        guard let character = reader.take() else { throw reader.fault("nothing follows the \\", at: start) }
        let scalar: UInt32
        switch Unicode.Scalar(character) {
        case "d":
            try sets.addDigits()
            return nil
        case "w":
            try sets.addWordCharacters()
            return nil
        case "s":
            try sets.addSpaces()
            return nil
        case "n": scalar = 0x0A
        case "r": scalar = 0x0D
        case "t": scalar = 0x09
        case "u": scalar = try reader.takeCodePoint(from: start)
        case let other? where other.isASCIIPunctuation: scalar = character
        default:
            throw reader.fault(
                "\\ must precede d, w, s, n, r, t, u{…} or an ASCII punctuation mark", at: start)
        }
        try sets.add(scalar...scalar)
        return scalar
    }
}

extension Unicode.Scalar {
    /// Whether it is an ASCII character but no letter, digit, control character or space.
    /// (`properties` would bring Unicode's tables.)
    var isASCIIPunctuation: Bool {
        ("!"..."/").contains(self) || (":"..."@").contains(self) || ("["..."`").contains(self)
            || ("{"..."~").contains(self)
    }
}

/// The characters of an expression, one after the other.
struct ExpressionReader {
    private var characters: List<UInt32>
    /// The index of the next character.
    private(set) var place = 0

    init(_ text: UnsafeRawBufferPointer) throws(ChargenError) {
        characters = try List()
        var offset = 0
        while offset < text.count {
            guard case .scalar(let scalar, let length) = decodeUTF8(text, at: offset) else {
                throw ChargenError(.invalidUTF8, "the pattern is not UTF-8 at byte \(offset)")
            }
            try characters.append(scalar)
            offset += length
            guard characters.count <= SyntaxTree.maximumLength else {
                throw ChargenError(
                    .invalidPattern, "the pattern has more than \(SyntaxTree.maximumLength) characters")
            }
        }
    }

    /// The next character; nil at the end.
    var next: Unicode.Scalar? { place < characters.count ? Unicode.Scalar(characters[place]) : nil }

    /// The one after it.
    var following: Unicode.Scalar? { place + 1 < characters.count ? Unicode.Scalar(characters[place + 1]) : nil }

    mutating func take() -> UInt32? {
        guard place < characters.count else { return nil }
        place += 1
        return characters[place - 1]
    }

    /// Takes a character if it is the next one.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == character else { return false }
        place += 1
        return true
    }

    /// Takes `*`, `+`, `?`, `{m}`, `{m,}` or `{m,n}`, if one is next.
    ///
    /// - Returns: The least and the most, −1 for no limit.
    mutating func takeRepetition() throws(ChargenError) -> (least: Int, most: Int)? {
        if take("*") { return (0, -1) }
        if take("+") { return (1, -1) }
        if take("?") { return (0, 1) }
        let start = place
        guard take("{") else { return nil }
        guard let least = takeNumber() else { throw fault("a number must follow the {", at: start) }
        var most = least
        if take(",") { most = next == "}" ? -1 : takeNumber() ?? -2 }
        guard take("}"), most != -2 else { throw fault("{ must be followed by m}, m,} or m,n}", at: start) }
        guard max(least, most) <= SyntaxTree.maximumRepetition else {
            throw fault("a number of repetitions is above \(SyntaxTree.maximumRepetition)", at: start)
        }
        guard most == -1 || least <= most else { throw fault("the numbers of {m,n} go downwards", at: start) }
        return (least, most)
    }

    private mutating func takeNumber() -> Int? {
        var number: Int?
        while let digit = next, ("0"..."9").contains(digit) {
            // More digits than any valid number has change nothing.
            number = min((number ?? 0) * 10 + Int(digit.value - 0x30), 1_000_000)
            place += 1
        }
        return number
    }

    /// Takes `{…}` with a hexadecimal number of a Unicode scalar value.
    mutating func takeCodePoint(from start: Int) throws(ChargenError) -> UInt32 {
        var value: UInt32?
        if take("{") {
            while let digit = next, let number = hexadecimalValue(digit), value ?? 0 < 0x11_0000 {
                value = (value ?? 0) << 4 | number
                place += 1
            }
            if take("}"), let value, Unicode.Scalar(value) != nil { return value }
        }
        throw fault("\\u must be followed by a Unicode scalar value in hexadecimal digits, as in \\u{E9}", at: start)
    }

    private func hexadecimalValue(_ digit: Unicode.Scalar) -> UInt32? {
        switch digit {
        case "0"..."9": digit.value - 0x30
        case "A"..."F": digit.value - 0x41 + 10
        case "a"..."f": digit.value - 0x61 + 10
        default: nil
        }
    }

    /// The error of a fault at a place, by default at the next character.
    func fault(_ reason: StaticString, at place: Int? = nil) -> ChargenError {
        fault("\(reason)", at: place)
    }

    func fault(_ reason: String, at place: Int? = nil) -> ChargenError {
        let place = place ?? self.place
        let end = place < characters.count ? ", \(described(characters[place]))" : ", its end"
        return ChargenError(.invalidPattern, "the pattern is wrong at character \(place + 1)\(end): \(reason)")
    }
}
