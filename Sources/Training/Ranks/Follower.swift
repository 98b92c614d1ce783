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
    public init?(_ ranks: Ranks, threads: Int) {
        guard case .begin = ranks.nextCommand() else { return nil }
        let data = ranks.broadcast(Data())
        do {
            let (plan, made) = try ranks.makeTogether {
                let plan = try NetworkPlan(data)
                return (plan, try plan.make(threads: threads, ranks))
            }
            self.ranks = ranks
            settings = plan.settings
            (network, optimiser) = made
        } catch {
            // The leader knows, says it, and ends.
            _ = ranks.nextCommand()
            return nil
        }
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
