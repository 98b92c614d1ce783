/* Models, sessions and the clock, for all commands. */
#define _GNU_SOURCE
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void fail(const char *message) {
    fprintf(stderr, "engine: %s\n", message);
    exit(1);
}

void check(chargen_status status) {
    if (status != CHARGEN_OK) {
        fail(chargen_error_message());
    }
}

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fail("out of memory");
    }
    return memory;
}

chargen_model *load_model(const char *path) {
    chargen_model *model;
    check(chargen_model_load_file(path, &model));
    return model;
}

chargen_session *new_session(const chargen_model *model, size_t threads) {
    chargen_session *session;
    check(chargen_session_create(model, &session));
    check(chargen_session_set_threads(session, threads));
    return session;
}

char *random_text(const chargen_model *model, size_t length, uint64_t seed) {
    char known[128];
    size_t count = 0;
    size_t i;
    char *text = allocate(length, 1);
    for (i = 0; i < sizeof known; i++) {
        if (chargen_model_knows(model, (uint32_t)i)) {
            known[count++] = (char)i;
        }
    }
    if (count == 0) {
        fail("the model knows no ASCII character to make a text of");
    }
    for (i = 0; i < length; i++) {
        /* The multiplier and increment of Knuth's MMIX. */
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        text[i] = known[(seed >> 33) % count];
    }
    return text;
}

struct streams new_streams(const chargen_model *model, size_t count, size_t threads) {
    struct streams streams;
    size_t i;
    streams.count = count;
    streams.sessions = allocate(count, sizeof *streams.sessions);
    streams.characters = allocate(count, sizeof *streams.characters);
    streams.batch = NULL;
    for (i = 0; i < count; i++) {
        streams.sessions[i] = new_session(model, count == 1 ? threads : 1);
        check(chargen_session_set_seed(streams.sessions[i], i));
    }
    if (count > 1) {
        check(chargen_batch_create(model, count, threads, &streams.batch));
    }
    return streams;
}

void free_streams(struct streams *streams) {
    size_t i;
    chargen_batch_free(streams->batch);
    for (i = 0; i < streams->count; i++) {
        chargen_session_free(streams->sessions[i]);
    }
    free(streams->sessions);
    free(streams->characters);
}

void advance(struct streams *streams) {
    if (streams->batch == NULL) {
        check(chargen_session_next(streams->sessions[0], streams->characters));
    } else {
        check(chargen_batch_next(streams->batch, streams->sessions, streams->count, streams->characters));
    }
}

double seconds_per_advance(struct streams *streams, double seconds) {
    /* So many that reading the clock takes a negligible part of the time. */
    const int calls_per_reading = 16;
    double began = now();
    double elapsed;
    size_t calls = 0;
    do {
        int i;
        for (i = 0; i < calls_per_reading; i++) {
            advance(streams);
        }
        calls += (size_t)calls_per_reading;
        elapsed = now() - began;
    } while (elapsed < seconds);
    return elapsed / (double)calls;
}

double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
