import Core
import Foundation

/// The folder of one training.
///
///     settings.json       the settings
///     metrics.jsonl       a report a line
///     samples.jsonl       a sample a line
///     last.safetensors    the newest checkpoint, from which a resumed training continues
///     best.safetensors    the checkpoint with the lowest validation loss
///     update-000001000.safetensors    an earlier checkpoint, if some are kept
///     corpus.symbols      the symbols of a large text, which corpus.json describes
public struct RunFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// The folder at `path`, which need not exist.
    public init(path: String) {
        self.path = path
    }

    var settingsPath: String { path + "/settings.json" }
    /// The reports, a line of JSON each.
    public var metricsPath: String { path + "/metrics.jsonl" }
    /// The newest checkpoint.
    public var lastCheckpointPath: String { path + "/last.safetensors" }
    /// The checkpoint with the lowest validation loss.
    public var bestCheckpointPath: String { path + "/best.safetensors" }

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

    /// Creates the folder of a new training, unless it exists.
    ///
    /// - Returns: Whether it is new.
    /// - Throws: ``TrainingError/runExists(path:)`` or ``TrainingError/cannotWrite(path:reason:)``.
    public func create() throws -> Bool {
        guard !FileName.hasEscape(path) else {
            throw TrainingError.cannotWrite(
                path: FileName.shown(path), reason: "the name of a run must be UTF-8; choose another name")
        }
        for checkpoint in [lastCheckpointPath, bestCheckpointPath] {
            guard !FileManager.default.fileExists(atPath: checkpoint) else {
                throw TrainingError.runExists(path: path)
            }
        }
        let isNew = !FileManager.default.fileExists(atPath: path)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw TrainingError.cannotWrite(path: path, reason: error.localizedDescription)
        }
        return isNew
    }

    /// Prevents other trainings in the same folder until the lock is released or the process ends,
    /// unless the file system has no locks.
    ///
    /// - Parameter flock: The system call.
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when another training has the lock.
    public func lock(flock: (Int32, Int32) -> Int32 = { flock($0, $1) }) throws -> Lock {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw TrainingError.invalidRun(path: path, String(cString: strerror(errno)))
        }
        let isHeld = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        let error = errno
        let lock = Lock(descriptor: descriptor, isHeld: isHeld)
        // Such as network file systems without a lock server.
        let isUnsupported = [ENOLCK, ENOSYS, EOPNOTSUPP].contains(error)
        guard isHeld || isUnsupported else {
            let isTaken = error == EWOULDBLOCK
            throw TrainingError.invalidRun(
                path: path, isTaken ? "another process is training in it" : String(cString: strerror(error)))
        }
        return lock
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
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
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
        let kept = path + "/" + RunFolder.keptPrefix + String(format: "%09d", update) + RunFolder.keptSuffix
        unlink(kept)
        // The last checkpoint is replaced by renaming, so that this name keeps the old one.
        guard link(lastCheckpointPath, kept) == 0 else { throw OutputFile.failure(kept) }
        for name in keptCheckpointNames.dropLast(count) { unlink(path + "/" + name) }
    }

    /// The right to train in a folder.
    public final class Lock {
        /// Whether others are kept out: not if the file system has no locks.
        public let isHeld: Bool
        private let descriptor: Int32

        fileprivate init(descriptor: Int32, isHeld: Bool) {
            self.descriptor = descriptor
            self.isHeld = isHeld
        }

        deinit {
            close(descriptor)
        }
    }

    func write(_ settings: Settings) throws {
        try AtomicFile.write(JSON.data(settings, isIndented: true) + [0x0A], to: settingsPath)
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
