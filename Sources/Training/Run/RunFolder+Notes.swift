import Foundation

/// What somebody may have edited in a run's folder, and no training uses.
extension RunFolder {
    /// Says in which settings `settings.json` differs from a checkpoint; nil if in none.
    func settingsNote(_ settings: Settings) -> String? {
        guard let json = try? contents(of: File.settings) else { return nil }
        let end = "the training goes on with its checkpoint's settings, and \(File.settings) is written anew"
        guard let differences = settings.differences(from: json) else {
            return "\(File.settings) has no settings that can be read; \(end)"
        }
        guard !differences.isEmpty else { return nil }
        return "\(File.settings) has other values of \(differences.joined(separator: ", ")); \(end)"
    }

    /// Says how many lines of the reports and the samples cannot be read; a line that is torn at
    /// the end does not count.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)``.
    public func lineNotes() throws(TrainingError) -> [String] {
        func isReport(_ line: Data) -> Bool { (try? JSONDecoder().decode(Report.self, from: line)) != nil }
        func isSample(_ line: Data) -> Bool { (try? JSONDecoder().decode(Sample.self, from: line)) != nil }
        var notes: [String] = []
        for (name, kind, isValid) in [(File.metrics, "report", isReport), (File.samples, "sample", isSample)] {
            guard let contents = try contents(of: name) else { continue }
            let lines = contents.split(separator: 0x0A)
            let count = lines.count { $0.endIndex < contents.endIndex && !isValid($0) }
            if count > 0 { notes.append("\(name) has \(counted(count, "line")) that cannot be read as a \(kind)") }
        }
        return notes
    }
}
