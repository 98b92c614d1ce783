// a · b + c with a single rounding, for processors without such an instruction, in vectors.
//
// The product of two floats is exact in a double. Its sum with c is rounded to a double and then to
// a float, and two roundings give another float than one only where the double lies half-way
// between two floats and is not exact. All lanes are computed in this way; if any lies half-way,
// all are computed again with the sum rounded to odd, after which rounding to a float is right:
// Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using
// rounding to odd" (IEEE Transactions on Computers, 2008).
#ifndef FUSED_MULTIPLY_ADD_H
#define FUSED_MULTIPLY_ADD_H

#include <stddef.h>
#include <stdint.h>

typedef float ci_float16 __attribute__((ext_vector_type(16)));
typedef int32_t ci_int16 __attribute__((ext_vector_type(16)));
typedef int32_t ci_int4 __attribute__((ext_vector_type(4)));

#if !defined(__FMA__) && !defined(__aarch64__)
#define CI_EMULATES_FUSED_MULTIPLY_ADD

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

typedef float ci_float2 __attribute__((ext_vector_type(2)));
typedef float ci_float4 __attribute__((ext_vector_type(4)));
typedef double ci_double2 __attribute__((ext_vector_type(2)));
typedef uint32_t ci_uint4 __attribute__((ext_vector_type(4)));
typedef uint64_t ci_ulong2 __attribute__((ext_vector_type(2)));

/// The floats of a vector of four as doubles, in two registers: as one vector the compiler takes
/// them apart lane by lane.
typedef struct {
    ci_double2 low, high;
} ci_double_pair;

#if defined(__wasm_simd128__)
/// The same vector, opaque to the compiler: where it sees where the lanes come from and go to, it
/// converts them one by one.
static inline __attribute__((always_inline)) v128_t ci_opaque(v128_t x) {
    __asm__("" : "+r"(x));
    return x;
}
#endif

static inline __attribute__((always_inline)) ci_double2 ci_promote_low(ci_float4 x) {
#if defined(__wasm_simd128__)
    return (ci_double2)ci_opaque(wasm_f64x2_promote_low_f32x4(ci_opaque((v128_t)x)));
#else
    return __builtin_convertvector(x.lo, ci_double2);
#endif
}

static inline __attribute__((always_inline)) ci_float4 ci_demote(ci_double2 x) {
#if defined(__wasm_simd128__)
    return (ci_float4)ci_opaque(wasm_f32x4_demote_f64x2_zero(ci_opaque((v128_t)x)));
#else
    return __builtin_shufflevector(__builtin_convertvector(x, ci_float2), (ci_float2)0, 0, 1, 2, 3);
#endif
}

static inline __attribute__((always_inline)) ci_double_pair ci_doubles(ci_float4 x) {
    return (ci_double_pair){ci_promote_low(x), ci_promote_low(x.zwxy)};
}

static inline __attribute__((always_inline)) ci_float4 ci_nearest_floats(ci_double_pair x) {
    return __builtin_shufflevector(ci_demote(x.low), ci_demote(x.high), 0, 1, 4, 5);
}

/// a · b + c, rounded to doubles. `hard` gets the lanes half-way between two floats: doubles have
/// 29 bits more, there 1 and zeros.
static inline __attribute__((always_inline)) ci_double_pair ci_multiply_add(
    ci_double_pair a, ci_double_pair b, ci_double_pair c, ci_int4 *hard) {
    ci_double_pair sum = {a.low * b.low + c.low, a.high * b.high + c.high};
    *hard |= __builtin_shufflevector((ci_uint4)sum.low, (ci_uint4)sum.high, 0, 2, 4, 6) << 3 == 1U << 31;
    return sum;
}

/// Whether any lane of a mask is set.
static inline __attribute__((always_inline)) int ci_any(ci_int4 mask) {
#if defined(__wasm_simd128__)
    return wasm_v128_any_true((v128_t)mask);
#else
    return __builtin_reduce_or(mask) != 0;
#endif
}

/// Four lanes of ci_fused_multiply_add(), rounded twice. `hard` gets those where that may differ.
static inline __attribute__((always_inline)) ci_float4 ci_multiply_add4(
    ci_float4 a, ci_float4 b, ci_float4 c, ci_int4 *hard) {
    // Below 2^-126 a float has fewer bits. There the sum is exact, or 0 < |c| < 2^-125: as all of
    // it is a multiple of 2^-149 or of the product's last bit, a sum with more than 53 bits needs
    // a product below 2^-131. (Compared as signed numbers, with the upper bit inverted.)
    *hard |= (ci_int4)(((ci_uint4)c << 1) - 1 + (1U << 31)) < INT32_MIN + (2 << 24) - 1;
    return ci_nearest_floats(ci_multiply_add(ci_doubles(a), ci_doubles(b), ci_doubles(c), hard));
}

/// a · b + c, with the sum rounded to odd: if it is not exact, to the one of the two nearest
/// doubles whose last bit is 1.
void ci_fused_multiply_add_by_odd(const ci_float16 *a, const ci_float16 *b, const ci_float16 *c, ci_float16 *result);

/// a · b + c in each lane, with a single rounding.
static inline __attribute__((always_inline)) ci_float16 ci_fused_multiply_add(ci_float16 a, ci_float16 b, ci_float16 c) {
    ci_int4 hard = 0;
    ci_float16 result;
    result.lo.lo = ci_multiply_add4(a.lo.lo, b.lo.lo, c.lo.lo, &hard);
    result.lo.hi = ci_multiply_add4(a.lo.hi, b.lo.hi, c.lo.hi, &hard);
    result.hi.lo = ci_multiply_add4(a.hi.lo, b.hi.lo, c.hi.lo, &hard);
    result.hi.hi = ci_multiply_add4(a.hi.hi, b.hi.hi, c.hi.hi, &hard);
    if (__builtin_expect(ci_any(hard), 0)) ci_fused_multiply_add_by_odd(&a, &b, &c, &result);
    return result;
}

/// Doubles rounded to floats, which are neither half-way between two floats nor too large or small
/// for a float with all its bits.
static inline __attribute__((always_inline)) ci_double2 ci_round_to_floats(ci_double2 x) {
#if defined(__wasm_simd128__)
    return ci_promote_low(ci_demote(x));
#else
    return (ci_double2)(((ci_ulong2)x + (1U << 28)) & ~0ULL << 29);
#endif
}

/// A step of Horner's scheme: a · x + b, as floats.
static inline __attribute__((always_inline)) ci_double_pair ci_horner(
    ci_double_pair a, ci_double_pair x, float b, ci_int4 *hard) {
    ci_double_pair sum = ci_multiply_add(a, x, (ci_double_pair){b, b}, hard);
    return (ci_double_pair){ci_round_to_floats(sum.low), ci_round_to_floats(sum.high)};
}

/// Four lanes of ci_polynomial(), rounded twice a step. `hard` gets those where that may differ.
static inline __attribute__((always_inline)) ci_float4 ci_polynomial4(
    ci_float4 x, float a, float b, float c, float d, float e, float f, ci_int4 *hard) {
    ci_double_pair y = ci_doubles(x);
    ci_double_pair sum = ci_horner((ci_double_pair){a, a}, y, b, hard);
    sum = ci_horner(sum, y, c, hard);
    sum = ci_horner(sum, y, d, hard);
    sum = ci_horner(sum, y, e, hard);
    return ci_nearest_floats(ci_multiply_add(sum, y, (ci_double_pair){f, f}, hard));
}

/// A polynomial in x by Horner's scheme, with a single rounding a step, from the coefficient of the
/// highest power on.
void ci_polynomial_by_odd(
    const ci_float16 *x, float a, float b, float c, float d, float e, float f, ci_float16 *result);

/// The same, with coefficients that are not near 0.
static inline __attribute__((always_inline)) ci_float16 ci_polynomial(
    ci_float16 x, float a, float b, float c, float d, float e, float f) {
    ci_int4 hard = 0;
    ci_float16 result;
    result.lo.lo = ci_polynomial4(x.lo.lo, a, b, c, d, e, f, &hard);
    result.lo.hi = ci_polynomial4(x.lo.hi, a, b, c, d, e, f, &hard);
    result.hi.lo = ci_polynomial4(x.hi.lo, a, b, c, d, e, f, &hard);
    result.hi.hi = ci_polynomial4(x.hi.hi, a, b, c, d, e, f, &hard);
    if (__builtin_expect(ci_any(hard), 0)) ci_polynomial_by_odd(&x, a, b, c, d, e, f, &result);
    return result;
}

#if !defined(__wasm_simd128__)
/// Adds sixteen rows of a matrix times a vector to `sums`: a fused multiply-add in each lane for
/// each of `count` columns. The sums stay doubles from column to column, where they are rounded by
/// integers: conversions to floats are slow, most of all on an emulated processor.
///
/// `matrix` has the rows of each column side by side, `stride` floats from column to column.
void ci_add_rows_times_vector(
    float *sums, const float *matrix, ptrdiff_t stride, const float *vector, ptrdiff_t count);
#endif

/// a · b + c in each lane, with a single rounding, where the product is a float unless it
/// overflows: it has at most 24 bits, and a or b is an integer.
static inline __attribute__((always_inline)) ci_float16 ci_add_exact_product(ci_float16 a, ci_float16 b, ci_float16 c) {
    ci_float16 product = a * b;
    ci_int16 isInfinite = ((ci_int16)product & INT32_MAX) >= 0x7F800000;
    ci_int4 any = isInfinite.lo.lo | isInfinite.lo.hi | isInfinite.hi.lo | isInfinite.hi.hi;
    ci_float16 result = product + c;
    if (__builtin_expect(ci_any(any), 0)) ci_fused_multiply_add_by_odd(&a, &b, &c, &result);
    return result;
}

#endif

#endif
