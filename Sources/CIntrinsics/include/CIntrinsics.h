// Instructions of the kernels that Swift cannot express, and the kernel tables.
#ifndef CINTRINSICS_H
#define CINTRINSICS_H

#include "KernelTables.h"

// Intrinsics, for what LLVM does not generate from generic SIMD code: integer dot products.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512BF16__)
/// `accumulators` plus the products of sixteen pairs of bfloat16 numbers each.
static inline __attribute__((always_inline)) __m512 ci_add_pair_products(__m512 accumulators, __m512 a, __m512 b) {
    return _mm512_dpbf16_ps(accumulators, (__m512bh)a, (__m512bh)b);
}
#endif

/// Prefetches the cache line at an address, which need not be valid.
static inline __attribute__((always_inline)) void ci_prefetch(const void *address) {
    __builtin_prefetch(address);
}

/// Prefetches the cache line at an address into the second-level cache.
static inline __attribute__((always_inline)) void ci_prefetch_l2(const void *address) {
    __builtin_prefetch(address, 0, 2);
}

/// Keeps the compiler from moving reads across this point. It emits no instruction.
static inline __attribute__((always_inline)) void ci_keep_order(void) {
    __asm__ volatile("" ::: "memory");
}

/// The same address, opaque to the compiler, which therefore keeps it in a register and does not
/// compute it again.
static inline __attribute__((always_inline)) const float *ci_register(const float *address) {
    __asm__("" : "+r"(address));
    return address;
}

#endif
