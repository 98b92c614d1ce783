import Core
import Foundation

/// The functions of Open MPI that are used. The library is loaded in processes that `mpirun` has
/// started, and only there.
///
/// MPI fixes what its functions do, not how its handles look to a program: those of Open MPI are
/// addresses of objects in the library. An error in a function ends the processes of all ranks,
/// with a message, as MPI does unless a program wants something else.
struct MPI {
    private typealias Handle = UnsafeMutableRawPointer
    private typealias Initialise =
        @convention(c) (
            UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?, Int32, UnsafeMutablePointer<Int32>
        ) -> Int32
    private typealias Inquire = @convention(c) (Handle, UnsafeMutablePointer<Int32>) -> Int32
    private typealias Broadcast = @convention(c) (UnsafeMutableRawPointer?, Int32, Handle, Int32, Handle) -> Int32
    private typealias Transfer =
        @convention(c) (
            UnsafeMutableRawPointer?, Int32, Handle, Int32, Int32, Handle, UnsafeMutablePointer<Request>
        ) -> Int32
    private typealias WaitAll = @convention(c) (Int32, UnsafeMutablePointer<Request>, UnsafeMutableRawPointer?) -> Int32
    private typealias TestAll =
        @convention(c) (
            Int32, UnsafeMutablePointer<Request>, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer?
        ) -> Int32
    private typealias End = @convention(c) () -> Int32
    private typealias Abort = @convention(c) (Handle, Int32) -> Int32

    /// A transfer that has begun.
    typealias Request = UnsafeMutableRawPointer?

    /// The number of this process among all, from 0.
    let rank: Int
    /// The number of processes.
    let size: Int

    private let world: Handle
    private let byte: Handle
    private let broadcast: Broadcast
    private let send: Transfer
    private let receive: Transfer
    private let waitAll: WaitAll
    private let testAll: TestAll
    private let finalise: End
    private let abortAll: Abort

    /// Loads the library, which stays loaded, and meets the other processes.
    ///
    /// - Throws: `fileAccess` when it is not installed.
    init(library: String = "libmpi.so.40") throws(ChargenError) {
        // Open MPI's plug-ins look its functions up in the program.
        guard let handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? library
            throw ChargenError(
                .fileAccess,
                "training on several ranks needs Open MPI, which cannot be loaded: \(reason); install it (on Debian: "
                    + "openmpi-bin)")
        }
        func symbol(_ name: String) throws(ChargenError) -> Handle {
            guard let symbol = dlsym(handle, name) else {
                throw ChargenError(.fileAccess, "\(library) is not that of Open MPI: it has no \(name)")
            }
            return symbol
        }
        func function<Function>(_ name: String, as type: Function.Type) throws(ChargenError) -> Function {
            unsafeBitCast(try symbol(name), to: type)
        }
        world = try symbol("ompi_mpi_comm_world")
        byte = try symbol("ompi_mpi_byte")
        broadcast = try function("MPI_Bcast", as: Broadcast.self)
        send = try function("MPI_Isend", as: Transfer.self)
        receive = try function("MPI_Irecv", as: Transfer.self)
        waitAll = try function("MPI_Waitall", as: WaitAll.self)
        testAll = try function("MPI_Testall", as: TestAll.self)
        finalise = try function("MPI_Finalize", as: End.self)
        abortAll = try function("MPI_Abort", as: Abort.self)
        let initialise = try function("MPI_Init_thread", as: Initialise.self)
        let inquireRank = try function("MPI_Comm_rank", as: Inquire.self)
        let inquireSize = try function("MPI_Comm_size", as: Inquire.self)
        // One thread calls MPI (MPI_THREAD_FUNNELED).
        var (provided, rank, size): (Int32, Int32, Int32) = (0, 0, 0)
        _ = initialise(nil, nil, 1, &provided)
        _ = inquireRank(world, &rank)
        _ = inquireSize(world, &size)
        self.rank = Int(rank)
        self.size = Int(size)
    }

    /// The most bytes of a message: counts are 32-bit integers.
    private static let largestMessage = 1 << 30

    private func forEachPiece(
        _ bytes: UnsafeMutableRawBufferPointer, _ body: (UnsafeMutableRawPointer?, Int32) -> Void
    ) {
        for first in stride(from: 0, to: bytes.count, by: MPI.largestMessage) {
            body(bytes.baseAddress.map { $0 + first }, Int32(min(MPI.largestMessage, bytes.count - first)))
        }
    }

    /// Sends the bytes of rank 0 to all others, whose bytes they replace.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {
        forEachPiece(bytes) { _ = broadcast($0, $1, byte, 0, world) }
    }

    /// Begins to send bytes, which must stay as they are until the transfer is complete.
    func send(_ bytes: UnsafeMutableRawBufferPointer, to rank: Int, _ requests: inout [Request]) {
        forEachPiece(bytes) { pointer, count in
            var request: Request = nil
            _ = send(pointer, count, byte, Int32(rank), 0, world, &request)
            requests.append(request)
        }
    }

    /// Begins to receive as many bytes as the other rank sends. Messages come in the order in which
    /// they were sent.
    func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int, _ requests: inout [Request]) {
        forEachPiece(bytes) { pointer, count in
            var request: Request = nil
            _ = receive(pointer, count, byte, Int32(rank), 0, world, &request)
            requests.append(request)
        }
    }

    /// Has transfers go on that have begun: Open MPI does so in its functions alone.
    func advance(_ requests: inout [Request]) {
        var isComplete: Int32 = 0
        _ = testAll(Int32(requests.count), &requests, &isComplete, nil)
        if isComplete != 0 { requests.removeAll(keepingCapacity: true) }
    }

    /// Waits for transfers.
    func complete(_ requests: inout [Request]) {
        _ = waitAll(Int32(requests.count), &requests, nil)
        requests.removeAll(keepingCapacity: true)
    }

    /// Parts from the other processes, which do the same.
    func end() {
        _ = finalise()
    }

    /// Ends the processes of all ranks.
    func abort() {
        _ = abortAll(world, 1)
    }
}
