#include "CIntrinsics.h"

#include <stddef.h>

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

#endif
