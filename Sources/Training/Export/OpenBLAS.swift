import Core
import Foundation

/// The one function of OpenBLAS that is used. The library is loaded at its first use.
///
/// OpenBLAS starts a thread per processor when it is loaded. Linked to the program, it would do so
/// in every command, and under a limit of memory the command would never end.
struct OpenBLAS {
    /// `cblas_dsyrk`: C's enumerations and `blasint` are 32-bit integers.
    private typealias RankUpdate =
        @convention(c) @Sendable (
            _ order: Int32, _ triangle: Int32, _ transpose: Int32, _ n: Int32, _ k: Int32, _ alpha: Double,
            _ a: UnsafePointer<Double>, _ aStride: Int32, _ beta: Double, _ c: UnsafeMutablePointer<Double>,
            _ cStride: Int32
        ) -> Void

    private let rankUpdate: RankUpdate

    /// The library, loaded once.
    ///
    /// - Throws: `fileAccess` when it is not installed, `outOfMemory`.
    static var shared: OpenBLAS {
        get throws(ChargenError) { try loaded.get() }
    }

    private static let loaded = Result { () throws(ChargenError) in
        try OpenBLAS(library: "libopenblas.so.0")
    }

    /// Loads a library, which stays loaded.
    init(library: String) throws(ChargenError) {
        // Further threads cost more than they save here. The variable is read when the library is
        // loaded; in a build with OpenMP only the call has an effect.
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL),
            let setThreads = dlsym(handle, "openblas_set_num_threads"),
            let rankUpdate = dlsym(handle, "cblas_dsyrk")
        else {
            let reason = dlerror().map { String(cString: $0) } ?? library
            throw ChargenError(
                .fileAccess,
                "int4 needs OpenBLAS, which cannot be loaded: \(reason); install it (on Debian: libopenblas0)")
        }
        unsafeBitCast(setThreads, to: (@convention(c) (Int32) -> Void).self)(1)
        self.rankUpdate = unsafeBitCast(rankUpdate, to: RankUpdate.self)
        try OpenBLAS.checkMemory()
    }

    /// The first call maps a buffer of 128 MiB, and never returns if there is no memory for it.
    private static func checkMemory() throws(ChargenError) {
        let length = 160 << 20
        let block = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard block != MAP_FAILED else {
            throw ChargenError(.outOfMemory, "not enough memory: int4 needs OpenBLAS, which needs \(length >> 20) MiB")
        }
        munmap(block, length)
    }

    /// Adds Aᵀ · A to the upper triangle of C.
    ///
    /// - Parameters:
    ///   - a: Rows of `columns` elements, one after the other.
    ///   - c: `columns` rows of as many elements.
    func addSquare(of a: [Double], columns: Int, to c: inout [Double]) {
        let (rowMajor, upper, transposed) = (101 as Int32, 121 as Int32, 112 as Int32)
        let n = Int32(columns)
        rankUpdate(rowMajor, upper, transposed, n, Int32(a.count / columns), 1, a, n, 1, &c, n)
    }
}
