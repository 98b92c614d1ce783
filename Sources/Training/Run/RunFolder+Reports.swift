import Foundation

/// The reports of a run, a line of JSON each in `metrics.jsonl`.
extension RunFolder {
    /// Appends a report; the lines before it are not written again.
    func append(_ report: Report) throws {
        try OutputFile(File.metrics, in: opened(), O_CREAT).append(JSON.data(report) + [0x0A])
    }

    /// The reports in the order in which they were made; none if there is no `metrics.jsonl`.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when they cannot be read.
    public func reports() throws -> [Report] {
        try values(in: File.metrics)
    }

    /// Makes the reports survive a loss of power. It is called before a checkpoint that counts them
    /// is written.
    func syncReports() throws {
        let folder = try opened()
        if folder.has(File.metrics) { try OutputFile(File.metrics, in: folder, 0).sync() }
    }

    /// Keeps the reports that a checkpoint counts, and removes the later ones, which a resumed
    /// training makes again, and a line that is torn by a kill.
    ///
    /// If reports are missing, fewer are kept, and none of an update after the checkpoint. Lines
    /// between the reports that are not reports stay as they are.
    ///
    /// - Parameter progress: The checkpoint's.
    /// - Returns: The number of reports kept, and the last of them.
    /// - Throws: ``TrainingError``.
    func cutReports(to progress: Progress) throws -> (count: Int, last: Report?) {
        guard let contents = try contents(of: File.metrics) else { return (0, nil) }
        let decoder = JSONDecoder()
        var kept = Data()
        var count = 0
        var last: Report?
        for line in contents.split(separator: 0x0A) {
            guard count < progress.reports else { break }
            if let report = try? decoder.decode(Report.self, from: line) {
                guard report.update <= progress.updates else { break }
                count += 1
                last = report
            }
            kept += line + [0x0A]
        }
        if kept != contents { try opened().write(kept, to: File.metrics) }
        return (count, last)
    }
}
