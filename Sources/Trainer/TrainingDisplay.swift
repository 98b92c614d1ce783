import ArgumentParser
import Foundation
import InferenceEngine
import Training

/// The options of the samples that a training shows.
struct SampleOptions: ParsableArguments {
    @Option(
        name: .customLong("sample-prompt"), parsing: .unconditional,
        help: ArgumentHelp(
            "The text that samples continue. (default: none; 'today ' with --batching documents)", valueName: "text"),
        transform: Arguments.text)
    var prompt: String?

    @Option(
        name: .customLong("sample-length"),
        help: ArgumentHelp("The number of characters of a sample; 0 for no samples.", valueName: "n"))
    var length = 100

    func validate() throws {
        guard (0...100_000).contains(length) else { throw ValidationError("--sample-length must be from 0 to 100000.") }
    }
}

/// Runs a training and shows its progress: in words on a terminal, as lines of JSON otherwise.
final class TrainingDisplay {
    private let run: TrainingRun
    private let samples: SampleOptions
    private let tensorBoard: TensorBoardLog?
    private let choices: [String]
    private let began = ContinuousClock.now
    private let updatesBefore: Int
    private let fractionBefore: Double
    private var shownAt = ContinuousClock.now
    private var sampledAt = ContinuousClock.now
    private var outputFails = false

    /// - Parameters:
    ///   - tensorBoard: The folder of TensorBoard's event files; nil for none.
    ///   - choices: What was chosen for the text and the time, in words.
    /// - Throws: ``TrainingError``.
    init(_ run: TrainingRun, samples: SampleOptions, tensorBoard: String?, choices: [String] = []) throws {
        self.run = run
        self.choices = choices
        self.samples = samples
        self.tensorBoard = try tensorBoard.map { try TensorBoardLog(folder: $0, run: run.folder) }
        updatesBefore = run.progress.updates
        fractionBefore = run.fraction
    }

    /// Trains to the end, or until SIGINT, SIGTERM or SIGHUP.
    ///
    /// - Throws: `ExitCode` 128 + the signal's number after a signal, or what the training throws.
    func train() throws {
        Interrupt.catchSignals()
        Terminal.ignoreClosedOutput()
        if !run.isLocked {
            Terminal.note("the file system of \(run.folder.path) has no locks: let no other training use this folder")
        }
        describe()
        defer { Terminal.showStatus("") }
        let outcome = try run.train(
            shouldStop: { Interrupt.received != nil },
            onUpdate: { showStatus(loss: $0) },
            onReport: { try show($0) },
            onRollback: { showRollback(from: $0) })
        Terminal.showStatus("")
        if Terminal.errorIsTerminal {
            for line in TerminalCurve.lines(try run.folder.reports(), columns: Terminal.width) { Terminal.note(line) }
            if let best = run.progress.bestValidationLoss {
                Terminal.note(String(format: "best validation loss: %.4f, of the checkpoint that export takes", best))
            }
        }
        let path = Terminal.quoted(run.folder.path)
        switch outcome {
        case .finished, .stoppedEarly:
            if run.settings.minutes != nil, run.progress.updates == 1 {
                Terminal.note(
                    "warning: after one update the time is over, or another would exceed it: the model has learned "
                        + "next to nothing; give more --minutes, or a smaller --hidden")
            }
            let end = outcome == .finished ? "finished" : "ended early: the validation loss no longer improves"
            Terminal.note("\(end); to export: \(Terminal.programName) export model.cgw --run \(path)")
        case .stopped:
            let same = run.settings.corpus.readsStandardInput ? ", with the same text on standard input" : ""
            Terminal.note(
                "stopped after update \(run.progress.updates); to continue: \(Terminal.programName) resume \(path)\(same)"
            )
            throw ExitCode(128 + (Interrupt.received ?? 0))
        }
    }

    private func describe() {
        guard Terminal.errorIsTerminal else { return choices.forEach { Terminal.note($0) } }
        let corpus = run.corpus
        Terminal.note(
            "text: " + counted(corpus.characterCount, "character") + ", "
                + counted(run.shape.vocabularySize, "symbol") + ", " + counted(corpus.documentCount, "document"))
        if run.settings.validationTexts != nil {
            let names = run.validationTexts.map(\.name.onOneLine).joined(separator: ", ")
            let rule = run.validationTexts.count > 1 ? "; the first decides which checkpoint is the best" : ""
            Terminal.note("validation: \(names)\(rule)")
        }
        if choices.isEmpty {
            Terminal.note(
                "model: \(run.shape.cell.name), \(run.shape.layers) × \(run.shape.hiddenSize), "
                    + "\(Terminal.grouped(Double(run.parameterCount))) parameters")
        }
        for choice in choices { Terminal.note(choice) }
        Terminal.note("folder: \(run.folder.path)")
    }

    private func showRollback(from update: Int) {
        Terminal.showStatus("")
        Terminal.note(
            "the loss diverged at update \(update): going on from update \(run.progress.updates) at half the learning "
                + "rate")
    }

    private func showStatus(loss: Double) {
        let now = ContinuousClock.now
        guard Terminal.errorIsTerminal, now - shownAt > .milliseconds(200) else { return }
        shownAt = now
        let done = run.progress.updates
        let seconds = (now - began).seconds
        let pace = Double(done - updatesBefore) / seconds
        let left = seconds * (1 - run.fraction) / (run.fraction - fractionBefore)
        let epochs = run.settings.minutes == nil ? "/\(run.settings.epochs)" : ""
        Terminal.showStatus(
            String(
                format: "%3.0f %%  epoch %d%@  update %d  loss %.3f  %.1f updates/s%@", 100 * run.fraction,
                run.progress.epoch, epochs, done, loss, pace,
                left.isFinite ? "  \(Terminal.clock(left)) left" : ""))
    }

    private func show(_ report: Report) throws {
        Terminal.showStatus("")
        try tensorBoard?.append(report)
        let sample = try isSampleDue() ? sample() : nil
        if let sample { try run.folder.append(Sample(update: report.update, text: sample)) }
        guard Terminal.outputIsTerminal else {
            let shown = run.settings.batching == .documents ? sample : nil
            return write(try jsonLine(report, shown) + "\n")
        }
        let validation = report.validationLoss.map { String(format: "  validation %.4f", $0) } ?? ""
        let others = (report.validationLosses ?? []).dropFirst().map { text in
            "  \(text.text.onOneLine) " + String(format: "%.4f", text.loss)
        }
        let running =
            run.settings.batching == .documents ? String(format: "  running mean %.3f", report.runningLoss) : ""
        write(
            String(
                format: "epoch %d  update %d  training %.4f%@%@%@  %@ char/s  after %@\n", report.epoch, report.update,
                report.trainingLoss, running, validation, others.joined(),
                Terminal.grouped(report.charactersPerSecond), Terminal.clock(report.seconds)))
        if let sample {
            write("  " + sample.replacingOccurrences(of: "\n", with: "\n  ") + "\n")
        }
    }

    /// Writes to standard output. If that is closed or full, the training goes on without it, and
    /// says so once.
    private func write(_ text: String) {
        guard !outputFails else { return }
        do {
            try Terminal.write(text)
        } catch {
            outputFails = true
            // After a signal the terminal is gone.
            guard Interrupt.received == nil else { return }
            Terminal.note("\(error); the training goes on, with its reports in \(run.folder.metricsPath)")
        }
    }

    /// Whether this report has a sample: every one with windows of one document; otherwise more
    /// often at first than later.
    private func isSampleDue() -> Bool {
        let now = ContinuousClock.now
        let interval = min(15, (now - began).seconds / 8)
        guard run.settings.batching == .documents || (now - sampledAt).seconds > interval else { return false }
        sampledAt = now
        return true
    }

    private func jsonLine(_ report: Report, _ sample: String?) throws -> String {
        struct Line: Encodable {
            let report: Report
            let sample: String?

            enum CodingKeys: CodingKey { case sample }

            func encode(to encoder: Encoder) throws {
                try report.encode(to: encoder)
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encodeIfPresent(sample, forKey: .sample)
            }
        }
        return try JSON.string(Line(report: report, sample: sample))
    }

    /// Text of the current parameters: greedy with windows of one document, at temperature 0.8
    /// otherwise; nil without samples.
    private func sample() throws -> String? {
        guard samples.length > 0 else { return nil }
        let isGreedy = run.settings.batching == .documents
        let session = try Session(Model(run.parameters, vocabulary: run.vocabulary, labels: run.labels))
        session.unknownCharacters = .skip
        try session.setTemperature(isGreedy ? 0 : 0.8)
        session.seed = UInt64(run.progress.updates)
        let prompt = samples.prompt ?? (isGreedy ? "today " : "")
        try session.feed(prompt)
        return prompt + session.generate(limit: samples.length)
    }
}
