// Instructions of the kernels that Swift cannot express, and the kernel tables.
#ifndef CINTRINSICS_H
#define CINTRINSICS_H

#include "FusedMultiplyAdd.h"
#include "KernelTables.h"

// Intrinsics, for what LLVM does not generate from generic SIMD code: integer dot products.
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#if defined(__AVX512BF16__)
/// `accumulators` plus the products of sixteen pairs of bfloat16 numbers each.
static inline __attribute__((always_inline)) __m512 ci_add_pair_products(__m512 accumulators, __m512 a, __m512 b) {
    return _mm512_dpbf16_ps(accumulators, (__m512bh)a, (__m512bh)b);
}
#endif

/// The floats nearest to the integers. Swift's own conversion goes lane by lane on some processors.
static inline __attribute__((always_inline)) ci_float16 ci_floats(ci_int16 integers) {
    return __builtin_convertvector(integers, ci_float16);
}

typedef int16_t ci_short8 __attribute__((ext_vector_type(8)));

/// The sums of the products of two neighbouring pairs.
static inline __attribute__((always_inline)) ci_int4 ci_pair_products(ci_short8 a, ci_short8 b) {
#if defined(__SSE2__)
    return (ci_int4)_mm_madd_epi16((__m128i)a, (__m128i)b);
#elif defined(__wasm_simd128__)
    return (ci_int4)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b);
#else
    return __builtin_convertvector(a.even, ci_int4) * __builtin_convertvector(b.even, ci_int4) +
           __builtin_convertvector(a.odd, ci_int4) * __builtin_convertvector(b.odd, ci_int4);
#endif
}

#if defined(__wasm_simd128__)
/// Products of 8-bit weights and activations for one or two panels: four bytes for each of sixteen
/// rows, `count` times, `stride` bytes apart. To each row of `start` the products of its weights
/// with the four activations at `inputs`, the next time with the next four, are added.
///
/// The upper byte of 16 bits is a weight, the lower one another plus 128. With activations a and b
/// for them, a · low + b · high is a · (256 · high + low + 128) + (b − 256 · a) · high − 128 · a:
/// 16 bits are multiplied as they are, and only one byte of them is extracted. Intermediate sums
/// may overflow 32 bits, the result does not.
static inline __attribute__((always_inline)) void ci_byte_products(
    int panels, const void *start, const int8_t *weights, size_t stride, const uint8_t *inputs, size_t count,
    void *result) {
    v128_t sums[8], bias = wasm_i32x4_const_splat(0);
#pragma unroll
    for (int i = 0; i < 4 * panels; i++) sums[i] = wasm_v128_load((const int32_t *)start + 4 * i);
    for (; count > 0; count--, weights += stride, inputs += 4) {
        v128_t pairs = wasm_v128_load32_splat(inputs);
        v128_t a = wasm_v128_and(pairs, wasm_i16x8_const_splat(255));
        v128_t b = wasm_i16x8_sub(wasm_u16x8_shr(pairs, 8), wasm_i16x8_shl(pairs, 8));
        bias = wasm_i32x4_add(bias, wasm_i32x4_dot_i16x8(a, wasm_i16x8_const_splat(-128)));
#pragma unroll
        for (int i = 0; i < 4 * panels; i++) {
            v128_t both = wasm_v128_load(weights + 16 * i);
            v128_t products = wasm_i32x4_dot_i16x8(b, wasm_i16x8_shr(both, 8));
            sums[i] = wasm_i32x4_add(sums[i], wasm_i32x4_add(products, wasm_i32x4_dot_i16x8(a, both)));
        }
    }
#pragma unroll
    for (int i = 0; i < 4 * panels; i++) ((v128_t *)result)[i] = wasm_i32x4_add(sums[i], bias);
}
#endif

#if defined(__aarch64__)
typedef int8_t ci_byte16 __attribute__((ext_vector_type(16)));

/// `accumulators` plus the sums of the products of four pairs of bytes each.
static inline __attribute__((always_inline)) ci_int4 ci_add_byte_products(ci_int4 accumulators, ci_byte16 a, ci_byte16 b) {
#if defined(__ARM_FEATURE_DOTPROD)
    return (ci_int4)vdotq_s32((int32x4_t)accumulators, (int8x16_t)a, (int8x16_t)b);
#else
    // Two products of at most 127 · 128 each fit in 16 bits.
    int16x8_t low = vmull_s8(vget_low_s8((int8x16_t)a), vget_low_s8((int8x16_t)b));
    int16x8_t high = vmull_high_s8((int8x16_t)a, (int8x16_t)b);
    return (ci_int4)vpadalq_s16((int32x4_t)accumulators, vpaddq_s16(low, high));
#endif
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
