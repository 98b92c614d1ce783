import Core
import ModelFormat

/// A regular expression that a session's text matches, compiled for a model's characters.
///
///     try session.setPattern(Pattern("[0-9]{4}-[01][0-9]-[0-3][0-9]", for: model))
///
/// Immutable, and shared by any number of sessions of its model on any number of threads.
/// `docs/patterns.md` specifies the syntax.
// Unchecked, because nothing is written to its memory once it is made.
public final class Pattern: @unchecked Sendable {
    /// The model that the pattern is for.
    public let model: Model
    let automaton: Automaton
    /// What may follow each state where no character is banned.
    let choices: PatternChoices
    /// The expression in UTF-8.
    package let expression: AlignedBuffer<UInt8>

    /// Compiles an expression.
    ///
    /// - Throws: `invalidPattern` with the place of a fault in the syntax, or if no text of the
    ///   model's characters matches, or if the pattern is too large; `outOfMemory`.
    /// - Complexity: At most a second, whatever the expression.
    public convenience init(_ expression: String, for model: Model) throws(ChargenError) {
        let bytes = Array(expression.utf8)
        try self.init(bytes, count: bytes.count, for: model)
    }

    private convenience init(
        _ expression: UnsafeRawPointer?, count: Int, for model: Model
    ) throws(ChargenError) {
        try self.init(UnsafeRawBufferPointer(start: expression, count: count), for: model)
    }

    /// Compiles an expression in UTF-8.
    ///
    /// - Throws: Also `invalidUTF8`.
    package convenience init(_ text: UnsafeRawBufferPointer, for model: Model) throws(ChargenError) {
        let tree = try SyntaxTree(text)
        let automaton = try Automaton(tree, model.vocabulary)
        let choices = try PatternChoices(automaton, model.vocabulary, nil)
        let expression = try AlignedBuffer<UInt8>(count: text.count, for: "a pattern")
        for index in 0..<text.count { expression.pointer[index] = text[index] }
        self.init(model: model, automaton: automaton, choices: choices, expression: expression)
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        model: Model, automaton: consuming Automaton, choices: PatternChoices, expression: AlignedBuffer<UInt8>
    ) {
        self.model = model
        self.automaton = automaton
        self.choices = choices
        self.expression = expression
    }

    /// The expression.
    public var source: String { String(decoding: expression.elements, as: UTF8.self) }

    /// The number of states of the automaton.
    package var stateCount: Int { automaton.count }

    // MARK: - Templates

    /// A pattern of texts like a template, in which one character stands for others.
    ///
    /// - Parameters:
    ///   - template: The text, such as `B_tt___y`.
    ///   - free: The character that stands for others.
    ///   - characters: What it may stand for; if it is empty, any character but a line break.
    /// - Throws: As ``init(_:for:)``.
    public convenience init(
        template: String, free: Unicode.Scalar = "_", characters: String = "", for model: Model
    ) throws(ChargenError) {
        let expression = try withBytes(of: template) { (template) throws(ChargenError) in
            try withBytes(of: characters) { (characters) throws(ChargenError) in
                try Pattern.expression(template: template, free: free.value, characters: characters)
            }
        }
        try self.init(expression.pointer, count: expression.count, for: model)
    }

    /// Makes a pattern of a template in UTF-8.
    ///
    /// - Throws: Also `invalidUTF8`.
    package convenience init(
        template: UnsafeRawBufferPointer, free: UInt32, characters: UnsafeRawBufferPointer, for model: Model
    ) throws(ChargenError) {
        let expression = try Pattern.expression(template: template, free: free, characters: characters)
        try self.init(expression.pointer, count: expression.count, for: model)
    }

    /// The expression of a template.
    private static func expression(
        template: UnsafeRawBufferPointer, free: UInt32, characters: UnsafeRawBufferPointer
    ) throws(ChargenError) -> AlignedBuffer<UInt8> {
        var choice = try List<UInt8>()
        if characters.isEmpty {
            try choice.append(UInt8(ascii: "."))
        } else {
            try choice.append(UInt8(ascii: "["))
            var reader = try ExpressionReader(characters)
            while let character = reader.take() { try appendLiteral(character, to: &choice) }
            try choice.append(UInt8(ascii: "]"))
        }
        var expression = try List<UInt8>()
        var reader = try ExpressionReader(template)
        while let character = reader.take() {
            if character == free {
                for index in 0..<choice.count { try expression.append(choice[index]) }
            } else {
                try appendLiteral(character, to: &expression)
            }
        }
        let bytes = try AlignedBuffer<UInt8>(count: expression.count, for: "a pattern")
        for index in 0..<expression.count { bytes.pointer[index] = expression[index] }
        return bytes
    }

    /// Appends a character as an expression has it, with a backslash where it could mean something
    /// else.
    private static func appendLiteral(_ character: UInt32, to expression: inout List<UInt8>) throws(ChargenError) {
        guard let scalar = Unicode.Scalar(character) else { return }
        if scalar.isASCIIPunctuation { try expression.append(UInt8(ascii: "\\")) }
        for byte in UTF8.encode(scalar).unsafelyUnwrapped { try expression.append(byte) }
    }
}

/// What may follow each state of a pattern, where some symbols are banned.
final class PatternChoices {
    /// For each state, a bit for each symbol, from the lowest bit of the first word on.
    private let masks: AlignedBuffer<UInt16>
    /// The words of a state.
    let maskLength: Int
    /// The fewest characters after which a text may end; −1 if it cannot.
    private let distances: AlignedBuffer<Int32>
    /// The largest distance.
    let largestDistance: Int

    /// - Parameter excluded: For each symbol whether it is never to be chosen; nil if none is.
    /// - Throws: `outOfMemory`; `invalidPattern` if the table would be too large.
    convenience init(
        _ automaton: borrowing Automaton, _ vocabulary: Vocabulary, _ excluded: AlignedBuffer<Bool>?
    ) throws(ChargenError) {
        func isExcluded(_ symbol: Int) -> Bool { excluded?.pointer[symbol] ?? false }
        let maskLength = divideRoundingUp(vocabulary.count, by: 16)
        guard automaton.count * maskLength <= PatternChoices.maximumLength else { throw Budget.exceeded }
        let masks = try AlignedBuffer<UInt16>(count: automaton.count * maskLength, for: "a pattern")
        let distances = try AlignedBuffer<Int32>(count: automaton.count, for: "a pattern")
        let isPossible = try AlignedBuffer<Bool>(count: automaton.classCount, for: "a pattern")
        for symbol in vocabulary.characters.indices where !isExcluded(symbol) {
            isPossible.pointer[Int(automaton.classes.pointer[symbol])] = true
        }
        let isAccepting = automaton.isAccepting
        var budget = Budget()
        try findDistances(
            distances, UnsafeBufferPointer(automaton.transitions.elements), classCount: automaton.classCount,
            isAccepting: { isAccepting.pointer[$0] }, isPossible: { isPossible.pointer[$0] }, &budget)
        var largest: Int32 = 0
        for state in 0..<automaton.count {
            largest = max(largest, distances.pointer[state])
            let mask = masks.pointer + state * maskLength
            for symbol in vocabulary.characters.indices {
                let next = automaton.next(state, symbol)
                guard next >= 0, distances.pointer[next] >= 0, !isExcluded(symbol) else { continue }
                mask[symbol / 16] |= 1 << UInt16(symbol % 16)
            }
            if let end = vocabulary.endOfDocument, isAccepting.pointer[state], !isExcluded(end) {
                mask[end / 16] |= 1 << UInt16(end % 16)
            }
        }
        self.init(masks: masks, maskLength: maskLength, distances: distances, largestDistance: Int(largest))
        try checkMemory()
    }

    private init(
        masks: AlignedBuffer<UInt16>, maskLength: Int, distances: AlignedBuffer<Int32>, largestDistance: Int
    ) {
        self.masks = masks
        self.maskLength = maskLength
        self.distances = distances
        self.largestDistance = largestDistance
    }

    /// The bytes of memory.
    var size: Int { masks.size + distances.size }

    /// The most words of all masks: 64 MB.
    private static var maximumLength: Int { 32 << 20 }

    /// The symbols that may follow a state.
    func mask(_ state: Int) -> UnsafePointer<UInt16> { UnsafePointer(masks.pointer + state * maskLength) }

    /// The fewest characters after which a text may end; nil if it cannot.
    func distance(_ state: Int) -> Int? {
        distances.pointer[state] < 0 ? nil : Int(distances.pointer[state])
    }
}
