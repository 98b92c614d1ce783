import CSupport
import Core
import Synchronization

/// Work that a ``ThreadPool`` performs in chunks, in any order. A class, because a closure would be
/// allocated at every call.
open class ParallelWork {
    /// Creates work without state.
    public init() {}

    /// Performs one chunk.
    ///
    /// - Parameter worker: The worker that performs it, from 0. A worker performs one chunk at a
    ///   time, so it may use memory of its own without a lock.
    open func perform(chunk: Int, worker: Int) {}
}

/// Threads that distribute chunks of work among themselves: the caller's and those that the pool
/// starts.
///
/// Each worker has a range of the chunks, always the same one, so that the memory it reads stays in
/// its processor's cache. A worker without chunks steals from the others, so that one that the
/// system has suspended delays only the chunk it is performing. A network runs some ten thousand
/// steps per second, so workers spin for some time before they sleep. A pool of one worker starts
/// no thread.
public final class ThreadPool {
    /// The number of workers, the caller's thread included.
    public let size: Int

    /// Each worker's range of chunks: an epoch, the first remaining chunk, and the end of the
    /// remaining chunks, in 32, 16 and 16 bits. The worker that shortens a range by one chunk
    /// performs that chunk. The epoch keeps a worker that was suspended before it could shorten a
    /// range from taking a chunk of later work.
    private let ranges: AlignedBuffer<UInt64>
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let isEnding = Atomic<Bool>(false)
    private var epoch: UInt64 = 0
    private unowned(unsafe) var work: ParallelWork?
    private let threads: AlignedBuffer<pthread_t>
    private var started = 0
    private let process = getpid()
    /// The memory of ``gate``.
    private let gateMemory: AlignedBuffer<UInt8>

    /// Where workers sleep.
    private struct Gate {
        var mutex: pthread_mutex_t
        var opened: pthread_cond_t
    }

    private var gate: UnsafeMutablePointer<Gate> {
        UnsafeMutableRawPointer(gateMemory.pointer).assumingMemoryBound(to: Gate.self)
    }

    /// The iterations of a spinning worker before it sleeps: some tens of microseconds.
    private static var spinLimit: Int { 2000 }
    /// The distance between ranges in words: a cache line.
    private static var rangeStride: Int { 8 }

    /// Starts `size` − 1 threads.
    ///
    /// - Throws: `outOfMemory` if the system refuses a thread.
    public convenience init(size: Int) throws(ChargenError) {
        self.init(
            size: size, ranges: try AlignedBuffer(count: ThreadPool.rangeStride * size, for: "threads"),
            threads: try AlignedBuffer(count: size, for: "threads"),
            gateMemory: try AlignedBuffer(count: MemoryLayout<Gate>.size, for: "threads"))
        // From here on a failing initialiser runs deinit, which ends the started threads.
        try checkMemory()
        while started < size - 1 {
            let worker = Worker(pool: Unmanaged.passUnretained(self), number: started + 1)
            try checkMemory()
            let argument = Unmanaged.passRetained(worker).toOpaque()
            let error = cs_thread_start(threads.pointer + started, { runWorker($0) }, argument)
            guard error == 0 else {
                Unmanaged<Worker>.fromOpaque(argument).release()
                let reason = error == ENOSYS ? ThreadPool.whyNoThreads : String(cString: strerror(error))
                throw ChargenError(.outOfMemory, "cannot start thread \(started + 2) of \(size): \(reason)")
            }
            started += 1
        }
    }

    private static var whyNoThreads: String {
        #if arch(wasm32)
            "WebAssembly has one"
        #else
            "link the program with libpthread (-pthread)"
        #endif
    }

    /// Does not throw: in Embedded mode a partially initialised object would leak.
    private init(
        size: Int, ranges: AlignedBuffer<UInt64>, threads: AlignedBuffer<pthread_t>, gateMemory: AlignedBuffer<UInt8>
    ) {
        self.size = size
        self.ranges = ranges
        self.threads = threads
        self.gateMemory = gateMemory
        for worker in 0..<size { range(of: worker).initialize(to: Atomic(0)) }
        pthread_mutex_init(&gate.pointee.mutex, nil)
        pthread_cond_init(&gate.pointee.opened, nil)
    }

    deinit {
        // A child after fork() has no threads to end, and the mutex may be locked.
        guard getpid() == process else { return }
        isEnding.store(true, ordering: .sequentiallyConsistent)
        wakeSleepers()
        for index in 0..<started { cs_thread_join(threads.pointer[index]) }
        pthread_cond_destroy(&gate.pointee.opened)
        pthread_mutex_destroy(&gate.pointee.mutex)
        for worker in 0..<size { range(of: worker).deinitialize(count: 1) }
    }

    private func range(of worker: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        UnsafeMutableRawPointer(ranges.pointer + ThreadPool.rangeStride * worker)
            .assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    // MARK: - The caller

    /// Performs all chunks of `work`, and returns when the last one is done.
    ///
    /// - Parameter chunks: Their number, below 2^16.
    public func perform(_ work: ParallelWork, chunks: Int) {
        guard size > 1, chunks > 1 else {
            for chunk in 0..<chunks { work.perform(chunk: chunk, worker: 0) }
            return
        }
        self.work = work
        epoch = (epoch + 1) & 0xFFFF_FFFF
        unfinished.store(chunks, ordering: .relaxed)
        for worker in 0..<size {
            // Rounded up, so that the caller always has a chunk.
            let first = UInt64(divideRoundingUp(worker * chunks, by: size))
            let end = UInt64(divideRoundingUp((worker + 1) * chunks, by: size))
            range(of: worker).pointee.store(epoch << 32 | first << 16 | end, ordering: .sequentiallyConsistent)
        }
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeSleepers() }
        takeChunks(as: 0)
        var spins = 0
        while unfinished.load(ordering: .acquiring) > 0 {
            spins += 1
            // With more threads than processors, the other worker may need this processor.
            if spins > ThreadPool.spinLimit { sched_yield() } else { cs_pause() }
        }
    }

    private func wakeSleepers() {
        pthread_mutex_lock(&gate.pointee.mutex)
        pthread_cond_broadcast(&gate.pointee.opened)
        pthread_mutex_unlock(&gate.pointee.mutex)
    }

    // MARK: - Workers

    /// Performs the chunks of the worker's own range, from the first, then the remaining ones of
    /// others, from the last.
    private func takeChunks(as worker: Int) {
        while let chunk = takeChunk(of: worker, fromEnd: false) { finish(chunk, as: worker) }
        for other in 1..<size {
            while let chunk = takeChunk(of: (worker + other) % size, fromEnd: true) { finish(chunk, as: worker) }
        }
    }

    private func takeChunk(of worker: Int, fromEnd: Bool) -> Int? {
        var range = range(of: worker).pointee.load(ordering: .acquiring)
        while ThreadPool.hasChunks(range) {
            let rest = fromEnd ? range - 1 : range + (1 << 16)
            let (taken, current) = self.range(of: worker).pointee.compareExchange(
                expected: range, desired: rest, ordering: .acquiringAndReleasing)
            if taken { return Int(fromEnd ? rest & 0xFFFF : range >> 16 & 0xFFFF) }
            range = current
        }
        return nil
    }

    private static func hasChunks(_ range: UInt64) -> Bool {
        range >> 16 & 0xFFFF < range & 0xFFFF
    }

    private func finish(_ chunk: Int, as worker: Int) {
        work?.perform(chunk: chunk, worker: worker)
        unfinished.wrappingSubtract(1, ordering: .releasing)
    }

    /// The loop of a worker's thread.
    fileprivate func run(worker: Int) {
        while waitForChunks(of: worker) { takeChunks(as: worker) }
    }

    /// Returns true once there is work, and false when the pool ends.
    private func waitForChunks(of worker: Int) -> Bool {
        func isCalled() -> Bool {
            ThreadPool.hasChunks(range(of: worker).pointee.load(ordering: .sequentiallyConsistent))
                || isEnding.load(ordering: .sequentiallyConsistent)
        }
        for _ in 0..<ThreadPool.spinLimit {
            if isCalled() { return !isEnding.load(ordering: .relaxed) }
            cs_pause()
        }
        // The count changes before the condition is checked again: either this thread sees its
        // range, or perform() sees the sleeper.
        sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
        pthread_mutex_lock(&gate.pointee.mutex)
        while !isCalled() { pthread_cond_wait(&gate.pointee.opened, &gate.pointee.mutex) }
        pthread_mutex_unlock(&gate.pointee.mutex)
        sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        return !isEnding.load(ordering: .relaxed)
    }
}

/// The argument of a new thread. Neither it nor the thread retains the pool, whose deinit waits for
/// its threads.
private final class Worker {
    let pool: Unmanaged<ThreadPool>
    let number: Int

    init(pool: Unmanaged<ThreadPool>, number: Int) {
        self.pool = pool
        self.number = number
    }
}

private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let worker = Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue()
    // Does not retain the pool, which the thread would keep alive.
    worker.pool._withUnsafeGuaranteedRef { $0.run(worker: worker.number) }
    return nil
}
