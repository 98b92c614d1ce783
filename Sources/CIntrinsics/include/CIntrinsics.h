// What the kernels need of the processor and Swift has no words for.
#ifndef CINTRINSICS_H
#define CINTRINSICS_H

// The integer dot products: LLVM does not find them in generic SIMD code.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512BF16__)
/// `sums` plus the products of sixteen pairs of bfloat16 numbers each.
static inline __attribute__((always_inline)) __m512 ci_add_pair_products(__m512 sums, __m512 a, __m512 b) {
    return _mm512_dpbf16_ps(sums, (__m512bh)a, (__m512bh)b);
}
#endif

/// Asks for the cache line at an address, which need not be valid.
static inline __attribute__((always_inline)) void ci_prefetch(const void *address) {
    __builtin_prefetch(address);
}

/// Asks for the cache line at `address`, to be in the second-level cache when it is read.
static inline __attribute__((always_inline)) void ci_prefetch_l2(const void *address) {
    __builtin_prefetch(address, 0, 2);
}

/// Keeps the compiler from moving reads from one side of this to the other. It is no instruction.
static inline __attribute__((always_inline)) void ci_keep_order(void) {
    __asm__ volatile("" ::: "memory");
}

/// The same address, of which the compiler knows nothing: it keeps it in a register, and computes it no second time.
static inline __attribute__((always_inline)) const float *ci_register(const float *address) {
    __asm__("" : "+r"(address));
    return address;
}

#endif
