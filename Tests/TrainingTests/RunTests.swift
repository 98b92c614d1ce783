import Core
import Foundation
import ModelFormat
import Synchronization
import TestSupport
import Testing

@testable import Training

@Suite("A training run")
struct RunTests {
    /// Small settings on a text in `folder`.
    private func settings(_ folder: URL, _ batching: Settings.Batching, _ cell: Cell = .gru) throws -> Settings {
        let text = folder.appendingPathComponent("text.txt").path
        if !FileManager.default.fileExists(atPath: text) {
            try sampleText(characters: 2500).write(toFile: text, atomically: true, encoding: .utf8)
        }
        var settings = Settings(corpus: CorpusSource(paths: [text], documents: batching == .documents ? .line : .whole))
        settings.cell = cell
        settings.batching = batching
        settings.layers = 2
        settings.hiddenSize = 12
        settings.batchSize = 5
        settings.time = 15
        settings.stride = 7
        settings.epochs = 3
        settings.threads = 2
        settings.checkpointInterval = 4
        settings.reportInterval = 6
        return settings
    }

    private func contents(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path))
    }

    private func reports(_ folder: RunFolder) throws -> [Report] {
        try contents(folder.metricsPath).split(separator: 0x0A).map { try JSONDecoder().decode(Report.self, from: $0) }
    }

    @Test(
        "stopped and resumed, gives the same bytes as without the stop", arguments: Settings.Batching.allCases,
        Cell.allCases)
    func resume(batching: Settings.Batching, cell: Cell) throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, batching, cell)
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            #expect(try whole.train() == .finished)

            let resumed = RunFolder(path: folder.path + "/resumed")
            var updates = 0
            #expect(
                try TrainingRun(settings, folder: resumed).train(
                    shouldStop: { updates == 9 }, onUpdate: { _ in updates += 1 }) == .stopped)
            #expect(try TrainingRun(resuming: resumed).train() == .finished)
            #expect(try contents(resumed.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
            if batching != .documents {
                #expect(try contents(resumed.bestCheckpointPath) == contents(whole.folder.bestCheckpointPath))
            }
        }
    }

    @Test("killed at any update and resumed, gives the same bytes, and has each report once")
    func killed() throws {
        struct Killed: Error {}
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.epochs = 2
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            _ = try whole.train()
            let total = whole.progress.updates
            for end in 1...total {
                let run = RunFolder(path: folder.path + "/killed-\(end)")
                // An error in the loop leaves the folder as a kill does: nothing is saved.
                #expect(throws: Killed.self) {
                    let training = try TrainingRun(settings, folder: run)
                    _ = try training.train(onUpdate: { _ in if training.progress.updates == end { throw Killed() } })
                }
                // In every third run the last report is torn, as by a kill while it is written.
                if end % 3 == 0 {
                    let line = try JSONEncoder().encode(#require(reports(whole.folder).last)).prefix(end)
                    try OutputFile(RunFolder.File.metrics, in: run.opened(), O_CREAT).append(line)
                }
                let resumed = try TrainingRun(resuming: run)
                #expect(resumed.missingReports == 0)
                _ = try resumed.train()
                #expect(try contents(run.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
                let (reports, expected) = (try reports(run), try reports(whole.folder))
                #expect(reports.map(\.update) == expected.map(\.update))
                #expect(reports.map(\.trainingLoss) == expected.map(\.trainingLoss))
                #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
            }
        }
    }

    @Test("the same seed gives the same checkpoint, another seed another")
    func deterministic() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .windows)
            settings.epochs = 1
            let checkpoints = try [1, 1, 2].enumerated().map { index, seed in
                settings.seed = UInt64(seed)
                let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/\(index)"))
                _ = try run.train()
                return try contents(run.folder.lastCheckpointPath)
            }
            #expect(checkpoints[0] == checkpoints[1])
            #expect(checkpoints[0] != checkpoints[2])
        }
    }

    @Test("learns in bfloat16 nearly what it learns in floats, and resumes in it", arguments: Cell.allCases)
    func bfloat16(cell: Cell) throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams, cell)
            settings.learningRate = 0.01
            let losses = try Settings.Precision.allCases.map { precision in
                settings.precision = precision
                settings.epochs = 2
                let run = RunFolder(path: folder.path + "/\(precision)")
                _ = try TrainingRun(settings, folder: run).train()
                let resumed = try TrainingRun(resuming: run, change: { $0.epochs = 6 })
                #expect(resumed.settings.precision == precision)
                _ = try resumed.train()
                return try #require(resumed.progress.trainingLoss)
            }
            #expect(losses[0] != losses[1])
            #expect(abs(losses[0] - losses[1]) < 0.01 * losses[0])
        }
    }

    /// An option of a training that its result depends on.
    enum Option: String, CaseIterable {
        case cosine, linear, plateau, dropout, variationalDropout, weightDropout, averaging, weightDecay, heldOutEnd
        case validationInterval, validationTexts, lines, linesInWindows, carriedLines, burnIn, minimumCount, slices

        func apply(to settings: inout Settings) {
            switch self {
            case .cosine: (settings.schedule, settings.warmup) = (.cosine, 5)
            case .linear: settings.schedule = .linear
            case .plateau: (settings.schedule, settings.decay, settings.decayAfter) = (.plateau, 0.5, 1)
            case .dropout: settings.dropout = 0.2
            case .variationalDropout: (settings.dropout, settings.variationalDropout) = (0.2, true)
            case .weightDropout: settings.weightDropout = 0.3
            case .averaging: settings.averaging = 0.9
            case .weightDecay: settings.weightDecay = 0.1
            case .heldOutEnd: settings.heldOut = .end
            case .validationInterval: settings.validationInterval = 7
            case .validationTexts:
                settings.validationFraction = 0
                // Beside the text, as `options(option:)` has them.
                settings.validationTexts = settings.corpus.paths.flatMap { [$0 + ".1", $0 + ".2"] }
            case .lines: settings.corpus.documents = .line
            case .linesInWindows: (settings.corpus.documents, settings.batching) = (.line, .windows)
            case .carriedLines: (settings.corpus.documents, settings.carriesDocuments) = (.line, true)
            case .burnIn: (settings.batching, settings.burnIn) = (.windows, 5)
            case .minimumCount: settings.corpus.minimumCount = 100
            case .slices: (settings.slices, settings.clipNorm) = (3, 0.5)
            }
        }
    }

    @Test(
        "stopped and resumed, gives the same bytes with every option, and other bytes than without it",
        arguments: Option.allCases)
    func options(option: Option) throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.epochs = 2
            let plain = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/plain"))
            _ = try plain.train()
            option.apply(to: &settings)
            for (index, path) in (settings.validationTexts ?? []).enumerated() {
                try sampleText(characters: 400, seed: UInt64(index)).write(
                    toFile: path, atomically: true, encoding: .utf8)
            }
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            #expect(try whole.train() == .finished)
            if ![.averaging, .validationInterval, .plateau].contains(option) {
                #expect(whole.network.parameters.tensors != plain.network.parameters.tensors)
            }
            let resumed = RunFolder(path: folder.path + "/resumed")
            var updates = 0
            #expect(
                try TrainingRun(settings, folder: resumed).train(
                    shouldStop: { updates == 9 }, onUpdate: { _ in updates += 1 }) == .stopped)
            #expect(try TrainingRun(resuming: resumed).train() == .finished)
            #expect(try contents(resumed.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
            #expect(try contents(resumed.bestCheckpointPath) == contents(whole.folder.bestCheckpointPath))
        }
    }

    @Test("resumed from an earlier checkpoint, gives the same bytes, and keeps no damaged one")
    func earlierCheckpoint() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.keptCheckpoints = 3
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            _ = try whole.train()
            let run = RunFolder(path: folder.path + "/run")
            var updates = 0
            _ = try TrainingRun(settings, folder: run).train(
                shouldStop: { updates == 11 }, onUpdate: { _ in updates += 1 })
            for damaged in [Data("damaged".utf8), nil] {
                try FileManager.default.removeItem(atPath: run.lastCheckpointPath)
                try damaged?.write(to: URL(fileURLWithPath: run.lastCheckpointPath))
                let other = try #require(run.newestOtherCheckpoint())
                #expect(other.progress.updates == 8)
                let resumed = try TrainingRun(resuming: run, from: other.path)
                var more = 0
                _ = try resumed.train(shouldStop: { more == 1 }, onUpdate: { _ in more += 1 })
                #expect(try #require(run.newestOtherCheckpoint()).progress.updates == 8)
            }
            _ = try TrainingRun(resuming: run).train()
            #expect(try contents(run.lastCheckpointPath) == contents(whole.folder.lastCheckpointPath))
            #expect(try contents(run.bestCheckpointPath) == contents(whole.folder.bestCheckpointPath))
        }
    }

    @Test("a text that has moved is found where the resumed training is told, and another one is refused")
    func movedText() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams)
            let run = RunFolder(path: folder.path + "/run")
            _ = try TrainingRun(settings, folder: run)
            let moved = folder.path + "/moved.txt"
            try FileManager.default.moveItem(atPath: settings.corpus.paths[0], toPath: moved)
            #expect(throws: CorpusError.self) { try TrainingRun(resuming: run) }
            let resumed = try TrainingRun(resuming: run, change: { $0.corpus.paths = [moved] })
            #expect(try resumed.train() == .finished)
        }
    }

    @Test("a checkpoint names no folder: of trainings in two, with texts of the same name, it is the same")
    func folders() throws {
        try withTemporaryFolder { folder in
            let first = try settings(folder, .streams)
            let text = URL(fileURLWithPath: first.corpus.paths[0])
            var second = first
            second.corpus.paths = [folder.path + "/other/" + text.lastPathComponent]
            try FileManager.default.createDirectory(atPath: folder.path + "/other", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: text.path, toPath: second.corpus.paths[0])
            let runs = try [first, second].enumerated().map { index, settings in
                var settings = settings
                settings.validationTexts = settings.corpus.paths.map { $0 + ".validation" }
                try sampleText(characters: 500).write(
                    toFile: settings.corpus.paths[0] + ".validation", atomically: true, encoding: .utf8)
                let run = RunFolder(path: folder.path + "/run\(index)")
                _ = try TrainingRun(settings, folder: run)
                return run
            }
            let bytes = try runs.map { try contents($0.lastCheckpointPath) }
            #expect(bytes[0] == bytes[1])
            #expect(bytes[0].range(of: Data(folder.path.utf8)) == nil)
            // settings.json says where the texts are.
            #expect(try Checkpoint(path: runs[1].lastCheckpointPath).settings.corpus == second.corpus)
            #expect(try TrainingRun(resuming: runs[1]).train() == .finished)
            try FileManager.default.removeItem(atPath: runs[0].path + "/settings.json")
            #expect(throws: CorpusError.self) { try TrainingRun(resuming: runs[0]) }
            let resumed = try TrainingRun(resuming: runs[0]) {
                ($0.corpus.paths, $0.validationTexts) = ([text.path], [text.path + ".validation"])
            }
            #expect(try resumed.train() == .finished)
            #expect(try contents(runs[0].lastCheckpointPath) == contents(runs[1].lastCheckpointPath))
        }
    }

    @Test("a checkpoint of an earlier version, with paths, is resumed without settings.json")
    func paths() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams)
            let run = RunFolder(path: folder.path + "/run")
            _ = try TrainingRun(settings, folder: run)
            let url = URL(fileURLWithPath: run.lastCheckpointPath)
            var file = try Safetensors(Data(contentsOf: url))
            let path = settings.corpus.paths[0]
            file.metadata["chargen"] = file.metadata["chargen"]?.replacing(
                "\"\((path as NSString).lastPathComponent)\"", with: "\"\(path)\"")
            try file.encoded().write(to: url)
            try FileManager.default.removeItem(atPath: run.path + "/settings.json")
            #expect(try TrainingRun(resuming: run).train() == .finished)
        }
    }

    @Test("a training that was given a time ends with the rate at zero, about in time")
    func minutes() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            (settings.minutes, settings.epochs, settings.schedule) = (0.03, 1_000_000, .linear)
            settings.validationInterval = 20
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            #expect(try run.train() == .finished)
            let reports = try reports(run.folder)
            let last = try #require(reports.last)
            #expect(last.validationLoss != nil)
            #expect(last.learningRate < 0.1 * reports[0].learningRate)
            #expect(last.update == run.progress.plannedUpdates && last.fraction == 1)
            #expect(try Checkpoint(path: run.folder.lastCheckpointPath).isFinished)
            #expect(throws: TrainingError.self) { try TrainingRun(resuming: run.folder) }
            #expect(try TrainingRun(resuming: run.folder, change: { $0.minutes = 0.06 }).fraction < 0.7)
        }
    }

    @Test("reports say what part of the training is done, resumed or not")
    func fractions() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams)
            let run = RunFolder(path: folder.path + "/run")
            var updates = 0
            #expect(
                try TrainingRun(settings, folder: run).train(
                    shouldStop: { updates == 40 }, onUpdate: { _ in updates += 1 }) == .stopped)
            #expect(try !Checkpoint(path: run.lastCheckpointPath).isFinished)
            #expect(try TrainingRun(resuming: run).train() == .finished)
            #expect(try Checkpoint(path: run.lastCheckpointPath).isFinished)
            let reports = try reports(run)
            let last = try #require(reports.last)
            for report in reports {
                let fraction = try #require(report.fraction)
                #expect(abs(fraction - Double(report.update) / Double(last.update)) < 1e-9)
            }
        }
    }

    @Test("a training ends when the validation loss has not improved for as long as it may")
    func patience() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            (settings.epochs, settings.patience, settings.learningRate) = (500, 2, 0.02)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            #expect(try run.train() == .stoppedEarly)
            let losses = try reports(run.folder).compactMap(\.validationLoss)
            let best = try #require(losses.min())
            #expect(losses.firstIndex(of: best) == losses.count - 3)
        }
    }

    @Test("a loss that is NaN takes the training back to its best checkpoint at half the rate, and so it goes on")
    func rollback() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.epochs = 2
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            let inEpoch = run.totalUpdates / 2
            let parameters = run.network.parameters
            var rollbacks: [Int] = []
            var rates: [Double] = []
            let outcome = try run.train(
                onUpdate: { _ in
                    // Once, in the middle of the second epoch.
                    if run.progress.updates == inEpoch + 5, rollbacks.isEmpty {
                        parameters.pointer.update(repeating: .nan, count: parameters.count)
                    }
                },
                onReport: { rates.append($0.learningRate) },
                onRollback: {
                    rollbacks.append($0)
                    #expect(run.progress.updates == inEpoch)
                })
            #expect(outcome == .finished)
            #expect(rollbacks == [inEpoch + 6])
            #expect(rates.first == settings.learningRate && rates.last == settings.learningRate / 2)
            let reports = try reports(run.folder)
            #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.update < $1.update })
            #expect(reports.last?.update == 2 * inEpoch)
        }
    }

    @Test("a loss that stays far above a guess is a divergence too, but one that is so once is not")
    func leap() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.epochs = 5
            for persistent in [false, true] {
                let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run-\(persistent)"))
                let parameters = run.network.parameters
                let inEpoch = run.totalUpdates / 5
                let start = max(101, 4 * inEpoch) + 1
                var rollbacks: [Int] = []
                _ = try run.train(
                    onUpdate: { _ in
                        // A bias that makes one symbol almost certain, from now on or for five
                        // updates.
                        let end = persistent ? 0 : start + 5
                        guard rollbacks.isEmpty, [start, end].contains(run.progress.updates) else { return }
                        parameters.outputBias[3] += run.progress.updates == start ? 40 : -40
                    }, onRollback: { rollbacks.append($0) })
                #expect(persistent == !rollbacks.isEmpty, "\(rollbacks)")
            }
        }
    }

    @Test("a training whose loss stays NaN ends, with the last good checkpoint kept")
    func divergence() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams, .rnn)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            let parameters = run.network.parameters
            var rollbacks = 0
            #expect(throws: TrainingError.diverged(update: 2)) {
                try run.train(
                    onUpdate: { _ in parameters.pointer.update(repeating: .nan, count: parameters.count) },
                    onRollback: { _ in rollbacks += 1 })
            }
            #expect(rollbacks == 5)
            #expect(try Checkpoint(path: run.folder.lastCheckpointPath).progress.updates == 0)
        }
    }

    @Test("a folder in use stays as it is, and is free when the training is over")
    func locked() throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(try settings(folder, .streams), folder: RunFolder(path: folder.path + "/run"))
            func files() throws -> [String: Data] {
                let names = try FileManager.default.contentsOfDirectory(atPath: run.folder.path)
                return try names.reduce(into: [:]) { $0[$1] = try contents(run.folder.path + "/" + $1) }
            }
            let before = try files()
            #expect(before.keys.contains("settings.json"))
            #expect(run.folder.isInUse && !RunFolder(path: folder.path).isInUse)
            let inUse = TrainingError.invalidRun(path: run.folder.path, "another process is training in it")
            #expect(throws: inUse) { try TrainingRun(resuming: run.folder, change: { $0.epochs = 9 }) }
            #expect(try files() == before)
            _ = try run.train(onReport: { _ in
                let before = try files()
                #expect(throws: inUse) { try TrainingRun(resuming: run.folder, change: { $0.epochs = 9 }) }
                #expect(try files() == before)
            })
            #expect(try TrainingRun(resuming: run.folder, change: { $0.epochs = 9 }).settings.epochs == 9)
        }
    }

    @Test(
        "a folder that is renamed while a training writes remains its folder, and another one of its name stays empty")
    func renamed() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.keptCheckpoints = 2
            let whole = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/whole"))
            _ = try whole.train()
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            var updates = 0
            _ = try run.train(onUpdate: { _ in
                updates += 1
                guard updates == 5 else { return }
                #expect(rename(folder.path + "/run", folder.path + "/renamed") == 0)
                #expect(mkdir(folder.path + "/run", 0o777) == 0)
            })
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run").isEmpty)
            for name in ["last.safetensors", "best.safetensors"] {
                #expect(try contents(folder.path + "/renamed/" + name) == contents(folder.path + "/whole/" + name))
            }
            #expect(try reports(RunFolder(path: folder.path + "/renamed")).count == reports(whole.folder).count)
        }
    }

    @Test("of trainings that begin together in one folder, one has it, and it loses nothing to the others")
    func together() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams)
            for number in 0..<8 {
                let run = RunFolder(path: folder.path + "/runs/\(number)")
                let finished = Mutex(0)
                DispatchQueue.concurrentPerform(iterations: 4) { _ in
                    let training = try? TrainingRun(settings, folder: run)
                    guard (try? training?.train()) == .finished else { return }
                    finished.withLock { $0 += 1 }
                }
                #expect(finished.withLock { $0 } == 1)
                #expect(try Checkpoint(path: run.lastCheckpointPath).isFinished)
            }
        }
    }

    @Test("a new folder stays if its training fails and another one has locked it")
    func failedBeginning() throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder.path + "/run")
            let (lock, isNew) = try run.createLocked()
            #expect(isNew)
            #expect(throws: TrainingError.invalidRun(path: run.path, "another process is training in it")) {
                try run.createLocked()
            }
            #expect(FileManager.default.fileExists(atPath: run.path))
            lock.removeEmptyFolder()
            #expect(!FileManager.default.fileExists(atPath: run.path))
        }
    }

    @Test("temporary files of a killed training are removed when its folder is locked again, and no others")
    func temporaryFiles() throws {
        try withTemporaryFolder { folder in
            for name in [".chargen-1f.partial", "mine.partial", ".chargen"] {
                try Data().write(to: folder.appendingPathComponent(name))
            }
            _ = try RunFolder(path: folder.path).lock()
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                    ".chargen", "mine.partial",
                ])
        }
    }

    @Test("a file system without locks is no obstacle; any other failure of the lock is")
    func withoutLocks() throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder.path)
            func lock(_ error: Int32) throws -> RunFolder.Lock {
                try run.lock(flock: { _, _ in
                    errno = error
                    return -1
                })
            }
            for error in [ENOLCK, ENOTSUP, ENOSYS, EINVAL] {
                let unsupported = try lock(error)
                #expect(!unsupported.isHeld)
            }
            #expect(throws: TrainingError.invalidRun(path: folder.path, "another process is training in it")) {
                try lock(EWOULDBLOCK)
            }
            #expect(throws: TrainingError.self) { try lock(EIO) }
            let supported = try run.lock()
            #expect(supported.isHeld)
        }
    }

    @Test("the newest checkpoints are kept, as many as asked for, and each can be exported")
    func keptCheckpoints() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            (settings.keptCheckpoints, settings.epochs) = (2, 1)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            var saved: [Int: Data] = [:]
            _ = try run.train(onUpdate: { _ in
                saved[try Checkpoint(path: run.folder.lastCheckpointPath).progress.updates] = try contents(
                    run.folder.lastCheckpointPath)
            })
            let names = try FileManager.default.contentsOfDirectory(atPath: run.folder.path)
                .filter { $0.hasPrefix("update-") }.sorted()
            #expect(names.count == 2)
            #expect(names.allSatisfy { $0 < String(format: "update-%09d.safetensors", run.progress.updates) })
            let previous = try Checkpoint(path: run.folder.path + "/" + names[0])
            #expect(try contents(run.folder.path + "/" + names[0]) == saved[previous.progress.updates])
            #expect(try !previous.modelFile().isEmpty)
        }
    }

    @Test("a training can be resumed with more epochs")
    func longer() throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(try settings(folder, .streams), folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let longer = try TrainingRun(resuming: run.folder, change: { $0.epochs = 4 })
            _ = try longer.train()
            #expect(longer.progress.epoch == 5)
        }
    }

    @Test("a changed corpus, a folder in use and a folder without a training are refused")
    func refusals() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams)
            let run = RunFolder(path: folder.path + "/run")
            _ = try TrainingRun(settings, folder: run)
            #expect(throws: TrainingError.self) { try TrainingRun(settings, folder: run) }
            #expect(throws: TrainingError.self) { try TrainingRun(resuming: RunFolder(path: folder.path)) }
            try sampleText(characters: 2500, seed: 2).write(
                toFile: settings.corpus.paths[0], atomically: true, encoding: .utf8)
            #expect(throws: TrainingError.corpusChanged) { try TrainingRun(resuming: run) }
        }
    }

    @Test("a checkpoint's model can be written with fewer bits", arguments: ElementType.allCases)
    func weightTypes(weights: ElementType) throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(
                try settings(folder, .streams, .lstm), folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let checkpoint = try Checkpoint(path: run.folder.exportedCheckpointPath())
            let original = try modelTensors(checkpoint.modelFile())
            let bytes = try checkpoint.modelFile(weights: weights)
            let rounded = try modelTensors(bytes)
            let tolerance: [ElementType: Float] = [.float32: 0, .bfloat16: 0.004, .int8: 0.01, .int4: 0.1]
            try bytes.withUnsafeBytes { bytes in
                let file = try ModelFile(bytes)
                for index in 0..<file.shape.tensorCount {
                    let type = file.elementType(index)
                    #expect(type == weights.elementType(of: file.shape.tensor(index)))
                    let largest = try #require(original[index].map(abs).max())
                    let error = try #require(zip(original[index], rounded[index]).map { abs($0 - $1) }.max())
                    #expect(error <= largest * (try #require(tolerance[type])))
                    #expect((error == 0) == (type == .float32))
                }
            }
        }
    }

    @Test("a checkpoint with a value that is not finite is not exported", arguments: ElementType.allCases)
    func notFinite(weights: ElementType) throws {
        try withTemporaryFolder { folder in
            let run = try TrainingRun(
                try settings(folder, .streams), folder: RunFolder(path: folder.path + "/run"))
            let data = try contents(run.folder.lastCheckpointPath)
            var file = try Safetensors(data)
            let name = "rnn.weight_hh_l1"
            var elements = try #require(file.tensors[name]).elements
            elements[3] = .nan
            file.tensors[name] = .init(shape: [36, 12], elements: elements)
            try file.encoded().write(to: URL(fileURLWithPath: run.folder.lastCheckpointPath))
            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            #expect(
                throws: TrainingError.invalidCheckpoint(
                    path: run.folder.lastCheckpointPath, "tensor '\(name)' has a value that is not finite")
            ) { try checkpoint.modelFile(weights: weights) }
        }
    }

    @Test("a checkpoint's model file has the parameters, the vocabulary and the provenance")
    func export() throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams, .lstm)
            settings.corpus.documents = .line
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            let checkpoint = try Checkpoint(path: run.folder.exportedCheckpointPath())
            let bytes = try checkpoint.modelFile()
            try bytes.withUnsafeBytes { bytes in
                let file = try ModelFile(bytes)
                #expect(file.shape == run.shape)
                #expect(file.vocabulary == run.corpus.vocabulary)
                #expect(file.vocabulary.hasEndOfDocument)
                let provenance = try #require(
                    try JSONSerialization.jsonObject(with: Data(file.provenance.utf8)) as? [String: Any])
                #expect(provenance["chargen"] as? String == chargenVersion)
                #expect((provenance["corpus"] as? [String: Any])?["sha256"] as? String == run.corpus.sha256)
                let loss = try #require(provenance["validationLoss"] as? Double)
                #expect(abs(loss - (try #require(checkpoint.progress.validationLoss))) < 1e-12)
                #expect(!file.provenance.contains(folder.path))
            }
        }
    }

    @Test(
        "a vocabulary with an unknown symbol is that of the checkpoint, of the model file and of the resumed training",
        arguments: Settings.Batching.allCases)
    func unknownSymbol(batching: Settings.Batching) throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, batching)
            settings.corpus.minimumCount = 100
            settings.epochs = 1
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            _ = try run.train()
            #expect(run.vocabulary.hasUnknown && run.corpus.unknownCount > 0)
            let checkpoint = try Checkpoint(path: run.folder.lastCheckpointPath)
            #expect(checkpoint.vocabulary == run.vocabulary)
            #expect(try checkpoint.corpus().vocabulary == run.corpus.vocabulary)
            let file = try checkpoint.modelFile(weights: .int4, calibration: [[0, 1, 2]])
            #expect(try file.withUnsafeBytes { try ModelFile($0).vocabulary } == run.vocabulary)
            #expect(try TrainingRun(resuming: run.folder, change: { $0.epochs = 2 }).vocabulary == run.vocabulary)
            #expect(throws: TrainingError.corpusChanged) {
                try TrainingRun(resuming: run.folder) { ($0.corpus.minimumCount, $0.epochs) = (nil, 2) }
            }
        }
    }

    @Test("a minimum count out of range is refused", arguments: [0, -1, 1_000_000_001])
    func minimumCountRange(count: Int) throws {
        try withTemporaryFolder { folder in
            var settings = try settings(folder, .streams)
            settings.corpus.minimumCount = count
            #expect(
                throws: TrainingError.invalidSetting(.minimumCount, expected: "from 1 to 1000000000, not \(count)")
            ) { try settings.validate() }
        }
    }

    @Test("provenance is bounded, however many files a corpus has, and names no folder")
    func boundedProvenance() throws {
        try withTemporaryFolder { folder in
            let settings = try settings(folder, .streams, .rnn)
            let run = try TrainingRun(settings, folder: RunFolder(path: folder.path + "/run"))
            var description = try Checkpoint(path: run.folder.lastCheckpointPath).description
            description.settings.corpus.paths = (0..<30_000).map {
                "/private/folder/\($0)" + String(repeating: "x", count: 240)
            }
            description.settings.corpus.list = "/private/list"
            description.settings.initialModel = "/private/model"
            description.settings.corpus = description.settings.corpus.withAbsolutePaths
            #expect(description.provenance.utf8.count < 4096)
            let provenance = try #require(
                try JSONSerialization.jsonObject(with: Data(description.provenance.utf8)) as? [String: Any])
            #expect(provenance["inputs"] as? Int == 30_001)
            #expect(!description.provenance.contains("private"))
        }
    }
}
