import Foundation
import TestSupport
import Testing

@Suite("trainer sweep")
struct SweepCommandTests {
    /// A training of a few hundredths of a second.
    private let quick = ["text.txt", "--layers", "1", "--batch", "4", "--time", "20", "--epochs", "2"]

    /// Runs `body` in a folder with a text, `text.txt`.
    private func withText(characters: Int = 3000, _ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: characters).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            try body(folder)
        }
    }

    private func sweep(_ arguments: [String], in folder: URL) throws -> Command.Result {
        let process = try Command.start(["sweep"] + arguments, in: folder)
        process.waitUntilExit()
        return try Command.result(of: process, in: folder)
    }

    private func lines(_ result: Command.Result) throws -> [[String: Any]] {
        try result.output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    private func checkpoint(_ run: String, in folder: URL) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(run + "/last.safetensors"))
    }

    @Test("trains every combination, prints them by loss, and says how to train the best again")
    func grid() throws {
        try withText { folder in
            let arguments =
                quick + [
                    "--vary", "hidden=4,8", "--vary", "learning-rate=0.01,0.03", "--vary",
                    "variational-dropout=true,false",
                    "--run", "s", "--no-median-stopping",
                ]
            let result = try sweep(arguments, in: folder)
            #expect(result.status == 0, "\(result.errors)")
            let trials = try lines(result)
            #expect(Set(trials.compactMap { $0["settings"] as? [String: String] }).count == 8)
            #expect(trials.allSatisfy { $0["ending"] as? String == "finished" && $0["fraction"] as? Double == 1 })
            let losses = trials.compactMap { $0["validationLoss"] as? Double }
            #expect(losses.count == 8 && losses == losses.sorted())
            #expect(trials[0]["bestForSize"] as? Bool == true)

            let command = try #require(result.errors.firstMatch(of: /train the best again: \S+ (train .*)\n/))
            let again = try Command.start(
                command.output.1.split(separator: " ").map(String.init) + ["--run", "again"], in: folder)
            again.waitUntilExit()
            #expect(again.terminationStatus == 0)
            let best = try #require(trials[0]["run"] as? String)
            #expect(try checkpoint("again", in: folder) == checkpoint(best, in: folder))
            #expect(result.errors.contains("export model.cgw --run \(best)\n"))

            // The same command has nothing left to do, and another one is refused.
            try FileManager.default.removeItem(at: folder.appendingPathComponent(best + "/last.safetensors"))
            #expect(try sweep(arguments, in: folder).output == result.output)
            #expect(try sweep(["--run", "s"], in: folder).output == result.output)
            let other = try sweep(arguments + ["--cell", "rnn"], in: folder)
            #expect(other.status == 1 && other.errors.contains("'s'") && other.errors.contains("--epochs 2; repeat"))
            try sampleText(characters: 3001).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let changed = try sweep(arguments, in: folder)
            #expect(changed.status == 1 && changed.errors.contains("its text has changed"), "\(changed.errors)")
        }
    }

    @Test("draws random choices, and adds to them")
    func random() throws {
        try withText { folder in
            let arguments = quick + ["--vary", "hidden=4..16", "--vary", "learning-rate=0.003..0.03", "--run", "s"]
            let first = try sweep(arguments + ["--random", "2"], in: folder)
            #expect(first.status == 0, "\(first.errors)")
            let second = try sweep(arguments + ["--random", "3"], in: folder)
            #expect(try lines(first).count == 2 && lines(second).count == 3)
            #expect(second.errors.contains("003 hidden=") && !second.errors.contains("001 hidden="))
            let seeded = try sweep(
                quick + ["--vary", "hidden=4..16", "--random", "2", "--sweep-seed", "2"], in: folder)
            #expect(seeded.status == 0 && seeded.errors.contains(", in runs/"), "\(seeded.errors)")
        }
    }

    @Test("a trial that fails is shown with its reason and does not affect the others; it is tried again")
    func failure() throws {
        try withText { folder in
            let model = try Command.start(
                ["train", "--run", "model", "--hidden", "4"] + quick, in: folder)
            model.waitUntilExit()
            let arguments = ["text.txt", "--epochs", "2", "--vary", "from=missing,model", "--run", "s"]
            let result = try sweep(arguments, in: folder)
            #expect(result.status == 0, "\(result.errors)")
            let trials = try lines(result)
            #expect(trials.map { $0["ending"] as? String } == ["finished", "failed"])
            #expect((trials[1]["message"] as? String)?.contains("missing") == true)

            try FileManager.default.moveItem(
                at: folder.appendingPathComponent("model"), to: folder.appendingPathComponent("missing"))
            let again = try sweep(arguments, in: folder)
            #expect(try lines(again).allSatisfy { $0["ending"] as? String == "finished" })
            #expect(!again.errors.contains("002"), "\(again.errors)")
            let none = try sweep(
                ["text.txt", "--epochs", "2", "--vary", "from=nowhere", "--run", "t"], in: folder)
            #expect(none.status == 1 && none.errors.contains("none of its trials has finished"), "\(none.errors)")
        }
    }

    @Test("a hopeless trial is stopped, and continued if none is to be")
    func hopeless() throws {
        try withText(characters: 10_000) { folder in
            let arguments = [
                "text.txt", "--hidden", "16", "--batch", "8", "--time", "20", "--epochs", "10", "--learning-rate",
                "0.002", "--vary", "layers=1,2,3,8", "--jobs", "1",
            ]
            let stopping = try lines(sweep(arguments + ["--run", "s"], in: folder))
            let last = try #require(stopping.first { $0["trial"] as? String == "004" })
            #expect(last["ending"] as? String == "stopped")
            #expect((0.3..<1).contains(try #require(last["fraction"] as? Double)))
            #expect(try checkpoint("s/004", in: folder).count > 0)
            let whole = try lines(sweep(["--run", "s", "--no-median-stopping"], in: folder))
            #expect(whole.allSatisfy { $0["ending"] as? String == "finished" })
        }
    }

    /// Arguments of a sweep that takes some seconds, and a file that is there in the middle of it.
    private let long = (
        arguments: [
            "text.txt", "--layers", "1", "--batch", "4", "--time", "25", "--epochs", "3", "--checkpoint-every", "20",
            "--vary", "hidden=24,32,40", "--no-median-stopping", "--jobs", "2", "--run",
        ], mark: "002/metrics.jsonl"
    )

    /// Starts a long sweep in the folder `s`, and waits for its middle.
    private func startLong(in folder: URL) throws -> Process {
        let process = try Command.start(["sweep"] + long.arguments + ["s"], in: folder)
        let mark = folder.appendingPathComponent("s/" + long.mark).path
        while process.isRunning, !FileManager.default.fileExists(atPath: mark) { usleep(2000) }
        return process
    }

    /// Compares the trials of a sweep in `s` that was continued with those of one that was not.
    private func compareWithWhole(in folder: URL) throws {
        #expect(try sweep(long.arguments + ["whole"], in: folder).status == 0)
        for trial in ["001", "002", "003"] {
            #expect(try checkpoint("s/" + trial, in: folder) == checkpoint("whole/" + trial, in: folder))
        }
    }

    @Test("Ctrl-C stops the trials after a checkpoint, and says how to continue; --run alone does, from anywhere")
    func interrupt() throws {
        try withText(characters: 40_000) { folder in
            let process = try startLong(in: folder)
            process.interrupt()
            process.waitUntilExit()
            #expect(process.terminationStatus == 130)
            let errors = try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
            #expect(errors.hasSuffix("trainer sweep --run s --jobs 2 --no-median-stopping\n"), "\(errors)")
            let messages = try String(contentsOf: folder.appendingPathComponent("s/002/messages.txt"), encoding: .utf8)
            #expect(messages.contains("stopped after update"), "\(messages)")

            let elsewhere = folder.appendingPathComponent("elsewhere")
            try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
            let resumed = try sweep(["--run", "../s", "--no-median-stopping"], in: elsewhere)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(try lines(resumed).allSatisfy { $0["ending"] as? String == "finished" })
            try compareWithWhole(in: folder)
        }
    }

    @Test("when a sweep is killed, its trials end by themselves, and it can be continued at once")
    func kill() throws {
        try withText(characters: 40_000) { folder in
            let process = try startLong(in: folder)
            let elsewhere = folder.appendingPathComponent("elsewhere")
            try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
            let second = try sweep(["--run", "../s"], in: elsewhere)
            #expect(second.status == 1 && second.errors.contains("another process"), "\(second.errors)")
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(process.terminationReason == .uncaughtSignal, "the sweep was over before the kill")
            let resumed = try sweep(long.arguments + ["s"], in: folder)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(try lines(resumed).allSatisfy { $0["ending"] as? String == "finished" }, "\(resumed.output)")
            try compareWithWhole(in: folder)
        }
    }

    @Test("a folder with other files, or of a training, is refused and left as it is")
    func otherFolder() throws {
        try withText { folder in
            let training = try Command.start(["train", "--run", "run", "--hidden", "4"] + quick, in: folder)
            training.waitUntilExit()
            let notes = folder.appendingPathComponent("notes")
            try FileManager.default.createDirectory(at: notes, withIntermediateDirectories: true)
            try "mine".write(to: notes.appendingPathComponent("a.txt"), atomically: true, encoding: .utf8)
            for (name, reason) in [("run", "holds a training"), ("notes", "not empty")] {
                let result = try sweep(quick + ["--vary", "hidden=4,8", "--run", name], in: folder)
                #expect(result.status == 1 && result.errors.contains(reason), "\(result.errors)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: notes.path) == ["a.txt"])
            let nowhere = try sweep(["--run", "nowhere"], in: folder)
            #expect(nowhere.status == 1 && nowhere.errors.contains("no sweep.json"), "\(nowhere.errors)")
            let missing = try sweep(["missing.txt", "--vary", "hidden=4,8", "--run", "new"], in: folder)
            #expect(missing.status == 1 && missing.errors.contains("missing.txt"), "\(missing.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("new").path))
        }
    }

    @Test("a folder of texts may hold the sweep")
    func folderOfTexts() throws {
        try withText { folder in
            let texts = folder.appendingPathComponent("texts")
            try FileManager.default.createDirectory(at: texts, withIntermediateDirectories: true)
            try FileManager.default.moveItem(
                at: folder.appendingPathComponent("text.txt"), to: texts.appendingPathComponent("text.txt"))
            let arguments = ["texts"] + quick.dropFirst() + ["--vary", "hidden=4,8", "--run", "texts/s"]
            let first = try sweep(arguments, in: folder)
            #expect(first.status == 0, "\(first.errors)")
            #expect(try sweep(arguments, in: folder).output == first.output)
        }
    }
}
