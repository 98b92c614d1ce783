import Core
import Foundation

/// The folder of one training.
///
///     settings.json       the settings
///     metrics.jsonl       a report a line
///     last.safetensors    the newest checkpoint, from which a resumed training continues
///     best.safetensors    the checkpoint with the lowest validation loss
///     corpus.symbols      the symbols of a large text, which corpus.json describes
public struct RunFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// The folder at `path`, which need not exist.
    public init(path: String) {
        self.path = path
    }

    var settingsPath: String { path + "/settings.json" }
    var metricsPath: String { path + "/metrics.jsonl" }
    /// The newest checkpoint.
    public var lastCheckpointPath: String { path + "/last.safetensors" }
    /// The checkpoint with the lowest validation loss.
    public var bestCheckpointPath: String { path + "/best.safetensors" }

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
    func create() throws -> Bool {
        guard !FileName.hasEscape(path) else {
            throw TrainingError.cannotWrite(
                path: FileName.shown(path), reason: "the name of a run must be UTF-8; choose another name")
        }
        guard !FileManager.default.fileExists(atPath: lastCheckpointPath) else {
            throw TrainingError.runExists(path: path)
        }
        let isNew = !FileManager.default.fileExists(atPath: path)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw TrainingError.cannotWrite(path: path, reason: error.localizedDescription)
        }
        return isNew
    }

    /// Prevents other trainings in the same folder until the lock is released or the process ends.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when another training has the lock.
    func lock() throws -> Lock {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let reason = isTaken ? "another process is training in it" : String(cString: strerror(errno))
            close(descriptor)
            throw TrainingError.invalidRun(path: path, reason)
        }
        return Lock(descriptor: descriptor)
    }

    /// The right to train in a folder.
    final class Lock {
        private let descriptor: Int32

        fileprivate init(descriptor: Int32) {
            self.descriptor = descriptor
        }

        deinit {
            close(descriptor)
        }
    }

    func write(_ settings: Settings) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(settings) + [0x0A], to: settingsPath)
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
