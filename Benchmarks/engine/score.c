/* engine score: the speedup of scoring a text in one call, and many texts in a batch. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXTS = 64 };

static double score(chargen_session *session, const char *text, size_t length) {
    double sum;
    check(chargen_session_reset(session));
    check(chargen_session_score(session, text, length, &sum, NULL));
    return sum;
}

static double score_by_character(chargen_session *session, const char *text, size_t length) {
    double sum = 0;
    size_t i;
    check(chargen_session_reset(session));
    for (i = 0; i < length; i++) {
        double character;
        check(chargen_session_score(session, text + i, 1, &character, NULL));
        sum += character;
    }
    return sum;
}

/* Prints a row. Returns 0, or 1 after a message if the sums differ in any bit. */
static int report(const char *name, double seconds, double baseline, size_t characters, double sum, double expected) {
    printf("  %-36s %9.3f s %9.2f us a character %7.2fx\n", name, seconds, 1e6 * seconds / (double)characters,
           baseline / seconds);
    if (sum != expected) {
        printf("  another sum: %.17g, not %.17g\n", sum, expected);
    }
    fflush(stdout);
    return sum != expected;
}

static int score_one_text(chargen_session *session, const char *text, size_t length) {
    double began, baseline, expected, seconds, sum;
    int different = 0;
    printf("one text of %lu characters\n", (unsigned long)length);
    began = now();
    expected = score_by_character(session, text, length);
    baseline = now() - began;
    report("character by character, 1 thread", baseline, baseline, length, expected, expected);
    began = now();
    sum = score(session, text, length);
    seconds = now() - began;
    different |= report("in one call, 1 thread", seconds, baseline, length, sum, expected);
    check(chargen_session_set_threads(session, 2));
    began = now();
    sum = score(session, text, length);
    seconds = now() - began;
    different |= report("in one call, 2 threads", seconds, baseline, length, sum, expected);
    check(chargen_session_set_threads(session, 1));
    return different;
}

static int score_many_texts(const chargen_model *model, chargen_session *session, const char *text, size_t length) {
    struct streams streams = new_streams(model, TEXTS, 2);
    const char *texts[TEXTS];
    size_t lengths[TEXTS];
    double expected[TEXTS], sums[TEXTS];
    double began, baseline, seconds;
    int different = 0;
    size_t i;
    printf("%d texts of %lu characters\n", TEXTS, (unsigned long)length);
    for (i = 0; i < TEXTS; i++) {
        texts[i] = text + i * length;
        lengths[i] = length;
    }
    began = now();
    for (i = 0; i < TEXTS; i++) {
        expected[i] = score(session, texts[i], length);
    }
    baseline = now() - began;
    report("one after another, 1 thread", baseline, baseline, TEXTS * length, 0, 0);
    began = now();
    check(chargen_batch_score(streams.batch, streams.sessions, TEXTS, texts, lengths, sums));
    seconds = now() - began;
    report("together, 2 threads", seconds, baseline, TEXTS * length, 0, 0);
    for (i = 0; i < TEXTS; i++) {
        if (sums[i] != expected[i]) {
            printf("  another sum for text %lu: %.17g, not %.17g\n", (unsigned long)i, sums[i], expected[i]);
            different = 1;
        }
    }
    free_streams(&streams);
    return different;
}

int run_score(const char *path, const struct options *options) {
    size_t length = (options->characters ? options->characters : 1 << 20) / TEXTS;
    chargen_model *model = load_model(path);
    chargen_session *session = new_session(model, 1);
    char *text = random_text(model, TEXTS * length, 1);
    int different = score_one_text(session, text, TEXTS * length);
    different |= score_many_texts(model, session, text, length);
    printf(different ? "the sums differ\n" : "the same sums, bit for bit\n");
    free(text);
    chargen_session_free(session);
    chargen_model_free(model);
    return different;
}
