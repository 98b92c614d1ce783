import CIntrinsics
import CSupport
import Core
import Kernels

#if arch(x86_64)
    import KernelsAVX2
    import KernelsAVX512
    import KernelsAVX512BF16
#elseif arch(arm64)
    import KernelsDotProduct
#endif

/// The kernels of one instruction set.
///
/// Every backend gives the same bits, except for the sign and payload of a NaN; only the speed
/// differs. `KernelTables.h` lists the kernels; `Sources/Kernels` defines and describes them.
// A class, so that calling a kernel does not copy the table.
// Unchecked, because nothing is written to its memory once it is made.
public final class Backend: @unchecked Sendable {
    /// The instruction sets, the fastest first.
    public enum InstructionSet: Sendable, CaseIterable {
        #if arch(x86_64)
            /// x86-64-v4 and VNNI: Intel servers since Cascade Lake (2019), AMD since Zen 4 (2022).
            case avx512
            /// x86-64-v3: Intel since Haswell (2013), AMD since Zen (2017).
            case avx2
        #elseif arch(arm64)
            /// NEON with the integer dot product of ARMv8.2: most processors since 2018.
            case dotProduct
        #endif
        /// Any processor; on those of ARM with NEON. Without fused multiply-add in hardware it
        /// computes it from doubles.
        case portable

        /// `portable`, `avx2`, `avx512` or `dotprod`.
        public var name: StaticString {
            switch self {
            #if arch(x86_64)
                case .avx512: "avx512"
                case .avx2: "avx2"
            #elseif arch(arm64)
                case .dotProduct: "dotprod"
            #endif
            case .portable: "portable"
            }
        }

        /// Whether this processor has it.
        public var isAvailable: Bool {
            switch self {
            #if arch(x86_64)
                case .avx512: cs_has_avx512_vnni() != 0
                case .avx2: cs_has_x86_64_v3() != 0
            #elseif arch(arm64)
                case .dotProduct: cs_has_dot_product() != 0
            #endif
            case .portable: true
            }
        }
    }

    /// The instruction set that the kernels are compiled for.
    public let instructionSet: InstructionSet
    /// The kernels, in memory that the backend owns: a pointer is passed on without counting a
    /// reference.
    public let table: UnsafePointer<InferenceKernels>
    /// The kernels.
    public var kernels: InferenceKernels { table.pointee }

    /// The kernels for an instruction set, which this processor must have.
    public init(_ instructionSet: InstructionSet) {
        self.instructionSet = instructionSet
        let memory = UnsafeMutablePointer<InferenceKernels>.allocate(capacity: 1)
        let kernels =
            switch instructionSet {
            #if arch(x86_64)
                case .avx512: KernelsAVX512.inferenceKernels()
                case .avx2: KernelsAVX2.inferenceKernels()
            #elseif arch(arm64)
                case .dotProduct: KernelsDotProduct.inferenceKernels()
            #endif
            case .portable: Kernels.inferenceKernels()
            }
        memory.initialize(to: kernels)
        table = UnsafePointer(memory)
    }

    deinit {
        table.deallocate()
    }

    /// `portable`, `avx2`, `avx512` or `dotprod`.
    public var name: StaticString { instructionSet.name }

    /// One time step of a cell.
    public func forward(_ cell: Cell) -> @convention(c) (UnsafePointer<StepForward>) -> Void {
        switch cell {
        case .rnn: kernels.rnnForward
        case .gru: kernels.gruForward
        case .lstm: kernels.lstmForward
        }
    }
}

// MARK: - Training

extension Backend {
    /// The kernels of training alone.
    ///
    /// - Parameter inBFloat16: Whether the matrix products round their factors to bfloat16, with
    ///   the processor's instruction if it has one.
    public func trainingKernels(inBFloat16: Bool = false) -> TrainingKernels {
        switch instructionSet {
        #if arch(x86_64)
            case .avx512 where inBFloat16 && hasBFloat16: KernelsAVX512BF16.trainingKernels(inBFloat16: true)
            case .avx512: KernelsAVX512.trainingKernels(inBFloat16: inBFloat16)
            case .avx2: KernelsAVX2.trainingKernels(inBFloat16: inBFloat16)
        #elseif arch(arm64)
            case .dotProduct: KernelsDotProduct.trainingKernels(inBFloat16: inBFloat16)
        #endif
        case .portable: Kernels.trainingKernels(inBFloat16: inBFloat16)
        }
    }

    /// Whether the processor has an instruction for products in bfloat16, and this backend uses it.
    public var hasBFloat16: Bool {
        #if arch(x86_64)
            return instructionSet == .avx512 && cs_has_avx512_bf16() != 0
        #else
            return false
        #endif
    }
}

extension TrainingKernels {
    /// The backward pass of a time step of a cell.
    public func backward(_ cell: Cell) -> @convention(c) (UnsafePointer<StepBackward>) -> Void {
        switch cell {
        case .rnn: rnnBackward
        case .gru: gruBackward
        case .lstm: lstmBackward
        }
    }
}

// MARK: - Choosing one

extension Backend {
    /// Any processor's kernels.
    public static var portable: Backend { Backend(.portable) }

    /// The environment variable that forces a backend by its name.
    public static var environmentVariable: StaticString { "CHARGEN_BACKEND" }

    /// The backends this processor can run, the fastest first.
    public static var available: [Backend] {
        InstructionSet.allCases.filter { $0.isAvailable }.map { Backend($0) }
    }

    /// The names of ``available``, separated by commas.
    public static var availableNames: String {
        available.map { "\($0.name)" }.joined(separator: ", ")
    }

    /// The fastest backend of this processor, or the one that ``environmentVariable`` names.
    ///
    /// - Returns: nil if the variable names a backend that does not exist or that this processor
    ///   cannot run.
    public static func chosen() -> Backend? {
        let backends = available
        guard let forced = getenv(environmentVariable.cString), forced.pointee != 0 else { return backends.first }
        return backends.first { strcmp($0.name.cString, forced) == 0 }
    }
}
