import Core
import Foundation
import KernelDispatch
import ModelFormat

/// Settings chosen for a text and a time. `docs/recipes.md` has the experiments behind them.
public struct Recipe {
    /// The settings.
    public private(set) var settings: Settings
    /// What was chosen and why, a line each.
    public private(set) var reasons: [String] = []

    /// The time for which settings are chosen if neither a time nor a number of epochs is given.
    public static let defaultMinutes = 10.0

    /// Hidden sizes to choose from.
    private static let hiddenSizes = [64, 96, 128, 192, 256, 384, 512, 768, 1024]
    /// The least symbols of training for each parameter.
    private static let symbolsPerParameter = 12.0
    /// The most parameters for each symbol that is learned.
    private static let parametersPerSymbol = 2.0
    /// Reading the text more often does not improve a model, even if there is time, unless that is
    /// fewer than ``leastUpdates``.
    private static let mostRepetitions = 40.0
    private static let leastUpdates = 2000
    /// The softmax is sampled from so many symbols on, with so many that are drawn.
    private static let manySymbols = 1000
    private static let drawnSymbols = 256
    /// The validations of a training.
    private static let validations = 40

    /// - Parameters:
    ///   - validationTexts: Other texts to validate on.
    ///   - minutes: The time that the training may take; nil if the number of epochs is given.
    ///   - ranks: The number of processes that train together.
    ///   - adjust: Sets what is given.
    /// - Throws: ``TrainingError`` or `ChargenError`.
    public init(
        _ corpus: Corpus, validatingOn validationTexts: [Corpus] = [], minutes: Double?, ranks: Int = 1,
        adjust: (inout Settings) -> Void
    ) throws {
        settings = Settings(corpus: CorpusSource(paths: []))
        settings.drawnSymbols = corpus.vocabulary.count < Recipe.manySymbols ? nil : Recipe.drawnSymbols
        adjust(&settings)
        let learned = max(1, Double(corpus.count) * (1 - settings.validationFraction))
        chooseMinibatch(learned, adjust)
        let updatesPerEpoch = Double(try settings.minibatches(of: corpus).updatesInEpoch)
        let symbolsPerEpoch = updatesPerEpoch * Double(settings.batchSize * settings.time)
        let mostEpochs = max(
            1, (Recipe.mostRepetitions * learned / symbolsPerEpoch).rounded(.up),
            (Double(Recipe.leastUpdates) / updatesPerEpoch).rounded(.up))
        for hiddenSize in Recipe.hiddenSizes {
            var candidate = settings
            candidate.cell = .gru
            candidate.optimiser = .muon
            candidate.hiddenSize = hiddenSize
            adjust(&candidate)
            var epochs = Double(candidate.epochs)
            if let minutes {
                let speed = try Recipe.speed(candidate, corpus) * Double(ranks)
                epochs = min(speed * minutes * 60 / symbolsPerEpoch, mostEpochs)
                (candidate.minutes, candidate.epochs) = (minutes, Int(mostEpochs))
            }
            let symbols = epochs * symbolsPerEpoch
            let duration = (candidate.minutes, candidate.epochs)
            let parameters = Double(Recipe.shape(candidate, corpus).parameterCount)
            let isTooLarge =
                symbols < Recipe.symbolsPerParameter * parameters
                || parameters > Recipe.parametersPerSymbol * learned
            guard hiddenSize == Recipe.hiddenSizes[0] || !isTooLarge else { break }
            settings = candidate
            let validated = learned * settings.validationFraction + Double(validationTexts.reduce(0) { $0 + $1.count })
            chooseTraining(symbols, updates: epochs * updatesPerEpoch, learned, validated)
            adjust(&settings)
            (settings.minutes, settings.epochs) = duration
            explain(corpus, symbols, learned, isLimited: minutes != nil && epochs < mostEpochs)
            // A size that is given is the only candidate.
            guard candidate.hiddenSize == hiddenSize else { break }
        }
    }

    /// Minibatches of so few symbols that a small text has hundreds of updates an epoch too.
    private mutating func chooseMinibatch(_ learned: Double, _ adjust: (inout Settings) -> Void) {
        let symbols = min(max(learned / 300, 512), 3200)
        settings.time = symbols < 2048 ? 32 : 64
        adjust(&settings)
        let slices = settings.slices ?? 1
        // Slices of the same number of rows have no padding.
        settings.batchSize = divideRoundingUp(max(1, Int(symbols) / settings.time), by: slices) * slices
        adjust(&settings)
    }

    /// - Parameters:
    ///   - symbols: The number of symbols that the training takes.
    ///   - learned: The number of symbols to learn from.
    ///   - validated: The number of symbols to validate on.
    private mutating func chooseTraining(
        _ symbols: Double, updates: Double, _ learned: Double, _ validated: Double
    ) {
        let minibatch = Double(settings.batchSize * settings.time)
        settings.schedule = .cosine
        // A trained model starts at half the rate, so that it keeps more of what it knows.
        settings.learningRate = Recipe.rounded(
            (settings.optimiser == .muon ? 0.03 : 0.008) * (settings.initialModel == nil ? 1 : 0.5)
                * pow(128 / Double(settings.hiddenSize), 0.6)
                * min(1, (minibatch / 2500).squareRoot()))
        // Not of what a trained model knows of characters that this text lacks.
        settings.weightDecay = settings.optimiser == .muon && settings.initialModel == nil ? 0.05 : 0
        settings.warmup = Int(min(100, updates / 20))
        (settings.clipNorm, settings.clipElement) = (1, 0)
        let parameters = Double(
            settings.hiddenSize * settings.hiddenSize * settings.cell.gates.gateCount * (2 * settings.layers - 1))
        // A text that is read often by a model that could hold it is learned by heart.
        let repetition = symbols / learned * parameters / learned
        settings.dropout = repetition > 1 ? min(0.3, (log2(repetition) * 4 / 3).rounded() / 20) : 0
        // A validation costs about a third of the training on as many symbols: at most 5 % in all.
        let validation = validated / minibatch / 3
        settings.validationInterval = Int(max(updates / Double(Recipe.validations), validation / 0.05, 1))
    }

    /// - Parameter isLimited: Whether the time is what limits the training.
    private mutating func explain(_ corpus: Corpus, _ symbols: Double, _ learned: Double, isLimited: Bool) {
        let shape = Recipe.shape(settings, corpus)
        let repetitions = (symbols / learned).rounded()
        let times =
            symbols < 0.95 * learned
            ? String(format: "about %.2g %% of the text", 100 * symbols / learned)
            : "about \(repetitions > 1 ? "\(Int(repetitions)) times" : "once") through the text"
        let time = settings.minutes.map { $0 == 1 ? "1 minute" : "\($0.formatted()) minutes" }
        let sample = settings.drawnSymbols.map { $0 > 0 ? ", sampled softmax \($0)" : "" } ?? ""
        let reason =
            isLimited ? ", as much as \(time ?? "the time") may allow" : time == nil ? "" : "; more would not help"
        reasons = [
            "model: \(shape.cell.name) with \(counted(shape.layers, "layer")) of "
                + "\(counted(shape.hiddenSize, "unit")), \(counted(shape.parameterCount, "parameter"))",
            "training: \(times)\(reason)",
            "settings: minibatches of \(settings.batchSize) × \(settings.time) characters, learning rate "
                + "\(settings.learningRate) (\(settings.optimiser.rawValue), \(settings.schedule.rawValue)), dropout "
                + "\(settings.dropout), weight decay \(settings.weightDecay)\(sample); each is an option of 'train'",
        ]
    }

    private static func shape(_ settings: Settings, _ corpus: Corpus) -> ModelShape {
        ModelShape(
            cell: settings.cell, layers: settings.layers, hiddenSize: settings.hiddenSize,
            vocabularySize: corpus.vocabulary.count)
    }

    /// Two significant digits.
    private static func rounded(_ rate: Double) -> Double {
        Double(String(format: "%.1e", rate)) ?? rate
    }

    /// The speed of a training with some settings, in symbols a second, measured for a fifth of a
    /// second after a minibatch that warms up.
    private static func speed(_ settings: Settings, _ corpus: Corpus) throws -> Double {
        guard let backend = Backend.chosen() else { return 1 }
        let network = try Network(
            shape(settings, corpus), threads: settings.threads, backend: backend,
            precision: settings.precision ?? .f32,
            dropout: Dropout(states: 0.1, drawnSymbols: settings.drawnSymbols ?? 0))
        var random = SplitMix64(seed: settings.seed)
        network.parameters.initialise(range: 0.1, forgetBias: nil, random: &random)
        let optimiser = try Optimiser(network, settings.optimiser)
        let time = min(settings.time, 32, corpus.count - 1)
        let starts = (0..<settings.batchSize).map { $0 * (corpus.count - 1 - time) / settings.batchSize }
        let minibatch = Minibatch(of: Stretches([0..<corpus.count - 1]), starts: starts, time: time)
        var start = ContinuousClock.now
        var count = 0
        while count < 2 || (ContinuousClock.now - start).seconds < 0.2 {
            _ = try network.gradient(minibatch, of: corpus, state: nil, noise: Noise(seed: 1, update: count))
            optimiser.update(learningRate: 1e-3, clipping: .norm(1))
            if count == 0 { start = .now }
            count += 1
        }
        return Double((count - 1) * settings.batchSize * time) / (ContinuousClock.now - start).seconds
    }
}
