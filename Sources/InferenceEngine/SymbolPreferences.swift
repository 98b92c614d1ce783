import Core
import ModelFormat

/// Which symbols may be chosen, and what is added to their logits. At least one may be.
struct SymbolPreferences {
    private struct Preference: BitwiseCopyable {
        /// −∞ is a ban.
        var bias: Float = 0
        /// Whether the allowed set lacks it.
        var isOutside = false
    }

    private let preferences: AlignedBuffer<Preference>
    /// What ``apply(to:)`` adds: the bias, or −∞ where the symbol is excluded.
    private let additions: AlignedBuffer<Float>
    private let vocabulary: Vocabulary

    /// No restriction and no bias.
    ///
    /// - Throws: `outOfMemory`.
    init(_ vocabulary: Vocabulary) throws(ChargenError) {
        preferences = try AlignedBuffer(count: vocabulary.count, for: "the biases of characters")
        additions = try AlignedBuffer(count: vocabulary.count, for: "the biases of characters")
        self.vocabulary = vocabulary
    }

    /// A copy that does not share memory.
    ///
    /// - Throws: `outOfMemory`.
    func copy() throws(ChargenError) -> SymbolPreferences {
        let copy = try SymbolPreferences(vocabulary)
        copy.preferences.pointer.update(from: preferences.pointer, count: preferences.count)
        copy.additions.pointer.update(from: additions.pointer, count: additions.count)
        return copy
    }

    func write(_ writer: inout SnapshotWriter) {
        for preference in preferences.elements {
            writer.write(preference.bias)
            writer.write(preference.isOutside)
        }
    }

    /// What was written.
    ///
    /// - Throws: `invalidSnapshot`, `outOfMemory`.
    init(_ reader: inout SnapshotReader, _ vocabulary: Vocabulary) throws(ChargenError) {
        try self.init(vocabulary)
        for symbol in 0..<preferences.count {
            let bias = try reader.readFloat()
            guard bias == -.infinity || abs(bias) <= 1000 else { throw SnapshotReader.fault("a bias is impossible") }
            preferences.pointer[symbol] = Preference(bias: bias, isOutside: try reader.readBool())
        }
        do { try checkChoice() } catch { throw SnapshotReader.fault(error.message) }
        prepare()
    }

    /// The bytes of memory.
    var size: Int { preferences.size + additions.size }

    /// What is added to a symbol's logit; −∞ if it is banned.
    func bias(of symbol: Int) -> Float { preferences.pointer[symbol].bias }

    /// Whether a symbol is banned, or not in the allowed set.
    func isExcluded(_ symbol: Int) -> Bool {
        preferences.pointer[symbol].isOutside || preferences.pointer[symbol].bias == -.infinity
    }

    /// The first symbol that may be chosen.
    var firstAllowed: Int {
        preferences.elements.indices.first { $0 != vocabulary.unknown && !isExcluded($0) } ?? 0
    }

    /// Whether there is neither a restriction nor a bias.
    var isDefault: Bool {
        preferences.elements.allSatisfy { $0.bias == 0 && !$0.isOutside }
    }

    /// - Throws: `invalidArgument` if no symbol is left; nothing has then changed.
    mutating func setBias(_ bias: Float, of symbol: Int) throws(ChargenError) {
        let old = preferences.pointer[symbol].bias
        preferences.pointer[symbol].bias = bias
        do { try checkChoice() } catch {
            preferences.pointer[symbol].bias = old
            throw error
        }
        prepare()
    }

    /// Restricts the choice to some characters and the end of a document.
    ///
    /// - Parameter symbols: nil for all characters.
    /// - Throws: `invalidArgument` if no symbol is left. The restriction is then in place.
    mutating func setAllowed(_ symbols: SymbolReader?) throws(ChargenError) {
        for symbol in vocabulary.characters.indices { preferences.pointer[symbol].isOutside = symbols != nil }
        if let symbols {
            for symbol in symbols { preferences.pointer[symbol].isOutside = false }
        }
        try checkChoice()
        prepare()
    }

    private func checkChoice() throws(ChargenError) {
        guard preferences.elements.indices.contains(where: { $0 != vocabulary.unknown && !isExcluded($0) }) else {
            throw ChargenError(
                .invalidArgument,
                "this would leave the session nothing to choose: every character, and the end of a document if the "
                    + "model has one, would be banned or not in the allowed set")
        }
    }

    private func prepare() {
        for symbol in 0..<preferences.count {
            additions.pointer[symbol] = isExcluded(symbol) ? -.infinity : preferences.pointer[symbol].bias
        }
    }

    /// Adds the biases to the logits. Those of excluded symbols become −∞.
    func apply(to logits: UnsafeMutablePointer<Float>) {
        let additions = additions.pointer
        for symbol in 0..<preferences.count {
            let addition = additions[symbol]
            logits[symbol] = addition == -.infinity ? addition : logits[symbol] + addition
        }
    }
}
