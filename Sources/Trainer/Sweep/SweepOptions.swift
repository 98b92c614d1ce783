import ArgumentParser
import Foundation

/// The options of a sweep that may be others when it is continued.
struct SweepOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The number of trials that are trained side by side. (default: the processors divided by --threads)",
            valueName: "n"))
    var jobs: Int?

    @Option(help: ArgumentHelp("The number of threads of each trial.", valueName: "n"))
    var threads = 1

    @Flag(
        name: .customLong("no-median-stopping"),
        help: ArgumentHelp(
            "Train every trial to its end, those too that were stopped before.",
            discussion: """
                Otherwise a trial is stopped when, after 30 % of its training, its lowest validation loss is worse \
                than the median of what at least three others had reached at the same point. Those that are larger, \
                or take more than twice as long, do not count.
                """))
    var trainsHopeless = false

    func validate() throws {
        guard (1...256).contains(threads) else {
            throw ValidationError("--threads must be from 1 to 256, not \(threads).")
        }
        guard (1...256).contains(jobs ?? 1) else { throw ValidationError("--jobs must be from 1 to 256.") }
    }

    /// Whether hopeless trials are stopped.
    var stopsHopeless: Bool { !trainsHopeless }

    /// The number of trials side by side.
    var jobCount: Int { jobs ?? max(1, Processors.count / threads) }

    /// The options as arguments, for a command that continues a sweep.
    var arguments: String {
        (jobs.map { " --jobs \($0)" } ?? "") + (threads == 1 ? "" : " --threads \(threads)")
            + (trainsHopeless ? " --no-median-stopping" : "")
    }
}
