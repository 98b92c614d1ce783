import Foundation
import Synchronization

/// Ctrl-C and termination, noticed instead of obeyed at once: the training ends after its update and a checkpoint.
enum Interrupt {
    private static let signalNumber = Atomic<Int32>(0)

    /// From here on, the first SIGINT or SIGTERM is noted; a second one ends the process.
    static func catchSignals() {
        // Initialises the static before a handler may touch it.
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
        // Whoever started the process may have had them blocked.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// The signal that came, if one did.
    static var received: Int32? {
        let number = signalNumber.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}
