import Foundation

/// The reports of a run as an event file for TensorBoard, in a subfolder of the run's name:
/// `tensorboard --logdir FOLDER` shows all runs of a folder beside each other.
///
/// The file is written anew when a training starts or is resumed, from the reports that the run
/// has: no step is missing, and none occurs twice.
public final class TensorBoardLog {
    private let folder: OpenFolder
    private let name: String

    private static let namePrefix = "events.out.tfevents."
    private static let nameSuffix = ".chargen"

    /// Replaces the event file of a run in `folder` by one with its reports so far.
    ///
    /// - Parameter run: The run, resumed or new, before its training goes on.
    /// - Throws: ``TrainingError``.
    public init(folder: String, run: RunFolder) throws {
        let subfolder = folder + "/" + URL(fileURLWithPath: run.path).lastPathComponent
        self.folder = try OutputFile.report(subfolder) { () throws(SystemError) in
            _ = try AtomicFile.makeFolder(subfolder)
            return try OpenFolder(subfolder)
        }
        let now = Date().timeIntervalSince1970
        // TensorBoard reads the files of a folder in the order of their names.
        name = TensorBoardLog.namePrefix + "\(Int(now))" + TensorBoardLog.nameSuffix
        let reports = try run.reports()
        try self.folder.write(TensorBoardLog.contents(reports, at: now), to: name)
        for old in self.folder.names
        where old != name && old.hasPrefix(TensorBoardLog.namePrefix) && old.hasSuffix(TensorBoardLog.nameSuffix) {
            self.folder.remove(old)
        }
    }

    /// Appends the scalars of a report.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public func append(_ report: Report) throws {
        let event = TensorBoardEvent(report, at: Date().timeIntervalSince1970)
        try OutputFile(name, in: folder, 0).append(TFRecord.encode(event.bytes))
    }

    /// The contents of a file that is begun at `time`, in seconds since 1970. The times of the
    /// reports before it are counted back from then.
    static func contents(_ reports: [Report], at time: Double) -> [UInt8] {
        let seconds = reports.last?.seconds ?? 0
        let events =
            [TensorBoardEvent.version(at: time - seconds), TensorBoardEvent.start(at: time - seconds)]
            + reports.map { TensorBoardEvent($0, at: time - seconds + $0.seconds) }
        return events.flatMap { TFRecord.encode($0.bytes) }
    }
}
