/*
 * Conformance: a few streams of each model give the same bits alone and in batches, on one thread
 * and on several, with prompts read whole and character by character.
 *
 *     conformance all|few MODEL…
 *
 * Prints two lines for each model: its cell, its weights, a hash of the generated characters and
 * of the scores, `unknown` if it has an unknown symbol, `labels` if it has labels, which differ
 * from stream to stream; the second, with `settings`, is of sessions with all settings, patterns
 * and stop strings. `few` runs only two of the ways, for slow processors. Fails if the hash of a
 * way differs from the first. conformance.txt records the lines of the models that run.sh makes.
 */
#include <chargen.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL(call)                                                                                           \
    do {                                                                                                     \
        if ((call) != CHARGEN_OK) {                                                                          \
            fprintf(stderr, "conformance.c:%d: %s\n", __LINE__, chargen_error_message());                    \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/* A stream: settings, a prompt, the number of characters to generate, and a text to score then. */
static const struct {
    uint64_t seed;
    float temperature;
    const char *prompt;
    size_t characters;
    const char *text;
} runs[] = {
    {0, 1.0f, "", 16, "the end"},
    {42, 0.5f, "hello \xC3\xA9t\xC3\xA9, ", 11, "\xE4\xB8\xAD"},
    {7, 0.0f, "\xF0\x9F\x98\x80", 13, ""},
    {1, 1.0f, "more than a block of text", 5, "more than a block, again"},
    {UINT64_MAX, 2.0f, "a", 16, "abc"},
};
enum { RUNS = sizeof runs / sizeof *runs, MOST_CHARACTERS = 16 };

/* A way to compute the result. With a batch of 0 each session works alone, on `threads` threads. */
struct way {
    size_t batch;
    size_t threads;
    int by_character;
};
static const struct way all[] = {
    {0, 1, 0}, {5, 2, 0}, {0, 1, 1}, {0, 2, 0}, {0, 3, 0}, {0, 3, 1}, {1, 1, 0}, {1, 2, 1},
    {2, 1, 0}, {2, 2, 1}, {3, 1, 1}, {4, 2, 0}, {5, 1, 0}, {5, 1, 1}, {9, 3, 1},
};
enum { ALL = sizeof all / sizeof *all, FEW = 2 };

static size_t threads(const struct way *way) {
#ifdef __wasm__
    /* It has no others. */
    (void)way;
    return 1;
#else
    return way->threads;
#endif
}

/* The result. */
struct result {
    double prompts[RUNS];
    uint32_t characters[RUNS][MOST_CHARACTERS];
    double texts[RUNS];
};

/* The sessions of all runs, and their batch, if any. */
struct streams {
    const struct way *way;
    chargen_session *sessions[RUNS];
    chargen_batch *batch;
};

/* ---- Reading ---- */

/* The length in bytes of the first character of a text. */
static size_t first_character(const char *text) {
    size_t length = 1;
    while ((text[length] & 0xC0) == 0x80) {
        length++;
    }
    return length;
}

/* Feeds a piece of text to each of the numbered sessions, or adds its score to a `scores` list. */
static void read_pieces(struct streams *streams, const size_t *numbers, size_t count, const char *const *pieces,
                        const size_t *lengths, double *scores) {
    chargen_session *members[RUNS];
    double results[RUNS];
    size_t i;
    for (i = 0; i < count; i++) {
        members[i] = streams->sessions[numbers[i]];
        if (streams->batch == NULL && scores != NULL) {
            CALL(chargen_session_score(members[i], pieces[i], lengths[i], &results[i], NULL));
        } else if (streams->batch == NULL) {
            CALL(chargen_session_feed(members[i], pieces[i], lengths[i]));
        }
    }
    if (streams->batch != NULL && scores != NULL) {
        CALL(chargen_batch_score(streams->batch, members, count, pieces, lengths, results));
    } else if (streams->batch != NULL) {
        CALL(chargen_batch_feed(streams->batch, members, count, pieces, lengths));
    }
    for (i = 0; i < count && scores != NULL; i++) {
        scores[numbers[i]] += results[i];
    }
}

/* Feeds its text to each session, whole or by character, or sets a `scores` list to its score. */
static void read_texts(struct streams *streams, const char *const *texts, double *scores) {
    size_t most = streams->batch == NULL ? (size_t)RUNS : streams->way->batch;
    const char *rest[RUNS];
    size_t numbers[RUNS];
    const char *pieces[RUNS];
    size_t lengths[RUNS];
    size_t i, count;
    for (i = 0; i < RUNS; i++) {
        rest[i] = texts[i];
        if (scores != NULL) {
            scores[i] = 0;
        }
    }
    do {
        for (i = 0, count = 0; i < RUNS && count < most; i++) {
            if (*rest[i] != '\0') {
                numbers[count] = i;
                pieces[count] = rest[i];
                lengths[count] = streams->way->by_character ? first_character(rest[i]) : strlen(rest[i]);
                rest[i] += lengths[count];
                count++;
            }
        }
        read_pieces(streams, numbers, count, pieces, lengths, scores);
    } while (count > 0);
}

/* ---- Writing ---- */

/* Generates every run's characters. The sessions in the batch change with every step. */
static void write_characters(struct streams *streams, uint32_t (*characters)[MOST_CHARACTERS]) {
    size_t written[RUNS] = {0};
    size_t step, i, j, count;
    for (step = 0; streams->batch == NULL && step < RUNS; step++) {
        for (i = 0; i < runs[step].characters; i++) {
            CALL(chargen_session_next(streams->sessions[step], &characters[step][i]));
        }
    }
    for (step = 0, count = 1; streams->batch != NULL && count > 0; step++) {
        chargen_session *members[RUNS];
        size_t numbers[RUNS];
        uint32_t next[RUNS];
        for (i = 0, count = 0; i < RUNS && count < streams->way->batch; i++) {
            j = (step + i) % RUNS;
            if (written[j] < runs[j].characters) {
                numbers[count] = j;
                members[count] = streams->sessions[j];
                count++;
            }
        }
        CALL(chargen_batch_next(streams->batch, members, count, next));
        for (i = 0; i < count; i++) {
            characters[numbers[i]][written[numbers[i]]++] = next[i];
        }
    }
}

/* ---- Results ---- */

/* Gives a session settings, each run others. */
static void set(const chargen_model *model, chargen_session *session, size_t number) {
    static const char *const strings[] = {"ab", "e", "\xE4\xB8\xAD"};
    static const size_t lengths[] = {2, 1, 3};
    static const char expression[] = "([c-h]{2,4},? ?)*[x-z\xC3\xA9]";
    chargen_pattern *pattern;
    CALL(chargen_session_set_top_k(session, 40 - 8 * number));
    CALL(chargen_session_set_top_p(session, 0.95f - 0.1f * (float)number));
    CALL(chargen_session_set_min_p(session, 0.01f * (float)number));
    CALL(chargen_session_set_penalties(session, 0.5f, 0.25f, 1 + 3 * number));
    CALL(chargen_session_set_bias(session, 'a', 1.5f));
    CALL(chargen_session_set_bias(session, 'b', number % 2 == 0 ? -INFINITY : -0.3f));
    if (number == 1 || number == 3) {
        CALL(chargen_pattern_create(model, expression, sizeof expression - 1, &pattern));
        CALL(chargen_session_set_pattern(session, pattern));
        chargen_pattern_free(pattern);
    }
    if (number >= 3) {
        CALL(chargen_session_set_max_length(session, 7));
        CALL(chargen_session_set_stop_strings(session, strings, lengths, 3));
    }
}

/* Gives a session labels, each run others: some have none in a column, one has mixtures. */
static void set_labels(const chargen_model *model, chargen_session *session, size_t number) {
    static const float weights[] = {0.3f, 1, 0.25f, 4};
    size_t column, count;
    for (column = 0; column < chargen_model_label_column_count(model); column++) {
        count = chargen_model_label_count(model, column);
        if (number == 4) {
            CALL(chargen_session_set_label_weights(session, column, weights, count));
        } else {
            CALL(chargen_session_set_label(session, column, (int32_t)((number + column) % (count + 1)) - 1));
        }
    }
}

static void run(const chargen_model *model, const struct way *way, int has_settings, struct result *result) {
    struct streams streams;
    const char *prompts[RUNS];
    const char *texts[RUNS];
    size_t i;
    memset(result, 0, sizeof *result);
    streams.way = way;
    streams.batch = NULL;
    for (i = 0; i < RUNS; i++) {
        prompts[i] = runs[i].prompt;
        texts[i] = runs[i].text;
        CALL(chargen_session_create(model, &streams.sessions[i]));
        CALL(chargen_session_set_temperature(streams.sessions[i], runs[i].temperature));
        CALL(chargen_session_set_seed(streams.sessions[i], runs[i].seed));
        set_labels(model, streams.sessions[i], i);
        if (has_settings) {
            set(model, streams.sessions[i], i);
        }
        if (way->batch == 0) {
            CALL(chargen_session_set_threads(streams.sessions[i], threads(way)));
        }
    }
    if (way->batch > 0) {
        CALL(chargen_batch_create(model, way->batch, threads(way), &streams.batch));
    }
    read_texts(&streams, prompts, result->prompts);
    for (i = 0; i < RUNS; i++) {
        CALL(chargen_session_reset(streams.sessions[i]));
    }
    read_texts(&streams, prompts, NULL);
    write_characters(&streams, result->characters);
    read_texts(&streams, texts, result->texts);
    chargen_batch_free(streams.batch);
    for (i = 0; i < RUNS; i++) {
        chargen_session_free(streams.sessions[i]);
    }
}

/* FNV-1a of the bytes of a result, which has no padding; for little-endian machines. */
static uint64_t hash(const struct result *result) {
    const unsigned char *bytes = (const unsigned char *)result;
    uint64_t hash = 0xCBF29CE484222325u;
    size_t i;
    for (i = 0; i < sizeof *result; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001B3u;
    }
    return hash;
}

static int test_model(const char *path, size_t ways, int has_settings) {
    chargen_model *model;
    struct result result;
    uint64_t expected;
    size_t i;
    int failures = 0;
    CALL(chargen_model_load_file(path, &model));
    run(model, &all[0], has_settings, &result);
    expected = hash(&result);
    printf("%-4s %-4s %016" PRIx64 "%s%s%s\n", chargen_model_cell(model), chargen_model_weight_type(model), expected,
           chargen_model_has_unknown(model) ? " unknown" : "",
           chargen_model_label_column_count(model) > 0 ? " labels" : "", has_settings ? " settings" : "");
    for (i = 1; i < ways; i++) {
        run(model, &all[i], has_settings, &result);
        if (hash(&result) != expected) {
            printf("differs: a batch of %u (0: alone) on %u threads, text %s\n", (unsigned)all[i].batch,
                   (unsigned)all[i].threads, all[i].by_character ? "by character" : "whole");
            failures++;
        }
    }
    chargen_model_free(model);
    return failures;
}

int main(int argc, char **argv) {
    int failures = 0;
    int i;
    if (argc < 3 || (strcmp(argv[1], "all") != 0 && strcmp(argv[1], "few") != 0)) {
        fprintf(stderr, "usage: conformance all|few MODEL...\n");
        return 2;
    }
    for (i = 2; i < argc; i++) {
        failures += test_model(argv[i], strcmp(argv[1], "all") == 0 ? ALL : FEW, 0);
        failures += test_model(argv[i], strcmp(argv[1], "all") == 0 ? ALL : FEW, 1);
    }
    return failures > 0;
}
