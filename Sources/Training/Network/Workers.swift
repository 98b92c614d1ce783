import Dispatch
import Synchronization

/// A fixed number of threads that share out work.
final class Workers: Sendable {
    /// The number of threads, the caller's included.
    let count: Int
    private let nextPart = Atomic(0)

    init(count: Int) {
        self.count = count
    }

    /// Calls `body` with 0 ..< ``count``, each on a thread of its own where there are enough, and waits for all.
    ///
    /// The calls must not touch the same memory unless all of them only read it.
    func onEach(_ body: (_ thread: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            // The compiler cannot see that the calls keep apart.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: count) { body($0) }
        }
    }

    /// Calls `body` with each of 0 ..< `parts`, on whichever thread has nothing to do, and waits for all.
    ///
    /// Who does a part must not change its result.
    func share(_ parts: Int, _ body: (_ part: Int, _ thread: Int) -> Void) {
        nextPart.store(0, ordering: .relaxed)
        onEach { thread in
            while true {
                let part = nextPart.wrappingAdd(1, ordering: .relaxed).oldValue
                guard part < parts else { return }
                body(part, thread)
            }
        }
    }
}
