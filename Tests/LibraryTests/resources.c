/*
 * The library's use of system resources: it allocates nothing per character, and starts only the
 * threads that the caller requests.
 *
 *     resources MODEL
 */
#define _XOPEN_SOURCE 700

#include "allocations.h"

#include <chargen.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "resources.c:%d: not true: %s (last message: %s)\n", __LINE__, #condition,       \
                    chargen_error_message());                                                                \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/* ---- Memory ---- */

static int32_t ignore_character(const char *character, size_t length, void *user) {
    (void)character, (void)length, (void)user;
    return 0;
}

enum { MEMBERS = 3, CHARACTERS = 25000 };

/* Every call that must not allocate. */
static void test_allocations(const chargen_model *model, size_t threads) {
    static const char *const strings[] = {"ab", "e", "xyz "};
    static const size_t stop_lengths[] = {2, 1, 4};
    chargen_session *sessions[MEMBERS];
    chargen_batch *batch;
    uint32_t characters[MEMBERS];
    char character[4];
    char text[400];
    const char *texts[MEMBERS] = {text, text, text};
    size_t lengths[MEMBERS];
    double scores[MEMBERS];
    double character_scores[sizeof text];
    chargen_beam *beam;
    chargen_pattern *pattern;
    const float *numbers;
    float probability;
    size_t length = 0;
    size_t i;
    unsigned long before = allocations;

    for (i = 0; i < MEMBERS; i++) {
        CHECK(chargen_session_create(model, &sessions[i]) == CHARGEN_OK);
        CHECK(chargen_session_set_threads(sessions[i], threads) == CHARGEN_OK);
    }
    CHECK(chargen_batch_create(model, MEMBERS, threads, &batch) == CHARGEN_OK);
    CHECK(chargen_beam_create(model, 8, 10, threads, &beam) == CHARGEN_OK);
    /* Checks that the counter works. */
    CHECK(allocations > before);

    before = allocations;
    while (length < 100) {
        size_t part;
        CHECK(chargen_session_generate(sessions[0], 10, text + length, sizeof text - length, &part) == CHARGEN_OK);
        length += part;
    }
    for (i = 0; i < MEMBERS; i++) {
        lengths[i] = length;
    }
    for (i = 0; i < CHARACTERS; i++) {
        CHECK(chargen_session_next(sessions[0], characters) == CHARGEN_OK);
        CHECK(chargen_batch_next(batch, sessions, MEMBERS, characters) == CHARGEN_OK);
    }
    CHECK(chargen_session_generate(sessions[1], 1, character, sizeof character, &length) == CHARGEN_OK);
    CHECK(chargen_session_stream(sessions[1], CHARACTERS, ignore_character, NULL) == CHARGEN_OK);
    for (i = 0; i < 3; i++) {
        CHECK(chargen_session_feed(sessions[0], text, lengths[0]) == CHARGEN_OK);
        CHECK(chargen_session_feed_piece(sessions[0], text, lengths[0]) == CHARGEN_OK);
        CHECK(chargen_session_set_unknown(sessions[0], CHARGEN_UNKNOWN_NEAREST) == CHARGEN_OK);
        CHECK(chargen_session_feed_piece(sessions[0], "\xC3", 1) == CHARGEN_OK);
        CHECK(chargen_session_feed_piece(sessions[0], "\xA8", 1) == CHARGEN_OK);
        CHECK(chargen_session_set_replacement(sessions[0], 'a') == CHARGEN_OK);
        CHECK(chargen_session_feed(sessions[0], "\xC3\xA8", 2) == CHARGEN_OK);
        CHECK(chargen_session_score(sessions[0], text, lengths[0], scores, NULL) == CHARGEN_OK);
        CHECK(chargen_batch_feed(batch, sessions, MEMBERS, texts, lengths) == CHARGEN_OK);
        CHECK(chargen_batch_score(batch, sessions, MEMBERS, texts, lengths, scores) == CHARGEN_OK);
        CHECK(chargen_session_score_characters(sessions[0], text, lengths[0], character_scores, sizeof text, &length)
              == CHARGEN_OK);
        CHECK(chargen_session_likeliest(sessions[0], MEMBERS, characters, NULL, &length) == CHARGEN_OK);
        CHECK(chargen_session_feed_character(sessions[0], characters[0]) == CHARGEN_OK);
        CHECK(chargen_session_probability(sessions[0], characters[0], &probability) == CHARGEN_OK);
        CHECK(chargen_session_logits(sessions[0], &numbers, NULL) == CHARGEN_OK);
        CHECK(chargen_session_log_probabilities(sessions[0], &numbers, NULL) == CHARGEN_OK);
        CHECK(chargen_beam_search(beam, sessions[0], 10, &length) == CHARGEN_OK && length == 8);
        CHECK(chargen_session_reset(sessions[0]) == CHARGEN_OK);
    }
    CHECK(allocations == before);

    /* Nor does text that has every setting. */
    CHECK(chargen_pattern_create(model, "([a-e]|[k-z]{2,5} )+", 20, &pattern) == CHARGEN_OK);
    CHECK(chargen_session_set_pattern(sessions[2], pattern) == CHARGEN_OK);
    CHECK(chargen_session_set_max_length(sessions[2], 100) == CHARGEN_OK);
    CHECK(chargen_session_set_penalties(sessions[2], 1, 0.5f, 64) == CHARGEN_OK);
    CHECK(chargen_session_set_bias(sessions[2], 'e', 1) == CHARGEN_OK);
    CHECK(chargen_session_set_allowed(sessions[2], "abcdelmnxyz ", 12) == CHARGEN_OK);
    CHECK(chargen_session_set_top_k(sessions[2], 8) == CHARGEN_OK);
    CHECK(chargen_session_set_top_p(sessions[2], 0.9f) == CHARGEN_OK);
    CHECK(chargen_session_set_min_p(sessions[2], 0.01f) == CHARGEN_OK);
    CHECK(chargen_session_set_stop_strings(sessions[2], strings, stop_lengths, 3) == CHARGEN_OK);
    CHECK(chargen_session_set_undo(sessions[2], 50) == CHARGEN_OK);
    before = allocations;
    for (i = 0; i < CHARACTERS; i++) {
        CHECK(chargen_session_next(sessions[2], characters) == CHARGEN_OK);
        CHECK(chargen_batch_next(batch, sessions, MEMBERS, characters) == CHARGEN_OK);
        CHECK(chargen_session_undo(sessions[2], chargen_session_undo_count(sessions[2]) / 4) == CHARGEN_OK);
    }
    CHECK(allocations == before);

    chargen_pattern_free(pattern);
    chargen_beam_free(beam);
    chargen_batch_free(batch);
    for (i = 0; i < MEMBERS; i++) {
        chargen_session_free(sessions[i]);
    }
}

/* ---- Threads ---- */

static int count_threads(void) {
    int count = 0;
    struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    while ((entry = readdir(tasks)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(tasks);
    return count;
}

static void pause_briefly(long milliseconds) {
    struct timespec time;
    time.tv_sec = 0;
    time.tv_nsec = milliseconds * 1000000;
    nanosleep(&time, NULL);
}

/* Whether the process has `expected` threads. One that has been joined is still listed for a
   moment. */
static int has_threads(int expected) {
    int attempt;
    for (attempt = 0; attempt < 1000 && count_threads() > expected; attempt++) {
        pause_briefly(1);
    }
    return count_threads() == expected;
}

static volatile sig_atomic_t signals;

static void count_signal(int number) {
    (void)number;
    signals = signals + 1;
}

/* No thread of the library receives a signal to the process that this thread blocks. */
static void test_signals(void) {
    struct sigaction action;
    sigset_t blocked, pending;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(sigemptyset(&blocked) == 0 && sigaddset(&blocked, SIGUSR1) == 0);
    CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    pause_briefly(20);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1 && signals == 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &blocked, NULL) == 0 && signals == 1);
}

static void test_threads(const chargen_model *model) {
    chargen_session *session;
    chargen_batch *alone, *batch;
    uint32_t character;
    clock_t before;

    CHECK(chargen_session_create(model, &session) == CHARGEN_OK);
    CHECK(chargen_batch_create(model, 4, 1, &alone) == CHARGEN_OK);
    CHECK(chargen_session_next(session, &character) == CHARGEN_OK);
    CHECK(chargen_batch_next(alone, &session, 1, &character) == CHARGEN_OK);
    CHECK(has_threads(1));
    /* Models of 65 to 128 units have two tiles, and so use at most two threads. */
    CHECK(chargen_session_set_threads(session, 64) == CHARGEN_OK);
    CHECK(has_threads(2));
    CHECK(chargen_batch_create(model, 4, 2, &batch) == CHARGEN_OK);
    CHECK(has_threads(3));
    CHECK(chargen_session_next(session, &character) == CHARGEN_OK);
    CHECK(chargen_batch_next(batch, &session, 1, &character) == CHARGEN_OK);

    /* Idle threads sleep: together they use less than a tenth of the time. */
    pause_briefly(20);
    before = clock();
    pause_briefly(300);
    CHECK(clock() - before < 30 * (CLOCKS_PER_SEC / 1000));
    test_signals();

    CHECK(chargen_session_set_threads(session, 2) == CHARGEN_OK);
    CHECK(has_threads(3));
    CHECK(chargen_session_set_threads(session, 65) == CHARGEN_INVALID_ARGUMENT);
    CHECK(has_threads(3));
    CHECK(chargen_session_set_threads(session, 1) == CHARGEN_OK);
    CHECK(has_threads(2));
    CHECK(chargen_session_set_threads(session, 2) == CHARGEN_OK);
    chargen_batch_free(batch);
    CHECK(has_threads(2));
    chargen_session_free(session);
    CHECK(has_threads(1));
    chargen_batch_free(alone);
}

int main(int argc, char **argv) {
    chargen_model *model;
    if (argc != 2) {
        fprintf(stderr, "usage: resources MODEL\n");
        return 2;
    }
    CHECK(chargen_model_load_file(argv[1], &model) == CHARGEN_OK);
    test_allocations(model, 1);
    test_allocations(model, 2);
    test_threads(model);
    chargen_model_free(model);
    return 0;
}
