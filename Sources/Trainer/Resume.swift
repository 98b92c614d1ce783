import ArgumentParser
import Foundation
import Training

/// `trainer resume`: continues a training.
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a training from its last checkpoint.",
        discussion: """
            The text must be unchanged; if it has moved, or came by a pipe, --text says where it is. The result of a \
            training with --epochs is the same, byte for byte, as without the interruption.
            """)

    @Argument(
        help: ArgumentHelp("The training's folder (default: the newest in 'runs').", valueName: "run"),
        completion: .directory)
    var folder: String?

    @Option(help: ArgumentHelp("The total number of epochs (default: as at first).", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("The total time in minutes (default: as at first).", valueName: "n"))
    var minutes: Double?

    @Option(
        help: ArgumentHelp(
            "The text's files, in order; '-' is standard input (default: where they were).", valueName: "file"),
        completion: .file())
    var text: [String] = []

    @Option(help: ArgumentHelp("The number of threads (default: all processors).", valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("tensorboard"),
        help: ArgumentHelp("Where to write event files for TensorBoard (default: none).", valueName: "folder"),
        completion: .directory)
    var tensorBoard: String?

    @OptionGroup(title: "Samples")
    var samples: SampleOptions

    func validate() throws {
        guard minutes == nil || epochs == nil else { throw ValidationError("Give --minutes or --epochs, not both.") }
    }

    func run() throws {
        let run = try TrainingRun(resuming: try Runs.folder(folder)) { settings in
            if let minutes { (settings.minutes, settings.epochs) = (minutes, Recipe.unlimitedEpochs) }
            if let epochs { (settings.minutes, settings.epochs) = (nil, epochs) }
            if !text.isEmpty { (settings.corpus.paths, settings.corpus.list) = (text, nil) }
            settings.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        }
        if run.missingReports > 0 {
            Terminal.note(
                "metrics.jsonl lacks \(run.missingReports) of the \(run.progress.reports) reports before the checkpoint; "
                    + "the others are kept")
        }
        try TrainingDisplay(run, samples: samples, tensorBoard: tensorBoard).train()
    }
}
