import Core
import Foundation

/// The folder of one training.
///
///     settings.json       the settings, and where the texts are
///     metrics.jsonl       a report a line
///     samples.jsonl       a sample a line
///     last.safetensors    the newest checkpoint, from which a resumed training continues
///     best.safetensors    the checkpoint with the lowest validation loss
///     update-000001000.safetensors    an earlier checkpoint, if some are kept
///     corpus.symbols      the symbols of a large text, which corpus.json describes
public struct RunFolder: Sendable {
    /// The folder's path.
    public let path: String
    /// The folder itself, where it is held open: its path may have become that of another.
    private let held: OpenFolder?

    /// The folder at `path`, which need not exist.
    public init(path: String) {
        self.path = path
        held = nil
    }

    /// The folder that a training has locked.
    init(_ lock: Lock) {
        path = lock.folder.path
        held = lock.folder
    }

    /// The names of the files.
    enum File {
        static let settings = "settings.json"
        static let metrics = "metrics.jsonl"
        static let samples = "samples.jsonl"
        static let lastCheckpoint = "last.safetensors"
        static let bestCheckpoint = "best.safetensors"
    }

    /// The reports, a line of JSON each.
    public var metricsPath: String { path + "/" + File.metrics }
    /// The newest checkpoint.
    public var lastCheckpointPath: String { path + "/" + File.lastCheckpoint }
    /// The checkpoint with the lowest validation loss.
    public var bestCheckpointPath: String { path + "/" + File.bestCheckpoint }

    /// The folder to read from and to write to.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when it cannot be opened.
    func opened() throws(TrainingError) -> OpenFolder {
        if let held { return held }
        do throws(SystemError) {
            return try OpenFolder(path)
        } catch {
            throw .invalidRun(path: path, error.reason)
        }
    }

    /// The name of a file that marks a folder of runs that belong together. Like a run's, such a
    /// folder is not read as part of a text.
    public static let sweepFileName = "sweep.json"

    /// The path of the best checkpoint, or of the last if there is no validation loss.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when there is no checkpoint.
    public func exportedCheckpointPath() throws -> String {
        for candidate in [bestCheckpointPath, lastCheckpointPath]
        where FileManager.default.fileExists(atPath: candidate) {
            return candidate
        }
        throw TrainingError.invalidRun(path: path, "it has no checkpoint; is it the folder of a training?")
    }

    /// Creates the folder of a new training, unless it exists, and locks it.
    ///
    /// - Returns: The lock, and whether the folder is new.
    /// - Throws: ``TrainingError/runExists(path:)``, ``TrainingError/cannotWrite(path:reason:)``,
    ///   or what ``lock(flock:)`` throws.
    public func createLocked() throws -> (lock: Lock, isNew: Bool) {
        // More often only for a link to nothing.
        for _ in 0..<100 {
            let isNew = try create()
            // Another training that has just failed may remove its new folder, before or after this
            // one opens it.
            guard let folder = try open() else { continue }
            let lock = try lock(folder)
            guard folder.isAtItsPath else { continue }
            // One that has just finished may have left checkpoints.
            try refuseCheckpoints()
            return (lock, isNew)
        }
        throw TrainingError.cannotWrite(path: path, reason: SystemError(ENOENT).reason)
    }

    /// Opens the folder; nil if it does not exist any more.
    private func open() throws -> OpenFolder? {
        do throws(SystemError) {
            return try OpenFolder(path)
        } catch {
            guard error.number != ENOENT else { return nil }
            throw TrainingError.cannotWrite(path: path, reason: error.reason)
        }
    }

    private func refuseCheckpoints() throws(TrainingError) {
        for checkpoint in [lastCheckpointPath, bestCheckpointPath] {
            guard !FileManager.default.fileExists(atPath: checkpoint) else { throw .runExists(path: path) }
        }
    }

    /// Creates the folder of a new training, unless it exists.
    ///
    /// - Returns: Whether it is new.
    /// - Throws: ``TrainingError/runExists(path:)`` or ``TrainingError/cannotWrite(path:reason:)``.
    func create() throws(TrainingError) -> Bool {
        guard !FileName.hasEscape(path) else {
            throw .cannotWrite(
                path: FileName.shown(path), reason: "the name of a run must be UTF-8; choose another name")
        }
        try refuseCheckpoints()
        return try OutputFile.report(path) { () throws(SystemError) in try AtomicFile.makeFolder(path) }
    }

    /// Prevents other trainings in the same folder until the lock is released or the process ends,
    /// unless the file system has no locks.
    ///
    /// - Parameter flock: The system call.
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when another training has the lock.
    public func lock(flock: (Int32, Int32) -> Int32 = { flock($0, $1) }) throws -> Lock {
        // Not the folder that is held, whose lock is no obstacle.
        try lock(RunFolder(path: path).opened(), flock: flock)
    }

    /// Locks the folder that is held again.
    func lockAgain() throws(TrainingError) -> Lock { try lock(opened()) }

    private func lock(
        _ folder: OpenFolder, flock: (Int32, Int32) -> Int32 = { flock($0, $1) }
    ) throws(TrainingError) -> Lock {
        do throws(SystemError) {
            try uninterrupted { flock(folder.descriptor, LOCK_EX | LOCK_NB) }
            // What another process was writing when it was killed.
            folder.removeTemporaryFiles()
            return Lock(folder: folder, isHeld: true)
        } catch {
            // Such as network file systems without a lock server.
            if [ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL].contains(error.number) {
                return Lock(folder: folder, isHeld: false)
            }
            let isTaken = error.number == EWOULDBLOCK
            throw .invalidRun(path: path, isTaken ? "another process is training in it" : error.reason)
        }
    }

    /// The newest checkpoint other than the last that can be used: the best or a kept one; nil if
    /// there is none.
    public func newestOtherCheckpoint() -> Checkpoint? {
        let kept = keptCheckpointNames.map { path + "/" + $0 }
        return ([bestCheckpointPath] + kept).compactMap { try? Checkpoint(path: $0) }
            .max { $0.progress.updates < $1.progress.updates }
    }

    private static let keptPrefix = "update-"
    private static let keptSuffix = ".safetensors"

    /// The names of the kept checkpoints, the oldest first.
    private var keptCheckpointNames: [String] {
        let names = (try? opened().names) ?? []
        return names.filter { $0.hasPrefix(RunFolder.keptPrefix) && $0.hasSuffix(RunFolder.keptSuffix) }.sorted()
    }

    /// Whether another process trains in the folder, or this one does.
    public var isInUse: Bool {
        var isTaken = false
        _ = try? lock {
            let result = flock($0, $1)
            isTaken = result != 0 && errno == EWOULDBLOCK
            return result
        }
        return isTaken
    }

    /// Keeps the last checkpoint under a name of its own beside it, and only the newest `count` of
    /// such.
    func keepLastCheckpoint(update: Int, count: Int) throws {
        let folder = try opened()
        let kept = RunFolder.keptPrefix + String(format: "%09d", update) + RunFolder.keptSuffix
        folder.remove(kept)
        // The last checkpoint is replaced by renaming, so that this name keeps the old one.
        do throws(SystemError) {
            try folder.link(File.lastCheckpoint, to: kept)
        } catch {
            // The file system may have no hard links.
            let shownName = folder.path(of: kept)
            guard [EPERM, ENOTSUP, EMLINK, ENOSYS, EINVAL].contains(error.number) else {
                throw TrainingError.cannotWrite(path: shownName, reason: error.reason)
            }
            let last = try OutputFile.report(shownName) { () throws(SystemError) in
                try folder.read(File.lastCheckpoint)
            }
            try folder.write(last, to: kept)
        }
        for name in keptCheckpointNames.dropLast(count) { folder.remove(name) }
    }

    /// The right to train in a folder.
    public final class Lock {
        /// Whether others are kept out: not if the file system has no locks.
        public let isHeld: Bool
        let folder: OpenFolder

        fileprivate init(folder: OpenFolder, isHeld: Bool) {
            self.folder = folder
            self.isHeld = isHeld
        }

        deinit {
            // The folder may stay open.
            if isHeld { flock(folder.descriptor, LOCK_UN) }
        }

        /// Removes the folder if nothing is in it, while others are kept out.
        public func removeEmptyFolder() {
            if folder.isAtItsPath { rmdir(folder.path) }
        }
    }

    /// The settings in the folder; nil if there are none, or if somebody has edited them so that
    /// they are none.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when they cannot be read.
    func settings() throws(TrainingError) -> Settings? {
        try contents(of: File.settings).flatMap { try? JSONDecoder().decode(Settings.self, from: $0) }
    }

    func write(_ settings: Settings) throws {
        try opened().write(JSON.data(settings, isIndented: true) + [0x0A], to: File.settings)
    }

    /// Writes the newest checkpoint, and the best one if it is that.
    func write(_ checkpoint: Data, asBest isBest: Bool, keeping earlier: (update: Int, count: Int)?) throws {
        let folder = try opened()
        if isBest { try folder.write(checkpoint, to: File.bestCheckpoint) }
        if let earlier { try keepLastCheckpoint(update: earlier.update, count: earlier.count) }
        try folder.write(checkpoint, to: File.lastCheckpoint)
    }

    /// The run whose checkpoint is the newest among the folders within `folder`; nil if there is
    /// none.
    public static func newest(within folder: String) -> RunFolder? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let runs = names.sorted().map { RunFolder(path: folder + "/" + $0) }
        return runs.compactMap { run in run.modified.map { (run, $0) } }.max { $0.1 < $1.1 }?.0
    }

    private var modified: Date? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: lastCheckpointPath)
        return attributes?[.modificationDate] as? Date
    }
}
