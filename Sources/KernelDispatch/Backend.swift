import CSupport
import Kernels

#if arch(x86_64)
    import KernelsAVX2
    import KernelsAVX512
#endif

/// The kernels of one instruction set: the whole dispatch surface.
///
/// Every backend gives the same bits, the sign and payload of a NaN aside; they differ in speed alone. What a
/// function does is said where it is defined, in `Sources/Kernels`.
public struct Backend: Sendable {
    /// Numbers that a kernel reads.
    public typealias Input = UnsafePointer<Float>
    /// Numbers that a kernel writes.
    public typealias Output = UnsafeMutablePointer<Float>

    /// `portable`, `avx2` or `avx512`.
    public let name: StaticString

    public let addMatrixVector: @Sendable (Input, _ rows: Int, _ columns: Int, _ x: Input, _ sums: Output) -> Void
    public let lstmStep: @Sendable (Output, Input, Output, Output, Output, _ width: Int) -> Void
    public let gruStep: @Sendable (Output, Output, Output, Input, Input, Output, _ width: Int) -> Void
    public let sigmoid: @Sendable (Output, _ count: Int) -> Void
    public let hyperbolicTangent: @Sendable (Output, _ count: Int) -> Void
    public let exponential: @Sendable (Output, _ count: Int) -> Void
    public let sampleWeights: @Sendable (Output, _ count: Int, Float, UnsafeMutablePointer<UInt32>) -> UInt64
}

extension Backend {
    /// Any processor. Without fused multiply-add in hardware it is exact and slow.
    public static var portable: Backend {
        Backend(
            name: "portable",
            addMatrixVector: Kernels.addMatrixVector,
            lstmStep: Kernels.lstmStep,
            gruStep: Kernels.gruStep,
            sigmoid: Kernels.sigmoid,
            hyperbolicTangent: Kernels.hyperbolicTangent,
            exponential: Kernels.exponential,
            sampleWeights: Kernels.sampleWeights)
    }

    #if arch(x86_64)
        /// x86-64-v3: Intel since Haswell (2013), AMD since Zen (2017).
        public static var avx2: Backend {
            Backend(
                name: "avx2",
                addMatrixVector: KernelsAVX2.addMatrixVector,
                lstmStep: KernelsAVX2.lstmStep,
                gruStep: KernelsAVX2.gruStep,
                sigmoid: KernelsAVX2.sigmoid,
                hyperbolicTangent: KernelsAVX2.hyperbolicTangent,
                exponential: KernelsAVX2.exponential,
                sampleWeights: KernelsAVX2.sampleWeights)
        }

        /// x86-64-v4: Intel servers since Skylake (2017), AMD since Zen 4 (2022).
        public static var avx512: Backend {
            Backend(
                name: "avx512",
                addMatrixVector: KernelsAVX512.addMatrixVector,
                lstmStep: KernelsAVX512.lstmStep,
                gruStep: KernelsAVX512.gruStep,
                sigmoid: KernelsAVX512.sigmoid,
                hyperbolicTangent: KernelsAVX512.hyperbolicTangent,
                exponential: KernelsAVX512.exponential,
                sampleWeights: KernelsAVX512.sampleWeights)
        }
    #endif
}

// MARK: - Choosing one

extension Backend {
    /// The environment variable that forces a backend by its name.
    public static var environmentVariable: StaticString { "CHARGEN_BACKEND" }

    /// The backends this processor can run, the fastest first.
    public static var available: [Backend] {
        var backends: [Backend] = []
        #if arch(x86_64)
            if cs_has_x86_64_v4() != 0 { backends.append(.avx512) }
            if cs_has_x86_64_v3() != 0 { backends.append(.avx2) }
        #endif
        backends.append(.portable)
        return backends
    }

    /// The names of ``available``, separated by commas.
    public static var availableNames: String {
        available.map { "\($0.name)" }.joined(separator: ", ")
    }

    /// The fastest backend of this processor, or the one that ``environmentVariable`` names.
    ///
    /// - Returns: nil when the variable names a backend that does not exist or that this processor cannot run.
    public static func chosen() -> Backend? {
        let backends = available
        guard let forced = getenv(environmentVariable.cString), forced.pointee != 0 else { return backends.first }
        return backends.first { strcmp($0.name.cString, forced) == 0 }
    }
}

extension StaticString {
    /// The NUL-terminated text.
    public var cString: UnsafePointer<CChar> {
        UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
