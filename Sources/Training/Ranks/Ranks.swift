import Core
import Foundation

/// The processes that train one model together, on one machine or several, each of which has a part
/// of every minibatch. Rank 0 leads: it alone reads and writes files, and tells the others what to
/// do.
public final class Ranks {
    /// The number of this process, from 0.
    public var rank: Int { mpi.rank }
    /// The number of processes.
    public var size: Int { mpi.size }
    /// Whether this process is the one that tells the others what to do.
    public var leads: Bool { rank == 0 }

    private let mpi: MPI
    /// The transfers that have begun.
    private var requests: [MPI.Request] = []

    /// The number of processes of which `mpirun` has started this one; 1 without it.
    public static var startedCount: Int { number("OMPI_COMM_WORLD_SIZE") ?? 1 }
    /// The number of this process among them, from 0.
    public static var startedRank: Int { number("OMPI_COMM_WORLD_RANK") ?? 0 }

    private static func number(_ variable: String) -> Int? {
        ProcessInfo.processInfo.environment[variable].flatMap { Int($0) }
    }

    /// Meets the processes that `mpirun` has started with this one; nil if there is no other one.
    ///
    /// - Throws: `fileAccess` when Open MPI is not installed.
    public static func joined() throws(ChargenError) -> Ranks? {
        guard startedCount == 1 else { return Ranks(try MPI()) }
        // MPICH and its kin say so.
        guard number("PMI_SIZE") ?? 1 == 1 else {
            throw ChargenError(.invalidArgument, "the ranks were started by another MPI: use the mpirun of Open MPI")
        }
        return nil
    }

    private init(_ mpi: MPI) {
        self.mpi = mpi
    }

    /// The slices of a minibatch that each rank has.
    func slices(of total: Int) -> [Range<Int>] {
        (0..<size).map { RowPlaces.rows(ofSlice: $0, of: size, rows: total) }
    }

    /// Parts from the other processes. The leader ends their work first.
    public func end() {
        if leads { lead(.end) }
        mpi.end()
    }

    /// Ends the processes of all ranks at once.
    public func abort() {
        mpi.abort()
    }

    // MARK: - From the leader to all

    /// Tells all others what to do next.
    func lead(_ command: Command) {
        var command = command
        broadcast(&command)
    }

    /// What the leader wants done next.
    func nextCommand() -> Command {
        var command = Command.end
        broadcast(&command)
        return command
    }

    private func broadcast(_ command: inout Command) {
        withUnsafeMutableBytes(of: &command) { mpi.broadcast($0) }
    }

    /// Replaces bytes by the leader's.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {
        mpi.broadcast(bytes)
    }

    /// The leader's bytes. The other ranks' own are ignored.
    func broadcast(_ data: Data) -> Data {
        var count = data.count
        withUnsafeMutableBytes(of: &count) { mpi.broadcast($0) }
        var copy = leads ? data : Data(count: count)
        copy.withUnsafeMutableBytes { mpi.broadcast($0) }
        return copy
    }

    // MARK: - At once

    /// Has every rank make something of its own. If one of them cannot, none goes on.
    ///
    /// - Throws: This rank's error or, where it has none, one that names the first rank that has.
    func makeTogether<Value>(_ make: () throws -> Value) throws -> Value {
        let made = Result(catching: make)
        var message = ""
        if case .failure(let error) = made { message = error.localizedDescription }
        let length = 1024
        var messages = [UInt8](repeating: 0, count: size * length)
        messages.replaceSubrange(rank * length..<(rank + 1) * length, with: Ranks.padded(message, to: length))
        messages.withUnsafeMutableBufferPointer { buffer in
            guard let pointer = buffer.baseAddress else { return }
            gather(pointer, (0..<size).map { [$0 * length..<($0 + 1) * length] }, toAll: true)
        }
        let value = try made.get()
        for rank in 0..<size {
            let bytes = messages[rank * length..<(rank + 1) * length].prefix { $0 != 0 }
            guard bytes.isEmpty else { throw TrainingError.rankFailed(rank, String(decoding: bytes, as: UTF8.self)) }
        }
        return value
    }

    private static func padded(_ message: String, to length: Int) -> [UInt8] {
        let bytes = message.utf8.prefix(length)
        return Array(bytes) + Array(repeating: 0, count: length - bytes.count)
    }

    // MARK: - Transfers

    /// Begins to send bytes, which must stay as they are until ``complete()`` returns.
    func send(_ bytes: UnsafeMutableRawBufferPointer, to rank: Int) {
        mpi.send(bytes, to: rank, &requests)
    }

    /// Begins to receive bytes, as many as the other rank sends.
    func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) {
        mpi.receive(bytes, from: rank, &requests)
    }

    /// Has transfers go on. Called by one thread, as all of these functions.
    func advance() {
        if !requests.isEmpty { mpi.advance(&requests) }
    }

    /// Waits for all transfers that have begun.
    func complete() {
        mpi.complete(&requests)
    }

    /// Sends each rank's part of some numbers to the leader or, with `toAll`, to all.
    ///
    /// - Parameter parts: The places of each rank's numbers.
    func gather<Number: BitwiseCopyable>(
        _ pointer: UnsafeMutablePointer<Number>, _ parts: [[Range<Int>]], toAll: Bool = false
    ) {
        let others = (0..<size).filter { $0 != rank }
        for other in others where toAll || leads {
            for part in parts[other] { receive(pointer.bytes(part), from: other) }
        }
        for other in others where toAll || other == 0 {
            for part in parts[rank] { send(pointer.bytes(part), to: other) }
        }
        complete()
    }
}
