import Foundation
import Synchronization

/// SIGINT, which Ctrl-C sends, SIGTERM, and SIGHUP, which a closed terminal sends: the training
/// ends after the current update and a checkpoint. So it does if the process in ``parentVariable``
/// has ended. A signal that the process was started to ignore, as SIGHUP by `nohup`, remains
/// ignored.
enum Interrupt {
    /// The environment variable with the number of the process that this one must not outlive: the
    /// sweep whose trial it trains.
    static let parentVariable = "CHARGEN_PARENT"

    private static let parent = ProcessInfo.processInfo.environment[parentVariable].flatMap { pid_t($0) }
    private static let signalNumber = Atomic<Int32>(0)

    /// Has the first of the signals stored in ``received``; a second one ends the process.
    static func catchSignals() {
        // Initialises the static before a handler can use it.
        signalNumber.store(0, ordering: .relaxed)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) {
            sigaddset(&signals, number)
            signal(number) { number in
                Interrupt.signalNumber.store(number, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
        // A process inherits the signals that its parent has blocked.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Whether the process ignores a signal.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        func address(_ handler: __sighandler_t?) -> Int { unsafeBitCast(handler, to: Int.self) }
        return address(action.__sigaction_handler.sa_handler) == address(SIG_IGN)
    }

    /// The signal received, if any; SIGTERM if the parent has ended.
    static var received: Int32? {
        let number = signalNumber.load(ordering: .relaxed)
        guard number == 0 else { return number }
        return parent.map { $0 == getppid() } ?? true ? nil : SIGTERM
    }
}
