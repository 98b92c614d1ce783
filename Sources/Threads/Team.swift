import CSupport
import ModelFormat
import Synchronization

/// What a ``Team`` does together, in parts that can be done in any order. A class, because a closure would be allocated at
/// every call.
open class TeamWork {
    /// Nothing to do yet.
    public init() {}

    /// Does one part.
    ///
    /// - Parameter member: Who does it, from 0: a member has one part at a time, so memory of its own is safe with it.
    open func perform(part: Int, member: Int) {}
}

/// A few threads that do one thing together, again and again: the caller's own and those that it starts.
///
/// Each member has its share of the parts, always the same one, so that what it reads stays in its processor's cache. Who
/// is done takes from the others: a member that the system has put aside holds up nobody, unless it is in the middle of a
/// part. A step of the network is shared out some ten thousand times a second, so members wait for work in a loop for a
/// while before they go to sleep. A team of one starts no thread.
public final class Team {
    /// The number of members, the caller's thread included.
    public let size: Int

    /// Each member's share: its generation, the first part left, and the end of those left, in 32, 16 and 16 bits. Whoever
    /// changes a share by one part has that part. The generation keeps one who was put aside before that from taking a
    /// part of some later work for one of this.
    private let shares: AlignedBuffer<UInt64>
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let isEnding = Atomic<Bool>(false)
    private var generation: UInt64 = 0
    private unowned(unsafe) var work: TeamWork?
    private let threads: AlignedBuffer<pthread_t>
    private var started = 0
    private let process = getpid()
    /// The memory of ``gate``.
    private let gateMemory: AlignedBuffer<UInt8>

    /// Where members sleep.
    private struct Gate {
        var mutex: pthread_mutex_t
        var opened: pthread_cond_t
    }

    private var gate: UnsafeMutablePointer<Gate> {
        UnsafeMutableRawPointer(gateMemory.pointer).assumingMemoryBound(to: Gate.self)
    }

    /// How often a member looks for work before it goes to sleep: some tens of microseconds.
    private static var looksBeforeSleep: Int { 2000 }
    /// The words from one share to the next: a cache line.
    private static var shareStride: Int { 8 }

    /// Starts `size` − 1 threads.
    ///
    /// - Throws: `outOfMemory` when the system refuses a thread.
    public convenience init(size: Int) throws(ModelError) {
        self.init(
            size: size, shares: try AlignedBuffer(count: Team.shareStride * size, for: "threads"),
            threads: try AlignedBuffer(count: size, for: "threads"),
            gateMemory: try AlignedBuffer(count: MemoryLayout<Gate>.size, for: "threads"))
        while started < size - 1 {
            let member = Member(team: Unmanaged.passUnretained(self), number: started + 1)
            let argument = Unmanaged.passRetained(member).toOpaque()
            let error = cs_thread_start(threads.pointer + started, { performMember($0) }, argument)
            guard error == 0 else {
                Unmanaged<Member>.fromOpaque(argument).release()
                // The failing initialiser runs deinit, which ends those that have started.
                let reason = String(cString: strerror(error))
                throw ModelError(.outOfMemory, "cannot start thread \(started + 2) of \(size): \(reason)")
            }
            started += 1
        }
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        size: Int, shares: AlignedBuffer<UInt64>, threads: AlignedBuffer<pthread_t>, gateMemory: AlignedBuffer<UInt8>
    ) {
        self.size = size
        self.shares = shares
        self.threads = threads
        self.gateMemory = gateMemory
        for member in 0..<size { share(of: member).initialize(to: Atomic(0)) }
        pthread_mutex_init(&gate.pointee.mutex, nil)
        pthread_cond_init(&gate.pointee.opened, nil)
    }

    deinit {
        // In a child after fork() there are no threads to end, only what they left of the lock.
        guard getpid() == process else { return }
        isEnding.store(true, ordering: .sequentiallyConsistent)
        wakeSleepers()
        for index in 0..<started { cs_thread_join(threads.pointer[index]) }
        pthread_cond_destroy(&gate.pointee.opened)
        pthread_mutex_destroy(&gate.pointee.mutex)
        for member in 0..<size { share(of: member).deinitialize(count: 1) }
    }

    private func share(of member: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        UnsafeMutableRawPointer(shares.pointer + Team.shareStride * member)
            .assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    // MARK: - The caller

    /// Has all parts of a work done, and returns then.
    ///
    /// - Parameter parts: Their number, below 2^16.
    public func perform(_ work: TeamWork, parts: Int) {
        guard size > 1, parts > 1 else {
            for part in 0..<parts { work.perform(part: part, member: 0) }
            return
        }
        self.work = work
        generation = (generation + 1) & 0xFFFF_FFFF
        unfinished.store(parts, ordering: .relaxed)
        for member in 0..<size {
            // Rounded up, so that the caller has a part if there is one.
            let first = UInt64((member * parts + size - 1) / size)
            let end = UInt64(((member + 1) * parts + size - 1) / size)
            share(of: member).pointee.store(generation << 32 | first << 16 | end, ordering: .sequentiallyConsistent)
        }
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeSleepers() }
        takeParts(as: 0)
        var looks = 0
        while unfinished.load(ordering: .acquiring) > 0 {
            looks += 1
            // More threads than processors: the one that is waited for may need this one.
            if looks > Team.looksBeforeSleep { sched_yield() } else { cs_pause() }
        }
    }

    private func wakeSleepers() {
        pthread_mutex_lock(&gate.pointee.mutex)
        pthread_cond_broadcast(&gate.pointee.opened)
        pthread_mutex_unlock(&gate.pointee.mutex)
    }

    // MARK: - Members

    /// Does the parts of a member's own share, from the first, then those left of the others', from the last.
    private func takeParts(as member: Int) {
        while let part = takePart(of: member, fromEnd: false) { finish(part, as: member) }
        for other in 1..<size {
            while let part = takePart(of: (member + other) % size, fromEnd: true) { finish(part, as: member) }
        }
    }

    private func takePart(of member: Int, fromEnd: Bool) -> Int? {
        var share = share(of: member).pointee.load(ordering: .acquiring)
        while Team.hasParts(share) {
            let rest = fromEnd ? share - 1 : share + (1 << 16)
            let (taken, current) = self.share(of: member).pointee.compareExchange(
                expected: share, desired: rest, ordering: .acquiringAndReleasing)
            if taken { return Int(fromEnd ? rest & 0xFFFF : share >> 16 & 0xFFFF) }
            share = current
        }
        return nil
    }

    private static func hasParts(_ share: UInt64) -> Bool {
        share >> 16 & 0xFFFF < share & 0xFFFF
    }

    private func finish(_ part: Int, as member: Int) {
        work?.perform(part: part, member: member)
        unfinished.wrappingSubtract(1, ordering: .releasing)
    }

    /// A member's life.
    fileprivate func run(member: Int) {
        while waitForParts(of: member) { takeParts(as: member) }
    }

    /// Returns true once there is work, and false when the team ends.
    private func waitForParts(of member: Int) -> Bool {
        func isCalled() -> Bool {
            Team.hasParts(share(of: member).pointee.load(ordering: .sequentiallyConsistent))
                || isEnding.load(ordering: .sequentiallyConsistent)
        }
        for _ in 0..<Team.looksBeforeSleep {
            if isCalled() { return !isEnding.load(ordering: .relaxed) }
            cs_pause()
        }
        // First the count, then another look: either this sees its share, or perform() sees the sleeper.
        sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
        pthread_mutex_lock(&gate.pointee.mutex)
        while !isCalled() { pthread_cond_wait(&gate.pointee.opened, &gate.pointee.mutex) }
        pthread_mutex_unlock(&gate.pointee.mutex)
        sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        return !isEnding.load(ordering: .relaxed)
    }
}

/// What a new thread is told. Neither this nor the thread keeps the team alive: it waits for its threads before it goes.
private final class Member {
    let team: Unmanaged<Team>
    let number: Int

    init(team: Unmanaged<Team>, number: Int) {
        self.team = team
        self.number = number
    }
}

private func performMember(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let member = Unmanaged<Member>.fromOpaque(argument).takeRetainedValue()
    // Without a reference of its own, which would last as long as the thread.
    member.team._withUnsafeGuaranteedRef { $0.run(member: member.number) }
    return nil
}
