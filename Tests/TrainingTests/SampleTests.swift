import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("A run's samples")
struct SampleTests {
    private let samples = [10, 20, 30].map { Sample(update: $0, text: "\u{202E}\"line\"\nof \($0)\0") }

    @Test("are read as they were appended")
    func appended() throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder.path)
            #expect(try run.samples() == [])
            for sample in samples { try run.append(sample) }
            #expect(try run.samples() == samples)
        }
    }

    @Test("are cut back to those before a checkpoint", arguments: [(0, 0), (19, 1), (20, 2), (30, 3)])
    func cut(updates: Int, kept: Int) throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder.path)
            var progress = Training.Progress()
            progress.updates = updates
            try run.cutSamples(to: progress)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
            for sample in samples { try run.append(sample) }
            try run.cutSamples(to: progress)
            #expect(try run.samples() == Array(samples[..<kept]))
        }
    }

    @Test("a line that a kill has torn is left out, and removed when the training is resumed")
    func torn() throws {
        try withTemporaryFolder { folder in
            let run = RunFolder(path: folder.path)
            try run.append(samples[0])
            let file = folder.appendingPathComponent("samples.jsonl")
            let whole = try Data(contentsOf: file)
            try (whole + whole.dropLast(5)).write(to: file)
            #expect(try run.samples() == [samples[0]])
            var progress = Training.Progress()
            progress.updates = 10
            try run.cutSamples(to: progress)
            #expect(try Data(contentsOf: file) == whole)
        }
    }
}
