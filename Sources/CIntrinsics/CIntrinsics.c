#include "CIntrinsics.h"

#include <stddef.h>
#include <string.h>

#if defined(CI_EMULATES_FUSED_MULTIPLY_ADD)

typedef int64_t ci_long2 __attribute__((ext_vector_type(2)));

/// a · b + c, rounded to odd.
static ci_double2 multiply_add_to_odd(ci_double2 a, ci_double2 b, ci_double2 c) {
    ci_double2 product = a * b;
    ci_double2 sum = product + c;
    // The error of the sum (Knuth's TwoSum); NaN where the sum is not finite.
    ci_double2 t = sum - product;
    ci_double2 error = (product - (sum - t)) + (c - t);
    ci_long2 bits = (ci_long2)sum;
    ci_long2 isInexact = (error < 0) | (error > 0);
    ci_long2 isEven = (bits & 1) - 1;
    // The neighbour on the side of the error: outwards if the error has the sign of the sum.
    ci_long2 step = 1 | (((ci_long2)error ^ bits) >> 63);
    return (ci_double2)(bits + (step & isInexact & isEven));
}

static ci_float4 multiply_add4_by_odd(ci_float4 x, ci_float4 y, ci_float4 z) {
    ci_double_pair a = ci_doubles(x), b = ci_doubles(y), c = ci_doubles(z);
    return ci_nearest_floats((ci_double_pair){
        multiply_add_to_odd(a.low, b.low, c.low), multiply_add_to_odd(a.high, b.high, c.high)});
}

void ci_fused_multiply_add_by_odd(const ci_float16 *a, const ci_float16 *b, const ci_float16 *c, ci_float16 *result) {
    ci_float16 sum;
    sum.lo.lo = multiply_add4_by_odd(a->lo.lo, b->lo.lo, c->lo.lo);
    sum.lo.hi = multiply_add4_by_odd(a->lo.hi, b->lo.hi, c->lo.hi);
    sum.hi.lo = multiply_add4_by_odd(a->hi.lo, b->hi.lo, c->hi.lo);
    sum.hi.hi = multiply_add4_by_odd(a->hi.hi, b->hi.hi, c->hi.hi);
    *result = sum;
}

void ci_polynomial_by_odd(
    const ci_float16 *x, float a, float b, float c, float d, float e, float f, ci_float16 *result) {
    const float coefficients[] = {b, c, d, e, f};
    ci_float16 sum = a;
    for (size_t i = 0; i < sizeof coefficients / sizeof *coefficients; i++) {
        ci_float16 addend = coefficients[i];
        ci_fused_multiply_add_by_odd(&sum, x, &addend, &sum);
    }
    *result = sum;
}

#if !defined(__wasm_simd128__)

/// The columns after which sums become floats again, and are computed once more if some were hard.
enum { columnsAtOnce = 16 };

/// The doubles of a vector of sixteen, in eight registers.
typedef struct {
    ci_double2 pairs[8];
} doubles16;

static inline doubles16 promote(const float *floats) {
    doubles16 result;
    for (int i = 0; i < 8; i++) result.pairs[i] = (ci_double2){floats[2 * i], floats[2 * i + 1]};
    return result;
}

static inline void demote(const doubles16 *doubles, float *floats) {
    for (int i = 0; i < 8; i++) {
        ci_float2 pair = __builtin_convertvector(doubles->pairs[i], ci_float2);
        memcpy(floats + 2 * i, &pair, sizeof pair);
    }
}

/// Adds a column of sixteen rows times a number to sums that are floats. `hard` gets bits of
/// `hardBits` if a sum is half-way between two floats, or not from 2^-63 to 2^65.
static inline void add_column(doubles16 *sums, const float *column, ci_double2 factor, ci_uint4 *hard) {
    const ci_uint4 rest = {(1U << 29) - 1, ~0U, (1U << 29) - 1, ~0U};
    // A double half-way between two floats has zeros for a rest once half is added: 1 less has a
    // sign. An exponent less 960 is from 0 to 127 if it is in the range.
    const ci_uint4 least = {1, 960U << 20, 1, 960U << 20};
    // Four registers at a time, so that no instruction waits for the one before.
    for (int first = 0; first < 8; first += 4) {
        ci_ulong2 sum[4];
        ci_uint4 test[4];
        for (int i = 0; i < 4; i++) {
            ci_float2 pair;
            memcpy(&pair, column + 2 * (first + i), sizeof pair);
            ci_double2 weights = __builtin_convertvector(pair, ci_double2);
            sum[i] = (ci_ulong2)(weights * factor + sums->pairs[first + i]);
        }
        for (int i = 0; i < 4; i++) sum[i] += 1U << 28;
        for (int i = 0; i < 4; i++) test[i] = (ci_uint4)sum[i] & rest;
        for (int i = 0; i < 4; i++) test[i] -= least;
        for (int i = 0; i < 4; i++) sums->pairs[first + i] = (ci_double2)(sum[i] & ~0ULL << 29);
        for (int i = 0; i < 4; i++) *hard |= test[i];
    }
}

static const ci_uint4 hardBits = {1U << 31, 15U << 27, 1U << 31, 15U << 27};

void ci_add_rows_times_vector(
    float *sums, const float *matrix, ptrdiff_t stride, const float *vector, ptrdiff_t count) {
    for (ptrdiff_t first = 0; first < count; first += columnsAtOnce) {
        ptrdiff_t end = count - first < columnsAtOnce ? count : first + columnsAtOnce;
        ci_uint4 hard = 0;
        doubles16 doubles = promote(sums);
        for (ptrdiff_t i = first; i < end; i++) add_column(&doubles, matrix + i * stride, vector[i], &hard);
        if (__builtin_expect(!ci_any((ci_int4)(hard & hardBits)), 1)) {
            demote(&doubles, sums);
            continue;
        }
        for (ptrdiff_t i = first; i < end; i++) {
            ci_float16 column, factor = vector[i], sum;
            memcpy(&column, matrix + i * stride, sizeof column);
            memcpy(&sum, sums, sizeof sum);
            ci_fused_multiply_add_by_odd(&column, &factor, &sum, &sum);
            memcpy(sums, &sum, sizeof sum);
        }
    }
}

#endif

#endif
