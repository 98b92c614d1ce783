// The dispatch surface: every kernel's name and type, in one place. `Sources/Kernels` fills in the
// two tables once per instruction set, and describes each kernel at its definition.
//
// The tables are C structs because these hold plain function pointers: a call loads one and jumps.
#ifndef KERNEL_TABLES_H
#define KERNEL_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// A table is immutable once it is filled in.
#define KERNEL_TABLE __attribute__((swift_attr("@Sendable")))

// ---- Arguments ----

/// outputs ← outputs + W · x for each of `count` vectors x, over weights packed into panels.
typedef struct {
    /// W, `rows` × `columns`, packed by the packing function of its type. `rows` is a multiple of
    /// the lane count.
    const void *weights;
    ptrdiff_t rows;
    ptrdiff_t columns;
    /// The vectors, each in the form that the product with this type of weights reads.
    const void *_Nonnull const *_Nonnull inputs;
    ptrdiff_t count;
    /// `rows` floats for each vector, `stride` apart: the biases or earlier preactivations on
    /// entry.
    float *outputs;
    ptrdiff_t stride;
} PackedProduct;

/// A time step of a cell, after the matrix products. Blocks and states are `width` floats, a
/// multiple of the lane count.
typedef struct {
    /// The blocks of preactivations on entry, their activations on return.
    float *preactivations;
    /// h and h', which may be the same memory.
    const float *hidden;
    float *nextHidden;
    /// An LSTM's c and c', which may be the same memory, and tanh(c'), which the backward pass
    /// reads. Ignored by other cells.
    const float *_Nullable cell;
    float *_Nullable nextCell;
    float *_Nullable cellTangent;
    ptrdiff_t width;
} StepForward;

/// The same time step backward.
typedef struct {
    /// The blocks of activations on entry, the gradients of their preactivations on return.
    float *activations;
    /// h and h'.
    const float *hidden;
    const float *nextHidden;
    /// An LSTM's c and tanh(c'). Ignored by other cells.
    const float *_Nullable cell;
    const float *_Nullable cellTangent;
    /// The gradient of h'.
    const float *hiddenGradient;
    /// For a GRU the gradient of h, to which the term that passes through no matrix is added. For
    /// an LSTM the gradient of c' from later steps on entry, that of c on return. Ignored by an
    /// RNN.
    float *_Nullable carriedGradient;
    ptrdiff_t width;
} StepBackward;

/// C ← C₀ + A · B, or C ← C + Aᵀ · B. Sizes across are multiples of the lane count.
typedef struct {
    /// A. Its rows are `aStride` floats apart. Blocks of rows, such as those of a worker at each of
    /// several time steps, are `aBlock` floats apart.
    const float *a;
    ptrdiff_t aStride;
    ptrdiff_t aBlock;
    /// B, packed into panels for `multiply`; row-major, `bStride` floats from row to row, for
    /// `multiplyTransposed`.
    const float *b;
    ptrdiff_t bStride;
    /// C₀, one row that every row of C starts from; NULL if C starts from what it holds.
    const float *_Nullable bias;
    /// C, with rows `cStride` and blocks `cBlock` floats apart.
    float *c;
    ptrdiff_t cStride;
    ptrdiff_t cBlock;
    /// The rows of each block of C, the number of blocks, the columns of C, and the terms of each
    /// of its elements.
    ptrdiff_t m;
    ptrdiff_t blocks;
    ptrdiff_t n;
    ptrdiff_t k;
    /// A prefetch hint: `prefetchCount` floats that the caller reads or writes next; NULL for none.
    const float *_Nullable prefetch;
    ptrdiff_t prefetchCount;
    /// A prefetch hint: whether the next product continues in A, as it does in B.
    bool continuesA;
    /// Memory that only this worker uses.
    float *scratch;
} MatrixProduct;

/// An update of Adam.
typedef struct {
    float *parameters;
    const float *gradients;
    float *firstMoments;
    float *secondMoments;
    /// The running means of the parameters; NULL for none.
    float *_Nullable averages;
    ptrdiff_t count;
    /// The factor that the gradients are multiplied by first.
    float scale;
    /// The largest magnitude of a scaled gradient, which is clipped to it; infinity for no limit.
    float limit;
    /// 1 − β1 and 1 − β2, each rounded once: in floats 1 − 0.999 would be off by 5e-5 of itself.
    float decay1;
    float decay2;
    /// The learning rate divided by 1 − β1^t.
    float stepSize;
    /// 1 / √(1 − β2^t).
    float secondCorrection;
    float epsilon;
    /// What the parameters are multiplied by first: 1 − learning rate · weight decay.
    float keep;
    /// The weight of the new parameters in the running means.
    float averageWeight;
} AdamStep;

/// Rows of `count` floats, a multiple of the lane count, that are added to rows of `target` one
/// after the other.
typedef struct {
    const float *source;
    ptrdiff_t stride;
    ptrdiff_t rows;
    float *target;
    ptrdiff_t targetStride;
    /// The row of `target` that each row is added to; NULL if all are added to the first.
    const int32_t *_Nullable indices;
    ptrdiff_t count;
} RowAddition;

/// The cross-entropy of one row is log(`sum`) − `targetLogit`.
typedef struct {
    /// Σ exp(logit − maximum).
    float sum;
    /// The target's logit − maximum.
    float targetLogit;
} SoftmaxTerms;

// ---- Tables ----

// Structs are passed by pointer: a copy on the stack would be read in wider pieces than it was just
// written in, which store forwarding does not serve.

/// The kernels of generation, which training uses too.
typedef struct {
    void (*addFloat32Product)(const PackedProduct *product);
    void (*addBFloat16Product)(const PackedProduct *product);
    void (*addInt8Product)(const PackedProduct *product);
    void (*addInt4Product)(const PackedProduct *product);
    void (*quantise)(const float *values, ptrdiff_t count, void *bytes);
    void (*quantiseSigned)(const float *values, ptrdiff_t count, void *bytes);

    void (*rnnForward)(const StepForward *step);
    void (*gruForward)(const StepForward *step);
    void (*lstmForward)(const StepForward *step);
    /// The elementary functions by themselves: for the probabilities of a text, and for tests.
    void (*sigmoid)(float *values, ptrdiff_t count);
    void (*hyperbolicTangent)(float *values, ptrdiff_t count);
    void (*exponential)(float *values, ptrdiff_t count);

    void (*excludeSymbols)(float *logits, ptrdiff_t count, const uint16_t *mask);
    uint64_t (*sampleWeights)(const float *logits, ptrdiff_t count, float inverseTemperature, uint32_t *weights);
    ptrdiff_t (*indexOfMaximum)(const float *logits, ptrdiff_t count);
    ptrdiff_t (*pickSymbol)(const uint32_t *weights, ptrdiff_t count, uint64_t total, uint64_t word);
    uint64_t (*cutWeights)(uint32_t *weights, ptrdiff_t count, uint64_t total, ptrdiff_t most, uint64_t share,
                           uint32_t least);
} KERNEL_TABLE InferenceKernels;

/// The kernels of training alone, in a table of their own so that libchargen.so does not contain
/// them.
typedef struct {
    /// The elements of a packed matrix per float of memory: 2 in bfloat16.
    ptrdiff_t elementsPerFloat;
    void (*packTransposed)(const float *matrix, ptrdiff_t rows, ptrdiff_t columns, float *packed);
    void (*packRows)(const float *matrix, ptrdiff_t first, ptrdiff_t end, ptrdiff_t rows, ptrdiff_t columns, float *packed);
    void (*multiply)(const MatrixProduct *product);
    void (*multiplyTransposed)(const MatrixProduct *product);

    void (*rnnBackward)(const StepBackward *step);
    void (*gruBackward)(const StepBackward *step);
    void (*lstmBackward)(const StepBackward *step);
    SoftmaxTerms (*softmaxGradient)(float *logits, ptrdiff_t count, ptrdiff_t target, float scale);
    void (*updateAdam)(const AdamStep *step);

    double (*sumOfSquares)(const float *values, ptrdiff_t count);
    void (*add)(const float *source, float *target, ptrdiff_t count);
    void (*addRows)(const RowAddition *rows);
} KERNEL_TABLE TrainingKernels;

#pragma clang assume_nonnull end

#endif
