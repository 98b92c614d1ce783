import ArgumentParser
import Foundation
import Training

/// `trainer resume`: continues a training.
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a training from its last checkpoint.",
        discussion: """
            The text must be unchanged; if it has moved, or came by a pipe, --text says where it is. The result of a \
            training with --epochs is the same, byte for byte, as without the interruption. More epochs or minutes \
            than at first stretch the schedule: the learning rate rises again.
            """)

    @Argument(
        help: ArgumentHelp("The training's folder. (default: the newest in 'runs')", valueName: "run"),
        completion: .directory)
    var folder: String?

    @Option(
        help: ArgumentHelp(
            "A checkpoint of the training to continue from, in place of the last. (default: none)", valueName: "file"),
        completion: .file())
    var checkpoint: String?

    @Option(help: ArgumentHelp("The total number of epochs. (default: as at first)", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("The total time in minutes. (default: as at first)", valueName: "n"))
    var minutes: Double?

    @Option(
        help: ArgumentHelp(
            "The text's files, in order; '-' is standard input. (default: where they were)", valueName: "file"),
        completion: .file())
    var text: [String] = []

    @Option(
        name: .customLong("validation-text"),
        help: ArgumentHelp(
            "The texts of --validation-text, in order. (default: where they were)", valueName: "file"),
        completion: .file())
    var validationTexts: [String] = []

    @Option(help: ArgumentHelp("The number of threads. (default: all processors)", valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("tensorboard"),
        help: ArgumentHelp("Where to write event files for TensorBoard. (default: none)", valueName: "folder"),
        completion: .directory, transform: Arguments.text)
    var tensorBoard: String?

    @OptionGroup(title: "Samples")
    var samples: SampleOptions

    func validate() throws {
        guard minutes == nil || epochs == nil else { throw ValidationError("Give --minutes or --epochs, not both.") }
    }

    func run() throws {
        try RankProcesses.lead(threads: threads) { try resume(on: $0) }
    }

    /// - Parameter ranks: The processes that this one leads; nil if there is one.
    private func resume(on ranks: Ranks?) throws {
        let folder = try Runs.folder(folder)
        let run: TrainingRun
        do {
            run = try resume(folder, on: ranks)
        } catch TrainingError.runFinished(let path, let done) where epochs == nil && minutes == nil {
            // Nothing is left to do, as after a kill that came after the last checkpoint.
            let (program, path) = (Terminal.programName, Terminal.quoted(path))
            return Terminal.note(
                "\(done); for more, use --epochs or --minutes; to export: \(program) export model.cgw --run \(path)")
        }
        for note in run.notes { Terminal.note(note) }
        if run.missingReports > 0 {
            Terminal.note(
                "metrics.jsonl lacks \(run.missingReports) of the \(counted(run.progress.reports, "report")) before the checkpoint; "
                    + "the others are kept")
        }
        try TrainingDisplay(run, samples: samples, tensorBoard: tensorBoard).train()
    }

    private func resume(_ folder: RunFolder, on ranks: Ranks?) throws -> TrainingRun {
        do {
            return try TrainingRun(resuming: folder, from: checkpoint, on: ranks, change: change)
        } catch TrainingError.invalidCheckpoint(let path, let reason) where checkpoint == nil {
            let advice = folder.newestOtherCheckpoint().map { other in
                "; to continue from update \(other.progress.updates): \(Terminal.programName) resume "
                    + "\(Terminal.quoted(folder.path)) --checkpoint \(Terminal.quoted(other.path))"
            }
            throw TrainingError.invalidCheckpoint(
                path: path, reason + (advice ?? "; no other checkpoint of the training can be used"))
        } catch let error as CorpusError where text.isEmpty {
            throw TrainingError.invalidRun(
                path: folder.path, "its text: \(error); if the text has moved, say where it is with --text")
        } catch TrainingError.invalidValidationText(let path, let reason) where validationTexts.isEmpty {
            throw TrainingError.invalidValidationText(
                path: path, "\(reason); if the texts have moved, say where they are with --validation-text")
        }
    }

    private func change(_ settings: inout Settings) {
        if let minutes { (settings.minutes, settings.epochs) = (minutes, 0) }
        if let epochs { (settings.minutes, settings.epochs) = (nil, epochs) }
        if !text.isEmpty { (settings.corpus.paths, settings.corpus.list) = (text, nil) }
        if !validationTexts.isEmpty { settings.validationTexts = validationTexts }
        settings.threads = threads ?? Processors.count
    }
}
