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

#include <stdint.h>

#if !defined(__FMA__) && !defined(__aarch64__)

typedef float ci_float16 __attribute__((ext_vector_type(16)));
typedef double ci_double16 __attribute__((ext_vector_type(16)));
typedef int32_t ci_int16 __attribute__((ext_vector_type(16)));
typedef uint32_t ci_uint16 __attribute__((ext_vector_type(16)));
typedef uint32_t ci_uint32 __attribute__((ext_vector_type(32)));
typedef int64_t ci_long16 __attribute__((ext_vector_type(16)));

/// a · b + c, with the sum rounded to odd: if it is not exact, to the one of the two nearest
/// doubles whose last bit is 1.
static __attribute__((noinline)) void ci_fused_multiply_add_by_odd(
    const ci_float16 *a, const ci_float16 *b, const ci_float16 *c, ci_float16 *result) {
    ci_double16 product = __builtin_convertvector(*a, ci_double16) * __builtin_convertvector(*b, ci_double16);
    ci_double16 addend = __builtin_convertvector(*c, ci_double16);
    ci_double16 sum = product + addend;
    // The error of the sum (Knuth's TwoSum); NaN where the sum is not finite.
    ci_double16 t = sum - product;
    ci_double16 error = (product - (sum - t)) + (addend - t);
    ci_long16 bits = (ci_long16)sum;
    ci_long16 isInexact = (error < 0) | (error > 0);
    ci_long16 isEven = (bits & 1) - 1;
    // The neighbour on the side of the error: outwards if the error has the sign of the sum.
    ci_long16 step = 1 | (((ci_long16)error ^ bits) >> 63);
    *result = __builtin_convertvector((ci_double16)(bits + (step & isInexact & isEven)), ci_float16);
}

/// a · b + c in each lane, with a single rounding.
static inline __attribute__((always_inline)) ci_float16 ci_fused_multiply_add(ci_float16 a, ci_float16 b, ci_float16 c) {
    ci_double16 sum = __builtin_convertvector(a, ci_double16) * __builtin_convertvector(b, ci_double16) +
                      __builtin_convertvector(c, ci_double16);
    ci_float16 result = __builtin_convertvector(sum, ci_float16);
    // A double has 29 bits more than a float: 1 and zeros half-way between two floats.
    ci_uint16 low = ((ci_uint32)sum).even;
    ci_int16 isHalfWay = low << 3 == 1U << 31;
    // Below 2^-126 a float has fewer bits. There the sum is exact, or 0 < |c| < 2^-125: as all of
    // it is a multiple of 2^-149 or of the product's last bit, a sum with more than 53 bits needs
    // a product below 2^-131. (Compared as signed numbers, with the upper bit inverted.)
    ci_int16 isSmall = (ci_int16)(((ci_uint16)c << 1) - 1 + (1U << 31)) < INT32_MIN + (2 << 24) - 1;
    ci_int16 isHard = isHalfWay | isSmall;
    if (__builtin_expect(__builtin_reduce_or(isHard) != 0, 0)) ci_fused_multiply_add_by_odd(&a, &b, &c, &result);
    return result;
}

/// a · b + c in each lane, with a single rounding, where the product is a float unless it
/// overflows.
static inline __attribute__((always_inline)) ci_float16 ci_add_exact_product(ci_float16 a, ci_float16 b, ci_float16 c) {
    ci_float16 product = a * b;
    ci_float16 result = product + c;
    ci_int16 isInfinite = ((ci_int16)product & INT32_MAX) >= 0x7F800000;
    if (__builtin_expect(__builtin_reduce_or(isInfinite) != 0, 0)) ci_fused_multiply_add_by_odd(&a, &b, &c, &result);
    return result;
}

#endif

#endif
