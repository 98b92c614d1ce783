import Core

/// What is dropped at random in an update, and what is left multiplied by 1 / (1 − rate), so that
/// sums keep their expectation (Srivastava et al. 2014).
struct Dropout: Equatable {
    /// The rate of hidden states, where they are the input of the next layer or of the output
    /// layer; not where they are the layer's own next input.
    var states = 0.0
    /// Whether a row drops the same units at every time step of a minibatch (Gal and Ghahramani
    /// 2016).
    var isVariational = false
    /// The rate of the weights of the layers' own hidden states, for a minibatch each (Merity,
    /// Keskar and Socher 2018, after Wan et al. 2013).
    var weights = 0.0
    /// The rate of documents' labels, each by itself, so that the state of no label is learned too.
    var labels = 0.0
    /// The symbols that are drawn for each minibatch, to stand for all that are not its targets; 0
    /// for all of them (``SymbolSample``).
    var drawnSymbols = 0

    /// What is dropped of a layer's output; nil for nothing.
    func states(_ noise: Noise, layer: Int) -> DropMask? {
        states > 0 ? DropMask(noise, stream: 2 * layer, rate: states) : nil
    }

    /// What is dropped of a layer's hidden weights; nil for nothing.
    func weights(_ noise: Noise, layer: Int) -> DropMask? {
        weights > 0 ? DropMask(noise, stream: 2 * layer + 1, rate: weights) : nil
    }

    /// What is dropped of the labels of documents; nil for nothing.
    func labels(_ noise: Noise) -> DropMask? {
        labels > 0 ? DropMask(noise, stream: -1, rate: labels) : nil
    }

    /// What symbols are drawn with; nil for all symbols.
    func symbols(_ noise: Noise) -> SplitMix64? {
        drawnSymbols > 0 ? noise.generator(stream: -2) : nil
    }
}

/// The random numbers of one update: they depend on the training's seed and the update's number
/// alone, so that a resumed training draws the same.
struct Noise: BitwiseCopyable {
    private let key: UInt64

    init(seed: UInt64, update: Int) {
        var generator = SplitMix64(seed: seed)
        generator = SplitMix64(seed: generator.next() ^ UInt64(update))
        key = generator.next()
    }

    /// The random numbers of one use of them.
    fileprivate func generator(stream: Int) -> SplitMix64 {
        SplitMix64(seed: key ^ UInt64(bitPattern: Int64(stream)))
    }
}

/// Rows of factors, 0 or 1 / (1 − rate), each drawn by its place alone, so that every worker draws
/// the same.
struct DropMask {
    private let key: UInt64
    /// A number is dropped if 16 random bits are below this.
    private let threshold: UInt64
    private let scale: Float

    fileprivate init(_ noise: Noise, stream: Int, rate: Double) {
        var generator = noise.generator(stream: stream)
        key = generator.next()
        threshold = UInt64(rate * 65536)
        scale = Float(1 / (1 - Double(threshold) / 65536))
    }

    /// Whether a number by itself is dropped.
    func drops(row: Int) -> Bool {
        var generator = SplitMix64(seed: key ^ (UInt64(row) << 24))
        return generator.next() & 0xFFFF < threshold
    }

    /// Multiplies `count` numbers, a multiple of 4, by the factors of a row.
    func multiply(
        _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int, row: Int
    ) {
        var generator = SplitMix64(seed: key ^ (UInt64(row) << 24))
        for start in stride(from: 0, to: count, by: 4) {
            var bits = generator.next()
            for index in start..<start + 4 {
                target[index] = bits & 0xFFFF < threshold ? 0 : source[index] * scale
                bits >>= 16
            }
        }
    }
}
