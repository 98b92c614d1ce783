import Foundation
import TestSupport
import Testing

@Suite("Bad input to trainer")
struct BadInputTests {
    @Test(
        "a wrong option is a usage error that names it",
        arguments: [
            (["train", "text.txt", "--hidden", "0"], "--hidden"),
            (["train", "text.txt", "--cell", "transformer"], "--cell"),
            (["train", "text.txt", "--min-count", "0"], "--min-count must be from 1"),
            (["train", "text.txt", "--learning-rate", "-1"], "--learning-rate"),
            (["train", "text.txt", "--columns", "1"], "--csv"),
            (["train", "text.txt", "--csv", "--columns", "0"], "0"),
            (["train"], "--files-from"),
            (["generate", "model.cgw", "--temperature", "0.0001"], "--temperature"),
            (["train", "text.txt", "--clip-norm", "1", "--clip-element", "1"], "--clip-norm"),
            (["train", "text.txt", "--stride", "2"], "--batching windows"),
            (["train", "text.txt", "--preset", "char-rnn", "--batching", "documents"], "--preset"),
            (["train", "text.txt", "--batching", "documents", "--validation", "0.1"], "--validation"),
            (["train", "text.txt", "--validation", "0", "--patience", "3"], "--patience"),
            (["train", "text.txt", "--validation-text", "-"], "--validation-text must name a file"),
            (["train", "text.txt", "--batching", "documents", "--validation-text", "a.txt"], "--validation-text"),
            (["train", "text.txt", "--decay", "0.5"], "--schedule"),
            (["train", "text.txt", "--minutes", "1", "--epochs", "1"], "not both"),
            (["train", "text.txt", "--tensorboard", ""], "--tensorboard"),
            (["sweep", "text.txt"], "--vary"),
            (["sweep", "--vary", "hidden=4,8"], "hidden=4: Name the text"),
            (["sweep", "text.txt", "--run", "s"], "--run alone"),
            (["sweep", "text.txt", "--vary", "hidden"], "hidden=64,128"),
            (["sweep", "text.txt", "--vary", "hiden=4,8"], "Unknown option '--hiden'. Did you mean '--hidden'?"),
            (["sweep", "text.txt", "--vary", "hidden=8,0"], "With hidden=0: --hidden must be from 1"),
            (["sweep", "text.txt", "--vary", "cell=gru,transformer"], "'transformer' is invalid for '--cell"),
            (["sweep", "text.txt", "--vary", "from=a,b", "--hidden", "8"], "With --from"),
            (["sweep", "text.txt", "--vary", "hidden=4,8", "--hidden=8"], "leave one out"),
            (["sweep", "text.txt", "--vary", "hidden=4", "--vary", "hidden=8"], "given twice"),
            (["sweep", "text.txt", "--vary", "hidden=4..8"], "--random"),
            (["sweep", "text.txt", "--vary", "hidden=4,8", "--random", "3"], "only 2 combinations"),
            (["sweep", "text.txt", "--vary", "hidden=1..2000", "--random", "1001"], "from 1 to 1000"),
            (["sweep", "text.txt", "--vary", "hidden=4,8", "--sweep-seed", "3"], "needs --random"),
            (["sweep", "text.txt", "--vary", "threads=1,2"], "--threads cannot vary"),
            (["sweep", "text.txt", "--vary", "run=a,b"], "--run cannot vary"),
            (["sweep", "text.txt", "--vary", "help=true"], "nothing is trained"),
            (["sweep", "text.txt", "--vary", "validation=0.1,0.2"], "cannot vary"),
            (["sweep", "text.txt", "--vary", "lowercase=true,false"], "cannot vary"),
            (["sweep", "text.txt", "--vary", "min-count=1,2"], "cannot vary"),
            (["sweep", "text.txt", "--vary", "batching=streams,documents"], "must hold out text"),
            (["sweep", "-", "--vary", "hidden=4,8"], "not on standard input"),
            (["sweep", "text.txt", "--vary", "hidden=4,8", "--jobs", "0"], "--jobs"),
            (["sweep", "text.txt", "--vary", "hidden=4,8", "--epoch", "1"], "Did you mean '--epochs'?"),
            (["generate", "model.cgw", "--greedy", "--temperature", "1"], "--greedy"),
            (["generate", "model.cgw", "--length", "-5"], "--length"),
            (["export"], "output"),
            (["export", "model.cgw", "--weights", "f16"], "--weights"),
            (["export", "model.cgw", "--unknown", "skip"], "--text"),
            (["export", "model.onnx", "--format", "onnx", "--weights", "int8"], "--format onnx holds floats"),
            (["import", "weights", "--vocabulary", "chars", "--logits", "logits"], "--logits needs --text"),
            (["export", "model.pt", "--format", "pytorch"], "--format"),
            (["evaluate", "model.cgw", "text.txt", "--unknown", "guess"], "--unknown"),
            (["frobnicate"], "Error: Unknown command 'frobnicate'\n"),
            (["trian", "x"], "Unknown command 'trian'. Did you mean 'train'?"),
            (["exprt", "--weights", "int8"], "Unknown command 'exprt'. Did you mean 'export'?"),
            (["eval"], "Unknown command 'eval'. Did you mean 'evaluate'?"),
            (["help", "gnerate"], "Unknown command 'gnerate'. Did you mean 'generate'?"),
            (["generate", "model.cgw", "--promt", "a"], "Unknown option '--promt'. Did you mean '--prompt'?"),
            (["generate", "model.cgw", "-prompt", "a"], "Unknown option '-prompt'. Did you mean '--prompt'?"),
        ])
    func usage(arguments: [String], mention: String) throws {
        try withTemporaryFolder { folder in
            let process = try Command.start(arguments, in: folder)
            process.waitUntilExit()
            #expect(process.terminationStatus == 64)
            let errors = try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
            #expect(errors.contains(mention), "\(errors)")
        }
    }

    @Test(
        "a file that cannot be used is an error that names it and says what is wrong",
        arguments: [
            (["train", "missing.txt"], "missing.txt"),
            (["train", "--include", "*.html", "."], "'.'"),
            (["train", "empty.txt"], "empty"),
            (["train", "one.txt"], "add text"),
            (["train", "short.txt", "--min-count", "4"], "'t' (U+0074): it occurs 3 times"),
            (["train", "short.txt", "--min-count", "4"], "give a smaller --min-count"),
            (["train", "latin1.txt"], "byte offset 3"),
            (["train", "short.txt", "--validation-text", "missing.txt"], "missing.txt"),
            (["train", "short.txt", "--validation-text", "one.txt"], "cannot validate on 'one.txt': it is too short"),
            (["train", "--csv", "--columns", "7", "rows.csv"], "no column 7"),
            (["train", "--csv", "--columns", "color", "rows.csv"], "no column 'color'"),
            (["train", "--batching", "documents", "short.txt"], "110 characters"),
            (["resume", "nowhere"], "nowhere"),
            (["resume"], "trainer train"),
            (["export", "model.cgw"], "trainer train"),
            (["export", "model.cgw", "--checkpoint", "short.txt"], "short.txt"),
            (["generate", "missing.cgw"], "missing.cgw"),
            (["generate", "short.txt"], "not a chargen model"),
            (["inspect", "."], "'.'"),
        ])
    func files(arguments: [String], mention: String) throws {
        try withTemporaryFolder { folder in
            func write(_ name: String, _ bytes: [UInt8]) throws {
                try Data(bytes).write(to: folder.appendingPathComponent(name))
            }
            try write("empty.txt", [])
            try write("short.txt", Array("a short text".utf8))
            try write("one.txt", Array("a".utf8))
            try write("latin1.txt", [0x63, 0x61, 0x66, 0xE9, 0x0A])
            try write("rows.csv", Array("1,\"a, b\",c\n2,d,e\n".utf8))
            let process = try Command.start(arguments, in: folder)
            process.waitUntilExit()
            #expect(process.terminationStatus == 1)
            let errors = try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
            #expect(errors.hasPrefix("Error: ") && errors.contains(mention), "\(errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/model.cgw"))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0 == "runs" }.isEmpty
                    || FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs").isEmpty)
        }
    }

    @Test(
        "the value of an option that is a text, or a name that cannot be any bytes, must be UTF-8",
        arguments: [
            ("generate model.cgw", "--prompt"), ("generate model.cgw", "--until"), ("train a.txt", "--sample-prompt"),
            ("train a.txt", "--separator"), ("train a.txt --csv", "--columns"), ("train a.txt", "--jsonl"),
            ("train a.txt", "--tensorboard"), ("resume a", "--tensorboard"), ("report a", "--output"),
        ])
    func notUTF8(command: String, option: String) throws {
        try withTemporaryFolder { folder in
            // The euro sign is UTF-8, and refused for no file.
            for (value, mention) in [("caf\\xe9", "it is not UTF-8"), ("\\xe2\\x82\\xac", "'")] {
                let result = try Command.trainer(in: folder, after: "set -- \(command) \(option) $'\(value)'")
                #expect(result.errors.contains(mention), "\(result.errors)")
                #expect(result.errors.contains("'caf\\xE9'") == (mention == "it is not UTF-8"), "\(result.errors)")
            }
        }
    }

    @Test("a prompt's unknown character is named with its position, or skipped with --unknown skip")
    func unknownCharacter() throws {
        try withTemporaryFolder { folder in
            try Data(try randomModel(.gru)).write(to: folder.appendingPathComponent("model.cgw"))
            let refused = try Command.trainer("generate", "model.cgw", "--prompt", "abcé", in: folder)
            #expect(refused.status == 1 && refused.output.isEmpty)
            #expect(refused.errors.contains("'é' (U+00E9)") && refused.errors.contains("character 4"))
            let skipped = try Command.trainer(
                "generate", "model.cgw", "--prompt", "abcé", "--unknown", "skip", "--seed", "1", in: folder)
            #expect(skipped.status == 0 && skipped.output.hasPrefix("abcé"))
        }
    }

    @Test("output that cannot be written is an error, not a crash")
    func fullOutput() throws {
        try withTemporaryFolder { folder in
            try Data(try randomModel(.gru)).write(to: folder.appendingPathComponent("model.cgw"))
            try sampleText(characters: 3000).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            for arguments in [
                ["generate", "model.cgw"], ["inspect", "model.cgw"], ["--help"], ["help", "export"], ["--version"],
            ] {
                let process = try Command.start(arguments, in: folder, output: "/dev/full")
                process.waitUntilExit()
                #expect(process.terminationReason == .exit && process.terminationStatus == 1)
                let errors = try String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
                #expect(errors.contains("cannot write 'standard output': No space left"), "\(errors)")
            }
        }
    }

    @Test(
        "a training, and an export, need no standard output: one that is full, closed or read no more is said once",
        arguments: [
            (#"exec "$0" "$@" >/dev/full"#, "No space left on device"), (#"exec "$0" "$@" >&-"#, "Bad file descriptor"),
            (#"exec env --default-signal=PIPE "$0" "$@" | true"#, "Broken pipe"),
        ])
    func withoutOutput(command: String, reason: String) throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 3000).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let script = "set -o pipefail; " + command
            for arguments in [
                [
                    "train", "text.txt", "--hidden", "8", "--batch", "4", "--time", "20", "--epochs", "3", "--run",
                    "run",
                ], ["export", "model.cgw", "--run", "run"],
            ] {
                let result = try Command.trainer(
                    arguments, in: folder, after: "exec bash -c '\(script)' \"$0\" \"$@\"")
                #expect(result.status == 0, "\(result.errors)")
                #expect(
                    result.errors.components(separatedBy: "cannot write 'standard output': \(reason)").count == 2,
                    "\(result.errors)")
            }
            let metrics = try String(contentsOf: folder.appendingPathComponent("run/metrics.jsonl"), encoding: .utf8)
            #expect(metrics.filter { $0 == "\n" }.count > 2)
            #expect(try Command.trainer("inspect", "model.cgw", in: folder).status == 0)
        }
    }

    @Test("a model for which there is not enough memory ends the training with a message and what to do")
    func memory() throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 1500).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let result = try Command.trainer(
                "train", "text.txt", "--hidden", "16384", "--layers", "1", in: folder, after: "ulimit -v 2500000")
            #expect(result.status == 1)
            #expect(
                result.errors.contains("Error: not enough memory: ") && result.errors.contains("MB for the model's ")
                    && result.errors.contains("use a smaller --hidden, --layers, --batch or --time\n"),
                "\(result.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs").isEmpty)
        }
    }

    @Test("a training whose first checkpoint cannot be written leaves no folder")
    func noFirstCheckpoint() throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 1500).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            for run in [[], ["--run", "new"]] {
                let result = try Command.trainer(
                    ["train", "text.txt", "--hidden", "64"] + run, in: folder, after: "ulimit -f 16")
                #expect(result.status == 1 && result.errors.contains("File too large"), "\(result.errors)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs").isEmpty)
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/new"))
        }
    }

    @Test("a device without end is no text")
    func device() throws {
        try withTemporaryFolder { folder in
            let result = try Command.trainer("train", "/dev/zero", in: folder)
            #expect(result.status == 1 && result.errors.contains("'/dev/zero': it is a device"), "\(result.errors)")
        }
    }

    @Test(
        "every path that a person can type is used or refused, and ends no command",
        arguments: [
            "m", "é", "-", ".", "..", "/", "//", "./m", "m/", "./", "../m", "a/b", "m/..", "", " ", "~", "--", "m/.",
            "\u{10F7E9}", "link", "pipe",
        ])
    func paths(path: String) throws {
        try withTemporaryFolder { outer in
            let folder = outer.appendingPathComponent("inner")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try sampleText(characters: 1500).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/link", withDestinationPath: "nowhere/m")
            #expect(mkfifo(folder.path + "/pipe", 0o666) == 0)
            let settings = ["--hidden", "4", "--layers", "1", "--batch", "2", "--time", "20", "--epochs", "1"]
            #expect(try Command.trainer(["train", "text.txt", "--run", "run"] + settings, in: folder).status == 0)
            var commands = [
                ["export", path, "--run", "run"], ["export", "m", "--run", path],
                ["export", "m", "--checkpoint", path],
                ["report", "run", "--output", path], ["report", path], ["resume", path],
                ["resume", "run", "--epochs", "2", "--tensorboard", path],
                ["train", "text.txt", "--tensorboard", path] + settings,
                ["generate", path], ["inspect", path], ["train", "text.txt", "--from", path] + settings,
            ]
            // A training that wrote to the root folder would stay.
            if !["/", "//"].contains(path) { commands.append(["train", "text.txt", "--run", path] + settings) }
            // The root folder is large, and a text from a pipe waits for its writer.
            if !["/", "//", "pipe", "-"].contains(path) { commands.append(["train", path] + settings) }
            for arguments in commands {
                let result = try Command.trainer(arguments, in: folder, after: #"exec timeout -s KILL 20 "$0" "$@""#)
                #expect([0, 1, 64].contains(result.status), "\(arguments): \(result.status) \(result.errors)")
                #expect(result.status == 0 || result.errors.contains("Error: "), "\(arguments): \(result.errors)")
                let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                #expect(!names.contains { $0.hasSuffix(".partial") })
            }
        }
    }

    @Test("a reader that has read enough ends generate without a message")
    func brokenPipe() throws {
        try withTemporaryFolder { folder in
            try Data(try randomModel(.gru, characters: "ab")).write(to: folder.appendingPathComponent("model.cgw"))
            // The signal is ignored where the tests ignore it, unless `env` resets it.
            let script = #""$0" "$@" | head -n 1; exit ${PIPESTATUS[0]}"#
            let result = try Command.trainer(
                "generate", "model.cgw", "--count", "1000000", in: folder,
                after: #"exec env --default-signal=PIPE bash -c '\#(script)' "$0" "$@""#)
            #expect(result.output.filter { $0 == "\n" }.count == 1)
            #expect(result.errors.isEmpty, "\(result.errors)")
            #expect(result.status == 128 + SIGPIPE)
        }
    }

    @Test("export replaces a model, follows a link, and refuses anything else that is there")
    func exportTarget() throws {
        try withTemporaryFolder { folder in
            let text = folder.appendingPathComponent("text.txt")
            try sampleText(characters: 3000).write(to: text, atomically: true, encoding: .utf8)
            let training = try Command.trainer(
                "train", "text.txt", "--hidden", "8", "--batch", "4", "--time", "20", "--epochs", "1", "--run", "run",
                in: folder)
            #expect(training.status == 0)
            let link = folder.appendingPathComponent("link.cgw").path
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "model.cgw")
            for target in ["model.cgw", "model.cgw", "link.cgw", "m", "é"] {
                #expect(try Command.trainer("export", target, "--run", "run", in: folder).status == 0)
            }
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "model.cgw")
            let before = try Data(contentsOf: text)
            for target in ["text.txt", "run", "/dev/null"] {
                let result = try Command.trainer("export", target, "--run", "run", in: folder)
                #expect(result.status == 1 && result.errors.contains("cannot write '\(target)'"), "\(result.errors)")
            }
            #expect(try Data(contentsOf: text) == before)
        }
    }

    @Test("a truncated or altered model file is refused")
    func damagedModel() throws {
        try withTemporaryFolder { folder in
            var bytes = try randomModel(.lstm)
            let path = folder.appendingPathComponent("model.cgw")
            try Data(bytes.dropLast(7)).write(to: path)
            #expect(try Command.trainer("generate", "model.cgw", in: folder).errors.contains("invalid model file"))
            bytes[bytes.count - 100] ^= 4
            try Data(bytes).write(to: path)
            #expect(try Command.trainer("generate", "model.cgw", in: folder).errors.contains("checksum mismatch"))
        }
    }

    @Test("a full disk ends a training and an export with an error, and leaves every file intact")
    func fullDisk() throws {
        try withTemporaryFolder { folder in
            try sampleText(characters: 3000).write(
                to: folder.appendingPathComponent("text.txt"), atomically: true, encoding: .utf8)
            let model = folder.appendingPathComponent("model.cgw")
            let old = Data(try randomModel(.rnn))
            try old.write(to: model)
            #expect(
                try Command.trainer(
                    "train", "text.txt", "--hidden", "64", "--batch", "4", "--time", "20", "--epochs", "1", "--run",
                    "run", in: folder
                ).status == 0)

            let export = try Command.trainer("export", "model.cgw", "--run", "run", in: folder, after: "ulimit -f 8")
            #expect(export.status == 1 && export.errors.contains("'model.cgw': File too large"), "\(export.errors)")
            #expect(try Data(contentsOf: model) == old)

            let before = try Data(contentsOf: folder.appendingPathComponent("run/last.safetensors"))
            let resumed = try Command.trainer("resume", "run", "--epochs", "2", in: folder, after: "ulimit -f 8")
            #expect(resumed.status == 1 && resumed.errors.contains("cannot write 'run/"), "\(resumed.errors)")
            #expect(try Data(contentsOf: folder.appendingPathComponent("run/last.safetensors")) == before)

            // Here the metrics exceed the limit before a checkpoint does. They end with a whole
            // line.
            #expect(
                try Command.trainer(
                    "train", "text.txt", "--cell", "rnn", "--layers", "1", "--hidden", "1", "--batch", "4", "--time",
                    "20", "--epochs", "3", "--report-every", "1", "--run", "small", in: folder, after: "ulimit -f 8"
                ).errors.contains("cannot write 'small/metrics.jsonl': File too large"))
            let metrics = try String(contentsOf: folder.appendingPathComponent("small/metrics.jsonl"), encoding: .utf8)
            #expect(metrics.utf8.count > 7000 && metrics.hasSuffix("}\n"))
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run")
            #expect(!names.contains { $0.hasSuffix(".partial") })
        }
    }
}
