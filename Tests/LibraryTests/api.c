/*
 * Tests of the built library that need C: hostile arguments and damaged models.
 *
 *     api MODEL ROUNDS [SEED]
 *
 * Loads MODEL with changed or truncated bytes, ROUNDS times, every other time with corrected
 * checksums, so that the damage reaches the other checks. Whatever the bytes, the library must
 * return a status; valgrind or a sanitizer detects invalid accesses.
 */
#include <chargen.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WebAssembly has one thread. */
#ifdef __wasm__
enum { TWO = 1 };
#else
enum { TWO = 2 };
#endif

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "api.c:%d: not true: %s (last message: %s)\n", __LINE__, #condition,             \
                    chargen_error_message());                                                                \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static int32_t ignore_character(const char *character, size_t length, void *user) {
    (void)user;
    return character == NULL || length < 1 || length > 4 || character[length] != '\0';
}

/* ---- Messages ---- */

/* Whether a text is UTF-8 without a character that is cut. */
static int is_whole(const char *text) {
    while (*text != '\0') {
        const unsigned char first = (unsigned char)*text++;
        int more = first < 0x80 ? 0 : first >= 0xC2 && first < 0xE0 ? 1 : first >= 0xE0 && first < 0xF0 ? 2 : 3;
        if ((first >= 0x80 && first < 0xC2) || first >= 0xF5) return 0;
        for (; more > 0; more--) {
            if (((unsigned char)*text++ & 0xC0) != 0x80) return 0;
        }
    }
    return 1;
}

/* A path however long, and whatever its characters, leaves the reason whole. */
static void test_long_paths(void) {
    static const char *const pieces[] = {"folder/", "\x1b", "\xc3\xa9", "a\xe4\xb8\xad", "\xf0\x9f\x98\x80\x7f", "\xff"};
    static const char beginning[] = "cannot read the model from '";
    char path[3000];
    const char *reason;
    size_t piece, count, length;

    for (piece = 0; piece < sizeof pieces / sizeof *pieces; piece++) {
        /* A name of more than 255 bytes has another reason. */
        for (count = 1; count <= (piece == 0 ? 400 : 250 / strlen(pieces[piece])); count++) {
            chargen_model *model = NULL;
            path[0] = '\0';
            for (length = 0; length < count; length++) strcat(path, pieces[piece]);
            CHECK(chargen_model_load_file(path, &model) == CHARGEN_FILE_ACCESS);
            CHECK(strlen(chargen_error_message()) < 512 && is_whole(chargen_error_message()));
            CHECK(strncmp(chargen_error_message(), beginning, sizeof beginning - 1) == 0);
            reason = strstr(chargen_error_message(), "': ");
            CHECK(reason != NULL && strcmp(reason + 3, strerror(ENOENT)) == 0);
        }
    }
}

/* ---- Arguments ---- */

static void test_null_arguments(void) {
    chargen_model *model = (chargen_model *)8;
    chargen_session *session = (chargen_session *)8;
    chargen_batch *batch = (chargen_batch *)8;
    chargen_beam *beam = (chargen_beam *)8;
    const float *numbers = (const float *)8;
    const char *text = "";
    uint32_t character = 1;
    size_t length = 1;
    double score = 1;
    float probability = 1;
    int32_t has_self_test;
    char buffer[8];

    CHECK(strcmp(chargen_error_message(), "") == 0);
    CHECK(chargen_model_load_file(NULL, &model) == CHARGEN_INVALID_ARGUMENT && model == NULL);
    CHECK(strstr(chargen_error_message(), "'path'") != NULL);
    CHECK(chargen_model_load_file("", NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_model_load_file("", &model) == CHARGEN_FILE_ACCESS);
    CHECK(chargen_model_load_memory(NULL, 1, &model) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_model_load_memory(NULL, 0, &model) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_model_load_memory("", 0, &model) == CHARGEN_INVALID_MODEL);
    CHECK(chargen_model_load_memory("", SIZE_MAX, &model) == CHARGEN_INVALID_ARGUMENT);
    model = (chargen_model *)8;
    CHECK(chargen_model_load_descriptor(-1, &model) == CHARGEN_FILE_ACCESS && model == NULL);
    CHECK(chargen_model_load_descriptor(0, NULL) == CHARGEN_INVALID_ARGUMENT);
    has_self_test = 7;
    CHECK(chargen_model_verify(NULL, &has_self_test) == CHARGEN_INVALID_ARGUMENT && has_self_test == 0);
    CHECK(chargen_model_character(NULL, 0, &character) == CHARGEN_INVALID_ARGUMENT && character == 0);
    CHECK(chargen_model_provenance(NULL, &length)[0] == '\0' && length == 0);
    CHECK(chargen_session_create(NULL, &session) == CHARGEN_INVALID_ARGUMENT && session == NULL);
    CHECK(chargen_session_create(NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_clone(NULL, &session) == CHARGEN_INVALID_ARGUMENT && session == NULL);
    CHECK(chargen_session_clone(NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_set_stop_strings(NULL, NULL, NULL, 0) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_end_reason(NULL) == CHARGEN_REASON_NONE && chargen_session_stop_string(NULL) == 0);
    CHECK(chargen_session_held_count(NULL) == 0);
    CHECK(chargen_session_size(NULL, &length) == 0 && length == 0 && chargen_session_size(NULL, NULL) == 0);
    CHECK(chargen_session_create_sharing(NULL, &session) == CHARGEN_INVALID_ARGUMENT && session == NULL);
    length = 1;
    CHECK(chargen_session_set_interrupt(NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_set_interrupt(NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_beam_set_interrupt(NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_state_size(NULL) == 0);
    CHECK(chargen_session_get_state(NULL, NULL, 0) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_set_state(NULL, NULL, 0) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_reset(NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_feed(NULL, NULL, 0) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_next(NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_generate(NULL, 1, buffer, sizeof buffer, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_stream(NULL, 1, NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_model_weight_type(NULL)[0] == '\0');
    CHECK(chargen_model_has_unknown(NULL) == 0);
    CHECK(chargen_session_set_threads(NULL, 1) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_score(NULL, "a", 1, &score, &length) == CHARGEN_INVALID_ARGUMENT);
    CHECK(score == 0 && length == 0);
    CHECK(chargen_session_score(NULL, NULL, 0, NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_create(NULL, 1, 1, &batch) == CHARGEN_INVALID_ARGUMENT && batch == NULL);
    CHECK(chargen_batch_create(NULL, 1, 1, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_next(NULL, &session, 1, &character) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_feed(NULL, NULL, 0, NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_score(NULL, NULL, 0, NULL, NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    length = 1;
    score = 1;
    CHECK(chargen_session_score_document(NULL, "a", 1, &score, &length) == CHARGEN_INVALID_ARGUMENT);
    CHECK(score == 0 && length == 0);
    length = 1;
    CHECK(chargen_session_score_characters(NULL, "a", 1, &score, 1, &length) == CHARGEN_INVALID_ARGUMENT && length == 0);
    CHECK(chargen_session_feed_character(NULL, 'a') == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_feed_piece(NULL, NULL, 0) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_set_replacement(NULL, 'a') == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_unknown(NULL) == CHARGEN_UNKNOWN_FAIL);
    CHECK(chargen_session_replacement(NULL) == CHARGEN_END_OF_DOCUMENT);
    CHECK(chargen_model_nearest(NULL, 'a', &character) == CHARGEN_INVALID_ARGUMENT && character == 0);
    length = 1;
    CHECK(chargen_session_likeliest(NULL, 1, &character, &probability, &length) == CHARGEN_INVALID_ARGUMENT);
    CHECK(length == 0);
    CHECK(chargen_session_probability(NULL, 'a', &probability) == CHARGEN_INVALID_ARGUMENT && probability == 0);
    score = 1;
    CHECK(chargen_session_log_probability(NULL, 'a', &score) == CHARGEN_INVALID_ARGUMENT && score == 0);
    CHECK(chargen_session_logits(NULL, &numbers, &length) == CHARGEN_INVALID_ARGUMENT && numbers == NULL);
    CHECK(chargen_session_log_probabilities(NULL, &numbers, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_score_documents(NULL, NULL, 0, NULL, NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_beam_create(NULL, 1, 1, 1, &beam) == CHARGEN_INVALID_ARGUMENT && beam == NULL);
    length = 1;
    CHECK(chargen_beam_search(NULL, session, 1, &length) == CHARGEN_INVALID_ARGUMENT && length == 0);
    CHECK(chargen_beam_text(NULL, 0, &text, NULL, NULL, NULL) == CHARGEN_INVALID_ARGUMENT && text == NULL);
    CHECK(chargen_encode('a', NULL) == 0);
    CHECK(chargen_encode(CHARGEN_END_OF_DOCUMENT, buffer) == 0 && buffer[0] == '\0');
    chargen_beam_free(NULL);
    chargen_batch_free(NULL);
    chargen_session_free(NULL);
    chargen_model_free(NULL);
}

static void test_extreme_arguments(chargen_model *model) {
    chargen_session *session;
    uint32_t character;
    size_t length;
    char buffer[16];
    float temperatures[] = {-1.0f, NAN, INFINITY, -INFINITY, 1e-30f, 1e30f};
    int32_t policies[] = {-1, CHARGEN_UNKNOWN_REPLACE, 4, INT32_MAX, INT32_MIN};
    size_t threads[] = {0, 65, SIZE_MAX, SIZE_MAX / 2 + 1};
    double score = 1;
    size_t i;

    CHECK(chargen_session_create(model, &session) == CHARGEN_OK);
    for (i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
        CHECK(chargen_session_set_temperature(session, temperatures[i]) == CHARGEN_INVALID_ARGUMENT);
    }
    for (i = 0; i < sizeof policies / sizeof *policies; i++) {
        CHECK(chargen_session_set_unknown(session, policies[i]) == CHARGEN_INVALID_ARGUMENT);
    }
    CHECK(chargen_model_character(model, SIZE_MAX, &character) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_model_knows(model, UINT32_MAX) == 0);
    CHECK(chargen_session_feed(session, NULL, 0) == CHARGEN_OK);
    CHECK(chargen_session_feed(session, "a", SIZE_MAX) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_feed(session, "\xFF", 1) == CHARGEN_INVALID_UTF8);
    CHECK(chargen_session_score(session, NULL, 0, &score, &length) == CHARGEN_OK && score == 0 && length == 0);
    score = 1;
    CHECK(chargen_session_score(session, "a", SIZE_MAX, &score, NULL) == CHARGEN_INVALID_ARGUMENT && score == 0);
    score = 1;
    CHECK(chargen_session_score(session, "\xFF", 1, &score, NULL) == CHARGEN_INVALID_UTF8 && score == 0);
    CHECK(chargen_session_score(session, "a", 1, NULL, &length) == CHARGEN_INVALID_ARGUMENT && length == 0);
    for (i = 0; i < sizeof threads / sizeof *threads; i++) {
        CHECK(chargen_session_set_threads(session, threads[i]) == CHARGEN_INVALID_ARGUMENT);
    }
    CHECK(chargen_session_set_threads(session, TWO) == CHARGEN_OK);
    CHECK(chargen_session_generate(session, 1, NULL, 0, &length) == CHARGEN_BUFFER_TOO_SMALL && length == 0);
    CHECK(chargen_session_generate(session, 0, NULL, 0, &length) == CHARGEN_OK && length == 0);
    CHECK(chargen_session_generate(session, 1, buffer, SIZE_MAX, &length) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_generate(session, 1, buffer, SIZE_MAX / 2 + 1, &length) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_generate(session, SIZE_MAX, buffer, sizeof buffer, &length) == CHARGEN_OK);
    CHECK(length <= sizeof buffer);
    CHECK(chargen_session_stream(session, 0, ignore_character, NULL) == CHARGEN_OK);
    CHECK(chargen_session_stream(session, 100, ignore_character, NULL) == CHARGEN_OK);
    chargen_session_free(session);
}

/* ---- Clones ---- */

static int32_t clone_once(const char *character, size_t length, void *user) {
    chargen_session **sessions = (chargen_session **)user;
    (void)character, (void)length;
    CHECK(chargen_session_clone(sessions[0], &sessions[1]) == CHARGEN_OK);
    return 1;
}

/* A clone goes on as its session does, at any place, also after the session was freed. */
static void test_clones(chargen_model *model) {
    chargen_session *sessions[2];
    size_t round, i;

    CHECK(chargen_session_create(model, &sessions[0]) == CHARGEN_OK);
    CHECK(chargen_session_clone(sessions[0], NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_set_unknown(sessions[0], CHARGEN_UNKNOWN_SKIP) == CHARGEN_OK);
    for (round = 0; round < 50; round++) {
        uint32_t expected[40];
        uint32_t character;
        /* Each setting changes in another rhythm. */
        CHECK(chargen_session_set_top_k(sessions[0], round % 3 * 5) == CHARGEN_OK);
        CHECK(chargen_session_set_penalties(sessions[0], 1, 0.5f, round % 4 * 3) == CHARGEN_OK);
        CHECK(chargen_session_set_temperature(sessions[0], (float)(round % 5) / 2) == CHARGEN_OK);
        CHECK(chargen_session_set_threads(sessions[0], round % 2 == 0 ? 1 : TWO) == CHARGEN_OK);
        if (round % 7 == 0) CHECK(chargen_session_set_seed(sessions[0], round) == CHARGEN_OK);
        if (round % 10 == 9) CHECK(chargen_session_reset(sessions[0]) == CHARGEN_OK);
        if (round % 2 == 0) {
            CHECK(chargen_session_clone(sessions[0], &sessions[1]) == CHARGEN_OK);
        } else {
            sessions[1] = NULL;
            CHECK(chargen_session_stream(sessions[0], 1, clone_once, sessions) == CHARGEN_OK);
            /* The end of a document calls no callback. */
            if (sessions[1] == NULL) continue;
        }
        CHECK(chargen_session_ended(sessions[0]) == chargen_session_ended(sessions[1]));
        CHECK(chargen_session_seed(sessions[0]) == chargen_session_seed(sessions[1]));
        for (i = 0; i < 40; i++) CHECK(chargen_session_next(sessions[0], &expected[i]) == CHARGEN_OK);
        chargen_session_free(sessions[0]);
        for (i = 0; i < 40; i++) {
            CHECK(chargen_session_next(sessions[1], &character) == CHARGEN_OK && character == expected[i]);
        }
        sessions[0] = sessions[1];
        CHECK(chargen_session_feed(sessions[0], "abc", round % 4) == CHARGEN_OK);
    }
    chargen_session_free(sessions[0]);
}

/* Text up to a stop string, in pieces of one character, without anything of the string. */
static void test_stop_strings(chargen_model *model) {
    char characters[2][8];
    const char *strings[2];
    size_t lengths[2];
    uint32_t character;
    chargen_session *session;
    chargen_session *plain;
    size_t stops = 0, place = 0, given = 0;
    char text[4000], expected[4000];

    CHECK(chargen_session_create(model, &session) == CHARGEN_OK);
    CHECK(chargen_session_create(model, &plain) == CHARGEN_OK);
    for (place = 0; place < 2; place++) {
        /* One character, and another one twice. */
        CHECK(chargen_model_character(model, place, &character) == CHARGEN_OK);
        lengths[place] = chargen_encode(character, characters[place]);
        strings[place] = characters[place];
    }
    memcpy(characters[1] + lengths[1], characters[1], lengths[1]);
    lengths[1] *= 2;
    place = 0;
    CHECK(chargen_session_set_stop_strings(session, strings, lengths, 2) == CHARGEN_OK);
    CHECK(chargen_session_end_reason(session) == CHARGEN_REASON_NONE);
    while (place < 3000) {
        char one[8];
        size_t length;
        CHECK(chargen_session_generate(session, 1, one, sizeof one, &length) == CHARGEN_OK);
        memcpy(text + place, one, length);
        place += length;
        if (chargen_session_end_reason(session) == CHARGEN_REASON_STOP_STRING) {
            size_t which = chargen_session_stop_string(session);
            memcpy(text + place, strings[which], lengths[which]);
            place += lengths[which];
            stops++;
        } else if (chargen_session_end_reason(session) == CHARGEN_REASON_DOCUMENT) {
            text[place++] = '\n';
        } else {
            CHECK(chargen_session_end_reason(session) == CHARGEN_REASON_LIMIT);
        }
        while (given < place) {
            CHECK(chargen_session_next(plain, &character) == CHARGEN_OK);
            if (character == CHARGEN_END_OF_DOCUMENT) {
                expected[given++] = '\n';
            } else {
                given += chargen_encode(character, expected + given);
            }
        }
        CHECK(given == place && memcmp(text, expected, place) == 0);
    }
    CHECK(stops > 3);
    chargen_session_free(session);
    chargen_session_free(plain);
}

/* A state that is read and set goes on with the likeliest characters of its session. */
static void test_states(chargen_model *model) {
    chargen_session *session;
    chargen_session *other;
    size_t count, round, i;
    float *values;

    CHECK(chargen_session_create(model, &session) == CHARGEN_OK);
    CHECK(chargen_session_create(model, &other) == CHARGEN_OK);
    count = chargen_session_state_size(session);
    values = (float *)malloc(count * sizeof *values);
    CHECK(values != NULL);
    CHECK(chargen_session_get_state(session, values, count - 1) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_get_state(session, NULL, count) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_set_state(session, values, SIZE_MAX) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_get_state(session, values, count) == CHARGEN_OK);
    /* The end of a document before the first one has been read already. */
    for (i = 0; i < count; i++) CHECK(values[i] == 0 || chargen_model_has_end_of_document(model));
    for (round = 0; round < 50; round++) {
        uint32_t character, expected;
        float hidden;
        CHECK(chargen_session_set_temperature(session, 1) == CHARGEN_OK);
        CHECK(chargen_session_set_temperature(other, 0) == CHARGEN_OK);
        for (i = 0; i < 10; i++) CHECK(chargen_session_next(session, &character) == CHARGEN_OK);
        CHECK(chargen_session_get_state(session, values, count) == CHARGEN_OK);
        CHECK(chargen_session_set_state(other, values, count) == CHARGEN_OK);
        CHECK(chargen_session_set_temperature(session, 0) == CHARGEN_OK);
        hidden = values[0];
        values[0] = 1.5f;
        CHECK(chargen_session_set_state(other, values, count) == CHARGEN_INVALID_ARGUMENT);
        values[0] = hidden;
        hidden = values[count - 1];
        values[count - 1] = (float)NAN;
        CHECK(chargen_session_set_state(other, values, count) == CHARGEN_INVALID_ARGUMENT);
        values[count - 1] = hidden;
        for (i = 0; i < 20; i++) {
            CHECK(chargen_session_next(session, &expected) == CHARGEN_OK);
            CHECK(chargen_session_next(other, &character) == CHARGEN_OK && character == expected);
        }
    }
    free(values);
    chargen_session_free(session);
    chargen_session_free(other);
}

/* ---- What may come next ---- */

static void test_knowledge(chargen_model *model) {
    chargen_session *session;
    chargen_session *other;
    chargen_beam *beam;
    uint32_t characters[4];
    float probabilities[4];
    const float *all;
    const char *text;
    double scores[4];
    double sum, end;
    size_t sizes[] = {0, 1025, SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 64};
    size_t count, length, i;

    CHECK(chargen_session_create(model, &session) == CHARGEN_OK);
    CHECK(chargen_session_create(model, &other) == CHARGEN_OK);
    CHECK(chargen_session_likeliest(session, 4, characters, probabilities, &count) == CHARGEN_OK && count == 4);
    for (i = 0; i < count; i++) {
        float probability;
        char bytes[5];
        CHECK(i == 0 || probabilities[i] <= probabilities[i - 1]);
        CHECK(chargen_session_probability(session, characters[i], &probability) == CHARGEN_OK);
        CHECK(probability == probabilities[i]);
        CHECK((chargen_encode(characters[i], bytes) == 0) == (characters[i] == CHARGEN_END_OF_DOCUMENT));
    }
    CHECK(chargen_session_logits(session, &all, &length) == CHARGEN_OK && length >= count);
    CHECK(chargen_session_score_characters(session, "\xFF", 1, scores, 4, &count) == CHARGEN_INVALID_UTF8 && count == 0);
    CHECK(chargen_session_score_characters(session, "a", SIZE_MAX, scores, 4, &count) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_set_unknown(session, CHARGEN_UNKNOWN_SKIP) == CHARGEN_OK);
    CHECK(chargen_session_set_unknown(other, CHARGEN_UNKNOWN_SKIP) == CHARGEN_OK);
    CHECK(chargen_session_score_characters(session, "abc", 3, scores, 2, &count) == CHARGEN_BUFFER_TOO_SMALL);
    CHECK(chargen_session_score_characters(session, "abc", 3, scores, SIZE_MAX, &count) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_score_characters(session, "abc", 3, scores, 3, &count) == CHARGEN_OK && count == 3);
    CHECK(chargen_session_score(other, "abc", 3, &sum, NULL) == CHARGEN_OK);
    CHECK(sum == scores[0] + scores[1] + scores[2]);
    if (chargen_model_has_end_of_document(model)) {
        CHECK(chargen_session_log_probability(session, CHARGEN_END_OF_DOCUMENT, &end) == CHARGEN_OK && end < 0);
        CHECK(chargen_session_score_document(other, "", 0, &sum, &count) == CHARGEN_OK && sum == end && count == 1);
        CHECK(chargen_session_feed_character(session, CHARGEN_END_OF_DOCUMENT) == CHARGEN_OK);
        CHECK(chargen_session_ended(session) && chargen_session_ended(other));
    }
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK(chargen_beam_create(model, sizes[i], 1, 1, &beam) == CHARGEN_INVALID_ARGUMENT && beam == NULL);
        CHECK(chargen_beam_create(model, 1, sizes[i], 1, &beam) == CHARGEN_INVALID_ARGUMENT && beam == NULL);
        CHECK(chargen_beam_create(model, 1, 1, sizes[i], &beam) == CHARGEN_INVALID_ARGUMENT && beam == NULL);
    }
    CHECK(chargen_beam_create(model, 3, 5, TWO, &beam) == CHARGEN_OK);
    CHECK(chargen_beam_text(beam, 0, &text, NULL, NULL, NULL) == CHARGEN_INVALID_ARGUMENT && text == NULL);
    CHECK(chargen_beam_search(beam, session, 6, &count) == CHARGEN_INVALID_ARGUMENT && count == 0);
    CHECK(chargen_beam_search(beam, session, SIZE_MAX, &count) == CHARGEN_INVALID_ARGUMENT);
    chargen_session_free(other);
    CHECK(chargen_beam_search(beam, session, 5, &count) == CHARGEN_OK && count == 3);
    chargen_session_free(session);
    for (i = 0; i < count; i++) {
        CHECK(chargen_beam_text(beam, i, &text, &length, &sum, NULL) == CHARGEN_OK);
        CHECK(strlen(text) == length && sum < 0);
    }
    CHECK(chargen_beam_text(beam, count, &text, NULL, NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_beam_text(beam, SIZE_MAX, &text, NULL, NULL, NULL) == CHARGEN_INVALID_ARGUMENT);
    chargen_beam_free(beam);
}

/* ---- Batches ---- */

/*
 * Calls the functions of a batch with arguments that they must refuse, with results of 0. If
 * `texts` is NULL, other arguments are invalid, and chargen_batch_next() is called too.
 */
static void expect_refusal(int line, chargen_status expected, chargen_batch *batch, chargen_session *const *sessions,
                           size_t count, const char *const *texts, const size_t *lengths) {
    uint32_t characters[2] = {1, 1};
    double scores[2] = {1, 1};
    const char *no_texts[2] = {"", ""};
    size_t no_lengths[2] = {0, 0};
    size_t i;
    if (texts == NULL) {
        texts = no_texts;
        lengths = no_lengths;
        if (chargen_batch_next(batch, sessions, count, characters) != expected) {
            fprintf(stderr, "api.c:%d: chargen_batch_next: %s\n", line, chargen_error_message());
            exit(1);
        }
    }
    if (chargen_batch_feed(batch, sessions, count, texts, lengths) != expected
        || chargen_batch_score(batch, sessions, count, texts, lengths, scores) != expected
        || (chargen_batch_score_documents(batch, sessions, count, texts, lengths, scores) != expected
            && strstr(chargen_error_message(), "where documents end") == NULL)) {
        fprintf(stderr, "api.c:%d: feeding or scoring: %s\n", line, chargen_error_message());
        exit(1);
    }
    /* A list longer than the capacity is not accessed: the pointer may be invalid. */
    for (i = 0; i < count && count <= 2; i++) {
        CHECK(scores[i] == 0 && (texts != no_texts || characters[i] == 0));
    }
}
#define REFUSED(status, batch, sessions, count, texts, lengths)                                              \
    expect_refusal(__LINE__, status, batch, sessions, count, texts, lengths)

static void test_batches(chargen_model *model, chargen_model *other) {
    chargen_session *sessions[3];
    chargen_session *stranger;
    chargen_session *reference;
    chargen_batch *batch;
    uint32_t characters[3];
    uint32_t expected;
    double scores[3];
    const char *texts[3] = {"", NULL, ""};
    size_t lengths[3] = {0, 0, 0};
    size_t impossible[] = {0, 65537, SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 64};
    size_t i;

    for (i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        batch = (chargen_batch *)8;
        CHECK(chargen_batch_create(model, impossible[i], 1, &batch) == CHARGEN_INVALID_ARGUMENT && batch == NULL);
        batch = (chargen_batch *)8;
        CHECK(chargen_batch_create(model, 1, impossible[i], &batch) == CHARGEN_INVALID_ARGUMENT && batch == NULL);
    }
    CHECK(chargen_batch_create(model, 1, 1, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_create(model, 2, TWO, &batch) == CHARGEN_OK);
    for (i = 0; i < 3; i++) {
        CHECK(chargen_session_create(model, &sessions[i]) == CHARGEN_OK);
    }
    CHECK(chargen_session_create(other, &stranger) == CHARGEN_OK);
    CHECK(chargen_session_create(model, &reference) == CHARGEN_OK);

    /* More than the capacity, with counts that no list can have. */
    REFUSED(CHARGEN_INVALID_ARGUMENT, batch, sessions, SIZE_MAX, NULL, NULL);
    REFUSED(CHARGEN_INVALID_ARGUMENT, batch, sessions, SIZE_MAX / 2 + 1, NULL, NULL);
    CHECK(chargen_batch_next(batch, sessions, 3, characters) == CHARGEN_INVALID_ARGUMENT);
    /* NULL for the sessions, for one of them, and for the other lists. */
    REFUSED(CHARGEN_INVALID_ARGUMENT, batch, NULL, 1, NULL, NULL);
    CHECK(chargen_batch_next(batch, sessions, 2, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_feed(batch, sessions, 2, NULL, lengths) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_feed(batch, sessions, 2, texts, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_batch_score(batch, sessions, 2, texts, lengths, NULL) == CHARGEN_INVALID_ARGUMENT);
    {
        chargen_session *twice[] = {sessions[0], sessions[0]};
        chargen_session *strange[] = {sessions[0], stranger};
        chargen_session *missing[] = {sessions[0], NULL};
        REFUSED(CHARGEN_INVALID_ARGUMENT, batch, twice, 2, NULL, NULL);
        REFUSED(CHARGEN_INVALID_ARGUMENT, batch, strange, 2, NULL, NULL);
        REFUSED(CHARGEN_INVALID_ARGUMENT, batch, missing, 2, NULL, NULL);
    }
    /* Texts: the second is missing, too long, or not UTF-8. */
    lengths[1] = 1;
    REFUSED(CHARGEN_INVALID_ARGUMENT, batch, sessions, 2, texts, lengths);
    texts[1] = "a";
    lengths[1] = SIZE_MAX;
    REFUSED(CHARGEN_INVALID_ARGUMENT, batch, sessions, 2, texts, lengths);
    texts[1] = "\xF0\x9F";
    lengths[1] = 2;
    REFUSED(CHARGEN_INVALID_UTF8, batch, sessions, 2, texts, lengths);
    /* A model without ends refuses to score documents before it reads a text. */
    CHECK(!chargen_model_has_end_of_document(model) || strncmp(chargen_error_message(), "session 1: ", 11) == 0);

    /* A count of 0 has no effect. */
    CHECK(chargen_batch_next(batch, sessions, 0, characters) == CHARGEN_OK);
    CHECK(chargen_batch_feed(batch, sessions, 0, texts, lengths) == CHARGEN_OK);
    CHECK(chargen_batch_score(batch, sessions, 0, texts, lengths, scores) == CHARGEN_OK);
    CHECK(chargen_batch_next(batch, NULL, 0, NULL) == CHARGEN_OK);
    CHECK(chargen_batch_feed(batch, NULL, 0, NULL, NULL) == CHARGEN_OK);
    CHECK(chargen_batch_score(batch, NULL, 0, NULL, NULL, NULL) == CHARGEN_OK);

    /* The sessions are unchanged, and the batch works, also after its model is freed. */
    chargen_session_free(stranger);
    CHECK(chargen_batch_next(batch, sessions + 1, 2, characters) == CHARGEN_OK);
    CHECK(chargen_session_next(reference, &expected) == CHARGEN_OK);
    CHECK(characters[0] == expected && characters[1] == expected);
    chargen_session_free(sessions[1]);
    chargen_batch_free(batch);
    CHECK(chargen_session_next(sessions[0], characters) == CHARGEN_OK && characters[0] == expected);
    chargen_session_free(sessions[0]);
    chargen_session_free(sessions[2]);
    chargen_session_free(reference);
}

/* ---- Damaged models ---- */

/* SplitMix64: equal seeds give equal damage. */
static uint64_t random_word(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint32_t checksum(const unsigned char *bytes, size_t length) {
    uint32_t crc = 0xFFFFFFFFu;
    while (length-- > 0) {
        int bit;
        crc ^= *bytes++;
        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

static uint64_t number(const unsigned char *bytes, int count) {
    uint64_t value = 0;
    while (count-- > 0) {
        value = value << 8 | bytes[count];
    }
    return value;
}

static void put_checksum(unsigned char *place, uint32_t value) {
    int i;
    for (i = 0; i < 4; i++) {
        place[i] = (unsigned char)(value >> 8 * i);
    }
}

/* Corrects the checksums of the tensors and the header, as far as the header is consistent. See
   docs/cgw-format.md. */
static void repair(unsigned char *bytes, size_t length) {
    uint64_t header = length < 48 ? 0 : number(bytes + 12, 4);
    uint64_t entry = length < 48 ? 0 : 48 + 4 * number(bytes + 36, 4) + number(bytes + 44, 4);
    uint64_t frame = header;
    if (header < 52 || header > length) {
        return;
    }
    for (; entry + 16 + 4 <= header; entry += 16) {
        uint64_t size = number(bytes + entry + 8, 8);
        if (size > length - frame) {
            break;
        }
        put_checksum(bytes + entry + 4, checksum(bytes + frame, (size_t)size));
        frame += size;
    }
    put_checksum(bytes + header - 4, checksum(bytes, (size_t)header - 4));
}

/* Loads arbitrary bytes; if they load, the model must work. */
static int try_bytes(const unsigned char *bytes, size_t length) {
    chargen_model *model = (chargen_model *)8;
    chargen_session *session;
    chargen_batch *batch;
    chargen_beam *beam;
    uint32_t character;
    size_t count;
    double score;
    chargen_status status = chargen_model_load_memory(bytes, length, &model);
    if (status != CHARGEN_OK) {
        CHECK(model == NULL && chargen_error_message()[0] != '\0');
        return 0;
    }
    status = chargen_model_verify(model, NULL);
    CHECK(status == CHARGEN_OK || status == CHARGEN_INVALID_MODEL);
    CHECK(chargen_session_create(model, &session) == CHARGEN_OK);
    CHECK(chargen_batch_create(model, 1, 1, &batch) == CHARGEN_OK);
    CHECK(chargen_session_stream(session, 20, ignore_character, NULL) == CHARGEN_OK);
    CHECK(chargen_batch_next(batch, &session, 1, &character) == CHARGEN_OK);
    CHECK(chargen_session_set_unknown(session, CHARGEN_UNKNOWN_SKIP) == CHARGEN_OK);
    CHECK(chargen_session_score(session, "a text", 6, &score, NULL) == CHARGEN_OK);
    CHECK(chargen_session_likeliest(session, 1, &character, NULL, &count) == CHARGEN_OK);
    CHECK(chargen_beam_create(model, 4, 3, 1, &beam) == CHARGEN_OK);
    CHECK(chargen_beam_search(beam, session, 3, &count) == CHARGEN_OK && count <= 4);
    chargen_model_free(model);
    chargen_beam_free(beam);
    chargen_batch_free(batch);
    chargen_session_free(session);
    return 1;
}

static void test_damaged_models(const unsigned char *intact, size_t length, unsigned long rounds, uint64_t seed) {
    unsigned char *bytes = (unsigned char *)malloc(length);
    unsigned long round;
    unsigned long loaded = 0;
    CHECK(bytes != NULL);
    for (round = 0; round < rounds; round++) {
        uint64_t changes = 1 + random_word(&seed) % 4;
        size_t kept = random_word(&seed) % 4 == 0 ? (size_t)(random_word(&seed) % length) : length;
        memcpy(bytes, intact, length);
        while (changes-- > 0) {
            /* Half of the damage goes to the beginning, which holds the sizes. */
            size_t range = random_word(&seed) % 2 == 0 && length > 512 ? 512 : length;
            bytes[random_word(&seed) % range] ^= (unsigned char)(1u << random_word(&seed) % 8);
        }
        if (round % 2 == 0) {
            repair(bytes, kept);
        }
        loaded += (unsigned long)try_bytes(bytes, kept);
    }
    free(bytes);
    printf("%lu damaged models: %lu refused, %lu still models\n", rounds, rounds - loaded, loaded);
}

int main(int argc, char **argv) {
    chargen_model *model;
    chargen_model *other;
    unsigned char *bytes;
    long length;
    FILE *file;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: api MODEL ROUNDS [SEED]\n");
        return 2;
    }
    test_null_arguments();
    test_long_paths();
    CHECK(chargen_model_load_file(argv[1], &model) == CHARGEN_OK);
    test_extreme_arguments(model);
    test_clones(model);
    test_stop_strings(model);
    test_states(model);
    test_knowledge(model);
    CHECK(chargen_model_load_file(argv[1], &other) == CHARGEN_OK);
    test_batches(model, other);
    chargen_model_free(other);
    chargen_model_free(model);

    file = fopen(argv[1], "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0);
    rewind(file);
    bytes = (unsigned char *)malloc((size_t)length);
    CHECK(bytes != NULL && fread(bytes, 1, (size_t)length, file) == (size_t)length);
    fclose(file);
    test_damaged_models(bytes, (size_t)length, strtoul(argv[2], NULL, 10),
                        argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    free(bytes);
    return 0;
}
