import Core
import Foundation
import KernelDispatch
import ModelFormat

/// A training from beginning to end, stored in a folder so that it can be stopped at any time and
/// resumed.
///
/// Killed and resumed, it gives the same checkpoints, byte for byte, as without the interruption.
public final class TrainingRun {
    /// Why ``train(shouldStop:onUpdate:onReport:)`` returned.
    public enum Outcome: Sendable {
        /// The last epoch is over.
        case finished
        /// `shouldStop` returned true; the checkpoint is up to date.
        case stopped
    }

    /// The folder of the training.
    public let folder: RunFolder
    /// The settings, with absolute paths of the text.
    public let settings: Settings
    /// The text.
    public let corpus: Corpus
    /// The model's shape.
    public var shape: ModelShape { network.shape }
    /// The number of weights and biases.
    public var parameterCount: Int { shape.parameterCount }
    /// The current parameters.
    public var parameters: FloatTensors { FloatTensors(shape, network.parameters.tensors) }
    /// The model's symbols.
    public let vocabulary: Vocabulary
    /// The progress.
    public private(set) var progress: Progress
    /// The number of reports before a resumed training's checkpoint that `metrics.jsonl` does not
    /// have.
    public let missingReports: Int

    private let source: any MinibatchSource
    let network: Network
    private let adam: Adam
    /// The current minibatch.
    private var minibatch = Minibatch(starts: [], time: 0)
    private let state: RecurrentState?
    private let validationState: RecurrentState?
    /// Held from initialisation to the end of training, so that no other process changes the
    /// folder.
    private var lock: RunFolder.Lock?

    // MARK: - Initialisation

    /// Starts a training in a new folder.
    ///
    /// - Throws: ``CorpusError``, ``TrainingError`` or `ChargenError`.
    public convenience init(_ settings: Settings, folder: RunFolder) throws {
        try settings.validate()
        // Before the text is read, which takes time and, from a pipe, is possible only once.
        let isNew = try folder.create()
        do {
            let lock = try folder.lock()
            let corpus = try Corpus(reading: settings.corpus, cacheIn: folder.path)
            var settings = settings
            settings.corpus = settings.corpus.withAbsolutePaths
            try self.init(settings, folder, lock, corpus, checkpoint: nil)
            try folder.write(settings)
            try save()
        } catch {
            // Removes an empty folder only.
            if isNew { rmdir(folder.path) }
            throw error
        }
    }

    /// Continues the training in a folder from its last checkpoint.
    ///
    /// - Parameter epochs: The total number of epochs; nil for that of the checkpoint.
    /// - Throws: ``CorpusError``, ``TrainingError`` or `ChargenError`.
    public convenience init(resuming folder: RunFolder, epochs: Int? = nil) throws {
        guard FileManager.default.fileExists(atPath: folder.lastCheckpointPath) else {
            throw TrainingError.invalidRun(path: folder.path, "it has no checkpoint; is it the folder of a training?")
        }
        let lock = try folder.lock()
        let checkpoint = try Checkpoint(path: folder.lastCheckpointPath)
        var settings = checkpoint.settings
        settings.epochs = epochs ?? settings.epochs
        try settings.validate()
        let done = checkpoint.progress.epoch - 1
        guard settings.epochs > done else {
            throw TrainingError.runFinished(path: folder.path, epochs: done)
        }
        let corpus = try Corpus(reading: settings.corpus, cacheIn: folder.path)
        guard CorpusFacts(corpus) == checkpoint.description.corpus else { throw TrainingError.corpusChanged }
        try self.init(settings, folder, lock, corpus, checkpoint: checkpoint)
        try folder.write(settings)
    }

    private init(
        _ settings: Settings, _ folder: RunFolder, _ lock: RunFolder.Lock, _ corpus: Corpus, checkpoint: Checkpoint?
    ) throws {
        self.settings = settings
        self.folder = folder
        self.lock = lock
        self.corpus = corpus
        switch settings.batching {
        case .streams:
            source = try StreamBatches(
                count: corpus.count, rows: settings.batchSize, time: settings.time,
                validationFraction: settings.validationFraction)
        case .windows:
            source = try ShuffledWindows(
                count: corpus.count, rows: settings.batchSize, time: settings.time, stride: settings.stride,
                validationFraction: settings.validationFraction, seed: settings.seed)
        case .documents:
            source = try DocumentWindows(corpus, time: settings.time, limit: settings.documentLimit)
        }
        // Windows of one document do not reach its end, so it cannot be learned.
        vocabulary = settings.batching == .documents ? corpus.vocabulary.with(endOfDocument: false) : corpus.vocabulary
        let shape = ModelShape(
            cell: settings.cell, layers: settings.layers, hiddenSize: settings.hiddenSize,
            vocabularySize: vocabulary.count)
        guard let backend = Backend.chosen() else {
            throw ChargenError(
                .unsupportedBackend, "\(Backend.environmentVariable) must be one of \(Backend.availableNames)")
        }
        network = try Network(
            shape, threads: settings.threads, backend: backend, precision: settings.precision ?? .f32)
        adam = try Adam(network.layout)
        let rows = source.carriedRows
        state = rows > 0 ? try RecurrentState(network.layout, rows: rows) : nil
        validationState = rows > 0 ? try RecurrentState(network.layout, rows: rows) : nil
        if let checkpoint {
            progress = checkpoint.progress
            try checkpoint.restore(network, adam, state)
        } else {
            progress = Progress()
            var random = SplitMix64(seed: settings.seed)
            network.parameters.initialise(
                range: Float(settings.initialRange), forgetBias: Float(settings.forgetBias), random: &random)
        }
        // Last, because it changes the folder.
        let reports = try folder.cutReports(to: progress)
        missingReports = progress.reports - reports.count
        secondsBefore = reports.last?.seconds ?? 0
    }

    // MARK: - The loop

    private let secondsBefore: Double
    private var clock = ContinuousClock.now
    private var symbolsSinceReport = 0
    private var lastReport = ContinuousClock.now

    /// The number of updates of the whole training.
    public var totalUpdates: Int { source.updatesPerEpoch * settings.epochs }

    /// Trains until the last epoch is over.
    ///
    /// - Parameters:
    ///   - shouldStop: Called before every update; true ends the training after a checkpoint.
    ///   - onUpdate: Called after every update with its loss.
    ///   - onReport: Called after every report.
    /// - Throws: ``TrainingError`` or `ChargenError`; the last checkpoint stays as it was.
    public func train(
        shouldStop: () -> Bool = { false }, onUpdate: (Double) throws -> Void = { _ in },
        onReport: (Report) throws -> Void = { _ in }
    ) throws -> Outcome {
        if lock == nil { lock = try folder.lock() }
        defer { lock = nil }
        clock = .now
        lastReport = .now
        while progress.epoch <= settings.epochs {
            while progress.updatesInEpoch < source.updatesPerEpoch {
                if shouldStop() {
                    try save()
                    return .stopped
                }
                let loss = try update()
                if isReportDue { try onReport(try report(validationLoss: nil)) }
                if progress.updates % settings.checkpointInterval == 0 { try save() }
                try onUpdate(loss)
            }
            try finishEpoch(onReport)
        }
        return .finished
    }

    /// Whether a report is due after this update. The end of an epoch has a report of its own.
    private var isReportDue: Bool {
        settings.reportInterval > 0 && progress.updates % settings.reportInterval == 0
            && progress.updatesInEpoch < source.updatesPerEpoch
    }

    private func update() throws -> Double {
        source.setTraining(&minibatch, progress.updatesInEpoch, epoch: progress.epoch)
        if !minibatch.continuesState { state?.reset() }
        let loss = try network.gradient(minibatch, of: corpus, state: state)
        guard loss.isFinite else { throw TrainingError.diverged(update: progress.updates + 1) }
        adam.update(
            network, learningRate: settings.learningRate(epoch: progress.epoch), clipping: settings.clipping)
        progress.record(loss)
        symbolsSinceReport += minibatch.starts.count * minibatch.time
        return loss
    }

    private func finishEpoch(_ onReport: (Report) throws -> Void) throws {
        let validationLoss = try validate()
        let report = try report(validationLoss: validationLoss)
        progress.epoch += 1
        progress.updatesInEpoch = 0
        let isBest = validationLoss.map { $0 < progress.bestValidationLoss ?? .infinity } ?? false
        if isBest { progress.bestValidationLoss = validationLoss }
        try save(asBest: isBest)
        try onReport(report)
    }

    /// The mean cross-entropy of the text held out; nil if none is held out.
    private func validate() throws -> Double? {
        guard source.validationCount > 0 else { return nil }
        var sum = 0.0
        var count = 0
        for index in 0..<source.validationCount {
            source.setValidation(&minibatch, index)
            if !minibatch.continuesState { validationState?.reset() }
            let symbols = minibatch.starts.count * minibatch.time
            sum += try network.loss(minibatch, of: corpus, state: validationState) * Double(symbols)
            count += symbols
        }
        guard sum.isFinite else { throw TrainingError.diverged(update: progress.updates) }
        return sum / Double(count)
    }

    private func report(validationLoss: Double?) throws -> Report {
        let now = ContinuousClock.now
        let correction = 1 - pow(1 - Progress.runningWeight, Double(progress.updates))
        let report = Report(
            epoch: progress.epoch, update: progress.updates, loss: progress.lastLoss,
            trainingLoss: progress.lossSum / Double(max(1, progress.lossCount)),
            runningLoss: progress.runningSum / correction, validationLoss: validationLoss,
            learningRate: settings.learningRate(epoch: progress.epoch),
            charactersPerSecond: Double(symbolsSinceReport) / (now - lastReport).seconds,
            seconds: secondsBefore + (now - clock).seconds)
        progress.trainingLoss = report.trainingLoss
        progress.validationLoss = validationLoss ?? progress.validationLoss
        progress.lossSum = 0
        progress.lossCount = 0
        progress.reports += 1
        symbolsSinceReport = 0
        lastReport = now
        try folder.append(report)
        return report
    }

    // MARK: - Saving

    /// Writes a checkpoint.
    ///
    /// - Parameter isBest: Whether it has the lowest validation loss.
    private func save(asBest isBest: Bool = false) throws {
        let description = Checkpoint.Description(
            version: chargenVersion, settings: settings, characters: vocabulary.characters,
            hasEndOfDocument: vocabulary.hasEndOfDocument, corpus: CorpusFacts(corpus), progress: progress)
        let checkpoint = try Checkpoint.encode(description, network: network, adam: adam, state: state)
        try folder.syncReports()
        if isBest { try AtomicFile.write(checkpoint, to: folder.bestCheckpointPath) }
        try AtomicFile.write(checkpoint, to: folder.lastCheckpointPath)
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
