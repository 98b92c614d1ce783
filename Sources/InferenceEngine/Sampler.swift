import CIntrinsics
import Core
import KernelDispatch
import ModelFormat

/// From logits to a symbol: the sampling settings, and the choice. `docs/sampling.md` specifies it.
///
/// Where no setting asks for it, nothing is allocated, and a choice costs a comparison more.
struct Sampler: ~Copyable {
    /// 0 is greedy.
    private(set) var temperature: Float = 1
    /// The most symbols to choose from; 0 for all.
    var topK = 0
    /// The share of the probability to choose from.
    private(set) var topP: Float = 1
    /// The least probability to choose, as a part of the likeliest symbol's.
    private(set) var minP: Float = 0
    /// What is subtracted from the logit of a symbol in the window, once.
    private(set) var repetitionPenalty: Float = 0
    /// What is subtracted for each time that it is there.
    private(set) var frequencyPenalty: Float = 0

    private var window: SymbolWindow?
    private var preferences: SymbolPreferences?

    /// A copy that does not share anything.
    ///
    /// - Throws: `outOfMemory`.
    func copy() throws(ChargenError) -> Sampler {
        var copy = Sampler()
        copy.temperature = temperature
        copy.topK = topK
        copy.topP = topP
        copy.minP = minP
        copy.repetitionPenalty = repetitionPenalty
        copy.frequencyPenalty = frequencyPenalty
        if let window { copy.window = try window.copy() }
        if let preferences { copy.preferences = try preferences.copy() }
        return copy
    }

    func write(_ writer: inout SnapshotWriter) {
        writer.write(temperature)
        writer.write(topP)
        writer.write(minP)
        writer.write(repetitionPenalty)
        writer.write(frequencyPenalty)
        writer.write(topK)
        writer.write(penaltyWindow)
        window?.write(&writer)
        writer.write(preferences != nil)
        preferences?.write(&writer)
    }

    /// - Throws: `invalidSnapshot`, `outOfMemory`.
    mutating func read(_ reader: inout SnapshotReader, _ vocabulary: Vocabulary) throws(ChargenError) {
        do {
            try setTemperature(try reader.readFloat())
            try setTopP(try reader.readFloat())
            try setMinP(try reader.readFloat())
            let (repetition, frequency) = (try reader.readFloat(), try reader.readFloat())
            topK = try reader.read(in: 0...Int.max)
            let length = try reader.read(in: 0...Session.maximumPenaltyWindow)
            try setPenalties(repetition: repetition, frequency: frequency, window: length, vocabulary)
        } catch {
            throw error.kind == .invalidArgument ? SnapshotReader.fault(error.message) : error
        }
        try window?.read(&reader)
        if try reader.readBool() { preferences = try SymbolPreferences(&reader, vocabulary) }
    }

    /// The bytes of memory.
    var size: Int { (window?.size ?? 0) + (preferences?.size ?? 0) }

    // MARK: - Settings

    /// - Throws: `invalidArgument` unless the temperature is 0 or from 0.001 to 1000.
    mutating func setTemperature(_ temperature: Float) throws(ChargenError) {
        guard temperature == 0 || (temperature >= 0.001 && temperature <= 1000) else {
            throw ChargenError(.invalidArgument, "the temperature must be 0 (greedy) or from 0.001 to 1000")
        }
        self.temperature = temperature
    }

    /// - Throws: `invalidArgument` unless it is from 0 to 1.
    mutating func setTopP(_ topP: Float) throws(ChargenError) {
        guard topP >= 0, topP <= 1 else {
            throw ChargenError(.invalidArgument, "top-p must be from 0 (the likeliest character only) to 1 (all)")
        }
        self.topP = topP
    }

    /// - Throws: `invalidArgument` unless it is from 0 to 1.
    mutating func setMinP(_ minP: Float) throws(ChargenError) {
        guard minP >= 0, minP <= 1 else {
            throw ChargenError(.invalidArgument, "min-p must be from 0 (all) to 1 (the likeliest characters only)")
        }
        self.minP = minP
    }

    /// The length of the window in symbols.
    var penaltyWindow: Int { window?.capacity ?? 0 }

    /// Sets both penalties. A window of another length is empty at first.
    ///
    /// - Throws: `invalidArgument` unless the penalties are from −1000 to 1000, and the window from
    ///   0 to ``Session/maximumPenaltyWindow``; `outOfMemory`. Nothing has then changed.
    mutating func setPenalties(
        repetition: Float, frequency: Float, window length: Int, _ vocabulary: Vocabulary
    ) throws(ChargenError) {
        guard abs(repetition) <= 1000, abs(frequency) <= 1000 else {
            throw ChargenError(.invalidArgument, "a penalty must be from -1000 to 1000")
        }
        guard (0...Session.maximumPenaltyWindow).contains(length) else {
            throw ChargenError(
                .invalidArgument, "the window must be from 0 to \(Session.maximumPenaltyWindow) characters")
        }
        if length != penaltyWindow {
            window = length == 0 ? nil : try SymbolWindow(capacity: length, symbols: vocabulary.count)
        }
        repetitionPenalty = repetition
        frequencyPenalty = frequency
    }

    /// What is added to a symbol's logit; −∞ if it is banned.
    func bias(of symbol: Int) -> Float {
        preferences?.bias(of: symbol) ?? 0
    }

    /// For each symbol whether it is banned or outside the allowed set; nil if none is.
    ///
    /// - Throws: `outOfMemory`.
    func excludedSymbols(_ vocabulary: Vocabulary) throws(ChargenError) -> AlignedBuffer<Bool>? {
        guard let preferences else { return nil }
        let excluded = try AlignedBuffer<Bool>(count: vocabulary.count, for: "a pattern")
        for symbol in 0..<vocabulary.count { excluded.pointer[symbol] = preferences.isExcluded(symbol) }
        return excluded
    }

    /// Whether a symbol is neither banned nor outside the allowed set.
    func allows(_ symbol: Int) -> Bool {
        preferences.map { !$0.isExcluded(symbol) } ?? true
    }

    /// - Throws: `invalidArgument` unless the bias is −∞ or from −1000 to 1000, and leaves a symbol
    ///   to choose; `outOfMemory`. Nothing has then changed.
    mutating func setBias(_ bias: Float, of symbol: Int, _ vocabulary: Vocabulary) throws(ChargenError) {
        guard bias == -.infinity || abs(bias) <= 1000 else {
            throw ChargenError(.invalidArgument, "a bias must be from -1000 to 1000, or minus infinity for a ban")
        }
        var changed: SymbolPreferences
        if let preferences { changed = preferences } else { changed = try SymbolPreferences(vocabulary) }
        try changed.setBias(bias, of: symbol)
        preferences = changed.isDefault ? nil : changed
    }

    /// Restricts the choice to some characters and the end of a document.
    ///
    /// - Parameter symbols: nil for all characters.
    /// - Throws: As ``setBias(_:of:_:)``.
    mutating func setAllowed(_ symbols: SymbolReader?, _ vocabulary: Vocabulary) throws(ChargenError) {
        var changed: SymbolPreferences
        if let preferences { changed = try preferences.copy() } else { changed = try SymbolPreferences(vocabulary) }
        try changed.setAllowed(symbols)
        preferences = changed.isDefault ? nil : changed
    }

    // MARK: - Text

    /// Whether symbols of the text are to be noted.
    var hasWindow: Bool { window != nil }

    /// The place in the window, if there is one.
    var windowPlace: SymbolWindow.Place { window?.place ?? SymbolWindow.Place() }

    /// Has the window be what it was before the last symbol.
    mutating func undo(to place: SymbolWindow.Place) {
        window?.undo(to: place)
    }

    /// Notes a symbol of the text, read or generated.
    mutating func note(_ symbol: Int, _ vocabulary: Vocabulary) {
        if symbol != vocabulary.endOfDocument {
            window?.append(symbol)
        } else if symbol == vocabulary.resetSymbol {
            window?.clear()
        }
    }

    /// Forgets all text.
    mutating func clearText() {
        window?.clear()
    }

    // MARK: - Choice

    /// Chooses a symbol.
    ///
    /// - Parameters:
    ///   - logits: `count` floats, in a buffer padded to whole vectors. Changed by penalties,
    ///     biases and bans.
    ///   - mask: The symbols to choose from, at least one and none that is excluded; nil for all.
    ///   - generator: One word of it is used, unless the choice is greedy.
    ///   - weights: Memory for as many integers.
    func choose(
        from logits: UnsafeMutablePointer<Float>, count: Int, mask: UnsafePointer<UInt16>?,
        _ generator: inout SplitMix64, weights: UnsafeMutablePointer<UInt32>, _ kernels: UnsafePointer<InferenceKernels>
    ) -> Int {
        preferences?.apply(to: logits)
        if let mask { kernels.pointee.excludeSymbols(logits, count, mask) }
        window?.subtract(repetition: repetitionPenalty, frequency: frequencyPenalty, from: logits, count)
        guard temperature > 0 else { return likeliest(logits, count, mask, kernels) }
        let word = generator.next()
        var total = kernels.pointee.sampleWeights(logits, count, 1 / temperature, weights)
        // The logits overflowed.
        guard total > 0 else { return likeliest(logits, count, mask, kernels) }
        if topK > 0 || topP < 1 || minP > 0 {
            total = kernels.pointee.cutWeights(
                weights, count, total, topK == 0 ? count : topK, topP < 1 ? UInt64(topP * 0x1p64) : .max,
                UInt32((minP * 0x1p31).rounded(.up)))
        }
        return kernels.pointee.pickSymbol(weights, count, total, word)
    }

    private func likeliest(
        _ logits: UnsafePointer<Float>, _ count: Int, _ mask: UnsafePointer<UInt16>?,
        _ kernels: UnsafePointer<InferenceKernels>
    ) -> Int {
        let symbol = kernels.pointee.indexOfMaximum(logits, count)
        // Where no logit is above −∞, the first symbol could be an excluded one.
        guard !(logits[symbol] > -.infinity) else { return symbol }
        if let mask { return (0..<count).first { mask[$0 / 16] >> UInt16($0 % 16) & 1 != 0 } ?? symbol }
        return preferences?.firstAllowed ?? symbol
    }
}
