import Foundation
import Testing

@testable import Trainer

@Suite("The table of a sweep")
struct SweepTableTests {
    private func trial(
        _ name: String, hidden: String, _ ending: Trial.Outcome.Ending = .finished, loss: Double?,
        parameters: Int? = nil,
        seconds: Double? = nil, message: String? = nil
    ) -> Trial {
        var trial = Trial(name: name, choices: [Choice(name: "hidden", value: hidden)])
        trial.outcome = Trial.Outcome(
            ending: ending, message: message, parameters: parameters, validationLoss: loss, seconds: seconds,
            fraction: ending == .stopped ? 0.4 : 1)
        return trial
    }

    private var trials: [Trial] {
        [
            trial("001", hidden: "64", loss: 1.9, parameters: 5000, seconds: 30),
            trial("002", hidden: "128", loss: 1.5, parameters: 18_000, seconds: 90),
            trial("003", hidden: "96", loss: 1.7, parameters: 10_000, seconds: 95),
            trial("004", hidden: "256", .stopped, loss: 1.2, parameters: 4000, seconds: 10),
            trial("005", hidden: "0", .failed, loss: nil, message: "the loss\ndiverged"),
            trial("006", hidden: "512", loss: 1.6, parameters: 70_000, seconds: 300),
            Trial(name: "007", choices: [Choice(name: "hidden", value: "32")]),
        ]
    }

    @Test("is sorted by loss, and marks what nothing of its size or time is better than")
    func text() {
        let table = SweepTable(trials)
        #expect(
            table.text == """
                trial  hidden  parameters   time    loss  best for its
                  004     256       4,000  00:10  1.2000                stopped at 40 %
                  002     128      18,000  01:30  1.5000  size, time
                  006     512      70,000  05:00  1.6000
                  003      96      10,000  01:35  1.7000  size
                  001      64       5,000  00:30  1.9000  size, time
                  005       0                                           failed: the loss\\ndiverged

                """, "\(table.text)")
        #expect(table.best?.name == "002")
        #expect(SweepTable([]).best == nil)
    }

    @Test("is a line of JSON for each trial")
    func json() throws {
        let lines = try SweepTable(trials).jsonLines(path: "runs/s").split(separator: "\n")
        #expect(lines.count == 6)
        let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        let best = try #require(objects[1])
        #expect(best["trial"] as? String == "002" && best["run"] as? String == "runs/s/002")
        #expect(best["settings"] as? [String: String] == ["hidden": "128"])
        #expect(best["parameters"] as? Int == 18_000 && best["seconds"] as? Double == 90)
        #expect(best["validationLoss"] as? Double == 1.5 && best["ending"] as? String == "finished")
        #expect(best["bestForSize"] as? Bool == true && best["bestForTime"] as? Bool == true)
        let failed = try #require(objects[5])
        #expect(failed["ending"] as? String == "failed" && failed["message"] as? String == "the loss\ndiverged")
        #expect(failed["validationLoss"] == nil && failed["bestForSize"] as? Bool == false)
    }

    @Test("a point is dominated by one that is no worse in either and better in one")
    func front() {
        let points: [(cost: Double?, loss: Double?)] = [
            (1, 5), (2, 4), (2, 5), (3, 4), (2, 4), (9, 1), (1, nil), (nil, 0),
        ]
        #expect(SweepTable.front(points) == [true, true, false, false, true, true, false, false])
    }
}
