import Foundation
import Training

/// The processes in which `mpirun` has started one command.
enum RankProcesses {
    /// Calls `body` in the only process, or in the one that leads the others. Those do what it
    /// tells them, to its end.
    ///
    /// - Parameter threads: The threads of each process; nil for as many as there are processors.
    static func lead(threads: Int?, _ body: (Ranks?) throws -> Void) throws {
        guard let ranks = try Ranks.joined() else { return try body(nil) }
        guard ranks.leads else {
            // The leader refuses other numbers.
            let range = Settings.threadRange
            return follow(
                ranks, threads: min(max(threads ?? Processors.count, range.lowerBound), range.upperBound))
        }
        defer { ranks.end() }
        try body(ranks)
    }

    private static func follow(_ ranks: Ranks, threads: Int) {
        // The leader ends after a checkpoint, and tells the others.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
        do {
            try Follower(ranks, threads: threads)?.run()
            ranks.end()
        } catch {
            Terminal.note("Error: rank \(ranks.rank): \(error.localizedDescription)")
            ranks.abort()
        }
    }
}
