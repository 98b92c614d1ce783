import CSupport
import KernelDispatch
import Kernels
import ModelFormat

/// One stream of text from a model: its recurrent state, its settings and its random generator.
///
/// A session is used by one thread at a time. All its memory is allocated when it is made; a generated character
/// allocates nothing.
///
/// A model that was trained on more than one document has an end-of-document symbol. It reads that symbol before
/// anything else, so that the first character is one that begins a document, and generates it where a document ends.
public final class Session {
    /// What to do with a character that the model does not know.
    public enum UnknownCharacterPolicy: Sendable {
        /// Refuse the text.
        case fail
        /// Read the text as if the character were not there.
        case skip
    }

    /// The model, kept alive by the session.
    public let model: Model
    /// The sampling temperature; 0 is greedy. See ``setTemperature(_:)``.
    public private(set) var temperature: Float = 1
    /// What ``feed(_:)-(UnsafeRawBufferPointer)`` does with an unknown character; it fails at first.
    public var unknownCharacters = UnknownCharacterPolicy.fail
    /// Whether the symbol generated last was the end of a document.
    public private(set) var hasEnded = false

    private var seed: UInt64 = 0
    private var random = SplitMix64(seed: 0)
    private var network: Network
    private let weights: AlignedBuffer<UInt32>

    /// A session at the beginning of a text, with temperature 1 and seed 0.
    ///
    /// - Throws: `outOfMemory`.
    public convenience init(_ model: Model) throws(ModelError) {
        let network = try Network(model)
        self.init(model, network, weights: try AlignedBuffer(count: model.shape.vocabularySize, for: "a session"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(_ model: Model, _ network: Network, weights: AlignedBuffer<UInt32>) {
        self.model = model
        self.network = network
        self.weights = weights
    }

    // MARK: - Settings

    /// Sets the sampling temperature.
    ///
    /// Probabilities are proportional to exp(logit / temperature): below 1 the likely becomes likelier, above 1 the
    /// text grows wilder. 0 always takes the likeliest character, the first in the vocabulary at a tie, and uses no
    /// randomness.
    ///
    /// - Throws: `invalidArgument` unless the temperature is 0 or from 0.001 to 1000.
    public func setTemperature(_ temperature: Float) throws(ModelError) {
        guard temperature == 0 || (temperature >= 0.001 && temperature <= 1000) else {
            throw ModelError(.invalidArgument, "the temperature must be 0 (greedy) or from 0.001 to 1000")
        }
        self.temperature = temperature
    }

    /// Restarts the random generator with `seed`. The text read and written so far stays.
    public func setSeed(_ seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
    }

    /// Goes back to the beginning: forgets all text and restarts the random generator with its seed. Settings stay.
    public func reset() {
        network.reset()
        random = SplitMix64(seed: seed)
        hasEnded = false
    }

    // MARK: - Reading

    /// Reads UTF-8 text as if it had been generated, so that what follows continues it.
    ///
    /// - Throws: `invalidUTF8`, or `unknownCharacter` unless such characters are skipped; the session is then as
    ///   before.
    /// - Complexity: one step of the network a character.
    public func feed(_ text: UnsafeRawBufferPointer) throws(ModelError) {
        // All of the text is checked before any of it is read.
        try forEachSymbol(of: text) { _ in }
        try forEachSymbol(of: text) { symbol in
            beginIfNeeded()
            network.advance(symbol)
            hasEnded = false
        }
    }

    /// Reads text as if it had been generated; see ``feed(_:)-(UnsafeRawBufferPointer)``.
    public func feed(_ text: String) throws(ModelError) {
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBufferPointer { (bytes) throws(ModelError) in try feed(UnsafeRawBufferPointer(bytes)) }
    }

    /// Reads one symbol as if it had been generated.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    public func feed(symbol: Int) {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        beginIfNeeded()
        network.advance(symbol)
        hasEnded = false
    }

    private func forEachSymbol(of text: UnsafeRawBufferPointer, _ body: (Int) -> Void) throws(ModelError) {
        var offset = 0
        var position = 1
        while offset < text.count {
            guard case .scalar(let scalar, let length) = decodeUTF8(text, at: offset) else {
                throw ModelError(.invalidUTF8, "the text is not UTF-8 at byte \(offset)")
            }
            if let symbol = model.vocabulary.symbol(of: scalar) {
                body(symbol)
            } else if unknownCharacters == .fail {
                throw ModelError(
                    .unknownCharacter,
                    "character \(position) of the text, \(described(scalar)) at byte \(offset), is not in the model's vocabulary; "
                        + "leave it out, or have unknown characters skipped")
            }
            offset += length
            position += 1
        }
    }

    // MARK: - Writing

    /// Generates the next character and reads it.
    ///
    /// - Returns: The character, or nil at the end of a document; the next call then begins another document.
    public func next() -> Unicode.Scalar? {
        let symbol = chooseSymbol()
        network.advance(symbol)
        let character = model.vocabulary.character(of: symbol)
        hasEnded = character == nil
        return character
    }

    /// Calls `body` with one generated character after the other.
    ///
    /// - Parameters:
    ///   - limit: The most characters to generate; nil for no limit.
    ///   - body: Takes the character; returns whether to go on. It may use the session.
    /// - Note: Also stops at the end of a document, which ``hasEnded`` then tells.
    public func generate(limit: Int? = nil, _ body: (Unicode.Scalar) -> Bool) {
        var count = 0
        while limit.map({ count < $0 }) ?? true, let character = next() {
            guard body(character) else { return }
            count += 1
        }
    }

    /// Generates UTF-8 text into a buffer: whole characters, until one of the limits or the end of a document.
    ///
    /// - Parameter limit: The most characters to generate.
    /// - Returns: The number of bytes written.
    /// - Throws: `bufferTooSmall` when the buffer could not hold every character of the vocabulary; nothing is
    ///   generated.
    public func generate(limit: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ModelError) -> Int {
        let longest = model.vocabulary.maximumUTF8Length
        guard buffer.count >= longest else {
            throw ModelError(
                .bufferTooSmall,
                "a buffer of \(buffer.count) bytes cannot hold a character of this model, which takes up to \(longest)")
        }
        var length = 0
        var count = 0
        while count < limit, buffer.count - length >= longest, let character = next() {
            for byte in UTF8.encode(character).unsafelyUnwrapped {
                buffer[length] = byte
                length += 1
            }
            count += 1
        }
        return length
    }

    // MARK: - Probabilities

    /// The natural logarithm of the probability that `symbol` comes next, at temperature 1; not a number if the logits
    /// overflowed.
    ///
    /// - Parameter symbol: 0 ..< the vocabulary's count.
    public func logProbability(of symbol: Int) -> Double {
        precondition(symbol >= 0 && symbol < model.shape.vocabularySize, "no such symbol")
        beforeChoice()
        return network.logProbability(of: symbol)
    }

    /// The logits of the next symbol, one for each symbol of the vocabulary, valid during the call of `body`.
    public func withLogits<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        beforeChoice()
        return body(UnsafeBufferPointer(start: network.logits(), count: model.shape.vocabularySize))
    }

    // MARK: - Steps

    /// Reads the end-of-document symbol before anything else.
    private func beginIfNeeded() {
        if network.isAtBeginning, let symbol = model.vocabulary.endOfDocument {
            network.advance(symbol)
        }
    }

    /// At the beginning, a model without an end-of-document symbol has read nothing that could tell it what comes
    /// first. A line break, if it knows one, is the likeliest thing before a text.
    private func beforeChoice() {
        beginIfNeeded()
        if network.isAtBeginning, let symbol = model.vocabulary.symbol(of: 0x0A) {
            network.advance(symbol)
        }
    }

    private func chooseSymbol() -> Int {
        beforeChoice()
        let count = model.shape.vocabularySize
        let logits = network.logits()
        guard temperature > 0 else { return indexOfMaximum(logits, count: count) }
        let word = random.next()
        let total = network.takeWeights(inverseTemperature: 1 / temperature, into: weights.pointer)
        // The logits overflowed. Their place has been taken by the exponentials, so they are computed again.
        guard total > 0 else { return indexOfMaximum(network.logits(), count: count) }
        return pickSymbol(weights.pointer, count: count, total: total, word: word)
    }
}

/// A character as an error names it, such as `'é' (U+00E9)`.
private func described(_ scalar: UInt32) -> String {
    let digits = String(scalar, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    guard scalar >= 0x20, !(0x7F...0x9F).contains(scalar), let character = Unicode.Scalar(scalar) else { return code }
    return "'" + String(Character(character)) + "' (" + code + ")"
}
