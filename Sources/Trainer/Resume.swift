import ArgumentParser
import Training

/// `trainer resume`: goes on with a training.
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go on with a training from its last checkpoint.",
        discussion: """
            The text has to be where it was, unchanged. The result is the same, byte for byte, as without the \
            interruption.
            """)

    @Argument(
        help: ArgumentHelp("The training's folder (the newest in 'runs').", valueName: "run"), completion: .directory)
    var folder: String?

    @Option(help: ArgumentHelp("The number of epochs in all, if other than at first.", valueName: "n"))
    var epochs: Int?

    @OptionGroup(title: "Samples")
    var samples: SampleOptions

    func run() throws {
        let run = try TrainingRun(resuming: try Runs.folder(folder), epochs: epochs)
        if run.missingReports > 0 {
            Terminal.note(
                "metrics.jsonl lacks \(run.missingReports) of the \(run.progress.reports) reports before the checkpoint; "
                    + "the others are kept")
        }
        try TrainingDisplay(run, samples: samples).train()
    }
}
