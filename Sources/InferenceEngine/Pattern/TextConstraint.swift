import Core
import ModelFormat

/// What the texts that a stream generates have to be like: the pattern that they match, how long
/// they may become, and how far the present one has come.
struct TextConstraint: ~Copyable {
    private(set) var pattern: Pattern?
    /// The most characters of a text; 0 for any number.
    private(set) var maximumLength = 0
    /// The pattern's state after the present text.
    private(set) var state = 0
    /// The characters of the present text, where a limit counts them.
    private(set) var length = 0

    /// The pattern's choices without the symbols that are banned.
    private var choices: PatternChoices?
    /// A mask for the end of a text, where the choices lead to one.
    private var scratch: AlignedBuffer<UInt16>?

    /// A copy that does not share anything that changes.
    ///
    /// - Throws: `outOfMemory`.
    func copy() throws(ChargenError) -> TextConstraint {
        var copy = TextConstraint()
        copy.pattern = pattern
        copy.maximumLength = maximumLength
        copy.state = state
        copy.length = length
        copy.choices = choices
        if let scratch { copy.scratch = try AlignedBuffer(count: scratch.count, for: "a pattern") }
        return copy
    }

    func write(_ writer: inout SnapshotWriter) {
        writer.write(maximumLength)
        writer.write(length)
        writer.write(pattern != nil)
        guard let pattern else { return }
        writer.write(pattern.expression.count)
        for byte in pattern.expression.elements { writer.write(byte) }
        writer.write(state)
    }

    /// - Throws: `invalidSnapshot`, `outOfMemory`.
    mutating func read(
        _ reader: inout SnapshotReader, _ model: Model, _ excluded: AlignedBuffer<Bool>?
    ) throws(ChargenError) {
        let maximumLength = try reader.read(in: 0...Int.max)
        let length = try reader.read(in: 0...maximumLength)
        do {
            if try reader.readBool() {
                let expression = try reader.take(try reader.read(in: 0...Int.max))
                try setPattern(try Pattern(expression, for: model), excluded)
            }
            try setMaximumLength(maximumLength)
            if let pattern, let choices {
                state = try reader.read(in: 0...pattern.automaton.count - 1)
                try check(choices, state: state, left: maximumLength - length)
            }
        } catch {
            throw error.kind == .outOfMemory || error.kind == .invalidSnapshot
                ? error : SnapshotReader.fault(error.message)
        }
        self.length = length
    }

    /// The bytes of memory, without that of the pattern.
    var size: Int {
        let ownChoices = choices === pattern?.choices ? nil : choices
        return (scratch?.size ?? 0) + (ownChoices?.size ?? 0)
    }

    // MARK: - Settings

    /// - Parameter excluded: For each symbol whether it is never to be chosen; nil if none is.
    /// - Throws: `invalidArgument` if no text is short enough and has none of the excluded symbols;
    ///   `outOfMemory`. Nothing has then changed.
    mutating func setPattern(_ pattern: Pattern?, _ excluded: AlignedBuffer<Bool>?) throws(ChargenError) {
        guard let pattern else {
            (self.pattern, choices, scratch) = (nil, nil, nil)
            restart()
            return
        }
        let choices = try TextConstraint.choices(pattern, excluded)
        try check(choices, state: 0, left: maximumLength)
        let scratch = try AlignedBuffer<UInt16>(count: choices.maskLength, for: "a pattern")
        (self.pattern, self.choices, self.scratch) = (pattern, choices, scratch)
        restart()
    }

    /// Takes account of other excluded symbols.
    ///
    /// - Throws: As ``setPattern(_:_:)``.
    mutating func exclude(_ excluded: AlignedBuffer<Bool>?) throws(ChargenError) {
        guard let pattern else { return }
        let choices = try TextConstraint.choices(pattern, excluded)
        try check(choices, state: 0, left: maximumLength)
        try check(choices, state: state, left: maximumLength - length)
        self.choices = choices
    }

    /// - Throws: `invalidArgument` if a pattern has no text so short.
    mutating func setMaximumLength(_ length: Int) throws(ChargenError) {
        if length > 0, let choices { try check(choices, state: 0, left: length) }
        maximumLength = length
        restart()
    }

    private static func choices(
        _ pattern: Pattern, _ excluded: AlignedBuffer<Bool>?
    ) throws(ChargenError) -> PatternChoices {
        guard let excluded else { return pattern.choices }
        return try PatternChoices(pattern.automaton, pattern.model.vocabulary, excluded)
    }

    private func check(_ choices: PatternChoices, state: Int, left: Int) throws(ChargenError) {
        guard let distance = choices.distance(state) else {
            throw ChargenError(
                .invalidArgument,
                "this would leave the session no text that matches its pattern: every one has a character that is banned "
                    + "or not in the allowed set")
        }
        guard maximumLength == 0 && left <= 0 || distance <= left else {
            throw ChargenError(
                .invalidArgument,
                "no text that matches the pattern has at most \(left) characters; the shortest has \(distance)")
        }
    }

    // MARK: - Text

    /// Begins another text.
    mutating func restart() {
        (state, length) = (0, 0)
    }

    /// Returns to an earlier place of the same pattern.
    mutating func undo(to state: Int, length: Int) {
        (self.state, self.length) = (state, length)
    }

    /// Goes on after a character that was chosen.
    mutating func advance(_ symbol: Int) {
        if maximumLength > 0 { length += 1 }
        if let pattern { state = pattern.automaton.next(state, symbol) }
    }

    /// Whether the present text may end here.
    var mayEnd: Bool { pattern.map { $0.automaton.isAccepting.pointer[state] } ?? true }

    /// What may come next.
    enum Choice {
        /// Every symbol.
        case any
        /// The symbols of a mask, at least one, which is valid until the text goes on.
        case symbols(UnsafePointer<UInt16>)
        /// Nothing: the text is complete.
        case end(EndReason)
    }

    /// What may come next.
    func choice() -> Choice {
        if maximumLength > 0, length >= maximumLength { return .end(.maximumLength) }
        guard let pattern, let choices, let scratch else { return .any }
        let mask = choices.mask(state)
        let left = maximumLength - length
        if maximumLength > 0, left <= choices.largestDistance {
            limit(mask, to: left, pattern, choices, scratch.pointer)
            return isEmpty(scratch.pointer, scratch.count) ? .end(.pattern) : .symbols(scratch.pointer)
        }
        return isEmpty(mask, choices.maskLength) ? .end(.pattern) : .symbols(mask)
    }

    /// Why a text ends whose end was chosen: whether something else could have been.
    ///
    /// - Parameter end: The symbol of the end.
    func reason(ofChosen end: Int) -> EndReason {
        guard let choices else { return .document }
        let mask = choices.mask(state)
        for index in 0..<choices.maskLength {
            let others = index == end / 16 ? mask[index] & ~(1 << UInt16(end % 16)) : mask[index]
            if others != 0 { return .document }
        }
        return .pattern
    }

    private func isEmpty(_ mask: UnsafePointer<UInt16>, _ count: Int) -> Bool {
        for index in 0..<count where mask[index] != 0 { return false }
        return true
    }

    /// Leaves those symbols of a mask after which a text can end within `left` characters.
    private func limit(
        _ mask: UnsafePointer<UInt16>, to left: Int, _ pattern: Pattern, _ choices: PatternChoices,
        _ target: UnsafeMutablePointer<UInt16>
    ) {
        for index in 0..<choices.maskLength { target[index] = mask[index] }
        for symbol in pattern.model.vocabulary.characters.indices {
            let bit: UInt16 = 1 << UInt16(symbol % 16)
            guard target[symbol / 16] & bit != 0 else { continue }
            if let distance = choices.distance(pattern.automaton.next(state, symbol)), distance < left { continue }
            target[symbol / 16] &= ~bit
        }
    }
}
