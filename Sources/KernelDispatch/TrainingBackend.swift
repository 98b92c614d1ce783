import CSupport
import Kernels

#if arch(x86_64)
    import KernelsAVX2
    import KernelsAVX512
    import KernelsAVX512BF16
#endif

/// The kernels that only training needs, apart from ``Backend`` so that libchargen.so leaves them out. The arguments
/// are those of the functions of the same names in `Sources/Kernels`.
public struct TrainingBackend: Sendable {
    /// Numbers that a kernel reads.
    public typealias Input = UnsafePointer<Float>
    /// Numbers that a kernel writes.
    public typealias Output = UnsafeMutablePointer<Float>

    public let lstmStepBackward: @Sendable (Output, Input, Input, Input, Output, _ width: Int) -> Void
    public let gruStepBackward: @Sendable (Output, Output, Output, Output, Input, Input, Output, _ width: Int) -> Void
    public let rnnStepBackward: @Sendable (Output, Input, Input, _ width: Int) -> Void
    public let softmaxGradient:
        @Sendable (Output, _ count: Int, _ target: Int, _ scale: Float) -> (sum: Float, targetLogit: Float)
    public let sumOfSquares: @Sendable (Input, _ count: Int) -> Double
    public let add: @Sendable (Input, Output, _ count: Int) -> Void
    public let addRows: @Sendable (Input, _ stride: Int, _ rows: Int, Output, _ count: Int) -> Void
    public let scatterRows:
        @Sendable (
            Input, _ stride: Int, _ rows: Int, Output, _ targetStride: Int, _ indices: UnsafePointer<Int32>,
            _ count: Int
        ) -> Void
    /// How many elements of a packed matrix lie in the place of a float.
    public let elementsPerFloat: Int
    public let packTransposed: @Sendable (Input, _ rows: Int, _ columns: Int, Output) -> Void
    public let packRows: @Sendable (Input, Range<Int>, _ rows: Int, _ columns: Int, Output) -> Void
    public let addProduct:
        @Sendable (
            Input, _ inputStride: Int, _ inputBlock: Int, _ depth: Int, Input, _ columns: Int, _ origin: Input?, Output,
            _ sumStride: Int, _ sumBlock: Int, _ rows: Int, _ blocks: Int, _ next: Input?, _ nextCount: Int,
            _ scratch: Output
        ) -> Void
    public let addTransposedProduct:
        @Sendable (
            Input, _ aStride: Int, _ rows: Int, Input, _ bStride: Int, _ columns: Int, _ depth: Int, Output,
            _ targetStride: Int, _ readsOn: Bool, _ scratch: Output
        ) -> Void
    public let adamUpdate:
        @Sendable (
            Output, Input, Output, Output, _ count: Int, _ scale: Float, _ limit: Float, _ decay1: Float,
            _ decay2: Float, _ stepSize: Float, _ secondCorrection: Float, _ epsilon: Float
        ) -> Void

    /// The training kernels of the same instruction set as `backend`, with the products in bfloat16 where that is asked
    /// for: by the processor's own instruction where it has one.
    public static func matching(_ backend: Backend, inBFloat16: Bool = false) -> TrainingBackend {
        #if arch(x86_64)
            if backend.isSame(as: .avx512) { return avx512(inBFloat16) }
            if backend.isSame(as: .avx2) { return avx2(inBFloat16) }
        #endif
        return portable(inBFloat16)
    }

    /// Whether ``matching(_:inBFloat16:)`` has an instruction for products in bfloat16.
    public static func hasBFloat16(_ backend: Backend) -> Bool {
        #if arch(x86_64)
            return backend.isSame(as: .avx512) && cs_has_avx512_bf16() != 0
        #else
            return false
        #endif
    }

    private static func portable(_ inBFloat16: Bool) -> TrainingBackend {
        TrainingBackend(
            lstmStepBackward: Kernels.lstmStepBackward,
            gruStepBackward: Kernels.gruStepBackward,
            rnnStepBackward: Kernels.rnnStepBackward,
            softmaxGradient: Kernels.softmaxGradient,
            sumOfSquares: Kernels.sumOfSquares,
            add: Kernels.add,
            addRows: Kernels.addRows,
            scatterRows: Kernels.scatterRows,
            elementsPerFloat: inBFloat16 ? 2 : 1,
            packTransposed: inBFloat16 ? Kernels.packTransposedPairs : Kernels.packTransposed,
            packRows: inBFloat16 ? Kernels.packRowPairs : Kernels.packRows,
            addProduct: inBFloat16 ? Kernels.addPairProduct : Kernels.addProduct,
            addTransposedProduct: inBFloat16
                ? Kernels.addTransposedPairProduct : Kernels.addTransposedProduct,
            adamUpdate: Kernels.adamUpdate)
    }

    #if arch(x86_64)
        private static func avx2(_ inBFloat16: Bool) -> TrainingBackend {
            TrainingBackend(
                lstmStepBackward: KernelsAVX2.lstmStepBackward,
                gruStepBackward: KernelsAVX2.gruStepBackward,
                rnnStepBackward: KernelsAVX2.rnnStepBackward,
                softmaxGradient: KernelsAVX2.softmaxGradient,
                sumOfSquares: KernelsAVX2.sumOfSquares,
                add: KernelsAVX2.add,
                addRows: KernelsAVX2.addRows,
                scatterRows: KernelsAVX2.scatterRows,
                elementsPerFloat: inBFloat16 ? 2 : 1,
                packTransposed: inBFloat16 ? Kernels.packTransposedPairs : Kernels.packTransposed,
                packRows: inBFloat16 ? Kernels.packRowPairs : Kernels.packRows,
                addProduct: inBFloat16 ? KernelsAVX2.addPairProduct : KernelsAVX2.addProduct,
                addTransposedProduct: inBFloat16
                    ? KernelsAVX2.addTransposedPairProduct : KernelsAVX2.addTransposedProduct,
                adamUpdate: KernelsAVX2.adamUpdate)
        }

        private static func avx512(_ inBFloat16: Bool) -> TrainingBackend {
            let hasInstruction = hasBFloat16(.avx512)
            return TrainingBackend(
                lstmStepBackward: KernelsAVX512.lstmStepBackward,
                gruStepBackward: KernelsAVX512.gruStepBackward,
                rnnStepBackward: KernelsAVX512.rnnStepBackward,
                softmaxGradient: KernelsAVX512.softmaxGradient,
                sumOfSquares: KernelsAVX512.sumOfSquares,
                add: KernelsAVX512.add,
                addRows: KernelsAVX512.addRows,
                scatterRows: KernelsAVX512.scatterRows,
                elementsPerFloat: inBFloat16 ? 2 : 1,
                packTransposed: inBFloat16 ? Kernels.packTransposedPairs : Kernels.packTransposed,
                packRows: inBFloat16 ? Kernels.packRowPairs : Kernels.packRows,
                addProduct: inBFloat16
                    ? hasInstruction ? KernelsAVX512BF16.addPairProduct : KernelsAVX512.addPairProduct
                    : KernelsAVX512.addProduct,
                addTransposedProduct: inBFloat16
                    ? hasInstruction
                        ? KernelsAVX512BF16.addTransposedPairProduct : KernelsAVX512.addTransposedPairProduct
                    : KernelsAVX512.addTransposedProduct,
                adamUpdate: KernelsAVX512.adamUpdate)
        }
    #endif
}

extension Backend {
    fileprivate func isSame(as other: Backend) -> Bool {
        strcmp(name.cString, other.name.cString) == 0
    }
}
