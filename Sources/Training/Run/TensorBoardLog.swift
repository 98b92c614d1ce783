import Foundation

/// The reports of a run as an event file for TensorBoard, in a subfolder of the run's name:
/// `tensorboard --logdir FOLDER` shows all runs of a folder beside each other.
///
/// The file is written anew when a training starts or is resumed, from the reports that the run
/// has: no step is missing, and none occurs twice.
public final class TensorBoardLog {
    private let path: String

    private static let namePrefix = "events.out.tfevents."
    private static let nameSuffix = ".chargen"

    /// Replaces the event file of a run in `folder` by one with its reports so far.
    ///
    /// - Parameter run: The run, resumed or new, before its training goes on.
    /// - Throws: ``TrainingError``.
    public init(folder: String, run: RunFolder) throws {
        let subfolder = folder + "/" + URL(fileURLWithPath: run.path).lastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: subfolder, withIntermediateDirectories: true)
        } catch {
            throw TrainingError.cannotWrite(path: subfolder, reason: error.localizedDescription)
        }
        let now = Date().timeIntervalSince1970
        // TensorBoard reads the files of a folder in the order of their names.
        let name = TensorBoardLog.namePrefix + "\(Int(now))" + TensorBoardLog.nameSuffix
        path = subfolder + "/" + name
        let reports = try run.reports()
        try AtomicFile.write(TensorBoardLog.contents(reports, at: now), to: path)
        for old in (try? FileManager.default.contentsOfDirectory(atPath: subfolder)) ?? []
        where old != name && old.hasPrefix(TensorBoardLog.namePrefix) && old.hasSuffix(TensorBoardLog.nameSuffix) {
            unlink(subfolder + "/" + old)
        }
    }

    /// Appends the scalars of a report.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public func append(_ report: Report) throws {
        let event = TensorBoardEvent(report, at: Date().timeIntervalSince1970)
        try OutputFile(path, 0).append(TFRecord.encode(event.bytes))
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
