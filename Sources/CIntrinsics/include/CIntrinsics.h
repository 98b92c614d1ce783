// What the kernels need of the processor and Swift has no words for.
#ifndef CINTRINSICS_H
#define CINTRINSICS_H

// The integer dot products: LLVM does not find them in generic SIMD code.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// Asks for the cache line at an address, which need not be valid.
static inline __attribute__((always_inline)) void ci_prefetch(const void *address) {
    __builtin_prefetch(address);
}

#endif
