import ArgumentParser
import Training

/// `trainer resume`: continues a training.
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a training from its last checkpoint.",
        discussion: """
            The text must be unchanged and at the same path. The result is the same, byte for byte, as without the \
            interruption.
            """)

    @Argument(
        help: ArgumentHelp("The training's folder (the newest in 'runs').", valueName: "run"), completion: .directory)
    var folder: String?

    @Option(help: ArgumentHelp("The total number of epochs (as at first).", valueName: "n"))
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
