import Core
import Foundation
import ModelFormat

/// Everything that determines a training, apart from the contents of the corpus.
///
/// The initial values are those of char-rnn, with Adam. ``Recipe`` has better ones.
public struct Settings: Encodable, Equatable, Sendable {
    /// How the corpus is divided into minibatches.
    public enum Batching: String, Codable, Sendable, CaseIterable {
        /// Contiguous streams with the state carried over.
        case streams
        /// Every window of the text, shuffled.
        case windows
        /// All windows of one document.
        case documents
    }

    /// The type that the factors of matrix products are rounded to; accumulators and parameters are
    /// floats.
    public enum Precision: String, Codable, Sendable, CaseIterable {
        case f32
        case bf16
    }

    /// What is held out for validation.
    public enum HeldOutPlace: String, Codable, Sendable, CaseIterable {
        /// The end of each stream; of several documents, whole ones, evenly spread.
        case spread = "streams"
        /// The end of the text; of several documents, the last ones.
        case end
    }

    /// How the parameters follow from the gradients.
    public enum UpdateRule: String, Codable, Sendable, CaseIterable {
        case adam
        /// Muon for the matrices between hidden units, Adam for all else.
        case muon
    }

    /// How the learning rate changes.
    public enum Schedule: String, Codable, Sendable, CaseIterable {
        /// Times ``decay`` in each epoch after ``decayAfter``.
        case exponential
        /// Falls to zero along half a cosine (Loshchilov and Hutter 2017).
        case cosine
        /// Falls to zero linearly.
        case linear
        /// Times ``decay`` whenever ``decayAfter`` validations have not improved on the best.
        case plateau
    }

    /// The corpus to learn from.
    public var corpus: CorpusSource
    /// The path of the model that the training starts from; nil for random parameters.
    public var initialModel: String?
    /// `rnn`, `gru` or `lstm`.
    public var cell = Cell.lstm
    /// The number of recurrent layers.
    public var layers = 2
    /// The number of units of each layer.
    public var hiddenSize = 128
    public var batching = Batching.streams
    /// The number of rows of a minibatch; ignored if a minibatch is the windows of one document.
    public var batchSize = 50
    /// The number of symbols of a row, through which gradients are propagated.
    public var time = 50
    /// The distance between the starts of shuffled windows, in symbols.
    public var stride = 1
    /// The most documents to learn from with windows of one document; nil for all.
    public var documentLimit: Int?
    /// The number of passes over the corpus; 0 for no limit, with a limit of the time.
    public var epochs = 50
    /// The time that the training may take; nil for no limit.
    public var minutes: Double?
    public var optimiser = UpdateRule.adam
    /// The learning rate at first, after the warm-up.
    public var learningRate = 0.002
    public var schedule = Schedule.exponential
    /// The number of updates in which the learning rate rises linearly from zero.
    public var warmup = 0
    /// The factor of the learning rate; see ``Schedule``.
    public var decay = 0.97
    /// The number of epochs at the full learning rate, or of validations; see ``Schedule``.
    public var decayAfter = 10
    /// β2 of Adam: the weight of the past in the running mean of squared gradients.
    public var secondMomentDecay = 0.999
    /// The fraction of each weight that is taken off in an update, per unit of learning rate
    /// (AdamW: Loshchilov and Hutter 2019).
    public var weightDecay = 0.0
    /// The weight of the past in the running mean of the parameters, which is validated and
    /// exported in their place; 0 for the parameters themselves.
    public var averaging = 0.0
    /// The rate of dropout between layers and before the output layer.
    public var dropout = 0.0
    /// Whether dropout drops the same units at every time step of a minibatch.
    public var variationalDropout = false
    /// The rate of dropout of the layers' hidden weights.
    public var weightDropout = 0.0
    /// The rate at which documents are learned without a label of theirs, so that the state of no
    /// label is learned; nil without labels.
    public var labelDropout: Double?
    /// The symbols that are drawn for each minibatch, to stand in the softmax for all that are not
    /// its targets; nil or 0 for all of them.
    public var drawnSymbols: Int?
    /// The largest norm of all gradients together; 0 for no limit.
    public var clipNorm = 0.0
    /// The largest magnitude of each gradient if `clipNorm` is 0; 0 for no limit.
    public var clipElement = 5.0
    /// The initial parameters are uniform in ± this.
    public var initialRange = 0.08
    /// The initial bias of an LSTM's forget gates.
    public var forgetBias = 1.0
    /// The fraction of the corpus that is held out.
    public var validationFraction = 0.05
    public var heldOut = HeldOutPlace.spread
    /// The paths of other texts to validate on, read as the corpus is; nil for none. The first
    /// decides which checkpoint is the best, unless something is held out.
    public var validationTexts: [String]?
    /// The updates between validations; 0 for one after each epoch.
    public var validationInterval = 0
    /// The number of validations without a new best after which the training ends; 0 for never.
    public var patience = 0
    /// The symbols at the front of a shuffled window that are read, but not learned.
    public var burnIn = 0
    /// Whether the state is carried from one document into the next.
    public var carriesDocuments = false
    /// The seed of the initial parameters, of the order of windows and documents, and of dropout.
    public var seed: UInt64 = 1
    /// nil, as in the settings of version 0.1.0, is `f32`.
    public var precision: Precision?
    /// The slices of each minibatch, whose gradients are sums of their own that are added up in a
    /// fixed order, so that they can be computed by several processes; nil for one sum over all
    /// rows.
    public var slices: Int?
    /// The number of threads. The result does not depend on it.
    public var threads = 1
    /// The number of earlier checkpoints that are kept beside the last.
    public var keptCheckpoints = 0
    /// The updates between checkpoints, in addition to those of validations.
    public var checkpointInterval = 500
    /// The updates between reports, in addition to those of validations; 0 for none.
    public var reportInterval = 0

    public init(corpus: CorpusSource) {
        self.corpus = corpus
    }

    /// Changes the settings to those of many classroom notebooks: windows of one document.
    public mutating func chooseNotebook() {
        batching = .documents
        layers = 1
        hiddenSize = 64
        time = 100
        epochs = 1
        learningRate = 0.01
        clipElement = 0
        initialRange = 0.125
        forgetBias = 0
        reportInterval = 1000
    }

    /// The clipping of gradients.
    var clipping: Clipping {
        if clipNorm > 0 { return .norm(Float(clipNorm)) }
        return clipElement > 0 ? .element(Float(clipElement)) : .none
    }

    /// The learning rate of the next update.
    ///
    /// - Parameter fraction: The part of the training that is done, 0 to 1.
    func learningRate(_ progress: Progress, fraction: Double) -> Double {
        let factor =
            switch schedule {
            case .exponential: pow(decay, Double(max(0, progress.epoch - decayAfter)))
            case .cosine: (1 + cos(fraction * .pi)) / 2
            case .linear: 1 - fraction
            case .plateau: 1.0
            }
        let warm = warmup > 0 ? min(1, Double(progress.updates + 1) / Double(warmup)) : 1
        return learningRate * factor * warm * progress.rateFactor
    }

    var dropoutRates: Dropout {
        Dropout(
            states: dropout, isVariational: variationalDropout, weights: weightDropout, labels: labelDropout ?? 0,
            drawnSymbols: drawnSymbols ?? 0)
    }

    /// The settings that have a range, by the names of their properties.
    public enum Name: String, CaseIterable, Sendable {
        case minimumCount
        case layers, hiddenSize, batchSize, time, stride, burnIn, documentLimit, epochs, minutes
        case learningRate, warmup, decay, decayAfter, secondMomentDecay, weightDecay, averaging
        case dropout, weightDropout, labelDropout, drawnSymbols, clipNorm, clipElement, initialRange, forgetBias
        case validationFraction, validationInterval, patience, slices, threads, keptCheckpoints, checkpointInterval,
            reportInterval
    }

    /// The numbers of threads that a process may have.
    public static let threadRange = 1...256

    /// Checks every number's range.
    ///
    /// - Throws: ``TrainingError/invalidSetting(_:expected:)``.
    public func validate() throws(TrainingError) {
        let limit = ModelShape.maximum
        if let count = corpus.minimumCount { try check(.minimumCount, 1...1_000_000_000, count) }
        try check(.layers, 1...limit.layers, layers)
        try check(.hiddenSize, 1...limit.hiddenSize, hiddenSize)
        try check(.batchSize, 1...65_536, batchSize)
        try check(.time, 1...65_536, time)
        try check(.stride, 1...1_000_000_000, stride)
        try check(.burnIn, 0...time - 1, burnIn)
        if let documentLimit { try check(.documentLimit, 1...1_000_000_000, documentLimit) }
        try check(.epochs, (minutes == nil ? 1 : 0)...1_000_000_000, epochs)
        if let minutes { try check(.minutes, 0.01...1_000_000, minutes) }
        try check(.learningRate, 1e-9...10, learningRate)
        try check(.warmup, 0...1_000_000_000, warmup)
        try check(.secondMomentDecay, 0.5...0.999999, secondMomentDecay)
        try check(.weightDecay, 0...10, weightDecay)
        try check(.averaging, 0...0.999999, averaging)
        try check(.dropout, 0...0.9, dropout)
        try check(.weightDropout, 0...0.9, weightDropout)
        if let labelDropout { try check(.labelDropout, 0...0.9, labelDropout) }
        if let drawnSymbols { try check(.drawnSymbols, 0...limit.vocabularySize, drawnSymbols) }
        try check(.validationInterval, 0...1_000_000_000, validationInterval)
        try check(.patience, 0...1_000_000, patience)
        try check(.decay, 1e-3...1, decay)
        try check(.decayAfter, 0...1_000_000, decayAfter)
        try check(.clipNorm, 0...1e9, clipNorm)
        try check(.clipElement, 0...1e9, clipElement)
        try check(.initialRange, 0...10, initialRange)
        try check(.forgetBias, -100...100, forgetBias)
        try check(.validationFraction, 0...0.5, validationFraction)
        if let slices { try check(.slices, 2...256, slices) }
        try check(.threads, Settings.threadRange, threads)
        try check(.keptCheckpoints, 0...100_000, keptCheckpoints)
        try check(.checkpointInterval, 1...1_000_000_000, checkpointInterval)
        try check(.reportInterval, 0...1_000_000_000, reportInterval)
    }

    /// Checks that several ranks can train.
    ///
    /// - Throws: ``TrainingError/invalidSetting(_:expected:)``.
    func validate(ranks: Int) throws(TrainingError) {
        guard slices ?? 1 >= ranks else {
            throw .invalidSetting(
                .slices,
                expected:
                    "at least \(ranks), the number of ranks; this training has \(slices.map(String.init) ?? "none")")
        }
    }

    private func check<Value: Comparable>(
        _ name: Name, _ range: ClosedRange<Value>, _ value: Value
    ) throws(TrainingError) {
        guard range.contains(value) else {
            throw .invalidSetting(name, expected: "from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
    }
}

extension Settings: Decodable {
    /// The names of the settings in which JSON that somebody may have edited differs from these;
    /// nil if it is not that of settings. The number of threads is none of a training's.
    func differences(from json: Data) -> [String]? {
        guard var other = try? JSONDecoder().decode(Settings.self, from: json),
            let edited = try? JSONSerialization.jsonObject(with: json) as? [String: Any]
        else { return nil }
        other.threads = threads
        // As JSON: objects in objects are never equal where Foundation is linked statically.
        func object(_ settings: Settings) -> [String: Data?] {
            let object = try? JSONSerialization.jsonObject(with: JSON.data(settings))
            return (object as? [String: Any] ?? [:]).mapValues {
                try? JSONSerialization.data(withJSONObject: $0, options: [.sortedKeys, .fragmentsAllowed])
            }
        }
        let (own, others) = (object(self), object(other))
        let unknown = edited.keys.filter { CodingKeys(stringValue: $0) == nil }
        return Set(own.keys).union(others.keys).filter { own[$0] != others[$0] }.union(unknown).sorted()
    }

    /// A setting that is missing, as in a file of an earlier version, has its initial value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(corpus: try container.decode(CorpusSource.self, forKey: .corpus))
        func read<Value: Decodable>(_ value: inout Value, _ key: CodingKeys) throws {
            value = try container.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        try read(&initialModel, .initialModel)
        try read(&cell, .cell)
        try read(&layers, .layers)
        try read(&hiddenSize, .hiddenSize)
        try read(&batching, .batching)
        try read(&batchSize, .batchSize)
        try read(&time, .time)
        try read(&stride, .stride)
        try read(&burnIn, .burnIn)
        try read(&documentLimit, .documentLimit)
        try read(&carriesDocuments, .carriesDocuments)
        try read(&epochs, .epochs)
        try read(&minutes, .minutes)
        try read(&optimiser, .optimiser)
        try read(&learningRate, .learningRate)
        try read(&schedule, .schedule)
        try read(&warmup, .warmup)
        try read(&decay, .decay)
        try read(&decayAfter, .decayAfter)
        try read(&secondMomentDecay, .secondMomentDecay)
        try read(&weightDecay, .weightDecay)
        try read(&averaging, .averaging)
        try read(&dropout, .dropout)
        try read(&variationalDropout, .variationalDropout)
        try read(&weightDropout, .weightDropout)
        try read(&labelDropout, .labelDropout)
        try read(&drawnSymbols, .drawnSymbols)
        try read(&clipNorm, .clipNorm)
        try read(&clipElement, .clipElement)
        try read(&initialRange, .initialRange)
        try read(&forgetBias, .forgetBias)
        try read(&validationFraction, .validationFraction)
        try read(&heldOut, .heldOut)
        try read(&validationTexts, .validationTexts)
        try read(&validationInterval, .validationInterval)
        try read(&patience, .patience)
        try read(&seed, .seed)
        try read(&precision, .precision)
        try read(&slices, .slices)
        try read(&threads, .threads)
        try read(&keptCheckpoints, .keptCheckpoints)
        try read(&checkpointInterval, .checkpointInterval)
        try read(&reportInterval, .reportInterval)
    }
}

extension Cell: Codable {
    /// The cell of a name such as `lstm`.
    public init?(name: String) {
        guard let cell = Cell.allCases.first(where: { $0.name.description == name }) else { return nil }
        self = cell
    }

    public init(from decoder: Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        guard let cell = Cell(name: name) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "no cell '\(name)'"))
        }
        self = cell
    }

    public func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name.description)
    }
}
