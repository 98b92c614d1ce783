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
// A class, so that a step need not copy the whole table to call one of its functions.
public final class Backend: Sendable {
    /// Numbers that a kernel reads.
    public typealias Input = UnsafePointer<Float>
    /// Numbers that a kernel writes.
    public typealias Output = UnsafeMutablePointer<Float>

    /// `portable`, `avx2` or `avx512`.
    public let name: StaticString

    /// sums ← sums + W · x for each of several vectors x, for one type of weights.
    public typealias Product =
        @Sendable (
            _ weights: UnsafeRawPointer, _ rows: Int, _ columns: Int, _ inputs: UnsafePointer<UnsafeRawPointer>,
            _ count: Int, _ sums: Output, _ stride: Int
        ) -> Void

    public let addFloat32Product: Product
    public let addBFloat16Product: Product
    public let addInt8Product: Product
    public let addInt4Product: Product
    public let quantise: @Sendable (Input, _ count: Int, UnsafeMutableRawPointer) -> Void
    public let quantiseSigned: @Sendable (Input, _ count: Int, UnsafeMutableRawPointer) -> Void
    public let lstmStep: @Sendable (Output, Input, Output, Output, Output, _ width: Int) -> Void
    public let gruStep: @Sendable (Output, Output, Output, Input, Input, Output, _ width: Int) -> Void
    public let sigmoid: @Sendable (Output, _ count: Int) -> Void
    public let hyperbolicTangent: @Sendable (Output, _ count: Int) -> Void
    public let exponential: @Sendable (Output, _ count: Int) -> Void
    public let sampleWeights: @Sendable (Input, _ count: Int, Float, UnsafeMutablePointer<UInt32>) -> UInt64
    public let indexOfMaximum: @Sendable (Input, _ count: Int) -> Int
    public let pickSymbol: @Sendable (UnsafePointer<UInt32>, _ count: Int, _ total: UInt64, _ word: UInt64) -> Int

    private init(
        name: StaticString,
        addFloat32Product: @escaping Product,
        addBFloat16Product: @escaping Product,
        addInt8Product: @escaping Product,
        addInt4Product: @escaping Product,
        quantise: @escaping @Sendable (Input, _ count: Int, UnsafeMutableRawPointer) -> Void,
        quantiseSigned: @escaping @Sendable (Input, _ count: Int, UnsafeMutableRawPointer) -> Void,
        lstmStep: @escaping @Sendable (Output, Input, Output, Output, Output, _ width: Int) -> Void,
        gruStep: @escaping @Sendable (Output, Output, Output, Input, Input, Output, _ width: Int) -> Void,
        sigmoid: @escaping @Sendable (Output, _ count: Int) -> Void,
        hyperbolicTangent: @escaping @Sendable (Output, _ count: Int) -> Void,
        exponential: @escaping @Sendable (Output, _ count: Int) -> Void,
        sampleWeights: @escaping @Sendable (Input, _ count: Int, Float, UnsafeMutablePointer<UInt32>) -> UInt64,
        indexOfMaximum: @escaping @Sendable (Input, _ count: Int) -> Int,
        pickSymbol: @escaping @Sendable (UnsafePointer<UInt32>, _ count: Int, _ total: UInt64, _ word: UInt64) -> Int
    ) {
        self.name = name
        self.addFloat32Product = addFloat32Product
        self.addBFloat16Product = addBFloat16Product
        self.addInt8Product = addInt8Product
        self.addInt4Product = addInt4Product
        self.quantise = quantise
        self.quantiseSigned = quantiseSigned
        self.lstmStep = lstmStep
        self.gruStep = gruStep
        self.sigmoid = sigmoid
        self.hyperbolicTangent = hyperbolicTangent
        self.exponential = exponential
        self.sampleWeights = sampleWeights
        self.indexOfMaximum = indexOfMaximum
        self.pickSymbol = pickSymbol
    }
}

extension Backend {
    /// Any processor. Without fused multiply-add in hardware it is exact and slow.
    public static var portable: Backend {
        Backend(
            name: "portable",
            addFloat32Product: Kernels.addFloat32Product,
            addBFloat16Product: Kernels.addBFloat16Product,
            addInt8Product: Kernels.addInt8Product,
            addInt4Product: Kernels.addInt4Product,
            quantise: Kernels.quantise,
            quantiseSigned: Kernels.quantiseSigned,
            lstmStep: Kernels.lstmStep,
            gruStep: Kernels.gruStep,
            sigmoid: Kernels.sigmoid,
            hyperbolicTangent: Kernels.hyperbolicTangent,
            exponential: Kernels.exponential,
            sampleWeights: Kernels.sampleWeights,
            indexOfMaximum: Kernels.indexOfMaximum,
            pickSymbol: Kernels.pickSymbol)
    }

    #if arch(x86_64)
        /// x86-64-v3: Intel since Haswell (2013), AMD since Zen (2017).
        public static var avx2: Backend {
            Backend(
                name: "avx2",
                addFloat32Product: KernelsAVX2.addFloat32Product,
                addBFloat16Product: KernelsAVX2.addBFloat16Product,
                addInt8Product: KernelsAVX2.addInt8Product,
                addInt4Product: KernelsAVX2.addInt4Product,
                quantise: KernelsAVX2.quantise,
                quantiseSigned: KernelsAVX2.quantiseSigned,
                lstmStep: KernelsAVX2.lstmStep,
                gruStep: KernelsAVX2.gruStep,
                sigmoid: KernelsAVX2.sigmoid,
                hyperbolicTangent: KernelsAVX2.hyperbolicTangent,
                exponential: KernelsAVX2.exponential,
                sampleWeights: KernelsAVX2.sampleWeights,
                indexOfMaximum: KernelsAVX2.indexOfMaximum,
                pickSymbol: KernelsAVX2.pickSymbol)
        }

        /// x86-64-v4 and VNNI: Intel servers since Cascade Lake (2019), AMD since Zen 4 (2022).
        public static var avx512: Backend {
            Backend(
                name: "avx512",
                addFloat32Product: KernelsAVX512.addFloat32Product,
                addBFloat16Product: KernelsAVX512.addBFloat16Product,
                addInt8Product: KernelsAVX512.addInt8Product,
                addInt4Product: KernelsAVX512.addInt4Product,
                quantise: KernelsAVX512.quantise,
                quantiseSigned: KernelsAVX512.quantiseSigned,
                lstmStep: KernelsAVX512.lstmStep,
                gruStep: KernelsAVX512.gruStep,
                sigmoid: KernelsAVX512.sigmoid,
                hyperbolicTangent: KernelsAVX512.hyperbolicTangent,
                exponential: KernelsAVX512.exponential,
                sampleWeights: KernelsAVX512.sampleWeights,
                indexOfMaximum: KernelsAVX512.indexOfMaximum,
                pickSymbol: KernelsAVX512.pickSymbol)
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
            if cs_has_avx512_vnni() != 0 { backends.append(.avx512) }
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
