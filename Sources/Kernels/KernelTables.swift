import CIntrinsics

// The kernels of this module's instruction set, each named once. The functions below are the
// module's only exports that depend on it; `@export(interface)` keeps Embedded Swift from compiling
// them into other modules, for another one.

/// The kernels that generation needs, and training too.
@export(interface)
public func inferenceKernels() -> InferenceKernels {
    InferenceKernels(
        addFloat32Product: { addFloat32Product($0) },
        addBFloat16Product: { addBFloat16Product($0) },
        addInt8Product: { addInt8Product($0) },
        addInt4Product: { addInt4Product($0) },
        quantise: { quantise($0, count: $1, into: $2) },
        quantiseSigned: { quantiseSigned($0, count: $1, into: $2) },
        rnnForward: { rnnForward($0) },
        gruForward: { gruForward($0) },
        lstmForward: { lstmForward($0) },
        sigmoid: { sigmoid($0, count: $1) },
        hyperbolicTangent: { hyperbolicTangent($0, count: $1) },
        exponential: { exponential($0, count: $1) },
        excludeSymbols: { excludeSymbols($0, count: $1, mask: $2) },
        sampleWeights: { sampleWeights($0, count: $1, inverseTemperature: $2, into: $3) },
        indexOfMaximum: { indexOfMaximum($0, count: $1) },
        pickSymbol: { pickSymbol($0, count: $1, total: $2, word: $3) },
        cutWeights: { cutWeights($0, count: $1, total: $2, most: $3, share: $4, least: $5) })
}

/// The kernels that only training needs.
///
/// - Parameter inBFloat16: Whether the matrix products round their factors to bfloat16.
@export(interface)
public func trainingKernels(inBFloat16: Bool) -> TrainingKernels {
    var kernels = TrainingKernels(
        elementsPerFloat: 1,
        packTransposed: { packTransposed($0, rows: $1, columns: $2, into: $3) },
        packRows: { packRows($0, $1..<$2, of: $3, columns: $4, into: $5) },
        multiply: { multiply($0) },
        multiplyTransposed: { multiplyTransposed($0) },
        rnnBackward: { rnnBackward($0) },
        gruBackward: { gruBackward($0) },
        lstmBackward: { lstmBackward($0) },
        softmaxGradient: { softmaxGradient($0, count: $1, target: $2, scale: $3) },
        updateAdam: { updateAdam($0) },
        sumOfSquares: { sumOfSquares($0, count: $1) },
        add: { add($0, to: $1, count: $2) },
        addRows: { addRows($0) })
    if inBFloat16 {
        kernels.elementsPerFloat = 2
        kernels.packTransposed = { packTransposedPairs($0, rows: $1, columns: $2, into: $3) }
        kernels.packRows = { packRowPairs($0, $1..<$2, of: $3, columns: $4, into: $5) }
        kernels.multiply = { multiplyPairs($0) }
        kernels.multiplyTransposed = { multiplyTransposedPairs($0) }
    }
    return kernels
}
