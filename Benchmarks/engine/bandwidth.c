/*
 * The speed at which one core reads memory: the bound of an engine that reads all its weights once
 * per character.
 *
 * The loop adds up vectors in order and does nothing else, so that only loads limit it. The size of
 * the working set determines the cache that it is read from, so it must equal that of the weights.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* As wide as the processor's registers: the compiler would assemble a wider one in memory. */
#if defined(__AVX512F__)
typedef uint64_t vector __attribute__((vector_size(64)));
#elif defined(__AVX2__)
typedef uint64_t vector __attribute__((vector_size(32)));
#else
typedef uint64_t vector __attribute__((vector_size(16)));
#endif

struct working_set {
    vector *vectors;
    size_t count;
};

struct working_set *new_working_set(size_t bytes) {
    const size_t large_page = 2 << 20;
    struct working_set *set = allocate(1, sizeof *set);
    void *memory;
    size_t size = (bytes + large_page - 1) / large_page * large_page;
    if (posix_memalign(&memory, large_page, size) != 0) {
        fail("out of memory");
    }
    madvise(memory, size, MADV_HUGEPAGE);
    memset(memory, 1, size);
    set->vectors = memory;
    set->count = bytes / sizeof(vector);
    return set;
}

void free_working_set(struct working_set *set) {
    free(set->vectors);
    free(set);
}

/* Eight accumulators, so that an addition does not wait for the previous one. */
static void sum(const struct working_set *set, vector *total) {
    vector sums[8] = {{0}};
    size_t i;
    for (i = 0; i + 8 <= set->count; i += 8) {
        const vector *v = set->vectors + i;
        sums[0] += v[0];
        sums[1] += v[1];
        sums[2] += v[2];
        sums[3] += v[3];
        sums[4] += v[4];
        sums[5] += v[5];
        sums[6] += v[6];
        sums[7] += v[7];
    }
    *total = sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

double seconds_per_pass(const struct working_set *set, double seconds) {
    /* So many passes per reading of the clock that they read a few megabytes. */
    const size_t passes = 1 + (4 << 20) / (set->count * sizeof(vector));
    double began = now();
    double previous = began;
    double least = 1e9;
    do {
        double time;
        size_t i;
        for (i = 0; i < passes; i++) {
            vector total;
            sum(set, &total);
            /* Keeps the compiler from omitting the sum or reusing an earlier one. */
            __asm__ volatile("" : : "m"(total) : "memory");
        }
        time = now();
        if (time - previous < least) {
            least = time - previous;
        }
        previous = time;
    } while (previous - began < seconds);
    return least / (double)passes;
}
