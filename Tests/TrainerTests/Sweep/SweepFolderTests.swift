import Foundation
import TestSupport
import Testing

@testable import Trainer
@testable import Training

@Suite("The record of a sweep")
struct SweepFolderTests {
    private func record(
        _ hidden: [String], arguments: [String] = ["text.txt"], sha256: String = "ab"
    ) -> SweepRecord {
        SweepRecord(
            arguments: arguments, directory: "/", sha256: sha256,
            choices: hidden.map { [Choice(name: "hidden", value: $0)] })
    }

    private func ended(_ record: SweepRecord, _ endings: [Trial.Outcome.Ending]) -> SweepRecord {
        var record = record
        for (index, ending) in endings.enumerated() {
            record.trials[index].outcome = Trial.Outcome(ending: ending, parameters: index)
        }
        return record
    }

    @Test("is read as it was written; a folder without one has none")
    func roundTrip() throws {
        try withTemporaryFolder { folder in
            let sweep = SweepFolder(path: folder.path)
            #expect(try sweep.read() == nil && sweep.isEmpty)
            let record = ended(record(["8", "16", "24"]), [.finished, .stopped])
            try sweep.write(record)
            #expect(try sweep.read() == record && !sweep.isEmpty)
            #expect(record.trials.map(\.name) == ["001", "002", "003"])
            #expect(sweep.run(of: record.trials[1]).path == folder.path + "/002")
        }
    }

    @Test("is refused if it is damaged, or names folders elsewhere")
    func damaged() throws {
        try withTemporaryFolder { folder in
            let sweep = SweepFolder(path: folder.path)
            let file = folder.appendingPathComponent("sweep.json")
            try sweep.write(record(["8", "16"]))
            let contents = try String(contentsOf: file, encoding: .utf8)
            for damaged in [
                "", String(contents.dropLast(20)), contents.replacingOccurrences(of: "\"002\"", with: "\"../x\""), "{}",
            ] {
                try damaged.write(to: file, atomically: true, encoding: .utf8)
                #expect(throws: TrainingError.self) { try sweep.read() }
            }
        }
    }

    @Test("a sweep that continues keeps what is done, tries again what has failed, and may have more trials")
    func continuing() throws {
        let earlier = ended(record(["8", "16", "24", "32"]), [.finished, .stopped, .failed])
        let later = try record(["4", "32", "24", "16", "8"]).continuing(earlier, path: "s")
        #expect(later.trials.map { $0.choices[0].value } == ["8", "16", "24", "32", "4"])
        #expect(later.trials.map { $0.outcome?.ending } == [.finished, .stopped, nil, nil, nil])
        #expect(later.trials.map(\.name) == ["001", "002", "003", "004", "005"])
        #expect(later.trials[1].outcome?.parameters == 1)
        let whole = try record(["8", "16", "24", "32"]).continuing(earlier, keepsStopped: false, path: "s")
        #expect(whole.trials.map { $0.outcome?.ending } == [.finished, nil, nil, nil])
    }

    @Test("a sweep of other options, another text or fewer trials does not continue it")
    func refused() throws {
        let earlier = record(["8", "16"])
        for (other, reason) in [
            (record(["8", "16"], arguments: ["text.txt", "--epochs", "2"]), "options text.txt; repeat"),
            (record(["8", "16"], sha256: "cd"), "text has changed"),
            (record(["8"]), "hidden=16, which --vary does not give"),
        ] {
            #expect { try other.continuing(earlier, path: "s") } throws: { "\($0)".contains(reason) }
        }
    }
}
