import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("A run's reports")
struct ReportTests {
    private func report(_ update: Int) -> Report {
        Report(
            epoch: 1, update: update, loss: 2.5, trainingLoss: 2.25, runningLoss: 3, validationLoss: nil,
            learningRate: 0.002, charactersPerSecond: 1000, seconds: Double(update))
    }

    /// Runs `body` with the folder of a run that has reports of some updates.
    private func withReports(of updates: [Int], _ body: (RunFolder) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder.path)
            for update in updates { try run.append(report(update)) }
            try body(run)
        }
    }

    private func contents(_ folder: RunFolder) throws -> String {
        try String(contentsOfFile: folder.metricsPath, encoding: .utf8)
    }

    /// The lines with their line feeds.
    private func lines(_ folder: RunFolder) throws -> [String] {
        try contents(folder).split(separator: "\n").map { $0 + "\n" }
    }

    /// The progress of a checkpoint after some reports.
    private func progress(reports: Int, updates: Int) -> Training.Progress {
        var progress = Training.Progress()
        progress.reports = reports
        progress.updates = updates
        return progress
    }

    @Test("are appended: the bytes before them are not written again")
    func appended() throws {
        try withReports(of: [10]) { folder in
            let line = try contents(folder)
            #expect(line.hasSuffix("}\n") && line.split(separator: "\n").count == 1)
            // A mark in place of the first line, which writing it again would remove.
            let mark = String(repeating: "x", count: line.utf8.count - 1) + "\n"
            let file = try #require(FileHandle(forWritingAtPath: folder.metricsPath))
            try file.write(contentsOf: Data(mark.utf8))
            for _ in 0..<100 { try folder.append(report(10)) }
            #expect(try contents(folder) == mark + String(repeating: line, count: 100))
            // The same file, not another one of its name.
            #expect(try file.seekToEnd() == 101 * UInt64(line.utf8.count))
        }
    }

    @Test(
        "are cut back to those that a checkpoint counts",
        arguments: [(0, 0, 0), (1, 14, 1), (2, 20, 2), (3, 30, 3), (4, 35, 3)])
    func cut(counted: Int, updates: Int, kept: Int) throws {
        try withReports(of: [10, 20, 30]) { folder in
            let lines = try lines(folder)
            let result = try folder.cutReports(to: progress(reports: counted, updates: updates))
            #expect(result.count == kept)
            #expect(result.last?.update == (kept == 0 ? nil : 10 * kept))
            #expect(try contents(folder) == lines[..<kept].joined())
        }
    }

    @Test("are freed of a last line that a kill has torn", arguments: [1, 40, 150])
    func torn(length: Int) throws {
        try withReports(of: [10, 20, 30]) { folder in
            let lines = try lines(folder)
            let torn = lines[0] + lines[1] + lines[2].prefix(length)
            try torn.write(toFile: folder.metricsPath, atomically: false, encoding: .utf8)
            #expect(try folder.cutReports(to: progress(reports: 2, updates: 25)).count == 2)
            #expect(try contents(folder) == lines[0] + lines[1])
        }
    }

    @Test("keep the others when some are missing or damaged, and none of an update after the checkpoint")
    func missing() throws {
        try withReports(of: [10, 20, 30, 40]) { folder in
            let lines = try lines(folder)
            let progress = progress(reports: 3, updates: 30)
            let cases: [(before: [String], after: [String], count: Int)] = [
                ([lines[1], lines[2], lines[3]], [lines[1], lines[2]], 2),
                ([lines[0], "damaged\n", lines[2], lines[3]], [lines[0], "damaged\n", lines[2]], 2),
                ([lines[0], "# a note\n"] + lines[1...], [lines[0], "# a note\n", lines[1], lines[2]], 3),
                ([lines[0], lines[1], String(lines[2].dropLast())], [lines[0], lines[1], lines[2]], 3),
                ([lines[3]], [], 0),
                ([], [], 0),
            ]
            for (before, after, count) in cases {
                try before.joined().write(toFile: folder.metricsPath, atomically: false, encoding: .utf8)
                #expect(try folder.cutReports(to: progress).count == count)
                #expect(try contents(folder) == after.joined())
            }
            try FileManager.default.removeItem(atPath: folder.metricsPath)
            #expect(try folder.cutReports(to: progress) == (0, nil))
            #expect(!FileManager.default.fileExists(atPath: folder.metricsPath))
        }
    }
}
