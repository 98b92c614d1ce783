import Foundation
import Synchronization

/// SIGINT, which Ctrl-C sends, SIGTERM, and SIGHUP, which a closed terminal sends: the training
/// ends after the current update and a checkpoint.
enum Interrupt {
    private static let signalNumber = Atomic<Int32>(0)

    /// Has the first of the signals stored in ``received``; a second one ends the process.
    static func catchSignals() {
        // Initialises the static before a handler can use it.
        signalNumber.store(0, ordering: .relaxed)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] where number != SIGHUP || !isIgnored(number) {
            sigaddset(&signals, number)
            signal(number) { number in
                Interrupt.signalNumber.store(number, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
        // A process inherits the signals that its parent has blocked.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Whether the process ignores a signal, as SIGHUP under `nohup`.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        func address(_ handler: __sighandler_t?) -> Int { unsafeBitCast(handler, to: Int.self) }
        return address(action.__sigaction_handler.sa_handler) == address(SIG_IGN)
    }

    /// The signal received, if any.
    static var received: Int32? {
        let number = signalNumber.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}
