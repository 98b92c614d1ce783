import Dispatch

/// Calls `body` with 0 ..< `count`, each on a thread of its own where there are enough, and waits for all.
///
/// The calls must not touch the same memory unless all of them only read it.
func concurrently(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
        // The compiler cannot see that the calls keep apart.
        nonisolated(unsafe) let body = body
        DispatchQueue.concurrentPerform(iterations: count) { body($0) }
    }
}
