import Core
import Foundation
import ModelFormat

/// Everything that determines a training, apart from the contents of the corpus.
public struct Settings: Codable, Equatable, Sendable {
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

    /// The corpus to learn from.
    public var corpus: CorpusSource
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
    /// The number of passes over the corpus.
    public var epochs = 50
    /// Adam's learning rate.
    public var learningRate = 0.002
    /// The factor of the learning rate in each epoch after `decayAfter` epochs.
    public var decay = 0.97
    /// The number of epochs at the full learning rate.
    public var decayAfter = 10
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
    /// The seed of the initial parameters and of the shuffling.
    public var seed: UInt64 = 1
    /// nil, as in the settings of version 0.1.0, is `f32`.
    public var precision: Precision?
    /// The number of threads. The result does not depend on it.
    public var threads = 1
    /// The updates between checkpoints, in addition to the one after each epoch.
    public var checkpointInterval = 500
    /// The updates between reports, in addition to the one after each epoch; 0 for none.
    public var reportInterval = 0

    /// The settings of char-rnn, with Adam.
    public init(corpus: CorpusSource) {
        self.corpus = corpus
    }

    /// Changes the defaults to those for windows of one document.
    public mutating func chooseDocumentDefaults() {
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

    /// The learning rate in an epoch, from 1.
    func learningRate(epoch: Int) -> Double {
        learningRate * pow(decay, Double(max(0, epoch - decayAfter)))
    }

    /// The settings that have a range, by the names of their properties.
    public enum Name: String, CaseIterable, Sendable {
        case layers, hiddenSize, batchSize, time, stride, documentLimit, epochs
        case learningRate, decay, decayAfter, clipNorm, clipElement, initialRange, forgetBias
        case validationFraction, threads, checkpointInterval, reportInterval
    }

    /// Checks every number's range.
    ///
    /// - Throws: ``TrainingError/invalidSetting(_:expected:)``.
    public func validate() throws(TrainingError) {
        let limit = ModelShape.maximum
        try check(.layers, 1...limit.layers, layers)
        try check(.hiddenSize, 1...limit.hiddenSize, hiddenSize)
        try check(.batchSize, 1...65_536, batchSize)
        try check(.time, 1...65_536, time)
        try check(.stride, 1...1_000_000_000, stride)
        if let documentLimit { try check(.documentLimit, 1...1_000_000_000, documentLimit) }
        try check(.epochs, 1...1_000_000, epochs)
        try check(.learningRate, 1e-9...10, learningRate)
        try check(.decay, 1e-3...1, decay)
        try check(.decayAfter, 0...1_000_000, decayAfter)
        try check(.clipNorm, 0...1e9, clipNorm)
        try check(.clipElement, 0...1e9, clipElement)
        try check(.initialRange, 0...10, initialRange)
        try check(.forgetBias, -100...100, forgetBias)
        try check(.validationFraction, 0...0.5, validationFraction)
        try check(.threads, 1...256, threads)
        try check(.checkpointInterval, 1...1_000_000_000, checkpointInterval)
        try check(.reportInterval, 0...1_000_000_000, reportInterval)
    }

    private func check<Value: Comparable>(
        _ name: Name, _ range: ClosedRange<Value>, _ value: Value
    ) throws(TrainingError) {
        guard range.contains(value) else {
            throw .invalidSetting(name, expected: "from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
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
