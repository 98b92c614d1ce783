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
    public var parameters: FloatTensors { FloatTensors(shape, (optimiser.averages ?? network.parameters).tensors) }
    /// The model's symbols.
    public let vocabulary: Vocabulary
    /// The documents' labels; nil for none.
    public var labels: Labels? { corpus.labels?.labels }
    /// The progress.
    public internal(set) var progress: Progress
    /// The number of reports before a resumed training's checkpoint that `metrics.jsonl` does not
    /// have.
    public let missingReports: Int

    /// What a resumed training has found in its folder and does not use, in sentences.
    public let notes: [String]

    let initial: InitialModel?
    private let source: any MinibatchSource
    let network: Network
    let optimiser: Optimiser
    /// The current minibatch.
    private var minibatch = Minibatch()
    let state: RecurrentState?
    /// What the training is validated on. The first text decides which checkpoint is the best.
    public let validationTexts: [ValidationText]
    private let otherFacts: [CorpusFacts]?
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
        try self.init(
            reading: settings.corpus, validatingOn: settings.validationTexts ?? [], folder: folder
        ) { _, _ in settings }
    }

    /// Starts a training in a new folder.
    ///
    /// - Parameters:
    ///   - texts: The paths of texts to validate on.
    ///   - initial: The model to start from; nil for random parameters.
    ///   - choose: Chooses the settings for the corpus and the texts to validate on, with the
    ///     initial model's cell, layers and hidden size.
    ///   - ranks: The processes that train together, of which this one leads; nil if there is one.
    /// - Throws: ``CorpusError``, ``TrainingError``, `ChargenError`, or what `choose` throws.
    public convenience init(
        reading source: CorpusSource, validatingOn texts: [String] = [], folder: RunFolder,
        startingFrom initial: InitialModel? = nil, on ranks: Ranks? = nil,
        choose: (Corpus, [Corpus]) throws -> Settings
    ) throws {
        let began = ContinuousClock.now
        // Before the text is read, which takes time and, from a pipe, is possible only once.
        let (lock, isNew) = try folder.createLocked()
        do {
            try TrainingRun.refuseToLearn(texts, in: source)
            var corpus = try Corpus(reading: source, cacheIn: lock.folder)
            if let vocabulary = initial?.vocabulary(with: corpus.vocabulary), vocabulary != corpus.vocabulary {
                guard !source.readsStandardInput else { throw TrainingError.unreadableTwice }
                corpus = try Corpus(reading: source, vocabulary: vocabulary)
            }
            guard initial?.labels == nil || corpus.labels != nil else { throw TrainingError.labelsMissing }
            let others = try texts.map {
                try Corpus(validating: $0, like: source, vocabulary: corpus.vocabulary, labels: corpus.labels?.labels)
            }
            var settings = try choose(corpus, others)
            settings.labelDropout = corpus.labels == nil ? nil : settings.labelDropout ?? TrainingRun.labelDropout
            settings.corpus = source.withAbsolutePaths
            settings.validationTexts = texts.isEmpty ? nil : texts.map(CorpusSource.absolute)
            try settings.validate()
            try self.init(
                settings, lock, corpus, validatingOn: others, checkpoint: nil, initial: initial, on: ranks, began: began
            )
            // First, so that a failure leaves an empty folder.
            try save()
            try self.folder.write(settings)
        } catch {
            if isNew { lock.removeEmptyFolder() }
            throw error
        }
    }

    /// The rate of ``Settings/labelDropout`` unless another one is given.
    private static let labelDropout = 0.1

    /// Refuses a text to validate on that is learned too, as one in a folder of texts.
    private static func refuseToLearn(_ texts: [String], in source: CorpusSource) throws {
        // A list on standard input can be read only once.
        guard source.list != InputFile.standardInput else { return }
        for text in texts {
            guard let shared = try FileList.shared(source, source.with(path: text)) else { continue }
            throw TrainingError.invalidValidationText(
                path: shared, "it is one of the files to learn from; move it to another folder")
        }
    }

    /// Continues the training in a folder from a checkpoint.
    ///
    /// - Parameters:
    ///   - path: The checkpoint; nil for the last.
    ///   - change: Changes the settings that may change: the number of epochs or minutes, the
    ///     number of threads, and where the texts are.
    ///   - ranks: The processes that train together, of which this one leads; nil if there is one.
    /// - Throws: ``CorpusError``, ``TrainingError`` or `ChargenError`.
    public convenience init(
        resuming folder: RunFolder, from path: String? = nil, on ranks: Ranks? = nil,
        change: (inout Settings) -> Void = { _ in }
    ) throws {
        guard
            FileManager.default.fileExists(atPath: path ?? folder.lastCheckpointPath)
                || folder.newestOtherCheckpoint() != nil
        else {
            throw TrainingError.invalidRun(path: folder.path, "it has no checkpoint; is it the folder of a training?")
        }
        let began = ContinuousClock.now
        let lock = try folder.lock()
        let locked = RunFolder(lock)
        let checkpoint =
            try path.map { try Checkpoint(path: $0, of: locked) }
            ?? Checkpoint(RunFolder.File.lastCheckpoint, in: locked)
        var settings = checkpoint.settings
        change(&settings)
        settings.corpus = settings.corpus.withAbsolutePaths
        settings.validationTexts = settings.validationTexts?.map(CorpusSource.absolute)
        try settings.validate()
        let progress = checkpoint.progress
        if settings.epochs > 0, settings.epochs < progress.epoch {
            throw TrainingError.runFinished(path: folder.path, done: TrainingRun.epochs(progress.epoch - 1))
        }
        let corpus = try checkpoint.readCorpus(settings.corpus) { try Corpus(reading: $0, cacheIn: lock.folder) }
        let others = try checkpoint.readValidationTexts(settings)
        try self.init(
            settings, lock, corpus, validatingOn: others, checkpoint: checkpoint,
            initial: settings.initialModel.flatMap { try? InitialModel(path: $0) }, on: ranks, began: began)
        try self.folder.write(settings)
    }

    private init(
        _ settings: Settings, _ lock: RunFolder.Lock, _ corpus: Corpus, validatingOn others: [Corpus],
        checkpoint: Checkpoint?, initial: InitialModel?, on ranks: Ranks?, began: ContinuousClock.Instant
    ) throws {
        if let ranks { try settings.validate(ranks: ranks.size) }
        let folder = RunFolder(lock)
        self.initial = initial
        self.settings = settings
        self.folder = folder
        self.lock = lock
        isLocked = lock.isHeld
        self.corpus = corpus
        guard corpus.labels == nil || !settings.carriesDocuments else { throw TrainingError.labelsCarried }
        source = try settings.minibatches(of: corpus)
        // Windows of one document do not reach its end, so it cannot be learned.
        vocabulary = corpus.vocabulary.with(
            endOfDocument: corpus.vocabulary.hasEndOfDocument && settings.batching != .documents,
            carriesDocuments: settings.carriesDocuments)
        let plan = NetworkPlan(settings, vocabulary, corpus.labels?.labels)
        if let ranks {
            ranks.lead(.begin)
            _ = ranks.broadcast(try JSON.data(plan))
            (network, optimiser) = try ranks.makeTogether { try plan.make(threads: settings.threads, ranks) }
        } else {
            (network, optimiser) = try plan.make(threads: settings.threads, nil)
        }
        let rows = source.carriedRows
        state = rows > 0 ? try RecurrentState(network.layout, rows: rows) : nil
        validationTexts = try ValidationText.texts(
            settings, heldOut: source.validation, of: corpus, others: others, network.layout)
        otherFacts = others.isEmpty ? nil : others.map(CorpusFacts.init)
        if let checkpoint {
            progress = checkpoint.progress
            guard progress.agrees(updatesInEpoch: source.updatesInEpoch) else {
                throw TrainingError.invalidCheckpoint(
                    path: checkpoint.path,
                    "its 'updates', 'epoch' and 'updatesInEpoch' do not agree with \(source.updatesInEpoch) updates an epoch"
                )
            }
            try checkpoint.restore(network, optimiser, state)
        } else {
            progress = Progress()
        }
        updatesSaved = checkpoint?.path == folder.lastCheckpointPath ? progress.updates : nil
        notes =
            try checkpoint.map { [folder.settingsNote($0.settings)].compactMap(\.self) + (try folder.lineNotes()) }
            ?? []
        // Last, because it changes the folder.
        let reports = try folder.cutReports(to: progress)
        try folder.cutSamples(to: progress)
        missingReports = progress.reports - reports.count
        secondsBefore = reports.last?.seconds ?? 0
        var spentBefore = 0.0
        if let checkpoint {
            let before = checkpoint.settings.minutes
            guard
                let spent = TimePlan.replan(
                    &progress, minutes: settings.minutes, before: before, seconds: secondsBefore)
            else {
                throw TrainingError.runFinished(
                    path: folder.path, done: "its time of \((before ?? 0).formatted()) min is over")
            }
            spentBefore = spent
        } else {
            begin()
        }
        // A validation takes about a third of the time of training on as many symbols.
        let validated = Double(validationTexts.reduce(0) { $0 + $1.symbolCount })
        let validationUpdates = validated / Double(settings.batchSize * settings.time) / 3
        time = settings.minutes.map {
            TimePlan(minutes: $0, began: began, spentBefore: spentBefore, validationUpdates: validationUpdates)
        }
        share()
    }

    /// Has the other ranks start from what this one has.
    func share() {
        guard let ranks = network.ranks else { return }
        ranks.lead(.share(updates: optimiser.updates, stateRows: state?.rows ?? 0))
        optimiser.share()
        if let state { network.share(state) }
    }

    // MARK: - The loop

    private let secondsBefore: Double
    private var clock = ContinuousClock.now
    private var symbolsSinceReport = 0
    /// The learning rate of the last update.
    private var learningRate = 0.0
    /// The plan of the updates; nil with a number of epochs.
    private var time: TimePlan?
    /// The number of updates before the last checkpoint; nil if there is none that can be kept.
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
        if lock == nil { lock = try folder.lockAgain() }
        defer { lock = nil }
        clock = .now
        lastReport = .now
        time?.begin(now: clock)
        while !progress.isOver(settings), !isStale {
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
        optimiser.update(learningRate: learningRate, clipping: settings.clipping)
        progress.record(loss)
        symbolsSinceReport += minibatch.predictionCount
        return loss
    }

    /// The number of updates with a loss far above those before, one after the other, that are a
    /// divergence: fewer may come from an unusual piece of text.
    static let mostLeaps = 20

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
        let most = updatesOfEpochs
        time?.plan(&progress, most: most)
        let interval = settings.validationInterval
        let isDue = interval > 0 ? progress.updates % interval == 0 : endsEpoch
        if isDue || progress.isOver(settings) {
            try finishPeriod(epoch, onReport)
        } else {
            if settings.reportInterval > 0, progress.updates % settings.reportInterval == 0 {
                try onReport(try report(epoch, validationLosses: []))
            }
            if progress.updates % settings.checkpointInterval == 0 { try save() }
        }
    }

    private func finishPeriod(_ epoch: Int, _ onReport: (Report) throws -> Void) throws {
        let losses = try validate()
        let validationLoss = losses.first
        let report = try report(epoch, validationLosses: losses)
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

    /// The mean cross-entropy of each text to validate on.
    private func validate() throws -> [Double] {
        guard !validationTexts.isEmpty else { return [] }
        let start = ContinuousClock.now
        defer { time?.validationSeconds = (ContinuousClock.now - start).seconds }
        optimiser.swapAverages()
        defer { optimiser.swapAverages() }
        let losses = try validationTexts.map { try $0.loss(network, &minibatch) }
        guard losses.allSatisfy(\.isFinite) else { throw TrainingError.diverged(update: progress.updates) }
        return losses
    }

    /// A number of epochs that are done, in words.
    private static func epochs(_ count: Int) -> String {
        count == 1 ? "its 1 epoch is done" : "its \(count) epochs are done"
    }

    private func report(_ epoch: Int, validationLosses losses: [Double]) throws -> Report {
        let now = ContinuousClock.now
        var report = Report(
            epoch: epoch, update: progress.updates, loss: progress.lastLoss,
            trainingLoss: progress.lossSum / Double(max(1, progress.lossCount)),
            runningLoss: progress.runningLoss, validationLoss: losses.first,
            learningRate: learningRate,
            charactersPerSecond: Double(symbolsSinceReport) / (now - lastReport).seconds,
            seconds: secondsBefore + (now - clock).seconds, fraction: fraction)
        if otherFacts != nil, !losses.isEmpty {
            report.validationLosses = zip(validationTexts, losses).map { TextLoss(text: $0.name, loss: $1) }
        }
        progress.trainingLoss = report.trainingLoss
        progress.validationLoss = losses.first ?? progress.validationLoss
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
    func save(asBest isBest: Bool = false) throws {
        if let ranks = network.ranks {
            ranks.lead(.gather(stateRows: state?.rows ?? 0))
            optimiser.gather()
            if let state { network.gather(state) }
        }
        // What does not change what is learned may be another one after a resumption.
        var settings = settings.withoutFolders
        settings.threads = 1
        let description = Checkpoint.Description(
            version: chargenVersion, settings: settings, characters: vocabulary.characters,
            hasUnknown: vocabulary.hasUnknown ? true : nil, hasEndOfDocument: vocabulary.hasEndOfDocument,
            labels: corpus.labels?.labels.columns, corpus: CorpusFacts(corpus), validationTexts: otherFacts,
            progress: progress)
        let checkpoint = try Checkpoint.encode(description, network: network, optimiser: optimiser, state: state)
        try folder.syncReports()
        var earlier: (Int, Int)?
        if settings.keptCheckpoints > 0, let updatesSaved, updatesSaved != progress.updates {
            earlier = (updatesSaved, settings.keptCheckpoints)
        }
        try folder.write(checkpoint, asBest: isBest, keeping: earlier)
        updatesSaved = progress.updates
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
