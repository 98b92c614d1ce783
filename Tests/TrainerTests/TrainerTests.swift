import Foundation
import InferenceEngine
import ModelFormat
import TestSupport
import Testing

@Suite("The command trainer")
struct TrainerTests {
    private let quick = [
        "--preset", "char-rnn", "--layers", "1", "--hidden", "16", "--batch", "4", "--time", "20", "--epochs", "2",
    ]

    /// Runs `body` in a folder with a text, `text.txt`, and a trained model, `model.cgw`.
    private func withModel(_ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("text.txt")
            try sampleText(characters: 2000).write(to: text, atomically: true, encoding: .utf8)
            let training = try Command.start(["train", "text.txt", "--run", "run"] + quick, in: folder)
            training.waitUntilExit()
            #expect(training.terminationStatus == 0)
            let export = try Command.trainer("export", "model.cgw", "--run", "run", in: folder)
            #expect(export.status == 0, "\(export.errors)")
            try body(folder)
        }
    }

    @Test("trains, exports, generates, evaluates and inspects")
    func wholeJob() throws {
        try withModel { folder in
            let text = try Command.trainer(
                "generate", "model.cgw", "--prompt", "ba", "--length", "50", "--seed", "3", in: folder)
            #expect(text.output.hasPrefix("ba") && text.output.hasSuffix("\n") && text.output.count == 53)
            let again = try Command.trainer(
                "generate", "model.cgw", "--prompt", "ba", "--length", "50", "--seed", "3", in: folder)
            #expect(again.output == text.output)
            let greedy = try Command.trainer("generate", "model.cgw", "--greedy", "--length", "20", in: folder)
            #expect(greedy.status == 0 && greedy.output.count == 21)

            let evaluation = try Command.trainer("evaluate", "model.cgw", "text.txt", in: folder)
            let numbers = try #require(
                try JSONSerialization.jsonObject(with: Data(evaluation.output.utf8)) as? [String: Double])
            let bits = try #require(numbers["bitsPerCharacter"])
            #expect(bits > 1 && bits < log2(20) + 0.5)
            #expect(abs(bits * log(2) - (numbers["natsPerCharacter"] ?? 0)) < 1e-5)
            #expect(numbers["characters"] == 1999)

            let inspection = try Command.trainer("inspect", "model.cgw", in: folder)
            #expect(
                inspection.output.contains("cell:        lstm")
                    && inspection.output.contains("weights:     f32\n") && inspection.output.contains("validationLoss")
                    && inspection.output.contains("self-test:   passed\n"))
        }
    }

    @Test("inspect shows a model whose self-test fails, and fails")
    func failedSelfTest() throws {
        try withModel { folder in
            let path = folder.appendingPathComponent("model.cgw")
            let file = try Array(Data(contentsOf: path))
            let provenance = try Model(file).provenance
            let other = provenance.replacing("\"length\":100", with: "\"length\":99")
            try Data(ModelFile.replacingProvenance(of: file, with: other)).write(to: path)
            let inspection = try Command.trainer("inspect", "model.cgw", in: folder)
            #expect(inspection.status == 1 && inspection.output.contains("self-test:   failed\n"))
            #expect(inspection.errors.contains("the self-test fails"))
        }
    }

    @Test("export says how large the model is, and how well it predicts a text")
    func exportReport() throws {
        try withModel { folder in
            func line(_ arguments: String...) throws -> [String: Any] {
                let process = try Command.start(["export", "new.cgw", "--run", "run"] + arguments, in: folder)
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
                let output = try Data(contentsOf: folder.appendingPathComponent("stdout"))
                return try #require(try JSONSerialization.jsonObject(with: output) as? [String: Any])
            }
            func notes() throws -> String {
                try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
            }
            let model = folder.appendingPathComponent("new.cgw")

            let plain = try line()
            let size = try Data(contentsOf: model).count
            #expect(plain["bytes"] as? Int == size && plain["bytesInF32"] as? Int == size)
            #expect(plain["weights"] as? String == "f32" && plain["bitsPerCharacter"] == nil)

            let scored = try line("--text", "text.txt")
            let evaluation = try Command.trainer("evaluate", "model.cgw", "text.txt", in: folder)
            let numbers = try #require(
                try JSONSerialization.jsonObject(with: Data(evaluation.output.utf8)) as? [String: Double])
            let bits = try #require(scored["bitsPerCharacter"] as? Double)
            #expect(abs(bits - (try #require(numbers["bitsPerCharacter"]))) < 1e-6)
            #expect(scored["differencePercent"] as? Double == 0)

            #expect(scored["unknownCharacters"] as? Int == 0 && plain["unknownCharacters"] == nil)
            try ("€" + sampleText(characters: 2000) + "€").write(
                to: folder.appendingPathComponent("euro.txt"), atomically: true, encoding: .utf8)
            let refused = try Command.trainer("export", "new.cgw", "--run", "run", "--text", "euro.txt", in: folder)
            #expect(refused.status == 1 && refused.errors.contains("--unknown skip"), "\(refused.errors)")
            let skipped = try line("--text", "euro.txt", "--unknown", "skip")
            #expect(skipped["bitsPerCharacter"] as? Double == bits && skipped["unknownCharacters"] as? Int == 2)
            #expect(try notes().contains(", 2 unknown characters are left out, from run/"))

            for (weights, ratio) in [("bf16", 0.7), ("int8", 0.6), ("int4", 0.6)] {
                let smaller = try line("--weights", weights)
                let bytes = try Data(contentsOf: model).count
                #expect(smaller["bytes"] as? Int == bytes && smaller["bytesInF32"] as? Int == size)
                #expect(Double(bytes) < ratio * Double(size), "\(weights): \(bytes) of \(size)")
                #expect(try notes().contains(" bytes (") && notes().contains(" in f32)"))
            }
        }
    }

    @Test("models of fewer bits load, are inspected, generate text, and are reproducible")
    func weightTypes() throws {
        try withModel { folder in
            let names = ["f32": "f32", "bf16": "bf16", "int8": "int8", "int4": "int4, int8"]
            for (weights, shown) in names {
                let export = try Command.trainer(
                    "export", "new.cgw", "--run", "run", "--weights", weights, "--text", "text.txt", in: folder)
                #expect(export.status == 0, "\(export.errors)")
                let report = try #require(
                    try JSONSerialization.jsonObject(with: Data(export.output.utf8)) as? [String: Any])
                let difference = try #require(report["differencePercent"] as? Double)
                #expect(abs(difference) < 3, "\(weights): \(difference) %")
                #expect(
                    try Command.trainer("inspect", "new.cgw", in: folder).output.contains("weights:     \(shown)\n"))
                let text = try Command.trainer(
                    "generate", "new.cgw", "--prompt", "ba", "--length", "50", "--seed", "3", in: folder)
                #expect(text.output.hasPrefix("ba") && text.output.count == 53, "\(text.errors)")
                let again = try Command.trainer(
                    "export", "again.cgw", "--run", "run", "--weights", weights, in: folder)
                #expect(again.status == 0)
                let files = try ["new.cgw", "again.cgw"].map { try Data(contentsOf: folder.appendingPathComponent($0)) }
                #expect(files[0] == files[1])
            }
        }
    }

    @Test("a model in safetensors is imported as the same; graphs and sources are written, and replace nothing else")
    func formats() throws {
        try withModel { folder in
            func run(_ arguments: String...) throws -> Command.Result {
                let result = try Command.trainer(arguments, in: folder)
                #expect(result.status == 0, "\(result.errors)")
                return result
            }
            let export = try run("export", "weights.safetensors", "--format", "safetensors", "--run", "run")
            #expect(export.errors.hasPrefix("weights.safetensors, weights.json: "))
            let size = try ["weights.safetensors", "weights.json"].map {
                try Data(contentsOf: folder.appendingPathComponent($0)).count
            }.reduce(0, +)
            #expect(export.output.contains("\"bytes\":\(size),"))
            _ = try run("import", "weights.safetensors", "--vocabulary", "weights.json", "--output", "again.cgw")
            let texts = try ["model.cgw", "again.cgw"].map { try run("generate", $0, "--seed", "5").output }
            #expect(texts[0] == texts[1])

            for format in ["onnx", "c"] {
                _ = try run("export", "model.\(format)", "--format", format, "--run", "run")
                _ = try run("export", "model.\(format)", "--format", format, "--run", "run")
                let refused = try Command.trainer(
                    "export", "run/best.safetensors", "--format", format, "--run", "run", in: folder)
                #expect(refused.status == 1 && refused.errors.contains("is not an export in the format \(format)"))
            }
            let model = try Data(contentsOf: folder.appendingPathComponent("model.cgw"))
            let source = try String(contentsOf: folder.appendingPathComponent("model.c"), encoding: .utf8)
            #expect(source.contains("const unsigned char model_cgw[\(model.count)] = {"))
        }
    }

    @Test("OpenBLAS, which starts threads when it is loaded, is not linked to the program")
    func libraries() throws {
        try withTemporaryFolder { folder in
            let libraries = try Command.trainer(
                "--version", in: folder, after: "export LD_TRACE_LOADED_OBJECTS=1"
            ).output
            #expect(libraries.contains("libswiftCore") && !libraries.contains("blas"), "\(libraries)")
        }
    }

    @Test("a model with an end-of-document symbol is exported in int4")
    func documents() throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("names.txt")
            try sampleText(characters: 2000).replacingOccurrences(of: " ", with: "\n").write(
                to: text, atomically: true, encoding: .utf8)
            let training = try Command.trainer(
                "train", "names.txt", "--documents", "line", "--hidden", "20", "--batch", "4", "--time", "20",
                "--epochs", "2", "--cell", "gru", "--run", "run", in: folder)
            #expect(training.status == 0, "\(training.errors)")
            let export = try Command.trainer(
                "export", "model.cgw", "--run", "run", "--weights", "int4", in: folder)
            #expect(export.status == 0, "\(export.errors)")
            // It reads its text as the training did: a line a document.
            let scored = try Command.trainer(
                "export", "model.cgw", "--run", "run", "--text", "names.txt", in: folder)
            #expect(scored.status == 0 && scored.output.contains("bitsPerCharacter"), "\(scored.errors)")
            let names = try Command.trainer("generate", "model.cgw", "--count", "3", "--seed", "1", in: folder)
            #expect(names.status == 0 && names.output.split(separator: "\n").count == 3, "\(names.output)")
        }
    }

    @Test("with --min-count rare characters are one symbol, which is read everywhere and generated nowhere")
    func unknownSymbol() throws {
        try withTemporaryFolder { folder in
            func run(_ arguments: [String]) throws -> Command.Result {
                let process = try Command.start(arguments, in: folder)
                process.waitUntilExit()
                let result = try Command.result(of: process, in: folder)
                #expect(result.status == 0, "\(arguments): \(result.errors)")
                return result
            }
            // Each hundredth character is another ideograph: 40 of them, in the text held out too.
            let text = sampleText(characters: 4000).enumerated().map { index, character in
                index % 100 == 99 ? String(UnicodeScalar(0x4E00 + index) ?? "?") : String(character)
            }.joined()
            try text.write(to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let training = try run(["train", "text.txt", "--min-count", "2", "--run", "run"] + quick)
            #expect(
                training.errors.contains(
                    "unknown: 40 different characters, which occur fewer than 2 times, are one unknown symbol: "
                        + "40 of 4,000 characters (1.00 %)\n"), "\(training.errors)")
            _ = try run(["resume", "run", "--epochs", "3"])
            for weights in ["f32", "int4"] {
                _ = try run(["export", "model.cgw", "--run", "run", "--weights", weights])
                #expect(
                    try run(["inspect", "model.cgw"]).output.contains(
                        "unknown:     all others are read as one symbol\n"))
                let generated = try run(
                    ["generate", "model.cgw", "--prompt", "ba😀中", "--temperature", "1000", "--length", "3000"])
                #expect(generated.output.hasPrefix("ba😀中") && generated.output.unicodeScalars.count == 3005)
                #expect(generated.output.unicodeScalars.dropFirst(4).allSatisfy { $0.isASCII })

                let evaluation = try run(["evaluate", "model.cgw", "text.txt"])
                #expect(evaluation.output.contains("\"characters\":3999,\"unknownCharacters\":40}"))
                let skipped = try run(["evaluate", "model.cgw", "text.txt", "--unknown", "skip"])
                #expect(skipped.output.contains("\"characters\":3959,\"unknownCharacters\":40}"))
            }
            let shown = try Command.terminal(["evaluate", "model.cgw", "text.txt"], in: folder)
            #expect(shown.contains("; 40 unknown characters are predicted as the unknown symbol"), "\(shown)")
            let report = try run(["export", "model.cgw", "--run", "run", "--text", "text.txt"])
            #expect(report.output.contains("\"unknownCharacters\":40"))
            _ = try run(["report", "run"])
            let page = try String(contentsOf: folder.appendingPathComponent("report.html"), encoding: .utf8)
            #expect(page.contains("\u{FFFD} is a character that the model does not know."))
            let tuned = try run(["train", "text.txt", "--from", "run", "--run", "tuned", "--epochs", "1"])
            #expect(!tuned.errors.contains("unknown:"))
            // The list of known texts has the rare characters.
            let until = try run(["generate", "model.cgw", "--unique", "run", "--length", "5", "--prompt", "中"])
            #expect(until.output.hasPrefix("中"))
        }
    }

    @Test("training prints a line of JSON a report when piped, and stores the same lines in the run's folder")
    func metrics() throws {
        try withTemporaryFolder { folder in
            let result = try Command.trainer(
                "train", "-", "--preset", "char-rnn", "--run", "run", "--hidden", "8", "--batch", "4", "--time", "20",
                "--epochs", "3", input: sampleText(characters: 1500), in: folder)
            #expect(result.status == 0)
            let lines = result.output.split(separator: "\n")
            #expect(lines.count == 3)
            for line in lines {
                let report = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                #expect(report["validationLoss"] is Double && report["charactersPerSecond"] is Double)
            }
            let kept = try String(contentsOf: folder.appendingPathComponent("run/metrics.jsonl"), encoding: .utf8)
            #expect(kept == result.output)
            #expect(result.errors.hasPrefix("finished; to export: ") && result.errors.hasSuffix(" --run run\n"))
        }
    }

    @Test("the help of train names the cells and their defaults")
    func help() throws {
        try withTemporaryFolder { folder in
            let help = try Command.trainer("help", "train", in: folder)
            #expect(help.status == 0)
            #expect(help.output.contains("The recurrent cell. (default: gru; lstm with a preset)"))
            #expect(help.output.contains("gru               - gated recurrent unit"), "\(help.output)")
        }
    }

    @Test("two trainings cannot use one folder at once, and a finished one is not started again")
    func oneTrainingAFolder() throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 40_000).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let first = try Command.start(
                [
                    "train", "text.txt", "--preset", "char-rnn", "--batch", "4", "--time", "25", "--epochs", "2",
                    "--run",
                    "run",
                ], in: folder)
            let metrics = folder.appendingPathComponent("run/metrics.jsonl").path
            while first.isRunning, !FileManager.default.fileExists(atPath: metrics) { usleep(2000) }
            let elsewhere = folder.appendingPathComponent("elsewhere")
            try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
            let second = try Command.trainer("resume", "../run", in: elsewhere)
            #expect(second.status == 1 && second.errors.contains("another process"), "\(second.errors)")
            first.waitUntilExit()
            #expect(first.terminationStatus == 0)
            // A finished one has nothing left to do; asking for less than is done is an error.
            let third = try Command.trainer("resume", "../run", in: elsewhere)
            #expect(third.status == 0 && third.errors.contains("2 epochs are done"), "\(third.errors)")
            let fourth = try Command.trainer("resume", "../run", "--epochs", "1", in: elsewhere)
            #expect(fourth.status == 1 && fourth.errors.contains("2 epochs are done"), "\(fourth.errors)")
        }
    }

    @Test("export takes the newest run's best checkpoint")
    func newestRun() throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 1500).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            for cell in ["rnn", "gru"] {
                let result = try Command.trainer(
                    "train", "text.txt", "--cell", cell, "--hidden", "8", "--batch", "4", "--time", "20", "--epochs",
                    "1", "--run", "runs/\(cell)", in: folder)
                #expect(result.status == 0, "\(result.errors)")
                // They are told apart by their modification times.
                usleep(20_000)
            }
            #expect(try Command.trainer("export", "model.cgw", in: folder).errors.contains("runs/gru/best"))
            #expect(try Command.trainer("inspect", "model.cgw", in: folder).output.contains("gru"))
        }
    }

    @Test("a kill in the middle loses nothing but the updates since the last checkpoint; no file is half written")
    func kill() throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 40_000).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let arguments = [
                "train", "text.txt", "--preset", "char-rnn", "--hidden", "32", "--batch", "4", "--time", "25",
                "--epochs", "3", "--threads", "1", "--checkpoint-every", "20", "--run",
            ]
            let whole = try Command.start(arguments + ["whole"], in: folder)
            whole.waitUntilExit()
            #expect(whole.terminationStatus == 0)

            let killed = try Command.start(arguments + ["killed"], in: folder)
            let metrics = folder.appendingPathComponent("killed/metrics.jsonl").path
            while killed.isRunning, !FileManager.default.fileExists(atPath: metrics) { usleep(2000) }
            Foundation.kill(killed.processIdentifier, SIGKILL)
            killed.waitUntilExit()
            #expect(killed.terminationReason == .uncaughtSignal, "the training was over before the kill")

            let resumed = try Command.trainer("resume", "killed", in: folder)
            #expect(resumed.status == 0, "\(resumed.errors)")
            let checkpoints = try ["whole", "killed"].map {
                try Data(contentsOf: folder.appendingPathComponent("\($0)/last.safetensors"))
            }
            #expect(checkpoints[0] == checkpoints[1])
        }
    }

    @Test("a run is named after its text, and after the folder that '.' is")
    func runName() throws {
        try withTemporaryFolder { folder in
            let texts = folder.appendingPathComponent("letters")
            try FileManager.default.createDirectory(at: texts, withIntermediateDirectories: true)
            try sampleText(characters: 2000).write(
                to: texts.appendingPathComponent("ada.txt"), atomically: true, encoding: .utf8)
            for (argument, name) in [("ada.txt", "ada"), (".", "letters"), ("../letters/", "letters")] {
                let training = try Command.start(["train", argument] + quick, in: texts)
                training.waitUntilExit()
                #expect(training.terminationStatus == 0)
                let runs = texts.appendingPathComponent("runs")
                let names = try FileManager.default.contentsOfDirectory(atPath: runs.path)
                #expect(names.count == 1 && names[0].hasSuffix("-\(name)"), "\(names)")
                try FileManager.default.removeItem(at: runs)
                for name in ["stdout", "stderr"] {
                    try FileManager.default.removeItem(at: texts.appendingPathComponent(name))
                }
            }
        }
    }

    @Test("a damaged or missing last checkpoint is named, with how to continue from another")
    func damagedCheckpoint() throws {
        try withModel { folder in
            let last = folder.appendingPathComponent("run/last.safetensors")
            let whole = try Data(contentsOf: last)
            for contents in [whole.prefix(whole.count / 2), nil] {
                try FileManager.default.removeItem(at: last)
                try contents?.write(to: last)
                let refused = try Command.trainer("resume", "run", "--epochs", "3", in: folder)
                #expect(refused.status == 1 && refused.errors.contains("'run/last.safetensors'"), "\(refused.errors)")
                #expect(refused.errors.hasSuffix("resume run --checkpoint run/best.safetensors\n"), "\(refused.errors)")
                let resumed = try Command.trainer(
                    "resume", "run", "--epochs", "2", "--checkpoint", "run/best.safetensors", in: folder)
                #expect(resumed.status == 0 || resumed.errors.contains("its 2 epochs are done"), "\(resumed.errors)")
                try whole.write(to: last)
            }
            try FileManager.default.removeItem(at: folder.appendingPathComponent("run/best.safetensors"))
            try Data("damaged".utf8).write(to: last)
            let refused = try Command.trainer("resume", "run", in: folder)
            #expect(refused.errors.hasSuffix("no other checkpoint of the training can be used\n"), "\(refused.errors)")
        }
    }

    @Test("resuming says how many reports are missing, and keeps the others")
    func missingReports() throws {
        try withModel { folder in
            let metrics = folder.appendingPathComponent("run/metrics.jsonl")
            let lines = try String(contentsOf: metrics, encoding: .utf8).split(separator: "\n")
            try (lines[1] + "\n").write(to: metrics, atomically: true, encoding: .utf8)
            let resumed = try Command.trainer("resume", "run", "--epochs", "3", in: folder)
            #expect(resumed.status == 0)
            #expect(
                resumed.errors.hasPrefix("metrics.jsonl lacks 1 of the 2 reports before the checkpoint"),
                "\(resumed.errors)")
            #expect(try String(contentsOf: metrics, encoding: .utf8) == lines[1] + "\n" + resumed.output)
        }
    }

    @Test("a signal that the training was started to ignore is ignored")
    func ignoredSignal() throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 40_000).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let process = try Command.start(
                ["train", "text.txt", "--preset", "char-rnn", "--batch", "4", "--time", "25", "--run", "run"],
                in: folder, after: #"exec env --ignore-signal=INT --default-signal=TERM "$0" "$@""#)
            let metrics = folder.appendingPathComponent("run/metrics.jsonl").path
            while process.isRunning, !FileManager.default.fileExists(atPath: metrics) { usleep(2000) }
            Foundation.kill(process.processIdentifier, SIGINT)
            usleep(100_000)
            #expect(process.isRunning)
            Foundation.kill(process.processIdentifier, SIGTERM)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == 128 + SIGTERM)
        }
    }

    @Test(
        "Ctrl-C, `kill` and a closed terminal save, say how to continue, and end with 128 + the signal",
        arguments: [SIGINT, SIGTERM, SIGHUP])
    func interrupt(signal: Int32) throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 40_000).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let process = try Command.start(
                [
                    "train", "text.txt", "--preset", "char-rnn", "--batch", "4", "--time", "25", "--run", "run",
                    "--checkpoint-every", "100000",
                ], in: folder, after: #"exec env --default-signal=HUP,INT,TERM "$0" "$@""#)
            let metrics = folder.appendingPathComponent("run/metrics.jsonl").path
            while process.isRunning, !FileManager.default.fileExists(atPath: metrics) { usleep(2000) }
            Foundation.kill(process.processIdentifier, signal)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == 128 + signal)
            let errors = try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
            #expect(errors.contains("trainer resume run\n"))
        }
    }
}
