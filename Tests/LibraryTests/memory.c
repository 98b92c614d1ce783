/*
 * Refuses the library memory, and expects a status each time:
 *
 *     memory MODEL
 *
 * Each call that may allocate is repeated with its first allocation refused, its second, and so on
 * until it succeeds; then with all allocations from the first on, from the second on, and so on. A
 * new thread counts as an allocation. A call may fail only with CHARGEN_OUT_OF_MEMORY or with the
 * status that it has with enough memory, and must leave the session as it was and no block behind.
 *
 * The model must know neither U+10FFFF nor a symbol for unknown characters.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "allocations.h"

#include <chargen.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "memory.c:%d: not true: %s (last message: %s)\n", __LINE__, #condition,          \
                    chargen_error_message());                                                                \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

typedef int (*thread_function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static thread_function system_create;

#ifdef __cplusplus
extern "C" {
#endif

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument) NOTHROW {
    return refuses() ? EAGAIN : system_create(thread, attributes, body, argument);
}

#ifdef __cplusplus
}
#endif

/* ---- The calls ---- */

static const char *path;
static unsigned char *bytes;
static size_t length;
static chargen_model *model;
static chargen_session *sessions[2];
static chargen_batch *batch;

/* What a call makes. */
static chargen_model *new_model;
static chargen_session *new_session;
static chargen_batch *new_batch;
static chargen_beam *new_beam;
static chargen_pattern *new_pattern;
static chargen_pattern *pattern;

static const char unknown[] = "\xF4\x8F\xBF\xBF";
static const char *const texts[] = {"", unknown};
static const size_t lengths[] = {0, 4};

static chargen_status load_file(void) { return chargen_model_load_file(path, &new_model); }
static chargen_status load_memory(void) { return chargen_model_load_memory(bytes, length, &new_model); }
static chargen_status load_descriptor(void) {
    int descriptor = open(path, O_RDONLY);
    chargen_status status = chargen_model_load_descriptor(descriptor, &new_model);
    close(descriptor);
    return status;
}
static chargen_status load_no_descriptor(void) { return chargen_model_load_descriptor(-1, &new_model); }
static chargen_status load_nothing(void) { return chargen_model_load_file("no/such/file\n", &new_model); }
static chargen_status load_header(void) { return chargen_model_load_memory(bytes, 20, &new_model); }
static chargen_status load_null(void) { return chargen_model_load_file(NULL, &new_model); }
static chargen_status load_damaged(void) {
    chargen_status status;
    bytes[length - 1] ^= 1;
    status = chargen_model_load_memory(bytes, length, &new_model);
    bytes[length - 1] ^= 1;
    return status;
}
static chargen_status verify(void) { return chargen_model_verify(model, NULL); }
static void nothing(void) {}
static void free_model(void) {
    chargen_model_free(new_model);
    new_model = NULL;
}

static chargen_status create_session(void) { return chargen_session_create(model, &new_session); }
static void free_session(void) {
    chargen_session_free(new_session);
    new_session = NULL;
}

static chargen_status create_batch(void) { return chargen_batch_create(model, 8, 3, &new_batch); }
static void free_batch(void) {
    chargen_batch_free(new_batch);
    new_batch = NULL;
}

static chargen_status set_threads(void) { return chargen_session_set_threads(sessions[0], 3); }
static void one_thread(void) { CHECK(chargen_session_set_threads(sessions[0], 1) == CHARGEN_OK); }
static chargen_status set_penalties(void) { return chargen_session_set_penalties(sessions[0], 1, 2, 3); }
static void no_penalties(void) { CHECK(chargen_session_set_penalties(sessions[0], 0, 0, 0) == CHARGEN_OK); }
static chargen_status set_bias(void) { return chargen_session_set_bias(sessions[0], 'a', 1); }
static void no_bias(void) { CHECK(chargen_session_set_bias(sessions[0], 'a', 0) == CHARGEN_OK); }
static chargen_status set_allowed(void) { return chargen_session_set_allowed(sessions[0], "abc", 3); }
static chargen_status set_allowed_unknown(void) { return chargen_session_set_allowed(sessions[0], unknown, 4); }
static void all_allowed(void) { CHECK(chargen_session_set_allowed(sessions[0], NULL, 0) == CHARGEN_OK); }

static chargen_status create_beam(void) { return chargen_beam_create(model, 4, 8, 3, &new_beam); }
static void free_beam(void) {
    chargen_beam_free(new_beam);
    new_beam = NULL;
}

static chargen_status create_pattern(void) { return chargen_pattern_create(model, "(ab?|[c-e]{2,4})+", 17, &new_pattern); }
static chargen_status create_template(void) {
    return chargen_pattern_create_template(model, "a_b__", 5, '_', "abc", 3, &new_pattern);
}
static chargen_status create_bad_pattern(void) { return chargen_pattern_create(model, "(a", 2, &new_pattern); }
static void free_pattern(void) {
    chargen_pattern_free(new_pattern);
    new_pattern = NULL;
}
static chargen_status set_pattern(void) { return chargen_session_set_pattern(sessions[0], pattern); }
static void no_pattern(void) { CHECK(chargen_session_set_pattern(sessions[0], NULL) == CHARGEN_OK); }
/* Sets a bias for a session with a pattern. */
static chargen_status set_bias_and_pattern(void) {
    chargen_status status = set_pattern();
    if (status == CHARGEN_OK) {
        status = chargen_session_set_bias(sessions[0], 'a', -INFINITY);
        if (status != CHARGEN_OK) {
            unsigned long refused = first_refused;
            first_refused = ULONG_MAX;
            no_pattern();
            first_refused = refused;
        }
    }
    return status;
}
static void no_bias_and_pattern(void) {
    no_bias();
    no_pattern();
}

static const char *const stops[] = {"ab", "b c"};
static const size_t stop_lengths[] = {2, 3};
static chargen_status set_stops(void) { return chargen_session_set_stop_strings(sessions[0], stops, stop_lengths, 2); }
static chargen_status set_empty_stop(void) {
    return chargen_session_set_stop_strings(sessions[0], stops, lengths, 1);
}
static void no_stops(void) { CHECK(chargen_session_set_stop_strings(sessions[0], NULL, NULL, 0) == CHARGEN_OK); }
static unsigned char snapshot[1 << 20];
static size_t snapshot_length;
static chargen_status take_snapshot(void) {
    return chargen_session_snapshot(sessions[0], snapshot, sizeof snapshot, &snapshot_length);
}
static void keep_snapshot(void) {}
static chargen_status restore(void) {
    return chargen_session_restore(model, snapshot, snapshot_length, &new_session);
}
static chargen_status set_undo(void) { return chargen_session_set_undo(sessions[0], 10); }
static void no_undo(void) { CHECK(chargen_session_set_undo(sessions[0], 0) == CHARGEN_OK); }
static chargen_status create_sharing(void) { return chargen_session_create_sharing(sessions[0], &new_session); }
static chargen_status clone_session(void) { return chargen_session_clone(sessions[0], &new_session); }

/* Of a new session, as the state stays allocated. */
static chargen_status set_initial(void) {
    chargen_status status = create_session();
    if (status == CHARGEN_OK) {
        status = chargen_session_set_initial_state(new_session, NULL, 0);
        if (status != CHARGEN_OK) {
            free_session();
        }
    }
    return status;
}
static chargen_status classify(void) {
    float probabilities[4096];
    return chargen_session_classify(sessions[0], 0, "abc", 3, 1, probabilities, 4096);
}
static chargen_status classify_prefixes(void) {
    static float probabilities[3 * 4096];
    size_t count;
    return chargen_session_classify_prefixes(sessions[0], 0, "abc", 3, probabilities, 3 * 4096, &count);
}

static chargen_status feed_unknown(void) { return chargen_session_feed(sessions[0], unknown, 4); }
static chargen_status feed_bytes(void) { return chargen_session_feed(sessions[0], "\xFF", 1); }
static chargen_status feed_piece(void) { return chargen_session_feed_piece(sessions[0], unknown, 4); }
static chargen_status score_unknown(void) {
    double score;
    return chargen_session_score(sessions[0], unknown, 4, &score, NULL);
}
static chargen_status generate_nowhere(void) {
    size_t written;
    return chargen_session_generate(sessions[0], 1, NULL, 0, &written);
}
static chargen_status next_null(void) { return chargen_session_next(sessions[0], NULL); }
static chargen_status character_beyond(void) {
    uint32_t character;
    return chargen_model_character(model, SIZE_MAX, &character);
}
static chargen_status batch_feed_unknown(void) { return chargen_batch_feed(batch, sessions, 2, texts, lengths); }
static chargen_status batch_score_unknown(void) {
    double scores[2];
    return chargen_batch_score(batch, sessions, 2, texts, lengths, scores);
}
static chargen_status batch_next_too_many(void) {
    uint32_t characters[3];
    return chargen_batch_next(batch, sessions, 3, characters);
}

static const struct call {
    const char *name;
    chargen_status (*make)(void);
    /* With enough memory. */
    chargen_status expected;
    /* Takes back what a successful call has done. */
    void (*undo)(void);
} calls[] = {
    {"loading a file", load_file, CHARGEN_OK, free_model},
    {"loading bytes", load_memory, CHARGEN_OK, free_model},
    {"loading a descriptor", load_descriptor, CHARGEN_OK, free_model},
    {"loading no descriptor", load_no_descriptor, CHARGEN_FILE_ACCESS, NULL},
    {"loading a missing file", load_nothing, CHARGEN_FILE_ACCESS, NULL},
    {"loading a part", load_header, CHARGEN_INVALID_MODEL, NULL},
    {"loading NULL", load_null, CHARGEN_INVALID_ARGUMENT, NULL},
    {"loading damaged bytes", load_damaged, CHARGEN_INVALID_MODEL, NULL},
    {"verifying a model", verify, CHARGEN_OK, nothing},
    {"creating a session", create_session, CHARGEN_OK, free_session},
    {"creating a batch", create_batch, CHARGEN_OK, free_batch},
    {"starting threads", set_threads, CHARGEN_OK, one_thread},
    {"setting penalties", set_penalties, CHARGEN_OK, no_penalties},
    {"setting a bias", set_bias, CHARGEN_OK, no_bias},
    {"setting allowed characters", set_allowed, CHARGEN_OK, all_allowed},
    {"creating a beam", create_beam, CHARGEN_OK, free_beam},
    {"compiling a pattern", create_pattern, CHARGEN_OK, free_pattern},
    {"compiling a template", create_template, CHARGEN_OK, free_pattern},
    {"compiling half a pattern", create_bad_pattern, CHARGEN_INVALID_PATTERN, NULL},
    {"setting a pattern", set_pattern, CHARGEN_OK, no_pattern},
    {"setting a pattern and a bias", set_bias_and_pattern, CHARGEN_OK, no_bias_and_pattern},
    {"setting stop strings", set_stops, CHARGEN_OK, no_stops},
    {"setting an empty stop string", set_empty_stop, CHARGEN_INVALID_ARGUMENT, NULL},
    {"taking a snapshot", take_snapshot, CHARGEN_OK, keep_snapshot},
    {"restoring a snapshot", restore, CHARGEN_OK, free_session},
    {"setting undo", set_undo, CHARGEN_OK, no_undo},
    {"creating a session that shares memory", create_sharing, CHARGEN_OK, free_session},
    {"cloning a session", clone_session, CHARGEN_OK, free_session},
    {"setting an initial state", set_initial, CHARGEN_OK, free_session},
    {"setting unknown characters", set_allowed_unknown, CHARGEN_UNKNOWN_CHARACTER, NULL},
    {"feeding unknown characters", feed_unknown, CHARGEN_UNKNOWN_CHARACTER, NULL},
    {"feeding bytes", feed_bytes, CHARGEN_INVALID_UTF8, NULL},
    {"feeding a piece", feed_piece, CHARGEN_UNKNOWN_CHARACTER, NULL},
    {"scoring unknown characters", score_unknown, CHARGEN_UNKNOWN_CHARACTER, NULL},
    {"generating without room", generate_nowhere, CHARGEN_BUFFER_TOO_SMALL, NULL},
    {"generating to NULL", next_null, CHARGEN_INVALID_ARGUMENT, NULL},
    {"asking for a character", character_beyond, CHARGEN_INVALID_ARGUMENT, NULL},
    {"feeding a batch", batch_feed_unknown, CHARGEN_UNKNOWN_CHARACTER, NULL},
    {"scoring in a batch", batch_score_unknown, CHARGEN_UNKNOWN_CHARACTER, NULL},
    {"a batch of too many", batch_next_too_many, CHARGEN_INVALID_ARGUMENT, NULL},
};

/* Those of a model with labels. */
static const struct call label_calls[] = {
    {"classifying a text", classify, CHARGEN_OK, nothing},
    {"classifying the beginnings of a text", classify_prefixes, CHARGEN_OK, nothing},
};

/* ---- Refusals ---- */

/* A hash of what a session tells of itself. */
static uint64_t fingerprint(chargen_session *session) {
    uint64_t hash = 0xCBF29CE484222325u;
    const float *probabilities;
    size_t count, i;
    float settings[8];
    CHECK(chargen_session_probabilities(session, &probabilities, &count) == CHARGEN_OK);
    settings[0] = chargen_session_temperature(session);
    settings[1] = chargen_session_repetition_penalty(session);
    settings[2] = chargen_session_frequency_penalty(session);
    settings[3] = (float)chargen_session_penalty_window(session);
    settings[4] = (float)chargen_session_ended(session);
    settings[5] = (float)chargen_session_seed(session);
    settings[6] = (float)chargen_session_may_end(session);
    settings[7] = (float)chargen_session_max_length(session);
    for (i = 0; i < sizeof settings; i++) {
        hash = (hash ^ ((const unsigned char *)settings)[i]) * 0x100000001B3u;
    }
    for (i = 0; i < count * sizeof(float); i++) {
        hash = (hash ^ ((const unsigned char *)probabilities)[i]) * 0x100000001B3u;
    }
    for (i = 0; i < chargen_model_character_count(model) && i < 100; i++) {
        uint32_t character;
        float bias;
        CHECK(chargen_model_character(model, i, &character) == CHARGEN_OK);
        bias = chargen_session_bias(session, character);
        hash = (hash ^ (uint64_t)(bias * 1000 + 8) ^ (uint64_t)chargen_session_allows(session, character))
            * 0x100000001B3u;
    }
    return hash;
}

/* Makes a call with `refused` allocations refused, beginning with number `first`. Returns 1 if it
   needs no more allocations than `first`. */
static int try_call(const struct call *call, unsigned long first, unsigned long refused, long *left) {
    uint64_t before = fingerprint(sessions[0]) + fingerprint(sessions[1]);
    long blocks_before = blocks;
    chargen_status status;
    int was_refused;
    first_refused = allocations + first;
    refused_count = refused;
    status = call->make();
    was_refused = allocations > first_refused;
    first_refused = ULONG_MAX;
    if (status != call->expected && !(status == CHARGEN_OUT_OF_MEMORY && was_refused)) {
        fprintf(stderr, "memory: %s with refusal %lu of %lu: status %d (%s)\n", call->name, first, refused,
                (int)status, chargen_error_message());
        exit(1);
    }
    if (status == CHARGEN_OK) {
        /* stdio does without a buffer. Nothing else may stay in the library's reserve. */
        CHECK(!was_refused || call->make == load_file);
        call->undo();
    } else {
        CHECK(new_model == NULL && new_session == NULL && new_batch == NULL);
        CHECK(new_beam == NULL && new_pattern == NULL);
        CHECK(chargen_error_message()[0] != '\0');
    }
    CHECK(fingerprint(sessions[0]) + fingerprint(sessions[1]) == before);
    *left += blocks - blocks_before;
    return !was_refused;
}

static void check_call(const struct call *call) {
    static const unsigned long counts[] = {1, ULONG_MAX};
    long left = 0;
    unsigned long first = 0;
    size_t i;
    /* The first time, the system may keep some memory for itself, such as a thread's stack. */
    CHECK(try_call(call, ULONG_MAX / 2, 0, &left));
    left = 0;
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        first = 0;
        while (!try_call(call, first, counts[i], &left)) {
            first++;
        }
        CHECK(first > 0);
    }
    printf("%s: %lu allocations\n", call->name, first);
    if (left != 0) {
        fprintf(stderr, "memory: %s leaves %ld blocks behind\n", call->name, left);
        exit(1);
    }
}

/* Refused again and again, the library does not use up its reserve. */
static void check_many_refusals(void) {
    size_t i, k;
    for (k = 0; k < 5000; k++) {
        for (i = 0; i < sizeof calls / sizeof *calls; i++) {
            chargen_status status;
            first_refused = allocations + k % 8;
            refused_count = ULONG_MAX;
            status = calls[i].make();
            first_refused = ULONG_MAX;
            if (status == CHARGEN_OK) {
                calls[i].undo();
            }
        }
    }
}

enum { THREADS = 8 };

static pthread_barrier_t barrier;

/* Threads that are refused memory at the same time wait for each other. */
static void *be_refused(void *argument) {
    size_t i;
    (void)argument;
    pthread_barrier_wait(&barrier);
    for (i = 0; i < 2000; i++) {
        chargen_session *none = (chargen_session *)8;
        CHECK(chargen_session_create(model, &none) == CHARGEN_OUT_OF_MEMORY && none == NULL);
        CHECK(chargen_session_create(NULL, &none) == CHARGEN_INVALID_ARGUMENT);
        CHECK(strcmp(chargen_error_message(), "the argument 'model' is NULL") == 0);
    }
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void check_threads(void) {
    pthread_t threads[THREADS];
    size_t i;
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS + 1) == 0);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, be_refused, NULL) == 0);
    }
    refused_count = ULONG_MAX;
    first_refused = 0;
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    first_refused = ULONG_MAX;
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

int main(int argc, char **argv) {
    uint32_t characters[2];
    FILE *file;
    long size;
    size_t i;
    if (argc != 2) {
        fprintf(stderr, "usage: memory MODEL\n");
        return 2;
    }
    /* The conversion of POSIX: ISO C has none from object to function pointers. */
    *(void **)&system_create = dlsym(RTLD_NEXT, "pthread_create");
    CHECK(system_create != NULL);
    path = argv[1];
    file = fopen(path, "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0);
    rewind(file);
    length = (size_t)size;
    bytes = (unsigned char *)malloc(length);
    CHECK(bytes != NULL && fread(bytes, 1, length, file) == length);
    fclose(file);
    CHECK(load_file() == CHARGEN_OK);
    model = new_model;
    new_model = NULL;
    CHECK(chargen_batch_create(model, 2, 1, &batch) == CHARGEN_OK);
    CHECK(chargen_pattern_create(model, "[a-e]{2,5}", 10, &pattern) == CHARGEN_OK);
    for (i = 0; i < 2; i++) {
        CHECK(chargen_session_create(model, &sessions[i]) == CHARGEN_OK);
        CHECK(chargen_session_feed(sessions[i], "ab", 2) == CHARGEN_OK);
    }
    for (i = 0; i < sizeof calls / sizeof *calls; i++) {
        check_call(&calls[i]);
    }
    for (i = 0; chargen_model_label_column_count(model) > 0 && i < sizeof label_calls / sizeof *label_calls; i++) {
        check_call(&label_calls[i]);
    }
    check_many_refusals();
    check_threads();
    CHECK(chargen_batch_next(batch, sessions, 2, characters) == CHARGEN_OK && characters[0] == characters[1]);
    chargen_pattern_free(pattern);
    chargen_batch_free(batch);
    chargen_session_free(sessions[0]);
    chargen_session_free(sessions[1]);
    chargen_model_free(model);
    free(bytes);
    return 0;
}
