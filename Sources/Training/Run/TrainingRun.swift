import Core
import Foundation
import KernelDispatch
import ModelFormat

/// A training from beginning to end, stored in a folder so that it can be stopped at any time and
/// resumed.
///
/// With a number of epochs, killed and resumed, it gives the same checkpoints, byte for byte, as
/// without the interruption.
public final class TrainingRun {
    /// Why ``train(shouldStop:onUpdate:onReport:onRollback:)`` returned.
    public enum Outcome: Sendable {
        /// The last epoch is over, or the time.
        case finished
        /// The validation loss has not improved for as long as the settings say.
        case stoppedEarly
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
    public var parameters: FloatTensors { FloatTensors(shape, (adam.averages ?? network.parameters).tensors) }
    /// The model's symbols.
    public let vocabulary: Vocabulary
    /// The progress.
    public private(set) var progress: Progress
    /// The number of reports before a resumed training's checkpoint that `metrics.jsonl` does not
    /// have.
    public let missingReports: Int

    private let initial: InitialModel?
    private let source: any MinibatchSource
    let network: Network
    private let adam: Adam
    /// The current minibatch.
    private var minibatch = Minibatch()
    private let state: RecurrentState?
    private let validationState: RecurrentState?
    /// Whether other processes are kept out of the folder: not if its file system has no locks.
    public let isLocked: Bool

    /// Held from initialisation to the end of training, so that no other process changes the
    /// folder.
    private var lock: RunFolder.Lock?

    // MARK: - Initialisation

    /// Starts a training in a new folder.
    ///
    /// - Throws: ``CorpusError``, ``TrainingError`` or `ChargenError`.
    public convenience init(_ settings: Settings, folder: RunFolder) throws {
        try settings.validate()
        try self.init(reading: settings.corpus, folder: folder) { _ in settings }
    }

    /// Starts a training in a new folder.
    ///
    /// - Parameters:
    ///   - initial: The model to start from; nil for random parameters.
    ///   - choose: Chooses the settings for the corpus, with the initial model's cell, layers and
    ///     hidden size.
    /// - Throws: ``CorpusError``, ``TrainingError``, `ChargenError`, or what `choose` throws.
    public convenience init(
        reading source: CorpusSource, folder: RunFolder, startingFrom initial: InitialModel? = nil,
        choose: (Corpus) throws -> Settings
    ) throws {
        let began = ContinuousClock.now
        // Before the text is read, which takes time and, from a pipe, is possible only once.
        let isNew = try folder.create()
        do {
            let lock = try folder.lock()
            var corpus = try Corpus(reading: source, cacheIn: folder.path)
            if let vocabulary = initial?.vocabulary(with: corpus.vocabulary), vocabulary != corpus.vocabulary {
                guard !source.readsStandardInput else { throw TrainingError.unreadableTwice }
                corpus = try Corpus(reading: source, vocabulary: vocabulary)
            }
            var settings = try choose(corpus)
            settings.corpus = source.withAbsolutePaths
            try settings.validate()
            try self.init(settings, folder, lock, corpus, checkpoint: nil, initial: initial, began: began)
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
    /// - Parameter change: Changes the settings that may change: the number of epochs or minutes,
    ///   the number of threads, and where the text is.
    /// - Throws: ``CorpusError``, ``TrainingError`` or `ChargenError`.
    public convenience init(resuming folder: RunFolder, change: (inout Settings) -> Void = { _ in }) throws {
        guard FileManager.default.fileExists(atPath: folder.lastCheckpointPath) else {
            throw TrainingError.invalidRun(path: folder.path, "it has no checkpoint; is it the folder of a training?")
        }
        let began = ContinuousClock.now
        let lock = try folder.lock()
        let checkpoint = try Checkpoint(path: folder.lastCheckpointPath)
        var settings = checkpoint.settings
        change(&settings)
        settings.corpus = settings.corpus.withAbsolutePaths
        try settings.validate()
        let progress = checkpoint.progress
        if settings.epochs > 0, settings.epochs < progress.epoch {
            throw TrainingError.runFinished(path: folder.path, done: TrainingRun.epochs(progress.epoch - 1))
        }
        let corpus = try checkpoint.readCorpus(settings.corpus) { try Corpus(reading: $0, cacheIn: folder.path) }
        try self.init(
            settings, folder, lock, corpus, checkpoint: checkpoint,
            initial: settings.initialModel.flatMap { try? InitialModel(path: $0) }, began: began)
        try folder.write(settings)
    }

    private init(
        _ settings: Settings, _ folder: RunFolder, _ lock: RunFolder.Lock, _ corpus: Corpus, checkpoint: Checkpoint?,
        initial: InitialModel?, began: ContinuousClock.Instant
    ) throws {
        self.initial = initial
        self.settings = settings
        self.folder = folder
        self.lock = lock
        isLocked = lock.isHeld
        self.corpus = corpus
        source = try settings.minibatches(of: corpus)
        // Windows of one document do not reach its end, so it cannot be learned.
        vocabulary = corpus.vocabulary.with(
            endOfDocument: corpus.vocabulary.hasEndOfDocument && settings.batching != .documents,
            carriesDocuments: settings.carriesDocuments)
        let shape = ModelShape(
            cell: settings.cell, layers: settings.layers, hiddenSize: settings.hiddenSize,
            vocabularySize: vocabulary.count)
        guard let backend = Backend.chosen() else {
            throw ChargenError(
                .unsupportedBackend, "\(Backend.environmentVariable) must be one of \(Backend.availableNames)")
        }
        network = try Network(
            shape, threads: settings.threads, backend: backend, precision: settings.precision ?? .f32,
            resetSymbol: vocabulary.resetSymbol, dropout: settings.dropoutRates)
        adam = try Adam(
            network.layout, beta2: settings.secondMomentDecay, weightDecay: settings.weightDecay,
            averaging: settings.averaging)
        let rows = source.carriedRows
        state = rows > 0 ? try RecurrentState(network.layout, rows: rows) : nil
        let validationRows = source.validation?.rowCount ?? 0
        validationState = validationRows > 0 ? try RecurrentState(network.layout, rows: validationRows) : nil
        if let checkpoint {
            progress = checkpoint.progress
            try checkpoint.restore(network, adam, state)
        } else {
            progress = Progress()
        }
        self.began = began
        updatesSaved = checkpoint?.progress.updates
        // Last, because it changes the folder.
        let reports = try folder.cutReports(to: progress)
        try folder.cutSamples(to: progress)
        missingReports = progress.reports - reports.count
        secondsBefore = reports.last?.seconds ?? 0
        if let checkpoint {
            spentBefore = try replan(after: checkpoint)
        } else {
            begin()
        }
    }

    // MARK: - The loop

    private let secondsBefore: Double
    private var clock = ContinuousClock.now
    private var symbolsSinceReport = 0
    /// The learning rate of the last update.
    private var learningRate = 0.0
    /// The number of updates before the last checkpoint.
    private var updatesSaved: Int?
    private var lastReport = ContinuousClock.now

    /// The number of updates of the whole training, or an estimate of it.
    public var totalUpdates: Int {
        settings.minutes != nil ? progress.plannedUpdates ?? .max : updatesOfEpochs
    }

    /// The number of updates of the epochs that are asked for.
    private var updatesOfEpochs: Int {
        guard settings.epochs > 0 else { return .max }
        let epochsLeft = settings.epochs - progress.epoch
        return progress.updates - progress.updatesInEpoch + source.updatesInEpoch * (epochsLeft + 1)
    }

    /// The part of the training that is done, 0 to 1.
    public var fraction: Double {
        if settings.minutes != nil {
            return progress.plannedUpdates.map { min(1, Double(progress.updates) / Double($0)) } ?? 0
        }
        let part = Double(progress.updatesInEpoch) / Double(source.updatesInEpoch)
        return min(1, (Double(progress.epoch - 1) + part) / Double(settings.epochs))
    }

    /// Trains until the last epoch is over, or the time.
    ///
    /// - Parameters:
    ///   - shouldStop: Called before every update; true ends the training after a checkpoint.
    ///   - onUpdate: Called after every update with its loss.
    ///   - onReport: Called after every report.
    ///   - onRollback: Called after the training has gone back to an earlier checkpoint, with the
    ///     update at which the loss had diverged.
    /// - Throws: ``TrainingError`` or `ChargenError`; the last checkpoint stays as it was.
    public func train(
        shouldStop: () -> Bool = { false }, onUpdate: (Double) throws -> Void = { _ in },
        onReport: (Report) throws -> Void = { _ in }, onRollback: (Int) throws -> Void = { _ in }
    ) throws -> Outcome {
        if lock == nil { lock = try folder.lock() }
        defer { lock = nil }
        clock = .now
        lastReport = .now
        plannedAt = .now
        updatesBefore = progress.updates
        while !isOver, !isStale {
            if shouldStop() {
                try save()
                return .stopped
            }
            do {
                let loss = try update()
                try onUpdate(loss)
                try finishUpdate(onReport)
            } catch TrainingError.diverged(let update) {
                try rollBack(from: update)
                try onRollback(update)
            }
        }
        return isStale ? .stoppedEarly : .finished
    }

    /// Whether the last epoch is over, or the time.
    private var isOver: Bool {
        if settings.minutes != nil { return progress.plannedUpdates.map { progress.updates >= $0 } ?? false }
        return progress.epoch > settings.epochs
    }

    /// Whether the validation loss has not improved for as long as the settings say.
    private var isStale: Bool {
        settings.patience > 0 && progress.validationsSinceBest ?? 0 >= settings.patience
    }

    private func update() throws -> Double {
        source.epoch = progress.epoch
        source.set(&minibatch, progress.updatesInEpoch)
        if !minibatch.continuesState { state?.reset() }
        let dropout = settings.dropoutRates
        let noise = dropout == Dropout() ? nil : Noise(seed: settings.seed, update: progress.updates)
        let loss = try network.gradient(minibatch, of: corpus, state: state, noise: noise)
        progress.leaps = hasLeapt(loss) ? (progress.leaps ?? 0) + 1 : nil
        guard loss.isFinite, progress.leaps ?? 0 < TrainingRun.mostLeaps else {
            throw TrainingError.diverged(update: progress.updates + 1)
        }
        learningRate = settings.learningRate(progress, fraction: fraction)
        adam.update(network, learningRate: learningRate, clipping: settings.clipping)
        progress.record(loss)
        symbolsSinceReport += minibatch.predictionCount
        return loss
    }

    /// The number of updates with a loss far above those before, one after the other, that are a
    /// divergence: fewer may come from an unusual piece of text.
    private static let mostLeaps = 20

    /// Whether a loss is far above those before it, and above that of a guess, as all may be.
    private func hasLeapt(_ loss: Double) -> Bool {
        let guess = log(Double(shape.vocabularySize))
        return progress.updates > 100 && loss > guess + 1
            && (loss > progress.runningLoss + 2 || progress.runningLoss > guess + 1)
    }

    /// Ends an epoch, validates, reports and saves where that is due after an update.
    private func finishUpdate(_ onReport: (Report) throws -> Void) throws {
        let endsEpoch = progress.updatesInEpoch == source.updatesInEpoch
        let epoch = progress.epoch
        if endsEpoch {
            progress.epoch += 1
            progress.updatesInEpoch = 0
        }
        plan()
        let interval = settings.validationInterval
        let isDue = interval > 0 ? progress.updates % interval == 0 : endsEpoch
        if isDue || isOver {
            try finishPeriod(epoch, onReport)
        } else {
            if settings.reportInterval > 0, progress.updates % settings.reportInterval == 0 {
                try onReport(try report(epoch, validationLoss: nil))
            }
            if progress.updates % settings.checkpointInterval == 0 { try save() }
        }
    }

    private func finishPeriod(_ epoch: Int, _ onReport: (Report) throws -> Void) throws {
        let validationLoss = try validate()
        let report = try report(epoch, validationLoss: validationLoss)
        let isBest = validationLoss.map { $0 < progress.bestValidationLoss ?? .infinity } ?? false
        if isBest { progress.bestValidationLoss = validationLoss }
        if validationLoss != nil {
            let since = isBest ? 0 : (progress.validationsSinceBest ?? 0) + 1
            progress.validationsSinceBest = since
            if settings.schedule == .plateau, since > 0, since % max(1, settings.decayAfter) == 0 {
                progress.reduction = progress.rateFactor * settings.decay
            }
        }
        try save(asBest: isBest)
        try onReport(report)
    }

    /// The mean cross-entropy of the text held out; nil if none is held out.
    private func validate() throws -> Double? {
        guard let validation = source.validation else { return nil }
        let start = ContinuousClock.now
        defer { validationSeconds = (ContinuousClock.now - start).seconds }
        return try withAverages {
            var sum = 0.0
            var count = 0
            for index in 0..<validation.count {
                validation.set(&minibatch, index)
                if !minibatch.continuesState { validationState?.reset() }
                let symbols = minibatch.predictionCount
                sum += try network.loss(minibatch, of: corpus, state: validationState) * Double(symbols)
                count += symbols
            }
            guard sum.isFinite else { throw TrainingError.diverged(update: progress.updates) }
            return sum / Double(count)
        }
    }

    /// Calls `body` with the running mean of the parameters in their place, if there is one.
    private func withAverages<Result>(_ body: () throws -> Result) throws -> Result {
        guard let averages = adam.averages else { return try body() }
        let parameters = try Parameters(network.layout)
        parameters.copy(network.parameters)
        network.parameters.copy(averages)
        defer { network.parameters.copy(parameters) }
        return try body()
    }

    // MARK: - Divergence

    /// The most times that a training returns to an earlier checkpoint.
    private static let mostRollbacks = 5

    /// Returns to the checkpoint with the lowest validation loss, or to the beginning if there is
    /// none, and halves the learning rate. Both places depend on the training alone, not on when
    /// checkpoints were written, so that a resumed training does the same.
    ///
    /// - Throws: ``TrainingError/diverged(update:)`` when that has been tried often enough.
    private func rollBack(from update: Int) throws {
        let rollbacks = (progress.rollbacks ?? 0) + 1
        guard rollbacks <= TrainingRun.mostRollbacks else { throw TrainingError.diverged(update: update) }
        let factor = progress.rateFactor / 2
        let plan = progress.plannedUpdates
        if progress.bestValidationLoss != nil {
            let checkpoint = try Checkpoint(path: folder.bestCheckpointPath)
            progress = checkpoint.progress
            begin()
            try checkpoint.restore(network, adam, state)
        } else {
            progress = Progress()
            begin()
        }
        progress.rollbacks = rollbacks
        progress.reduction = factor
        progress.plannedUpdates = plan
        _ = try folder.cutReports(to: progress)
        try folder.cutSamples(to: progress)
        try save()
    }

    /// Sets the parameters to their initial values, and forgets what the optimiser knows.
    private func begin() {
        var random = SplitMix64(seed: settings.seed)
        // The padding too, which may be NaN after a divergence.
        network.parameters.clear()
        network.parameters.initialise(
            range: Float(settings.initialRange), forgetBias: Float(settings.forgetBias), random: &random)
        initial?.copy(to: network.parameters, vocabulary)
        adam.reset()
        state?.reset()
    }

    // MARK: - Time

    /// When the process began the training: the time includes the reading of the text.
    private let began: ContinuousClock.Instant
    /// The seconds that earlier processes have spent of the time.
    private var spentBefore = 0.0
    private var updatesBefore = 0
    private var plannedAt = ContinuousClock.now
    /// The duration of the last validation; another one ends the training.
    private var validationSeconds = 0.0

    /// Estimates how many updates the time allows, if it is limited, from this process's speed.
    ///
    /// The number is part of the progress, so that the learning rate depends on it and the updates
    /// alone.
    private func plan() {
        guard let minutes = settings.minutes else { return }
        let budget = minutes * 60
        let now = ContinuousClock.now
        let spent = (now - clock).seconds
        let isDue =
            progress.plannedUpdates == nil
            ? spent > budget / 200 || progress.updates >= 20 : (now - plannedAt).seconds > budget / 100
        guard isDue else { return }
        plannedAt = now
        let pace = spent / Double(progress.updates - updatesBefore)
        let left = budget - spentBefore - (now - began).seconds - validationSeconds
        progress.plannedUpdates = min(progress.updates + max(0, Int(left / pace)), updatesOfEpochs)
    }

    /// Plans a training that continues from a checkpoint.
    ///
    /// - Returns: The seconds that have been spent of the time.
    /// - Throws: ``TrainingError/runFinished(path:done:)`` when the time is over.
    private func replan(after checkpoint: Checkpoint) throws -> Double {
        guard let minutes = settings.minutes else {
            progress.plannedUpdates = nil
            return 0
        }
        guard let before = checkpoint.settings.minutes, let planned = progress.plannedUpdates else {
            return secondsBefore
        }
        let spent = before * 60 * Double(progress.updates) / Double(max(1, planned))
        guard minutes * 60 > spent else {
            throw TrainingError.runFinished(
                path: folder.path, done: "its time of \(before.formatted()) min is over")
        }
        if minutes != before { progress.plannedUpdates = Int(Double(planned) * minutes / before) }
        return spent
    }

    /// A number of epochs that are done, in words.
    private static func epochs(_ count: Int) -> String {
        count == 1 ? "its 1 epoch is done" : "its \(count) epochs are done"
    }

    private func report(_ epoch: Int, validationLoss: Double?) throws -> Report {
        let now = ContinuousClock.now
        let report = Report(
            epoch: epoch, update: progress.updates, loss: progress.lastLoss,
            trainingLoss: progress.lossSum / Double(max(1, progress.lossCount)),
            runningLoss: progress.runningLoss, validationLoss: validationLoss,
            learningRate: learningRate,
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
        var settings = settings
        // It does not change what is learned, and may be another one after a resumption.
        settings.threads = 1
        let description = Checkpoint.Description(
            version: chargenVersion, settings: settings, characters: vocabulary.characters,
            hasUnknown: vocabulary.hasUnknown ? true : nil, hasEndOfDocument: vocabulary.hasEndOfDocument,
            corpus: CorpusFacts(corpus), progress: progress)
        let checkpoint = try Checkpoint.encode(description, network: network, adam: adam, state: state)
        try folder.syncReports()
        if isBest { try AtomicFile.write(checkpoint, to: folder.bestCheckpointPath) }
        if settings.keptCheckpoints > 0, let updatesSaved, updatesSaved != progress.updates {
            try folder.keepLastCheckpoint(update: updatesSaved, count: settings.keptCheckpoints)
        }
        try AtomicFile.write(checkpoint, to: folder.lastCheckpointPath)
        updatesSaved = progress.updates
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
