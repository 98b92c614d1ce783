import Core
import Testing

@testable import Training

@Suite("Several ranks")
struct RanksTests {
    @Test("without Open MPI a training says what is missing")
    func missing() {
        let error = #expect(throws: ChargenError.self) { _ = try MPI(library: "libnothing.so.1") }
        #expect(error?.message.contains("needs Open MPI") == true && error?.message.contains("openmpi-bin") == true)
    }

    @Test("a library that is not Open MPI's is refused by its name")
    func other() {
        let error = #expect(throws: ChargenError.self) { _ = try MPI(library: "libm.so.6") }
        #expect(error?.message == "libm.so.6 is not that of Open MPI: it has no ompi_mpi_comm_world")
    }

    @Test("a process that mpirun has not started is alone")
    func alone() throws {
        #expect(try Ranks.joined() == nil)
    }
}
