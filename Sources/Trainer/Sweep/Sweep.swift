import ArgumentParser
import Foundation
import Training

/// `trainer sweep`: trains with several settings and compares them.
struct Sweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train with several settings, side by side, and compare them.",
        usage: """
            trainer sweep <text> ... [<options of train>] --vary <name>=<values> ... [<options>]
            trainer sweep --run <folder> [<options>]
            """,
        discussion: """
            Trains once for each combination of the values that --vary gives to options of 'trainer train', or for \
            --random of them. The texts and all other options of 'trainer train' are given as there, and are the same \
            for all trials. Hopeless trials are stopped. At the end comes a table of the trials, the lowest validation \
            loss first, which marks those that no other of their size, or of their time, is better than. When standard \
            output is not a terminal, it is a line of JSON for each trial.

            Stop a sweep at any time with Ctrl-C. The same command with the same --run, or --run alone, continues it; \
            more values or a larger --random add trials.
            """)

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp(
            "Text files and folders, and options of 'trainer train': see 'trainer help train'.", valueName: "text"))
    var arguments: [String] = []

    @Option(
        name: .customLong("vary"),
        help: ArgumentHelp(
            "An option of 'trainer train' without dashes, and its values. Repeat it for further options.",
            discussion: """
                Values are a list such as hidden=64,128 or, for --random, a range such as learning-rate=0.002..0.02. \
                From a range of whole numbers such are drawn, and on a logarithmic scale from one whose end is at \
                least ten times its beginning. A flag has the values true and false.
                """,
            valueName: "name=values"),
        transform: Variation.init)
    var variations: [Variation] = []

    @Option(
        help: ArgumentHelp(
            "Train with this many random choices of values. (default: every combination)", valueName: "n"))
    var random: Int?

    @Option(help: ArgumentHelp("The seed of --random. (default: 1)", valueName: "n"))
    var sweepSeed: UInt64?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The folder of the sweep. (default: a new one in 'runs')", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @OptionGroup
    var options: SweepOptions

    /// The most trials of a sweep.
    private static let mostTrials = 1000
    /// Options that each trial has of the sweep.
    private static let ownOptions = ["run", "threads"]

    func validate() throws {
        guard Ranks.startedCount == 1 else {
            throw ValidationError("A sweep starts its trainings itself: leave out mpirun.")
        }
        guard !variations.isEmpty else {
            guard arguments.isEmpty, folder != nil, random == nil, sweepSeed == nil else {
                throw ValidationError(
                    "Give --vary an option of 'trainer train' and its values, such as hidden=64,128; or, to continue a "
                        + "sweep, --run alone.")
            }
            return
        }
        guard (1...Sweep.mostTrials).contains(random ?? 1) else {
            throw ValidationError("--random must be from 1 to \(Sweep.mostTrials).")
        }
        guard sweepSeed == nil || random != nil else { throw ValidationError("--sweep-seed needs --random.") }
        for (index, name) in variations.map(\.name).enumerated() {
            guard !Sweep.ownOptions.contains(name) else { throw ValidationError("--\(name) cannot vary.") }
            guard !variations[..<index].contains(where: { $0.name == name }) else {
                throw ValidationError("--vary \(name) is given twice: give all values in one list.")
            }
            guard !arguments.contains(where: { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") }) else {
                throw ValidationError("--vary \(name) and --\(name) are both given: leave one out.")
            }
        }
        _ = try commands(of: try choices(), with: arguments)
    }

    private func choices() throws -> [[Choice]] {
        guard let random else { return try variations.grid(limit: Sweep.mostTrials) }
        return try variations.draws(random, seed: sweepSeed ?? 1)
    }

    /// What the trials run.
    ///
    /// - Throws: `ValidationError` when one is refused, or when their losses cannot be compared.
    private func commands(of choices: [[Choice]], with common: [String]) throws -> [Train] {
        let commands = try choices.map { try $0.command(with: common) }
        guard commands.allSatisfy(\.isValidated) else {
            throw ValidationError("A sweep compares validation losses: each trial must hold out text.")
        }
        let sources = try commands.map { try $0.source }
        guard !sources.contains(where: \.readsStandardInput) else {
            throw ValidationError("Each trial reads the text: give it as files, not on standard input.")
        }
        let heldOut = commands.map(\.validation)
        guard sources.allSatisfy({ $0 == sources[0] }),
            heldOut.allSatisfy({ $0.isSame(as: heldOut[0]) })
        else {
            throw ValidationError(
                "The text, --min-count and what is validated on cannot vary: losses could not be "
                    + "compared.")
        }
        return commands
    }

    func run() throws {
        let named = folder.map { SweepFolder(path: $0) }
        let recorded = variations.isEmpty ? try named.map(recorded) : nil
        let common = recorded.map { Arguments.shortened($0.arguments) } ?? arguments
        let choices = try recorded?.trials.map(\.choices) ?? choices()
        let commands = try commands(of: choices, with: common)
        let target = try named ?? SweepFolder(path: Runs.makeFolder(for: commands[0].source))
        // Held to the end, so that no other sweep uses the folder.
        let (lock, isNew) = try RunFolder(path: target.path).createLocked()
        defer { withExtendedLifetime(lock) {} }
        do {
            try train(commands, choices, with: common, in: target)
        } catch {
            if isNew || named == nil { lock.removeEmptyFolder() }
            throw error
        }
    }

    private func train(
        _ commands: [Train], _ choices: [[Choice]], with common: [String], in folder: SweepFolder
    ) throws {
        let earlier = try folder.read()
        guard earlier != nil || folder.isEmpty else {
            throw TrainingError.invalidRun(
                path: folder.shownPath, "it is not empty, and has no sweep.json; choose another --run")
        }
        let requested = SweepRecord(
            arguments: Arguments.expanded(common), directory: FileManager.default.currentDirectoryPath,
            sha256: try checkText(for: commands), choices: choices)
        let record =
            try earlier.map {
                try requested.continuing($0, keepsStopped: options.stopsHopeless, path: folder.shownPath)
            } ?? requested
        try folder.write(record)

        let run = SweepRun(record, in: folder, options: options)
        let count = counted(record.trials.count, "trial")
        Terminal.note("\(count), \(options.jobCount) at a time, in \(folder.shownPath)")
        try run.train()
        let path = Terminal.quoted(folder.shownPath)
        if let signal = Interrupt.received {
            Terminal.note(
                "stopped; to continue: \(Terminal.programName) sweep --run \(path)\(options.arguments)")
            throw ExitCode(128 + signal)
        }
        try show(SweepTable(run.record.trials), in: folder, common)
    }

    /// Reads the text that all trials read, warns of what may be wrong with it and with how it is
    /// compared, and returns its hash.
    private func checkText(for commands: [Train]) throws -> String {
        let source = try commands[0].source
        let corpus = try Corpus(reading: source)
        corpus.printWarnings(for: source)
        if commands.contains(where: \.choosesSizeBySpeed) {
            Terminal.note(
                "warning: each trial chooses the size of its model by its speed, so that others may have another size; "
                    + "give --hidden")
        }
        let splits = Set(commands.map(\.splitOptions))
        if splits.count > 1, corpus.documentCount == 1, commands[0].validation.place != .end {
            Terminal.note(
                "warning: what is held out of one text depends on --batch, --time and --batching; to hold out the same "
                    + "for all trials, give --held-out end")
        }
        return corpus.sha256
    }

    private func show(_ table: SweepTable, in folder: SweepFolder, _ common: [String]) throws {
        try Terminal.write(
            Terminal.outputIsTerminal ? table.text : try table.jsonLines(path: folder.shownPath))
        guard let best = table.best else {
            throw TrainingError.invalidRun(
                path: folder.shownPath,
                "none of its trials has finished; the messages of the first are in \(folder.shownPath)/001/messages.txt"
            )
        }
        let program = Terminal.programName
        let words = best.choices.arguments(with: common).map {
            $0.hasPrefix("\0") ? "…" : Terminal.quoted(FileName.shown($0))
        }
        Terminal.note("to train the best again: \(program) train \(words.joined(separator: " "))")
        let path = Terminal.quoted(folder.shownPath + "/" + best.name)
        Terminal.note("to export it: \(program) export model.cgw --run \(path)")
    }

    /// The sweep in a folder, whose relative names start from the current folder after this call.
    private func recorded(in folder: SweepFolder) throws -> SweepRecord {
        guard let record = try folder.read() else {
            throw TrainingError.invalidRun(
                path: folder.shownPath, "it has no sweep.json; is it the folder of a sweep?")
        }
        guard FileManager.default.changeCurrentDirectoryPath(record.directory) else {
            throw TrainingError.invalidRun(
                path: folder.shownPath, "the folder that it was started in, '\(record.directory)', is not there")
        }
        return record
    }
}

extension Train {
    /// Whether the size of the model depends on how fast it is trained.
    fileprivate var choosesSizeBySpeed: Bool {
        isChosen && training.epochs == nil && model.hiddenSize == nil && model.initialModel == nil
    }

    /// The options by which a text is divided into streams, of each of which a part is held out.
    fileprivate var splitOptions: [String] {
        [
            training.batching?.rawValue, training.preset?.rawValue, training.batchSize.map(String.init),
            training.time.map(String.init),
        ].map { $0 ?? "" }
    }
}
