import CSupport
import ModelFormat
import Synchronization

/// What a ``Team`` does together. A class, because a closure would be allocated at every call.
class TeamWork {
    /// Does the part of one member.
    func perform(member: Int) {}
}

/// A few threads that do one thing together, again and again: the caller's own and those that it starts.
///
/// A step of the network is shared out some ten thousand times a second, so members wait for the next call in a loop for
/// a while before they go to sleep. A team of one starts no thread.
final class Team {
    /// The number of members, the caller's thread included.
    let size: Int

    private let generation = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let isEnding = Atomic<Bool>(false)
    private unowned(unsafe) var work: TeamWork?
    private let threads: AlignedBuffer<pthread_t>
    private var started = 0
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

    /// The most members of a team.
    static var maximumSize: Int { 64 }

    /// Starts `size` − 1 threads.
    ///
    /// - Throws: `outOfMemory` when the system refuses a thread.
    convenience init(size: Int) throws(ModelError) {
        self.init(
            size: size, threads: try AlignedBuffer(count: size, for: "threads"),
            gateMemory: try AlignedBuffer(count: MemoryLayout<Gate>.size, for: "threads"))
        while started < size - 1 {
            let argument = Unmanaged.passRetained(Member(team: self, number: started + 1)).toOpaque()
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
    private init(size: Int, threads: AlignedBuffer<pthread_t>, gateMemory: AlignedBuffer<UInt8>) {
        self.size = size
        self.threads = threads
        self.gateMemory = gateMemory
        pthread_mutex_init(&gate.pointee.mutex, nil)
        pthread_cond_init(&gate.pointee.opened, nil)
    }

    deinit {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        announce()
        for index in 0..<started { cs_thread_join(threads.pointer[index]) }
        pthread_cond_destroy(&gate.pointee.opened)
        pthread_mutex_destroy(&gate.pointee.mutex)
    }

    /// Has every member perform its part, and returns when all have.
    func perform(_ work: TeamWork) {
        if size > 1 {
            self.work = work
            unfinished.store(size - 1, ordering: .relaxed)
            announce()
        }
        work.perform(member: 0)
        var looks = 0
        while unfinished.load(ordering: .acquiring) > 0 {
            looks += 1
            // More threads than processors: the one that is waited for may need this one.
            if looks > Team.looksBeforeSleep { sched_yield() } else { cs_pause() }
        }
    }

    private func announce() {
        generation.add(1, ordering: .sequentiallyConsistent)
        guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        pthread_mutex_lock(&gate.pointee.mutex)
        pthread_cond_broadcast(&gate.pointee.opened)
        pthread_mutex_unlock(&gate.pointee.mutex)
    }

    /// A member's life.
    fileprivate func run(member: Int) {
        var seen = 0
        while true {
            waitForChange(of: seen)
            seen += 1
            guard !isEnding.load(ordering: .sequentiallyConsistent) else { return }
            work?.perform(member: member)
            unfinished.subtract(1, ordering: .releasing)
        }
    }

    private func waitForChange(of seen: Int) {
        for _ in 0..<Team.looksBeforeSleep {
            if generation.load(ordering: .acquiring) != seen { return }
            cs_pause()
        }
        // First the count, then another look: either this sees the new generation, or announce() sees the sleeper.
        sleepers.add(1, ordering: .sequentiallyConsistent)
        pthread_mutex_lock(&gate.pointee.mutex)
        while generation.load(ordering: .sequentiallyConsistent) == seen {
            pthread_cond_wait(&gate.pointee.opened, &gate.pointee.mutex)
        }
        pthread_mutex_unlock(&gate.pointee.mutex)
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
    }
}

/// What a new thread is told. The team is not kept alive: it waits for its threads before it goes.
private final class Member {
    unowned(unsafe) let team: Team
    let number: Int

    init(team: Team, number: Int) {
        self.team = team
        self.number = number
    }
}

private func performMember(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let member = Unmanaged<Member>.fromOpaque(argument).takeRetainedValue()
    let (team, number) = (member.team, member.number)
    team.run(member: number)
    return nil
}
