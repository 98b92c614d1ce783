/*
 * engine allocations: counts the library's allocations.
 *
 * The program defines malloc and the other allocation functions, which replace the C library's for
 * the whole process, libchargen.so included.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static size_t allocations;

static void count_one(void) {
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size) {
    count_one();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_one();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    count_one();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count_one();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    count_one();
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

enum { CHARACTERS = 100000, BATCH = 8 };

/* Prints the allocations since `before`, and returns them. */
static size_t report(const char *what, size_t before) {
    size_t count = __atomic_load_n(&allocations, __ATOMIC_RELAXED) - before;
    printf("%-54s %6lu allocations\n", what, (unsigned long)count);
    return count;
}

static size_t generate(const chargen_model *model, const char *what, size_t count, size_t threads) {
    struct streams streams = new_streams(model, count, threads);
    size_t before = allocations;
    size_t total, i;
    for (i = 0; i < CHARACTERS; i += count) {
        advance(&streams);
    }
    total = report(what, before);
    free_streams(&streams);
    return total;
}

static size_t read_text(const chargen_model *model, const char *text, size_t threads) {
    chargen_session *session = new_session(model, threads);
    size_t before = allocations;
    size_t total;
    double sum;
    check(chargen_session_feed(session, text, CHARACTERS));
    total = report(threads == 1 ? "100,000 characters fed, 1 thread" : "100,000 characters fed, 2 threads", before);
    before = allocations;
    check(chargen_session_score(session, text, CHARACTERS, &sum, NULL));
    total += report(threads == 1 ? "100,000 characters scored, 1 thread" : "100,000 characters scored, 2 threads",
                    before);
    chargen_session_free(session);
    return total;
}

static size_t read_texts(const chargen_model *model, const char *text) {
    struct streams streams = new_streams(model, BATCH, 2);
    const char *texts[BATCH];
    size_t lengths[BATCH];
    double sums[BATCH];
    size_t before, total, i;
    for (i = 0; i < BATCH; i++) {
        texts[i] = text + i * (CHARACTERS / BATCH);
        lengths[i] = CHARACTERS / BATCH;
    }
    before = allocations;
    check(chargen_batch_feed(streams.batch, streams.sessions, BATCH, texts, lengths));
    total = report("100,000 characters fed to a batch of 8, 2 threads", before);
    before = allocations;
    check(chargen_batch_score(streams.batch, streams.sessions, BATCH, texts, lengths, sums));
    total += report("100,000 characters scored in a batch of 8, 2 threads", before);
    free_streams(&streams);
    return total;
}

int run_allocations(const char *path) {
    size_t before = allocations;
    chargen_model *model = load_model(path);
    char *text = random_text(model, CHARACTERS, 1);
    size_t total = 0;
    report("for comparison: loading the model", before);
    total += generate(model, "100,000 characters generated, 1 thread", 1, 1);
    total += generate(model, "100,000 characters generated, 2 threads", 1, 2);
    total += generate(model, "100,000 characters generated in a batch of 8, 1 thread", BATCH, 1);
    total += generate(model, "100,000 characters generated in a batch of 8, 2 threads", BATCH, 2);
    total += read_text(model, text, 1);
    total += read_text(model, text, 2);
    total += read_texts(model, text);
    free(text);
    chargen_model_free(model);
    return total != 0;
}
