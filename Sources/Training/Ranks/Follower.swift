import Core
import Foundation

/// A rank other than the first in a training: it does what that one tells it, and neither reads nor
/// writes a file.
public final class Follower {
    private let ranks: Ranks
    private let settings: Settings
    private let network: Network
    private let optimiser: Optimiser
    /// The states that rows have been carried over from, by their numbers.
    private var states: [Int: RecurrentState] = [:]

    /// Waits until the leading rank has a training; nil if it has ended without one.
    ///
    /// - Throws: `ChargenError`.
    public init?(_ ranks: Ranks, threads: Int) throws {
        guard case .begin = ranks.nextCommand() else { return nil }
        let plan = try JSONDecoder().decode(NetworkPlan.self, from: ranks.broadcast(Data()))
        guard plan.version == chargenVersion else {
            throw ChargenError(
                .invalidArgument,
                "rank 0 is chargen \(plan.version), and rank \(ranks.rank) is chargen \(chargenVersion): start the "
                    + "same program everywhere")
        }
        self.ranks = ranks
        settings = plan.settings
        (network, optimiser) = try plan.make(threads: threads, ranks)
    }

    /// Does what the leading rank tells it, to the end.
    ///
    /// - Throws: `ChargenError`.
    public func run() throws {
        while true {
            switch ranks.nextCommand() {
            case .begin: break
            case .share(let updates, let stateRows):
                optimiser.updates = updates
                optimiser.share()
                if stateRows > 0 { network.share(try state(0, rows: stateRows)) }
            case .pass(let command):
                let state = command.stateRows > 0 ? try state(command.state, rows: command.stateRows) : nil
                if !command.continuesState { state?.reset() }
                _ = try network.take(Network.Pass(command, state: state))
            case .update(let learningRate):
                optimiser.update(learningRate: learningRate, clipping: settings.clipping)
            case .swapAverages: optimiser.swapAverages()
            case .gather(let stateRows):
                optimiser.gather()
                if stateRows > 0 { network.gather(try state(0, rows: stateRows)) }
            case .end: return
            }
        }
    }

    private func state(_ number: Int, rows: Int) throws(ChargenError) -> RecurrentState {
        if let state = states[number] { return state }
        let state = try RecurrentState(network.layout, rows: rows, number: number)
        states[number] = state
        return state
    }
}
