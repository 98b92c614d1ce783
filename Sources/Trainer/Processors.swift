import CTrainer
import Foundation

/// The processors that the system lets this process use.
enum Processors {
    /// Their number: `taskset`, and `mpirun` for each rank, may allow fewer than the machine has.
    static var count: Int {
        let allowed = Int(ct_processor_count())
        return allowed > 0 ? allowed : ProcessInfo.processInfo.activeProcessorCount
    }
}
