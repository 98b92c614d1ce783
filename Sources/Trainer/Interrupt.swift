import Foundation
import Synchronization

/// SIGINT, which Ctrl-C sends, and SIGTERM: the training ends after the current update and a
/// checkpoint.
enum Interrupt {
    private static let signalNumber = Atomic<Int32>(0)

    /// Has the first SIGINT or SIGTERM stored in ``received``; a second one ends the process.
    static func catchSignals() {
        // Initialises the static before a handler can use it.
        signalNumber.store(0, ordering: .relaxed)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            sigaddset(&signals, number)
            signal(number) { number in
                Interrupt.signalNumber.store(number, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
        // A process inherits the signals that its parent has blocked.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// The signal received, if any.
    static var received: Int32? {
        let number = signalNumber.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}
