/*
 * Makes random calls of all functions of the header, valid and invalid ones, and compares what each
 * gives with what the header says:
 *
 *     sequences CALLS SEED MODEL...
 *     sequences --threads N CALLS SEED MODEL...
 *     sequences --refuse CALLS SEED MODEL...
 *     sequences --functions
 *
 * Each session has a twin, to which only the calls go that succeeded, by another way: character by
 * character, in pieces, alone instead of in a batch, without threads. As long as both give the same
 * text, a failed call has changed nothing, and a successful one has done what it says.
 *
 * With --threads, N threads make CALLS calls each, with sessions of common models. With --refuse,
 * memory is refused in a part of the calls: one allocation, or all from one on. --functions prints
 * the functions that are called. Equal seeds give equal calls.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "allocations.h"

#include <chargen.h>

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MODELS = 4,      /* Slots of a thread. */
    SESSIONS = 6,
    BATCHES = 3,
    BEAMS = 2,
    PATTERNS = 2,
    FILES = 16,      /* Models in the arguments. */
    CHARACTERS = 256, /* The most characters of a model that are called by number. */
    COLUMNS = 4,     /* The most of labels, and the most labels of one. */
    LABELS = 8,
    TEXT = 256,      /* The most bytes of a text that is fed. */
    ROOM = 512       /* The most bytes of a text that is generated. */
};

/* ---- Expectations ---- */

/* A model file, and what its model says of itself. */
struct file {
    const char *path;
    unsigned char *bytes;
    size_t length;
    uint32_t characters[CHARACTERS];
    size_t character_count, longest;
    int has_end, has_unknown, has_self_test;
    /* Of labels, and the labels of each. */
    size_t columns, labels[COLUMNS];
    /* A model that all threads use. */
    chargen_model *common;
};

static struct file files[FILES];
static size_t file_count;

struct model_slot {
    chargen_model *model;
    const struct file *file;
    /* Differs between any two models. */
    unsigned long number;
};

struct session_slot {
    chargen_session *session, *twin;
    const struct file *file;
    unsigned long model;
    chargen_unknown unknown;
    uint32_t replacement;
    /* The bytes of an unfinished character. */
    char pending[4];
    size_t pending_count;
    float temperature, top_p, min_p, repetition, frequency;
    uint64_t seed;
    size_t top_k, window;
    /* Of each character, then of the end of a document. */
    float biases[CHARACTERS + 1];
    unsigned char outside[CHARACTERS + 1];
    size_t max_length, undo;
    int has_pattern;
    /* Or has had some, for which text may still be held back. */
    int has_stop_strings;
};

struct batch_slot {
    chargen_batch *batch;
    unsigned long model;
    size_t capacity;
};

struct beam_slot {
    chargen_beam *beam;
    unsigned long model;
    size_t width, length;
    /* The continuations of the last search. */
    size_t found;
};

struct pattern_slot {
    chargen_pattern *pattern;
    unsigned long model;
};

/* What one thread uses. */
struct world {
    uint64_t random;
    unsigned long call, models_made;
    /* Calls that returned CHARGEN_OK, another status, or CHARGEN_OUT_OF_MEMORY. */
    unsigned long succeeded, failed, refused;
    const char *function;
    struct model_slot models[MODELS];
    struct session_slot sessions[SESSIONS];
    struct batch_slot batches[BATCHES];
    struct beam_slot beams[BEAMS];
    struct pattern_slot patterns[PATTERNS];
};

static int refusing;
static uint64_t seed_of_run;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) fail(w, __LINE__, #condition);                                                     \
    } while (0)

static void fail(const struct world *w, int line, const char *condition) {
    first_refused = ULONG_MAX;
    fprintf(stderr, "sequences.c:%d: seed %llu, call %lu, %s: not true: %s (last message: %s)\n", line,
            (unsigned long long)seed_of_run, w->call, w->function, condition, chargen_error_message());
    abort();
}

/* SplitMix64. */
static uint64_t random_word(struct world *w) {
    uint64_t z = w->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t below(struct world *w, size_t limit) { return (size_t)(random_word(w) % limit); }
static int one_in(struct world *w, size_t count) { return below(w, count) == 0; }

/* A size that no object has. */
static size_t impossible_size(struct world *w) { return one_in(w, 2) ? SIZE_MAX : SIZE_MAX / 2 + 1 + below(w, 9); }

/* ---- Refused memory ---- */

static int is_armed;

/* Has some allocations of the next call refused, in a quarter of the calls. */
static void arm(struct world *w) {
    if (refusing && one_in(w, 4)) {
        is_armed = 1;
        refused_count = one_in(w, 2) ? 1 : ULONG_MAX;
        first_refused = allocations + below(w, one_in(w, 2) ? 2 : one_in(w, 2) ? 12 : 60);
    }
}

static int disarm(void) {
    int was_refused = is_armed && allocations > first_refused;
    is_armed = 0;
    first_refused = ULONG_MAX;
    return was_refused;
}

/* Makes a call that is to have a status. 1 if it has that; 0 if it was refused memory. */
#define GIVES(expected, call) (arm(w), has_status(w, __LINE__, #call, (expected), (call)))

static int has_status(struct world *w, int line, const char *call, chargen_status expected, chargen_status status) {
    int was_refused = disarm();
    if (status == expected) {
        w->succeeded += status == CHARGEN_OK;
        w->failed += status != CHARGEN_OK;
        if (status != CHARGEN_OK) {
            CHECK(chargen_error_message()[0] != '\0' && strlen(chargen_error_message()) < 512);
        }
        return 1;
    }
    if (status != CHARGEN_OUT_OF_MEMORY || !was_refused) {
        fprintf(stderr, "status %d instead of %d\n", (int)status, (int)expected);
        fail(w, line, call);
    }
    w->refused++;
    return 0;
}

/* ---- UTF-8 ---- */

static size_t put_character(char *target, uint32_t c) {
    if (c < 0x80) {
        target[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        target[0] = (char)(0xC0 | c >> 6);
        target[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        target[0] = (char)(0xE0 | c >> 12);
        target[1] = (char)(0x80 | (c >> 6 & 0x3F));
        target[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    target[0] = (char)(0xF0 | c >> 18);
    target[1] = (char)(0x80 | (c >> 12 & 0x3F));
    target[2] = (char)(0x80 | (c >> 6 & 0x3F));
    target[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Reads the character at the beginning of a text. Returns its length, 0 if it is not UTF-8. */
static size_t take_character(const char *text, size_t length, uint32_t *character) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t count = bytes[0] < 0x80 ? 1 : bytes[0] < 0xC0 ? 0 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3
                   : bytes[0] < 0xF8 ? 4 : 0;
    uint32_t value = count == 1 ? bytes[0] : bytes[0] & (0x7Fu >> count);
    size_t i;
    if (count == 0 || count > length) {
        return 0;
    }
    for (i = 1; i < count; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (bytes[i] & 0x3Fu);
    }
    *character = value;
    return value < least[count] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000) ? 0 : count;
}

/* The number of a character of a model, or -1. */
static int number_of(const struct file *file, uint32_t character) {
    size_t i;
    for (i = 0; i < file->character_count; i++) {
        if (file->characters[i] == character) {
            return (int)i;
        }
    }
    return -1;
}

/* A text in memory of its own size, so that a tool sees accesses beyond it. */
struct text {
    char *bytes;
    size_t length;
};

static struct text random_text(struct world *w, const struct file *file) {
    static const char *const strange[] = {
        "\xFF", "\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xE4\xB8", "\xF4\x90\x80\x80",
        "\xF0\x9F\x98", "\xF8\x88\x80\x80\x80", "\xF4\x8F\xBF\xBF", "\xE2\x82\xAC", "\xEF\xBB\xBF", "\xE2\x80\xAE",
        "e\xCC\x81", "\xC2\x85"};
    struct text text;
    char bytes[TEXT + 8];
    size_t pieces = one_in(w, 8) ? below(w, 60) : below(w, 8);
    /* In one of four texts. */
    int has_strange = one_in(w, 4);
    text.length = 0;
    while (pieces-- > 0 && text.length < TEXT - 8) {
        if (has_strange && one_in(w, 4)) {
            const char *piece = strange[below(w, sizeof strange / sizeof *strange)];
            memcpy(bytes + text.length, piece, strlen(piece));
            text.length += strlen(piece);
        } else if (has_strange && one_in(w, 8)) {
            text.length += put_character(bytes + text.length, (uint32_t)below(w, 0x80));
        } else {
            text.length += put_character(bytes + text.length, file->characters[below(w, file->character_count)]);
        }
    }
    text.bytes = text.length == 0 && one_in(w, 2) ? NULL : (char *)malloc(text.length);
    if (text.length > 0) {
        memcpy(text.bytes, bytes, text.length);
    }
    return text;
}

/* What a character is read as: the number of a character of the model, SYMBOL for the unknown
   symbol, SKIPPED or REFUSED. */
enum { SYMBOL = -1, SKIPPED = -2, REFUSED = -3 };

static int read_as(uint32_t character, const struct file *file, chargen_unknown unknown, uint32_t replacement) {
    int number = number_of(file, character);
    uint32_t nearest;
    if (number < 0 && unknown == CHARGEN_UNKNOWN_REPLACE) {
        number = number_of(file, replacement);
    } else if (number < 0 && unknown == CHARGEN_UNKNOWN_NEAREST
               && chargen_model_nearest(file->common, character, &nearest) == CHARGEN_OK) {
        number = number_of(file, nearest);
    }
    return number >= 0 ? number : unknown == CHARGEN_UNKNOWN_SKIP ? SKIPPED : file->has_unknown ? SYMBOL : REFUSED;
}

/* What reading a text gives, and the number of characters that count. */
static chargen_status status_of(const struct text *text, const struct file *file, chargen_unknown unknown, size_t *count) {
    size_t offset = 0;
    *count = 0;
    while (offset < text->length) {
        uint32_t character;
        int number;
        size_t length = take_character(text->bytes + offset, text->length - offset, &character);
        if (length == 0) {
            return CHARGEN_INVALID_UTF8;
        }
        /* Any replacement is one that the model knows. */
        number = read_as(character, file, unknown, file->characters[0]);
        if (number == REFUSED) {
            return CHARGEN_UNKNOWN_CHARACTER;
        }
        *count += number != SKIPPED;
        offset += length;
    }
    return CHARGEN_OK;
}

/* A place between two characters of a text. */
static size_t middle_of(struct world *w, const struct text *text) {
    size_t offset = text->length == 0 ? 0 : below(w, text->length + 1);
    while (offset < text->length && ((unsigned char)text->bytes[offset] & 0xC0) == 0x80) {
        offset++;
    }
    return offset;
}

/* A character of a model, or another number. */
static uint32_t random_character(struct world *w, const struct file *file) {
    static const uint32_t strange[] = {0, 0xD800, 0x110000, UINT32_MAX - 1, 0x10FFFF, 0xA};
    return one_in(w, 6)   ? strange[below(w, sizeof strange / sizeof *strange)]
           : one_in(w, 6) ? CHARGEN_END_OF_DOCUMENT
                          : file->characters[below(w, file->character_count)];
}

/* ---- Slots ---- */

static struct model_slot *any_model(struct world *w) { return &w->models[below(w, MODELS)]; }
static struct session_slot *any_session(struct world *w) { return &w->sessions[below(w, SESSIONS)]; }
static struct batch_slot *any_batch(struct world *w) { return &w->batches[below(w, BATCHES)]; }
static struct beam_slot *any_beam(struct world *w) { return &w->beams[below(w, BEAMS)]; }

/* A session that exists, or NULL. */
static struct session_slot *existing(struct world *w) {
    struct session_slot *slot = any_session(w);
    return slot->session == NULL ? NULL : slot;
}

/* The twin's next character. */
static uint32_t twin_next(struct world *w, struct session_slot *s) {
    uint32_t character = 1;
    CHECK(chargen_session_next(s->twin, &character) == CHARGEN_OK);
    return character;
}

/* The number of a character or of the end of a document, or -1 if the model does not know it. */
static int choice_of(const struct file *file, uint32_t character) {
    return character != CHARGEN_END_OF_DOCUMENT ? number_of(file, character) : file->has_end ? CHARACTERS : -1;
}

static int is_scalar(uint32_t character) {
    return character <= 0x10FFFF && !(character >= 0xD800 && character < 0xE000);
}

static int may_choose(const struct session_slot *s, uint32_t character) {
    int number = choice_of(s->file, character);
    return number >= 0 && s->biases[number] > -INFINITY && !s->outside[number];
}

/* Whether the session may generate it. Where it has a pattern or a maximum length, texts end. What
   was held back was chosen earlier. */
static int may_generate(const struct session_slot *s, uint32_t character) {
    return may_choose(s, character) || s->has_stop_strings
        || (character == CHARGEN_END_OF_DOCUMENT && (s->has_pattern || s->max_length > 0));
}

/* Whether a status is one of two that a call may have, where only the library can tell which: then
   the call is expected to give that. */
#define GIVES_EITHER(first, second, status, call)                                                            \
    (arm(w), (status) = (call), has_status(w, __LINE__, #call, (status) == (second) ? (second) : (first), (status)))

/* ---- Loading a model ---- */

enum source { FROM_FILE, FROM_DESCRIPTOR, FROM_MEMORY };

/* Loads a file by its descriptor, or what is no descriptor of a file. */
static chargen_status load_descriptor(struct world *w, const char *path, int is_whole, chargen_model **model) {
    int descriptor = is_whole ? open(path, O_RDONLY) : one_in(w, 2) ? -1 - (int)below(w, 99) : open("/", O_RDONLY);
    chargen_status status = chargen_model_load_descriptor(descriptor, model);
    close(descriptor);
    return status;
}

static void call_load(struct world *w, enum source source) {
    struct model_slot *slot = any_model(w);
    const struct file *file = &files[below(w, file_count)];
    chargen_model *model = (chargen_model *)8;
    chargen_status expected = CHARGEN_OK;
    int is_whole = one_in(w, 2);
    size_t length = file->length;
    if (slot->model != NULL) {
        return;
    }
    if (one_in(w, 10)) {
        if (source != FROM_DESCRIPTOR) {
            CHECK((source == FROM_FILE ? chargen_model_load_file(NULL, &model) : chargen_model_load_memory(NULL, 9, &model))
                  == CHARGEN_INVALID_ARGUMENT);
            CHECK(model == NULL);
        }
        CHECK((source == FROM_FILE         ? chargen_model_load_file(file->path, NULL)
               : source == FROM_DESCRIPTOR ? chargen_model_load_descriptor(0, NULL)
                                           : chargen_model_load_memory(file->bytes, length, NULL))
              == CHARGEN_INVALID_ARGUMENT);
        return;
    }
    if (source != FROM_MEMORY) {
        expected = is_whole ? CHARGEN_OK : CHARGEN_FILE_ACCESS;
        if (!GIVES(expected, source == FROM_FILE ? chargen_model_load_file(is_whole ? file->path : "no/such\nfile", &model)
                                                 : load_descriptor(w, file->path, is_whole, &model))) {
            expected = CHARGEN_OUT_OF_MEMORY;
        }
    } else {
        unsigned char *bytes;
        if (!is_whole) {
            length = below(w, length);
            expected = CHARGEN_INVALID_MODEL;
        }
        bytes = (unsigned char *)malloc(length);
        memcpy(bytes, file->bytes, length);
        if (!GIVES(expected, chargen_model_load_memory(bytes, length, &model))) {
            expected = CHARGEN_OUT_OF_MEMORY;
        }
        free(bytes);
        CHECK(chargen_model_load_memory(file->bytes, impossible_size(w), &slot->model) == CHARGEN_INVALID_ARGUMENT);
    }
    CHECK((model != NULL) == (expected == CHARGEN_OK));
    slot->model = model;
    slot->file = file;
    slot->number = ++w->models_made;
}

static void call_load_file(struct world *w) { call_load(w, FROM_FILE); }
static void call_load_descriptor(struct world *w) { call_load(w, FROM_DESCRIPTOR); }
static void call_load_memory(struct world *w) { call_load(w, FROM_MEMORY); }

static void call_model_free(struct world *w) {
    struct model_slot *slot = any_model(w);
    chargen_model_free(slot->model);
    slot->model = NULL;
}

static void call_verify(struct world *w) {
    struct model_slot *slot = any_model(w);
    int32_t has_self_test = 7;
    int is_done = GIVES(slot->model == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_OK,
                        chargen_model_verify(slot->model, one_in(w, 4) ? NULL : &has_self_test));
    CHECK(has_self_test == 7 || has_self_test == (is_done && slot->model != NULL && slot->file->has_self_test));
}

/* ---- Properties of a model ---- */

static int is_one_of(const char *text, const char *a, const char *b, const char *c, const char *d) {
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0 || strcmp(text, d) == 0;
}

static void call_cell(struct world *w) {
    const chargen_model *model = any_model(w)->model;
    CHECK(model == NULL ? chargen_model_cell(model)[0] == '\0' : is_one_of(chargen_model_cell(model), "rnn", "gru", "lstm", "lstm"));
}
static void call_weight_type(struct world *w) {
    const chargen_model *model = any_model(w)->model;
    CHECK(model == NULL ? chargen_model_weight_type(model)[0] == '\0'
                        : is_one_of(chargen_model_weight_type(model), "f32", "bf16", "int8", "int4"));
}
static void call_backend(struct world *w) {
    const chargen_model *model = any_model(w)->model;
    CHECK(model == NULL ? chargen_model_backend(model)[0] == '\0'
                        : is_one_of(chargen_model_backend(model), "portable", "avx2", "avx512", "dotprod"));
}
static void call_layer_count(struct world *w) {
    const chargen_model *model = any_model(w)->model;
    CHECK((chargen_model_layer_count(model) > 0) == (model != NULL));
}
static void call_hidden_size(struct world *w) {
    const chargen_model *model = any_model(w)->model;
    CHECK((chargen_model_hidden_size(model) > 0) == (model != NULL));
}
static void call_parameter_count(struct world *w) {
    const chargen_model *model = any_model(w)->model;
    CHECK((chargen_model_parameter_count(model) > 0) == (model != NULL));
}
static void call_provenance(struct world *w) {
    const chargen_model *model = any_model(w)->model;
    size_t length = 1;
    const char *text = chargen_model_provenance(model, one_in(w, 4) ? NULL : &length);
    CHECK(text != NULL && strlen(text) <= ROOM * ROOM && (model != NULL || text[0] == '\0'));
    chargen_model_provenance(model, &length);
    CHECK(text[length] == '\0');
}
static void call_has_end(struct world *w) {
    struct model_slot *slot = any_model(w);
    CHECK(chargen_model_has_end_of_document(slot->model) == (slot->model != NULL && slot->file->has_end));
}
static void call_has_unknown(struct world *w) {
    struct model_slot *slot = any_model(w);
    CHECK(chargen_model_has_unknown(slot->model) == (slot->model != NULL && slot->file->has_unknown));
}
static void call_character_count(struct world *w) {
    struct model_slot *slot = any_model(w);
    CHECK(chargen_model_character_count(slot->model) == (slot->model == NULL ? 0 : slot->file->character_count));
}
static void call_max_character_bytes(struct world *w) {
    struct model_slot *slot = any_model(w);
    CHECK(chargen_model_max_character_bytes(slot->model) == (slot->model == NULL ? 0 : slot->file->longest));
}
static void call_character(struct world *w) {
    struct model_slot *slot = any_model(w);
    uint32_t character = 1;
    size_t count = slot->model == NULL ? 0 : slot->file->character_count;
    size_t index = one_in(w, 8) ? impossible_size(w) : below(w, count + 3);
    int is_valid = index < count;
    CHECK(chargen_model_character(slot->model, index, NULL) == CHARGEN_INVALID_ARGUMENT);
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT, chargen_model_character(slot->model, index, &character))) {
        CHECK(character == (is_valid ? slot->file->characters[index] : 0));
    }
}
static void call_knows(struct world *w) {
    struct model_slot *slot = any_model(w);
    uint32_t character = one_in(w, 4) ? (uint32_t)random_word(w) : (uint32_t)below(w, 0x180);
    CHECK(chargen_model_knows(slot->model, character) == (slot->model != NULL && number_of(slot->file, character) >= 0));
}

/* ---- A session ---- */

static void call_session_create(struct world *w) {
    struct session_slot *s = any_session(w);
    struct model_slot *m = any_model(w);
    const chargen_model *model = m->model;
    const struct file *file = m->file;
    unsigned long number = m->number;
    chargen_session *session = (chargen_session *)8;
    if (s->session != NULL) {
        return;
    }
    CHECK(chargen_session_create(model, NULL) == CHARGEN_INVALID_ARGUMENT);
    if (one_in(w, 3)) {
        file = &files[below(w, file_count)];
        model = file->common;
        number = (unsigned long)(file - files) + (ULONG_MAX - FILES);
    }
    if (!GIVES(model == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_OK, chargen_session_create(model, &session))
        || model == NULL) {
        CHECK(session == NULL);
        return;
    }
    memset(s, 0, sizeof *s);
    s->session = session;
    CHECK(chargen_session_create(model, &s->twin) == CHARGEN_OK);
    s->file = file;
    s->model = number;
    s->temperature = 1;
    s->top_p = 1;
}

/* Two that share memory, each with one of a pair of twins. */
static void call_session_create_sharing(struct world *w) {
    struct session_slot *other = existing(w), *s = any_session(w);
    chargen_session *session = (chargen_session *)8;
    if (other == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_create_sharing(NULL, &session));
        CHECK(session == NULL);
        return;
    }
    CHECK(chargen_session_create_sharing(other->session, NULL) == CHARGEN_INVALID_ARGUMENT);
    if (s->session != NULL) {
        return;
    }
    if (!GIVES(CHARGEN_OK, chargen_session_create_sharing(other->session, &session))) {
        CHECK(session == NULL);
        return;
    }
    memset(s, 0, sizeof *s);
    s->session = session;
    s->file = other->file;
    s->model = other->model;
    s->temperature = 1;
    s->top_p = 1;
    CHECK(chargen_session_create_sharing(other->twin, &s->twin) == CHARGEN_OK);
}

static void call_size(struct world *w) {
    struct session_slot *s = existing(w);
    size_t shared = 1;
    size_t size = chargen_session_size(s == NULL ? NULL : s->session, &shared);
    CHECK((size > 0) == (s != NULL) && (shared > 0) == (s != NULL));
    CHECK(chargen_session_size(s == NULL ? NULL : s->session, NULL) == size);
}

static void call_session_free(struct world *w) {
    struct session_slot *s = any_session(w);
    if (one_in(w, 4)) {
        chargen_session_free(NULL);
        chargen_session_free(s->session);
        chargen_session_free(s->twin);
        s->session = s->twin = NULL;
    }
}

/* ---- Generating text ---- */

static void call_next(struct world *w) {
    struct session_slot *s = existing(w);
    uint32_t character = 1;
    if (s == NULL) {
        CHECK(GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_next(NULL, &character)) == 0 || character == 0);
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_next(s->session, NULL));
    }
    CHECK(GIVES(CHARGEN_OK, chargen_session_next(s->session, &character)));
    CHECK(may_generate(s, character) && character == twin_next(w, s));
    CHECK(chargen_session_ended(s->session) == chargen_session_ended(s->twin));
    CHECK((chargen_session_end_reason(s->session) == CHARGEN_REASON_NONE) == is_scalar(character));
    CHECK((chargen_session_end_reason(s->session) == CHARGEN_REASON_STOP_STRING) == (character == CHARGEN_STOPPED));
}

static void call_generate(struct world *w) {
    struct session_slot *s = existing(w);
    size_t length = 1;
    size_t capacity = one_in(w, 4) ? below(w, 8) : below(w, 80);
    size_t most = one_in(w, 4) ? SIZE_MAX : below(w, 40);
    char *buffer;
    char expected[ROOM];
    size_t place = 0, count = 0;
    int is_valid;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_generate(NULL, 1, expected, sizeof expected, &length));
        CHECK(length == 0);
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_generate(s->session, most, NULL, 9, &length));
        CHECK(length == 0);
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_generate(s->session, most, expected, 9, NULL));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT,
                    chargen_session_generate(s->session, most, expected, impossible_size(w), &length));
        return;
    }
    buffer = capacity == 0 ? NULL : (char *)malloc(capacity);
    is_valid = most == 0 || capacity >= s->file->longest;
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_BUFFER_TOO_SMALL,
              chargen_session_generate(s->session, most, buffer, capacity, &length))
        && is_valid) {
        chargen_end_reason reason = CHARGEN_REASON_LIMIT;
        while (count < most && reason == CHARGEN_REASON_LIMIT) {
            uint32_t character;
            if (capacity - place < s->file->longest) {
                reason = CHARGEN_REASON_BUFFER;
                break;
            }
            character = twin_next(w, s);
            CHECK(may_generate(s, character));
            if (!is_scalar(character)) {
                reason = chargen_session_end_reason(s->twin);
                break;
            }
            place += put_character(expected + place, character);
            count++;
        }
        CHECK(chargen_session_end_reason(s->session) == reason);
        CHECK(chargen_session_stop_string(s->session)
              == (reason == CHARGEN_REASON_STOP_STRING ? chargen_session_stop_string(s->twin) : 0));
    }
    CHECK(length == place && (place == 0 || memcmp(buffer, expected, place) == 0));
    CHECK(chargen_session_ended(s->session) == chargen_session_ended(s->twin));
    free(buffer);
}

/* What a callback does at one of the characters. */
struct listener {
    struct world *w;
    chargen_session *session;
    int action;
    size_t at, count;
    char text[ROOM];
    size_t length;
    const struct file *file;
};

static int32_t listen(const char *character, size_t length, void *user) {
    struct listener *l = (struct listener *)user;
    struct world *w = l->w;
    uint32_t value;
    CHECK(take_character(character, length, &value) == length && character[length] == '\0');
    CHECK(l->length + length <= sizeof l->text);
    memcpy(l->text + l->length, character, length);
    l->length += length;
    if (l->count++ != l->at) {
        return 0;
    }
    if (l->action == 1) {
        char text[4];
        size_t bytes = put_character(text, l->file->characters[0]);
        CHECK(chargen_session_feed(l->session, text, bytes) == CHARGEN_OK);
    } else if (l->action == 2) {
        CHECK(chargen_session_reset(l->session) == CHARGEN_OK);
    } else if (l->action == 3) {
        CHECK(chargen_session_next(l->session, &value) == CHARGEN_OK);
    } else if (l->action == 4) {
        CHECK(chargen_session_feed(l->session, "\xFF", 1) == CHARGEN_INVALID_UTF8);
        CHECK(chargen_session_feed(NULL, NULL, 0) == CHARGEN_INVALID_ARGUMENT);
    } else if (l->action == 5) {
        return one_in(w, 2) ? 1 : INT32_MIN;
    }
    return 0;
}

static void call_stream(struct world *w) {
    struct session_slot *s = existing(w);
    struct listener first, second;
    size_t most = below(w, 40);
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_stream(NULL, 1, listen, NULL));
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_stream(s->session, most, NULL, NULL));
    }
    memset(&first, 0, sizeof first);
    first.w = w;
    first.file = s->file;
    first.action = (int)below(w, 8);
    first.at = below(w, 8);
    second = first;
    first.session = s->session;
    second.session = s->twin;
    CHECK(GIVES(CHARGEN_OK, chargen_session_stream(s->session, most, listen, &first)));
    CHECK(chargen_session_stream(s->twin, most, listen, &second) == CHARGEN_OK);
    CHECK(first.length == second.length && memcmp(first.text, second.text, first.length) == 0);
    CHECK(first.count <= most);
    if (first.action == 2 && first.count > first.at) {
        s->pending_count = 0;
    }
}

static void call_feed(struct world *w) {
    struct session_slot *s = existing(w);
    struct text text;
    chargen_status expected;
    size_t count, middle;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_feed(NULL, "a", 1));
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_feed(s->session, NULL, 1 + below(w, 9)));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_feed(s->session, "a", impossible_size(w)));
    }
    text = random_text(w, s->file);
    expected = status_of(&text, s->file, s->unknown, &count);
    if (GIVES(expected, chargen_session_feed(s->session, text.bytes, text.length)) && expected == CHARGEN_OK) {
        middle = middle_of(w, &text);
        CHECK(chargen_session_feed(s->twin, text.bytes, middle) == CHARGEN_OK);
        CHECK(chargen_session_feed(s->twin, text.length == 0 ? NULL : text.bytes + middle, text.length - middle)
              == CHARGEN_OK);
    }
    free(text.bytes);
}

/* Whether bytes begin a character that they do not end. */
static int is_beginning(const char *bytes, size_t length) {
    char whole[4];
    uint32_t character;
    int filler;
    if (length == 0 || length > 3 || take_character(bytes, length, &character) > 0) {
        return 0;
    }
    for (filler = 0x80; filler <= 0xBF; filler += 0x3F) {
        memset(whole, filler, sizeof whole);
        memcpy(whole, bytes, length);
        if (take_character(whole, sizeof whole, &character) > length) {
            return 1;
        }
    }
    return 0;
}

/* The twin gets each character when it is whole. */
static void call_feed_piece(struct world *w) {
    struct session_slot *s = existing(w);
    struct text text, whole;
    chargen_status expected;
    char *piece;
    size_t start, length, count, rest = 0;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_feed_piece(NULL, "a", 1));
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_feed_piece(s->session, NULL, 1 + below(w, 9)));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_feed_piece(s->session, "a", impossible_size(w)));
    }
    text = random_text(w, s->file);
    start = text.length == 0 || one_in(w, 2) ? 0 : below(w, text.length);
    length = one_in(w, 2) ? text.length - start : below(w, text.length - start + 1);
    piece = length == 0 ? NULL : (char *)malloc(length);
    whole.bytes = (char *)malloc(s->pending_count + length + 1);
    memcpy(whole.bytes, s->pending, s->pending_count);
    if (length > 0) {
        memcpy(piece, text.bytes + start, length);
        memcpy(whole.bytes + s->pending_count, piece, length);
    }
    whole.length = s->pending_count + length;
    while (rest < 3 && rest < whole.length && !is_beginning(whole.bytes + whole.length - rest, rest)) {
        rest++;
    }
    if (!is_beginning(whole.bytes + whole.length - rest, rest)) {
        rest = 0;
    }
    whole.length -= rest;
    expected = length > 0         ? status_of(&whole, s->file, s->unknown, &count)
               : s->pending_count ? CHARGEN_INVALID_UTF8
                                  : CHARGEN_OK;
    if (GIVES(expected, chargen_session_feed_piece(s->session, piece, length)) && expected == CHARGEN_OK) {
        CHECK(chargen_session_feed(s->twin, whole.bytes, whole.length) == CHARGEN_OK);
        memcpy(s->pending, whole.bytes + whole.length, rest);
        s->pending_count = rest;
    }
    if (length == 0) {
        s->pending_count = 0;
    }
    free(piece);
    free(text.bytes);
    free(whole.bytes);
}

static void call_feed_character(struct world *w) {
    struct session_slot *s = existing(w);
    uint32_t character;
    char text[4];
    chargen_status expected;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_feed_character(NULL, 'a'));
        return;
    }
    character = random_character(w, s->file);
    expected = choice_of(s->file, character) >= 0 ? CHARGEN_OK : CHARGEN_UNKNOWN_CHARACTER;
    if (is_scalar(character) && read_as(character, s->file, s->unknown, s->replacement) != REFUSED) {
        expected = CHARGEN_OK;
    }
    if (!GIVES(expected, chargen_session_feed_character(s->session, character)) || expected != CHARGEN_OK) {
        return;
    }
    if (character == CHARGEN_END_OF_DOCUMENT) {
        CHECK(chargen_session_feed_character(s->twin, character) == CHARGEN_OK && chargen_session_ended(s->session));
    } else {
        CHECK(chargen_session_feed(s->twin, text, put_character(text, character)) == CHARGEN_OK);
    }
}

static void call_score(struct world *w) {
    struct session_slot *s = existing(w);
    struct text text;
    chargen_status expected;
    double score = 1, parts[2];
    size_t count, counted = SIZE_MAX, middle;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score(NULL, "a", 1, &score, &counted));
        CHECK(score == 0 && counted == 0);
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score(s->session, NULL, 1, &score, NULL));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score(s->session, "a", 1, NULL, &counted));
        CHECK(score == 0 && counted == 0);
        score = 1;
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score(s->session, "a", impossible_size(w), &score, NULL));
        CHECK(score == 0);
        counted = SIZE_MAX;
    }
    text = random_text(w, s->file);
    expected = status_of(&text, s->file, s->unknown, &count);
    if (GIVES(expected, chargen_session_score(s->session, text.bytes, text.length, &score, one_in(w, 4) ? NULL : &counted))
        && expected == CHARGEN_OK) {
        CHECK(counted == SIZE_MAX || counted == count);
        middle = middle_of(w, &text);
        CHECK(chargen_session_score(s->twin, text.bytes, middle, &parts[0], NULL) == CHARGEN_OK);
        CHECK(chargen_session_score(s->twin, text.length == 0 ? NULL : text.bytes + middle, text.length - middle,
                                    &parts[1], NULL) == CHARGEN_OK);
        CHECK(score <= 0 && fabs(score - parts[0] - parts[1]) <= 1e-9 * (1 + fabs(score)));
    } else {
        CHECK(score == 0);
    }
    free(text.bytes);
}

static void call_score_document(struct world *w) {
    struct session_slot *s = existing(w);
    struct text text;
    chargen_status expected;
    double score = 1, parts[2];
    size_t count, counted = 1;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score_document(NULL, "a", 1, &score, &counted));
        CHECK(score == 0 && counted == 0);
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score_document(s->session, "a", 1, NULL, &counted));
        CHECK(counted == 0);
    }
    text = random_text(w, s->file);
    expected = status_of(&text, s->file, s->unknown, &count);
    if (expected == CHARGEN_OK && !s->file->has_end) {
        expected = CHARGEN_UNKNOWN_CHARACTER;
    }
    if (GIVES(expected, chargen_session_score_document(s->session, text.bytes, text.length, &score, &counted))
        && expected == CHARGEN_OK) {
        CHECK(counted == count + 1 && chargen_session_ended(s->session) == 1);
        CHECK(chargen_session_score(s->twin, text.bytes, text.length, &parts[0], NULL) == CHARGEN_OK);
        CHECK(chargen_session_log_probability(s->twin, CHARGEN_END_OF_DOCUMENT, &parts[1]) == CHARGEN_OK);
        CHECK(chargen_session_feed_character(s->twin, CHARGEN_END_OF_DOCUMENT) == CHARGEN_OK);
        CHECK(score == parts[0] + parts[1]);
    } else {
        CHECK(score == 0 && counted == 0);
    }
    free(text.bytes);
}

static void call_score_characters(struct world *w) {
    struct session_slot *s = existing(w);
    struct text text;
    chargen_status expected;
    double *scores, score, sum = 0;
    size_t count, counted = 1, characters = 0, capacity, i;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score_characters(NULL, "a", 1, &score, 1, &counted));
        CHECK(counted == 0);
        return;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score_characters(s->session, "a", 1, NULL, 1, &counted));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_score_characters(s->session, "a", 1, &score, 1, NULL));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT,
                    chargen_session_score_characters(s->session, "a", 1, &score, impossible_size(w), &counted));
    }
    text = random_text(w, s->file);
    expected = status_of(&text, s->file, s->unknown, &count);
    for (i = 0; i < text.length; i++) {
        characters += ((unsigned char)text.bytes[i] & 0xC0) != 0x80;
    }
    capacity = one_in(w, 4) ? below(w, 9) : text.length;
    if (expected == CHARGEN_OK && capacity < characters) {
        expected = CHARGEN_BUFFER_TOO_SMALL;
    }
    scores = capacity == 0 ? NULL : (double *)malloc(capacity * sizeof *scores);
    if (GIVES(expected, chargen_session_score_characters(s->session, text.bytes, text.length, scores, capacity, &counted))
        && expected == CHARGEN_OK) {
        CHECK(counted == characters);
        for (i = 0; i < counted; i++) {
            CHECK(scores[i] <= 0);
            sum += scores[i];
        }
        CHECK(chargen_session_score(s->twin, text.bytes, text.length, &score, NULL) == CHARGEN_OK && score == sum);
    } else {
        CHECK(counted == 0);
    }
    free(scores);
    free(text.bytes);
}

/* ---- What may come next ---- */

/* A function that gives a number for all that may come next. */
typedef chargen_status (*giver)(chargen_session *session, const float **numbers, size_t *count);

/* Calls it, and compares what it gives with what it gives for the twin. Returns that, or NULL if
   there is no session. */
static const float *numbers_of(struct world *w, struct session_slot *s, giver give) {
    const float *first = (const float *)8, *second;
    size_t count = 1;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, give(NULL, &first, &count));
        CHECK(first == NULL && count == 0);
        return NULL;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, give(s->session, NULL, &count));
        CHECK(count == 0);
    }
    CHECK(GIVES(CHARGEN_OK, give(s->session, &first, &count)));
    CHECK(count == s->file->character_count + (size_t)(s->file->has_unknown + s->file->has_end));
    CHECK(give(s->twin, &second, NULL) == CHARGEN_OK && memcmp(first, second, count * sizeof *first) == 0);
    return first;
}

static void call_probabilities(struct world *w) {
    struct session_slot *s = existing(w);
    const float *numbers = numbers_of(w, s, chargen_session_probabilities);
    double sum = 0;
    size_t i;
    if (s == NULL) {
        return;
    }
    for (i = 0; i < s->file->character_count + (size_t)(s->file->has_unknown + s->file->has_end); i++) {
        CHECK(numbers[i] >= 0 && numbers[i] <= 1);
        sum += numbers[i];
    }
    CHECK(fabs(sum - 1) < 1e-3);
}

static void call_log_probabilities(struct world *w) {
    numbers_of(w, existing(w), chargen_session_log_probabilities);
}

static void call_logits(struct world *w) { numbers_of(w, existing(w), chargen_session_logits); }

static void call_probability(struct world *w) {
    struct session_slot *s = existing(w);
    uint32_t character = s == NULL ? 'a' : random_character(w, s->file);
    const float *all;
    float probability = 1;
    double logarithm = 1;
    int number = s == NULL ? -1 : choice_of(s->file, character);
    chargen_status expected = s == NULL ? CHARGEN_INVALID_ARGUMENT
                              : number >= 0 || (is_scalar(character) && s->file->has_unknown)
                                  ? CHARGEN_OK
                                  : CHARGEN_UNKNOWN_CHARACTER;
    if (s != NULL && one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_probability(s->session, 'a', NULL));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_log_probability(s->session, 'a', NULL));
    }
    if (GIVES(expected, chargen_session_probability(s == NULL ? NULL : s->session, character, &probability))
        && GIVES(expected, chargen_session_log_probability(s == NULL ? NULL : s->session, character, &logarithm))
        && expected == CHARGEN_OK) {
        size_t place = number < 0 ? s->file->character_count : (size_t)number;
        if (number == CHARACTERS) {
            place = s->file->character_count + (size_t)s->file->has_unknown;
        }
        CHECK(chargen_session_probabilities(s->twin, &all, NULL) == CHARGEN_OK && probability == all[place]);
        CHECK(logarithm <= 0 && fabs(exp(logarithm) - probability) < 1e-5);
    } else {
        CHECK(probability == 0 && (logarithm == 0 || logarithm == 1));
    }
}

static void call_likeliest(struct world *w) {
    struct session_slot *s = existing(w);
    uint32_t *characters;
    double first;
    float *probabilities;
    size_t k = one_in(w, 4) ? impossible_size(w) : below(w, 12), count = 1, room, most, i;
    if (s == NULL || one_in(w, 10)) {
        uint32_t character;
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_likeliest(NULL, 1, &character, NULL, &count));
        if (s != NULL) {
            (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_likeliest(s->session, 1, NULL, NULL, &count));
            (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_likeliest(s->session, 1, &character, NULL, NULL));
        }
        CHECK(count == 0);
        return;
    }
    most = s->file->character_count + (size_t)s->file->has_end;
    room = k < s->file->character_count + 1 ? k : s->file->character_count + 1;
    characters = (uint32_t *)malloc(room * sizeof *characters + 1);
    probabilities = (float *)malloc(room * sizeof *probabilities + 1);
    CHECK(GIVES(CHARGEN_OK, chargen_session_likeliest(s->session, k, characters, probabilities, &count)));
    CHECK(count == (k < most ? k : most));
    /* At the beginning of a text the first question reads what all texts begin with. */
    CHECK(chargen_session_log_probability(s->twin, s->file->characters[0], &first) == CHARGEN_OK);
    for (i = 0; i < count; i++) {
        float probability;
        CHECK(i == 0 || probabilities[i] <= probabilities[i - 1]);
        CHECK(chargen_session_probability(s->twin, characters[i], &probability) == CHARGEN_OK);
        CHECK(probability == probabilities[i] && choice_of(s->file, characters[i]) >= 0);
    }
    free(characters);
    free(probabilities);
}

static void call_ended(struct world *w) {
    struct session_slot *s = existing(w);
    CHECK(chargen_session_ended(NULL) == 0);
    CHECK(s == NULL || chargen_session_ended(s->session) == chargen_session_ended(s->twin));
}

static void call_reset(struct world *w) {
    struct session_slot *s = existing(w);
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_reset(NULL));
        return;
    }
    CHECK(GIVES(CHARGEN_OK, chargen_session_reset(s->session)));
    CHECK(chargen_session_reset(s->twin) == CHARGEN_OK && chargen_session_ended(s->session) == 0);
    s->pending_count = 0;
}

/* ---- Settings ---- */

static float random_float(struct world *w) {
    static const float values[] = {0, 1, 0.5f, 0.001f, 1000, -1000, 0.0009f, 1001, -1, 1e-30f, 1e30f, -0.0f, 0.9f, 2};
    size_t choice = below(w, sizeof values / sizeof *values + 4);
    return choice == 0 ? NAN : choice == 1 ? INFINITY : choice == 2 ? -INFINITY
           : choice == 3 ? (float)below(w, 1000) / 1000 : values[choice - 4];
}

static void call_set_temperature(struct world *w) {
    struct session_slot *s = existing(w);
    float value = random_float(w);
    int is_valid = s != NULL && (value == 0 || (value >= 0.001f && value <= 1000));
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_temperature(s == NULL ? NULL : s->session, value))
        && is_valid) {
        CHECK(chargen_session_set_temperature(s->twin, value) == CHARGEN_OK);
        s->temperature = value;
    }
}

static void call_set_seed(struct world *w) {
    struct session_slot *s = existing(w);
    uint64_t seed = one_in(w, 4) ? UINT64_MAX : random_word(w);
    if (GIVES(s == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_OK, chargen_session_set_seed(s == NULL ? NULL : s->session, seed))
        && s != NULL) {
        CHECK(chargen_session_set_seed(s->twin, seed) == CHARGEN_OK);
        s->seed = seed;
    }
}

static void call_set_top_k(struct world *w) {
    struct session_slot *s = existing(w);
    size_t k = one_in(w, 4) ? impossible_size(w) : below(w, 9);
    if (GIVES(s == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_OK, chargen_session_set_top_k(s == NULL ? NULL : s->session, k))
        && s != NULL) {
        CHECK(chargen_session_set_top_k(s->twin, k) == CHARGEN_OK);
        s->top_k = k > SIZE_MAX / 2 ? SIZE_MAX / 2 : k;
    }
}

static void call_set_top_p(struct world *w) {
    struct session_slot *s = existing(w);
    float value = random_float(w);
    int is_valid = s != NULL && value >= 0 && value <= 1;
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_top_p(s == NULL ? NULL : s->session, value))
        && is_valid) {
        CHECK(chargen_session_set_top_p(s->twin, value) == CHARGEN_OK);
        s->top_p = value;
    }
}

static void call_set_min_p(struct world *w) {
    struct session_slot *s = existing(w);
    float value = random_float(w);
    int is_valid = s != NULL && value >= 0 && value <= 1;
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_min_p(s == NULL ? NULL : s->session, value))
        && is_valid) {
        CHECK(chargen_session_set_min_p(s->twin, value) == CHARGEN_OK);
        s->min_p = value;
    }
}

static void call_set_penalties(struct world *w) {
    struct session_slot *s = existing(w);
    float repetition = random_float(w), frequency = random_float(w);
    size_t window = one_in(w, 6) ? impossible_size(w) : one_in(w, 20) ? 65534 + below(w, 4) : below(w, 30);
    int is_valid = s != NULL && fabsf(repetition) <= 1000 && fabsf(frequency) <= 1000 && window <= 65536;
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_penalties(s == NULL ? NULL : s->session, repetition, frequency, window))
        && is_valid) {
        CHECK(chargen_session_set_penalties(s->twin, repetition, frequency, window) == CHARGEN_OK);
        s->repetition = repetition;
        s->frequency = frequency;
        s->window = window;
    }
}

/* Whether something is left to choose. */
static int has_choice(const struct session_slot *s) {
    size_t i;
    for (i = 0; i < s->file->character_count; i++) {
        if (may_choose(s, s->file->characters[i])) {
            return 1;
        }
    }
    return may_choose(s, CHARGEN_END_OF_DOCUMENT);
}

static void call_set_bias(struct world *w) {
    struct session_slot *s = existing(w);
    float bias = one_in(w, 2) ? -INFINITY : random_float(w);
    uint32_t character;
    chargen_status expected = CHARGEN_OK;
    float before = 0;
    int number;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_bias(NULL, 'a', 0));
        return;
    }
    character = random_character(w, s->file);
    number = choice_of(s->file, character);
    if (number < 0) {
        expected = CHARGEN_UNKNOWN_CHARACTER;
    } else {
        before = s->biases[number];
        s->biases[number] = bias;
        if (!(bias == -INFINITY || fabsf(bias) <= 1000) || !has_choice(s)) {
            expected = CHARGEN_INVALID_ARGUMENT;
        }
    }
    if (expected == CHARGEN_OK && s->has_pattern) {
        /* It may leave no text that matches. */
        if (!GIVES_EITHER(CHARGEN_OK, CHARGEN_INVALID_ARGUMENT, expected, chargen_session_set_bias(s->session, character, bias))) {
            s->biases[number] = before;
            return;
        }
    } else if (!GIVES(expected, chargen_session_set_bias(s->session, character, bias))) {
        expected = CHARGEN_OUT_OF_MEMORY;
    }
    if (expected == CHARGEN_OK) {
        CHECK(chargen_session_set_bias(s->twin, character, bias) == CHARGEN_OK);
    } else if (number >= 0) {
        s->biases[number] = before;
    }
}

static void call_set_allowed(struct world *w) {
    struct session_slot *s = existing(w);
    struct text text;
    unsigned char before[CHARACTERS + 1];
    chargen_status expected;
    size_t count, offset = 0;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_allowed(NULL, NULL, 0));
        return;
    }
    text = random_text(w, s->file);
    expected = status_of(&text, s->file, s->unknown, &count);
    memcpy(before, s->outside, sizeof before);
    memset(s->outside, text.length > 0, CHARACTERS);
    while (expected == CHARGEN_OK && offset < text.length) {
        uint32_t character;
        int number;
        offset += take_character(text.bytes + offset, text.length - offset, &character);
        number = read_as(character, s->file, s->unknown, s->replacement);
        if (number >= 0) {
            s->outside[number] = 0;
        }
    }
    if (expected == CHARGEN_OK && !has_choice(s)) {
        expected = CHARGEN_INVALID_ARGUMENT;
    }
    if (expected == CHARGEN_OK && s->has_pattern) {
        /* It may leave no text that matches. */
        chargen_status status;
        expected = GIVES_EITHER(CHARGEN_OK, CHARGEN_INVALID_ARGUMENT, status,
                                chargen_session_set_allowed(s->session, text.bytes, text.length))
                       ? status
                       : CHARGEN_OUT_OF_MEMORY;
    } else if (!GIVES(expected, chargen_session_set_allowed(s->session, text.bytes, text.length))) {
        expected = CHARGEN_OUT_OF_MEMORY;
    }
    if (expected == CHARGEN_OK) {
        CHECK(chargen_session_set_allowed(s->twin, text.bytes, text.length) == CHARGEN_OK);
    } else {
        memcpy(s->outside, before, sizeof before);
    }
    free(text.bytes);
}

/* ---- Patterns ---- */

static void call_pattern_create(struct world *w) {
    static const char *const valid[] = {"[a-e]{2,5}", ".*", "a|b+", "(ab)?c", "\\w+", "[^a]{0,3}", "a\\.?", "c"};
    static const char *const invalid[] = {"(", "[a", "a{5,2}", "*", "\\", "a)", "[b-a]", "\xF4\x8F\xBF\xBF"};
    struct pattern_slot *p = &w->patterns[below(w, PATTERNS)];
    struct model_slot *m = any_model(w);
    chargen_pattern *pattern = (chargen_pattern *)8;
    chargen_status status = CHARGEN_OK;
    int is_done;
    if (p->pattern != NULL) {
        return;
    }
    CHECK(chargen_pattern_create(m->model, "a", 1, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_pattern_create(m->model, NULL, 1, &pattern) == CHARGEN_INVALID_ARGUMENT && pattern == NULL);
    CHECK(chargen_pattern_create(NULL, "a", 1, &pattern) == CHARGEN_INVALID_ARGUMENT && pattern == NULL);
    if (m->model == NULL) {
        return;
    }
    pattern = (chargen_pattern *)8;
    if (one_in(w, 3)) {
        const char *text = invalid[below(w, sizeof invalid / sizeof *invalid)];
        is_done = GIVES(CHARGEN_INVALID_PATTERN, chargen_pattern_create(m->model, text, strlen(text), &pattern));
        status = CHARGEN_INVALID_PATTERN;
    } else if (one_in(w, 3)) {
        struct text text = random_text(w, m->file);
        size_t count;
        status = status_of(&text, m->file, CHARGEN_UNKNOWN_SKIP, &count);
        is_done = status == CHARGEN_INVALID_UTF8
                      ? GIVES(status, chargen_pattern_create(m->model, text.bytes, text.length, &pattern))
                      : GIVES_EITHER(CHARGEN_OK, CHARGEN_INVALID_PATTERN, status,
                                     chargen_pattern_create(m->model, text.bytes, text.length, &pattern));
        free(text.bytes);
    } else {
        const char *text = valid[below(w, sizeof valid / sizeof *valid)];
        is_done = GIVES(CHARGEN_OK, chargen_pattern_create(m->model, text, strlen(text), &pattern));
    }
    CHECK((pattern != NULL) == (is_done && status == CHARGEN_OK));
    p->pattern = pattern;
    p->model = m->number;
}

static void call_pattern_create_template(struct world *w) {
    struct pattern_slot *p = &w->patterns[below(w, PATTERNS)];
    struct model_slot *m = any_model(w);
    chargen_pattern *pattern = (chargen_pattern *)8;
    int is_done;
    if (p->pattern != NULL || m->model == NULL) {
        return;
    }
    CHECK(chargen_pattern_create_template(m->model, NULL, 1, '_', NULL, 0, &pattern) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_pattern_create_template(m->model, "_", 1, '_', NULL, 1, &pattern) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_pattern_create_template(m->model, "_", 1, '_', NULL, 0, NULL) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_pattern_create_template(NULL, "_", 1, '_', NULL, 0, &pattern) == CHARGEN_INVALID_ARGUMENT);
    CHECK(pattern == NULL);
    is_done = one_in(w, 2) ? GIVES(CHARGEN_OK, chargen_pattern_create_template(m->model, "a_b__", 5, '_', "abc", 3, &pattern))
                           : GIVES(CHARGEN_OK, chargen_pattern_create_template(m->model, "_b", 2, '_', NULL, 0, &pattern));
    CHECK((pattern != NULL) == is_done);
    p->pattern = pattern;
    p->model = m->number;
}

static void call_pattern_free(struct world *w) {
    struct pattern_slot *p = &w->patterns[below(w, PATTERNS)];
    chargen_pattern_free(NULL);
    chargen_pattern_free(p->pattern);
    p->pattern = NULL;
}

/* What leaves a session no text is refused, to its twin too. */
static void call_set_pattern(struct world *w) {
    struct session_slot *s = existing(w);
    struct pattern_slot *p = &w->patterns[below(w, PATTERNS)];
    chargen_status status;
    if (s == NULL || (p->pattern != NULL && p->model != s->model)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_pattern(s == NULL ? NULL : s->session, p->pattern));
        return;
    }
    if (GIVES_EITHER(CHARGEN_OK, CHARGEN_INVALID_ARGUMENT, status, chargen_session_set_pattern(s->session, p->pattern))) {
        CHECK(p->pattern != NULL || status == CHARGEN_OK);
        CHECK(chargen_session_set_pattern(s->twin, p->pattern) == status);
        if (status == CHARGEN_OK) {
            s->has_pattern = p->pattern != NULL;
        }
    }
}

static void call_set_max_length(struct world *w) {
    struct session_slot *s = existing(w);
    size_t length = one_in(w, 4) ? impossible_size(w) : below(w, 9);
    chargen_status status;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_max_length(NULL, length));
        return;
    }
    if (GIVES_EITHER(CHARGEN_OK, CHARGEN_INVALID_ARGUMENT, status, chargen_session_set_max_length(s->session, length))) {
        CHECK(s->has_pattern || status == CHARGEN_OK);
        CHECK(chargen_session_set_max_length(s->twin, length) == status);
        if (status == CHARGEN_OK) {
            s->max_length = length > SIZE_MAX / 2 ? SIZE_MAX / 2 : length;
        }
    }
}

static void call_may_end(struct world *w) {
    struct session_slot *s = existing(w);
    CHECK(chargen_session_max_length(s == NULL ? NULL : s->session) == (s == NULL ? 0 : s->max_length));
    CHECK(chargen_session_may_end(s == NULL ? NULL : s->session) == (s == NULL ? 0 : chargen_session_may_end(s->twin)));
}

/* ---- Stop strings and other ends ---- */

static void call_set_stop_strings(struct world *w) {
    struct session_slot *s = existing(w);
    struct text texts[3];
    const char *pointers[65];
    size_t lengths[65], count = below(w, 4), i;
    chargen_status expected = CHARGEN_OK;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_stop_strings(NULL, NULL, NULL, 0));
        return;
    }
    for (i = 0; i < 65; i++) {
        pointers[i] = "a";
        lengths[i] = 1;
    }
    if (one_in(w, 10)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_stop_strings(s->session, NULL, lengths, 1));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_stop_strings(s->session, pointers, NULL, 1));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_stop_strings(s->session, pointers, lengths, 65));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT,
                    chargen_session_set_stop_strings(s->session, pointers, lengths, impossible_size(w)));
        lengths[0] = impossible_size(w);
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_stop_strings(s->session, pointers, lengths, 1));
    }
    for (i = 0; i < count; i++) {
        size_t known;
        texts[i] = random_text(w, s->file);
        pointers[i] = texts[i].bytes;
        lengths[i] = one_in(w, 2) && texts[i].length > 4 ? 4 : texts[i].length;
        texts[i].length = lengths[i];
        if (expected == CHARGEN_OK) {
            expected = lengths[i] == 0 ? CHARGEN_INVALID_ARGUMENT : status_of(&texts[i], s->file, CHARGEN_UNKNOWN_SKIP, &known);
        }
    }
    if (GIVES(expected, chargen_session_set_stop_strings(s->session, count == 0 ? NULL : pointers,
                                                         count == 0 ? NULL : lengths, count))
        && expected == CHARGEN_OK) {
        CHECK(chargen_session_set_stop_strings(s->twin, pointers, lengths, count) == CHARGEN_OK);
        s->has_stop_strings |= count > 0;
    }
    for (i = 0; i < count; i++) {
        free(texts[i].bytes);
    }
}

static void call_held(struct world *w) {
    struct session_slot *s = existing(w);
    CHECK(chargen_session_held_count(NULL) == 0 && chargen_session_stop_string(NULL) == 0);
    CHECK(chargen_session_end_reason(NULL) == CHARGEN_REASON_NONE);
    CHECK(s == NULL || chargen_session_held_count(s->session) == chargen_session_held_count(s->twin));
}

/* With a flag that is set nothing is read. What is to be given out is given. */
static void call_interrupt(struct world *w) {
    struct session_slot *s = existing(w);
    int32_t flag = one_in(w, 2) ? 1 : INT32_MIN;
    char text[4], buffer[4];
    uint32_t character = 1;
    double score = 1;
    size_t length;
    chargen_status status;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_interrupt(NULL, &flag));
        return;
    }
    CHECK(GIVES(CHARGEN_OK, chargen_session_set_interrupt(s->session, &flag)));
    length = put_character(text, s->file->characters[0]);
    CHECK(chargen_session_feed(s->session, "\xFF", 1) == CHARGEN_INVALID_UTF8);
    (void)GIVES(CHARGEN_INTERRUPTED, chargen_session_feed(s->session, text, length));
    (void)GIVES(CHARGEN_INTERRUPTED, chargen_session_score(s->session, text, length, &score, NULL));
    CHECK(score == 0);
    if (s->file->has_end) {
        (void)GIVES(CHARGEN_INTERRUPTED, chargen_session_feed_character(s->session, CHARGEN_END_OF_DOCUMENT));
    }
    while (GIVES_EITHER(CHARGEN_OK, CHARGEN_INTERRUPTED, status, chargen_session_next(s->session, &character))
           && status == CHARGEN_OK) {
        CHECK(character == twin_next(w, s));
    }
    CHECK(character == 0);
    (void)GIVES(CHARGEN_INTERRUPTED, chargen_session_generate(s->session, 3, buffer, 4, &length));
    CHECK(length == 0 && chargen_session_end_reason(s->session) == CHARGEN_REASON_INTERRUPT);
    CHECK(chargen_session_set_interrupt(s->session, NULL) == CHARGEN_OK);
}

static void call_batch_interrupt(struct world *w) {
    struct batch_slot *b = any_batch(w);
    static const int32_t flag = 1;
    struct session_slot *s = existing(w);
    uint32_t character = 1;
    (void)GIVES(b->batch == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_OK, chargen_batch_set_interrupt(b->batch, &flag));
    if (b->batch != NULL && s != NULL && s->model == b->model) {
        (void)GIVES(CHARGEN_INTERRUPTED, chargen_batch_next(b->batch, &s->session, 1, &character));
        CHECK(character == 0);
    }
    CHECK(b->batch == NULL || chargen_batch_set_interrupt(b->batch, NULL) == CHARGEN_OK);
}

static void call_beam_interrupt(struct world *w) {
    struct beam_slot *b = any_beam(w);
    static const int32_t flag = 1;
    struct session_slot *s = existing(w);
    size_t count = 1;
    (void)GIVES(b->beam == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_OK, chargen_beam_set_interrupt(b->beam, &flag));
    if (b->beam != NULL && s != NULL && s->model == b->model) {
        (void)GIVES(CHARGEN_INTERRUPTED, chargen_beam_search(b->beam, s->session, 1, &count));
        CHECK(count == 0);
        b->found = 0;
    }
    CHECK(b->beam == NULL || chargen_beam_set_interrupt(b->beam, NULL) == CHARGEN_OK);
}

/* ---- Clones and states ---- */

static void call_clone(struct world *w) {
    struct session_slot *s = existing(w), *other = any_session(w);
    chargen_session *clone = (chargen_session *)8;
    if (s == NULL) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_clone(NULL, &clone));
        CHECK(clone == NULL);
        return;
    }
    CHECK(chargen_session_clone(s->session, NULL) == CHARGEN_INVALID_ARGUMENT);
    if (other->session != NULL) {
        return;
    }
    if (GIVES(CHARGEN_OK, chargen_session_clone(s->session, &clone))) {
        *other = *s;
        other->session = clone;
        other->undo = 0;
        CHECK(chargen_session_clone(s->twin, &other->twin) == CHARGEN_OK);
    } else {
        CHECK(clone == NULL);
    }
}

static void call_state(struct world *w) {
    struct session_slot *s = existing(w);
    size_t count = chargen_session_state_size(s == NULL ? NULL : s->session), i;
    float *values, *other;
    CHECK((count == 0) == (s == NULL));
    if (s == NULL) {
        float value = 0;
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_get_state(NULL, &value, 1));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_state(NULL, &value, 1));
        return;
    }
    values = (float *)malloc(2 * count * sizeof *values);
    other = values + count;
    CHECK(chargen_session_get_state(s->session, NULL, count) == CHARGEN_INVALID_ARGUMENT);
    CHECK(chargen_session_get_state(s->session, values, one_in(w, 2) ? count - 1 : impossible_size(w))
          == CHARGEN_INVALID_ARGUMENT);
    CHECK(GIVES(CHARGEN_OK, chargen_session_get_state(s->session, values, count)));
    CHECK(chargen_session_get_state(s->twin, other, count) == CHARGEN_OK);
    CHECK(memcmp(values, other, count * sizeof *values) == 0);
    CHECK(chargen_session_set_state(s->session, values, count + 1) == CHARGEN_INVALID_ARGUMENT);
    if (one_in(w, 2)) {
        float before = values[0];
        values[0] = one_in(w, 2) ? NAN : one_in(w, 2) ? INFINITY : 1.5f;
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_state(s->session, values, count));
        values[0] = before;
    }
    if (one_in(w, 4)) {
        for (i = 0; i < count; i++) {
            values[i] = (float)below(w, 2001) / 1000 - 1;
        }
        CHECK(GIVES(CHARGEN_OK, chargen_session_set_state(s->session, values, count)));
        CHECK(chargen_session_set_state(s->twin, values, count) == CHARGEN_OK);
        CHECK(chargen_session_ended(s->session) == 0);
    }
    free(values);
}

/* ---- Labels ---- */

static void call_labels(struct world *w) {
    const struct model_slot *m = any_model(w);
    size_t columns = chargen_model_label_column_count(m->model);
    size_t column = one_in(w, 5) ? impossible_size(w) : below(w, columns + 2);
    size_t count = chargen_model_label_count(m->model, column);
    size_t label = one_in(w, 5) ? impossible_size(w) : below(w, count + 2);
    int32_t found = 7;
    CHECK(columns == (m->model == NULL ? 0 : m->file->columns));
    CHECK((count == 0) == (column >= columns));
    CHECK((chargen_model_label_column(m->model, column)[0] == '\0') == (column >= columns));
    CHECK((chargen_model_label(m->model, column, label)[0] == '\0') == (label >= count));
    if (label < count) {
        const char *name = chargen_model_label(m->model, column, label);
        int is_done = GIVES(CHARGEN_OK, chargen_model_find_label(m->model, column, name, strlen(name), &found));
        CHECK(found == (is_done ? (int32_t)label : -1));
    } else {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_model_find_label(m->model, column, "?", 1, &found));
        CHECK(found == -1);
        CHECK(chargen_model_find_label(m->model, 0, "?", 1, NULL) == CHARGEN_INVALID_ARGUMENT);
    }
}

static void call_set_label(struct world *w) {
    struct session_slot *s = existing(w);
    size_t columns = s == NULL ? 0 : s->file->columns, column = below(w, columns + 1);
    size_t count = column < columns ? s->file->labels[column] : 0;
    int32_t label = (int32_t)below(w, count + 3) - 2;
    int is_valid = column < columns && label >= -1 && label < (int32_t)count;
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_label(s == NULL ? NULL : s->session, column, label))
        && is_valid) {
        float weights[LABELS] = {0};
        if (label >= 0) {
            weights[label] = 3;
            CHECK(chargen_session_set_label_weights(s->twin, column, weights, count) == CHARGEN_OK);
        } else {
            CHECK(chargen_session_set_label(s->twin, column, -1) == CHARGEN_OK);
        }
    }
}

static void call_set_label_weights(struct world *w) {
    struct session_slot *s = existing(w);
    size_t columns = s == NULL ? 0 : s->file->columns, column = below(w, columns + 1), i;
    size_t count = column < columns ? s->file->labels[column] : 0;
    float weights[LABELS + 1] = {0}, sum = 0;
    int is_valid = column < columns;
    for (i = 0; i < count; i++) {
        weights[i] = one_in(w, 8) ? random_float(w) : (float)below(w, 4);
        is_valid = is_valid && weights[i] >= 0;
        sum += weights[i];
    }
    is_valid = is_valid && sum > 0 && sum <= 3e38f;
    if (one_in(w, 8)) {
        chargen_session *session = s == NULL ? NULL : s->session;
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_label_weights(session, column, NULL, count));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_label_weights(
            session, column, weights, one_in(w, 2) ? count + 1 : impossible_size(w)));
    }
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_label_weights(s == NULL ? NULL : s->session, column, weights, count))
        && is_valid) {
        CHECK(chargen_session_set_label_weights(s->twin, column, weights, count) == CHARGEN_OK);
    }
}

static void call_set_initial_state(struct world *w) {
    struct session_slot *s = existing(w);
    chargen_session *session = s == NULL ? NULL : s->session;
    size_t count = chargen_session_state_size(session), i;
    float *values = (float *)malloc((count + 1) * sizeof *values);
    float *given = one_in(w, 2) ? values : NULL;
    int is_valid = s != NULL;
    for (i = 0; i < count; i++) {
        values[i] = (float)below(w, 2001) / 1000 - 1;
    }
    if (given != NULL && count > 0 && one_in(w, 4)) {
        values[below(w, count)] = one_in(w, 2) ? NAN : INFINITY;
        is_valid = 0;
    }
    if (one_in(w, 8)) {
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_set_initial_state(session, values, count + 1));
    }
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_initial_state(session, given, count))
        && is_valid) {
        CHECK(chargen_session_set_initial_state(s->twin, given, count) == CHARGEN_OK);
    }
    free(values);
}

/* Classifies a text that may go on, and compares what all of it as a beginning gives. */
static void call_classify(struct world *w) {
    struct session_slot *s = existing(w);
    chargen_session *session = s == NULL ? NULL : s->session;
    size_t columns = s == NULL ? 0 : s->file->columns, column = below(w, columns + 1);
    size_t count = column < columns ? s->file->labels[column] : 0, characters = 0, found = 7, known, i;
    struct text text = {NULL, 0};
    float probabilities[LABELS], prefixes[LABELS * TEXT];
    double sum = 0;
    chargen_status expected = CHARGEN_INVALID_ARGUMENT;
    if (column < columns) {
        text = random_text(w, s->file);
        expected = status_of(&text, s->file, s->unknown, &known);
        if (one_in(w, 8)) {
            (void)GIVES(CHARGEN_BUFFER_TOO_SMALL,
                        chargen_session_classify(session, column, "", 0, 0, probabilities, count - 1));
            (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_classify(session, column, "", 0, 0, NULL, count));
        }
    }
    if (!GIVES(expected, chargen_session_classify(session, column, text.bytes, text.length, 0, probabilities, LABELS))
        || expected != CHARGEN_OK) {
        free(text.bytes);
        return;
    }
    for (i = 0; i < count; i++) {
        CHECK(probabilities[i] >= 0 && probabilities[i] <= 1);
        sum += (double)probabilities[i];
    }
    CHECK(sum > 0.999 && sum < 1.001);
    for (i = 0; i < text.length; i++) {
        characters += (text.bytes[i] & 0xC0) != 0x80;
    }
    if (characters > 0
        && GIVES(CHARGEN_OK, chargen_session_classify_prefixes(session, column, text.bytes, text.length, prefixes,
                                                               LABELS * TEXT, &found))) {
        CHECK(found == characters);
        CHECK(memcmp(prefixes + (characters - 1) * count, probabilities, count * sizeof *prefixes) == 0);
    }
    free(text.bytes);
}

/* ---- Snapshots and undo ---- */

static void call_snapshot(struct world *w) {
    struct session_slot *s = existing(w);
    size_t size = chargen_session_snapshot_size(s == NULL ? NULL : s->session), length = 1;
    unsigned char *bytes;
    chargen_session *restored = (chargen_session *)8;
    const struct model_slot *m = any_model(w);
    int is_ours;
    if (s == NULL) {
        unsigned char byte;
        CHECK(size == 0);
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_snapshot(NULL, &byte, 1, &length));
        CHECK(length == 0);
        return;
    }
    bytes = (unsigned char *)malloc(size);
    if (one_in(w, 4)) {
        (void)GIVES(CHARGEN_BUFFER_TOO_SMALL, chargen_session_snapshot(s->session, bytes, size - 1, &length));
        CHECK(length == 0);
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_snapshot(s->session, NULL, size, &length));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_snapshot(s->session, bytes, size, NULL));
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_session_snapshot(s->session, bytes, impossible_size(w), &length));
    }
    if (!GIVES(CHARGEN_OK, chargen_session_snapshot(s->session, bytes, size, &length))) {
        CHECK(length == 0);
        free(bytes);
        return;
    }
    CHECK(length == size);
    is_ours = m->model != NULL && m->number == s->model;
    if (one_in(w, 4)) {
        size_t cut = below(w, size);
        (void)GIVES(m->model == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_INVALID_SNAPSHOT,
                    chargen_session_restore(m->model, bytes, cut, &restored));
        CHECK(restored == NULL);
        bytes[below(w, size)] ^= (unsigned char)(1 << below(w, 8));
        (void)GIVES(m->model == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_INVALID_SNAPSHOT,
                    chargen_session_restore(m->model, bytes, size, &restored));
        CHECK(restored == NULL && chargen_session_restore(m->model, bytes, size, NULL) != CHARGEN_OK);
    } else if (m->model == NULL || m->file != s->file) {
        (void)GIVES(m->model == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_INVALID_SNAPSHOT,
                    chargen_session_restore(m->model, bytes, size, &restored));
        CHECK(restored == NULL);
    } else if (GIVES(CHARGEN_OK, chargen_session_restore(m->model, bytes, size, &restored))) {
        if (is_ours && one_in(w, 2)) {
            /* It takes the place of the session, which it goes on as. */
            chargen_session_free(s->session);
            s->session = restored;
            s->undo = 0;
        } else {
            chargen_session_free(restored);
        }
    } else {
        CHECK(restored == NULL);
    }
    free(bytes);
}

static void call_set_undo(struct world *w) {
    struct session_slot *s = existing(w);
    size_t characters = one_in(w, 6) ? impossible_size(w) : one_in(w, 9) ? 65537 : below(w, 12);
    int is_valid = s != NULL && characters <= 65536;
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_undo(s == NULL ? NULL : s->session, characters))
        && is_valid) {
        CHECK(chargen_session_set_undo(s->twin, characters) == CHARGEN_OK);
        s->undo = characters;
        CHECK(chargen_session_undo_count(s->session) == 0);
    }
}

static void call_undo(struct world *w) {
    struct session_slot *s = existing(w);
    size_t count = chargen_session_undo_count(s == NULL ? NULL : s->session);
    size_t characters = one_in(w, 6) ? impossible_size(w) : below(w, count + 2);
    int is_valid = s != NULL && characters <= count;
    CHECK(count <= (s == NULL ? 0 : s->undo) && (s == NULL || s->undo == 0 || chargen_session_undo_count(s->twin) == count));
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_undo(s == NULL ? NULL : s->session, characters))
        && is_valid) {
        CHECK(chargen_session_undo(s->twin, characters) == CHARGEN_OK);
        CHECK(chargen_session_undo_count(s->session) == count - characters);
    }
}

static void call_set_unknown(struct world *w) {
    struct session_slot *s = existing(w);
    chargen_unknown unknown = one_in(w, 4) ? (chargen_unknown)random_word(w) | 0x100 : (chargen_unknown)below(w, 5);
    int is_valid = s != NULL
        && (unknown == CHARGEN_UNKNOWN_FAIL || unknown == CHARGEN_UNKNOWN_SKIP || unknown == CHARGEN_UNKNOWN_NEAREST);
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_session_set_unknown(s == NULL ? NULL : s->session, unknown))
        && is_valid) {
        CHECK(chargen_session_set_unknown(s->twin, unknown) == CHARGEN_OK);
        s->unknown = unknown;
    }
    CHECK(chargen_session_unknown(s == NULL ? NULL : s->session) == (s == NULL ? CHARGEN_UNKNOWN_FAIL : s->unknown));
}

static void call_set_replacement(struct world *w) {
    struct session_slot *s = existing(w);
    uint32_t character = s == NULL ? 'a' : random_character(w, s->file);
    chargen_status expected = s == NULL ? CHARGEN_INVALID_ARGUMENT
                              : number_of(s->file, character) < 0 ? CHARGEN_UNKNOWN_CHARACTER
                                                                  : CHARGEN_OK;
    if (GIVES(expected, chargen_session_set_replacement(s == NULL ? NULL : s->session, character))
        && expected == CHARGEN_OK) {
        CHECK(chargen_session_set_replacement(s->twin, character) == CHARGEN_OK);
        s->unknown = CHARGEN_UNKNOWN_REPLACE;
        s->replacement = character;
    }
}

static void call_unknown(struct world *w) {
    struct session_slot *s = existing(w);
    chargen_unknown unknown = s == NULL ? CHARGEN_UNKNOWN_FAIL : s->unknown;
    CHECK(chargen_session_unknown(s == NULL ? NULL : s->session) == unknown);
    CHECK(chargen_session_replacement(s == NULL ? NULL : s->session)
          == (unknown == CHARGEN_UNKNOWN_REPLACE ? s->replacement : CHARGEN_END_OF_DOCUMENT));
}

static void call_nearest(struct world *w) {
    struct model_slot *slot = any_model(w);
    uint32_t character = one_in(w, 4) ? (uint32_t)random_word(w) : (uint32_t)below(w, 0x530), nearest = 1;
    chargen_status status, expected = slot->model == NULL ? CHARGEN_INVALID_ARGUMENT
                                      : number_of(slot->file, character) >= 0 ? CHARGEN_OK
                                                                              : CHARGEN_UNKNOWN_CHARACTER;
    CHECK(chargen_model_nearest(slot->model, character, NULL) == CHARGEN_INVALID_ARGUMENT);
    if (expected != CHARGEN_UNKNOWN_CHARACTER) {
        status = expected;
        (void)GIVES(expected, chargen_model_nearest(slot->model, character, &nearest));
    } else {
        (void)GIVES_EITHER(CHARGEN_UNKNOWN_CHARACTER, CHARGEN_OK, status,
                           chargen_model_nearest(slot->model, character, &nearest));
    }
    CHECK(status == CHARGEN_OK ? number_of(slot->file, nearest) >= 0 : nearest == 0);
    CHECK(expected != CHARGEN_OK || nearest == character);
}

/* The twin keeps one thread. */
static void call_set_threads(struct world *w) {
    struct session_slot *s = existing(w);
    size_t threads = one_in(w, 3) ? impossible_size(w) : one_in(w, 3) ? 65 + below(w, 9) : below(w, 4);
    int is_valid = s != NULL && threads >= 1 && threads <= 64;
    size_t before = chargen_session_threads(s == NULL ? NULL : s->session);
    int is_done = GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
                        chargen_session_set_threads(s == NULL ? NULL : s->session, threads));
    CHECK(chargen_session_threads(s == NULL ? NULL : s->session) == (is_done && is_valid ? threads : before));
    CHECK((before == 0) == (s == NULL));
}

static void call_settings(struct world *w) {
    struct session_slot *s = existing(w);
    const chargen_session *session = s == NULL ? NULL : s->session;
    CHECK(chargen_session_temperature(session) == (s == NULL ? 0 : s->temperature));
    CHECK(chargen_session_seed(session) == (s == NULL ? 0 : s->seed));
    CHECK(chargen_session_top_k(session) == (s == NULL ? 0 : s->top_k));
    CHECK(chargen_session_top_p(session) == (s == NULL ? 0 : s->top_p));
    CHECK(chargen_session_min_p(session) == (s == NULL ? 0 : s->min_p));
    CHECK(chargen_session_repetition_penalty(session) == (s == NULL ? 0 : s->repetition));
    CHECK(chargen_session_frequency_penalty(session) == (s == NULL ? 0 : s->frequency));
    CHECK(chargen_session_penalty_window(session) == (s == NULL ? 0 : s->window));
}

static void call_allows(struct world *w) {
    struct session_slot *s = existing(w);
    uint32_t character = s == NULL ? 'a' : random_character(w, s->file);
    int number = s == NULL ? -1 : choice_of(s->file, character);
    CHECK(chargen_session_allows(s == NULL ? NULL : s->session, character) == (s != NULL && may_choose(s, character)));
    CHECK(chargen_session_bias(s == NULL ? NULL : s->session, character) == (number < 0 ? 0 : s->biases[number]));
}

/* ---- Batches ---- */

static void call_batch_create(struct world *w) {
    struct batch_slot *b = any_batch(w);
    struct model_slot *m = any_model(w);
    size_t capacity = one_in(w, 6) ? impossible_size(w) : one_in(w, 6) ? 65537 : below(w, SESSIONS + 1);
    size_t threads = one_in(w, 6) ? impossible_size(w) : one_in(w, 4) ? below(w, 4) : 1;
    int is_valid = m->model != NULL && capacity >= 1 && capacity <= 65536 && threads >= 1 && threads <= 64;
    chargen_batch *batch = (chargen_batch *)8;
    if (b->batch != NULL) {
        return;
    }
    CHECK(chargen_batch_create(m->model, 1, 1, NULL) == CHARGEN_INVALID_ARGUMENT);
    if (!GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT, chargen_batch_create(m->model, capacity, threads, &batch))
        || !is_valid) {
        CHECK(batch == NULL);
        return;
    }
    b->batch = batch;
    b->model = m->number;
    b->capacity = capacity;
}

static void call_batch_free(struct world *w) {
    struct batch_slot *b = any_batch(w);
    if (one_in(w, 3)) {
        chargen_batch_free(NULL);
        chargen_batch_free(b->batch);
        b->batch = NULL;
    }
}

/* The sessions of a call of a batch, mostly valid. */
struct members {
    struct batch_slot *batch;
    struct session_slot *slots[SESSIONS + 1];
    chargen_session *handles[SESSIONS + 1];
    size_t count;
    chargen_status expected;
    /* NULL for a list of no sessions. */
    chargen_session *const *list;
};

static void choose_members(struct world *w, struct members *m) {
    size_t i, offset = below(w, SESSIONS);
    size_t fault;
    m->batch = any_batch(w);
    m->count = 0;
    m->expected = m->batch->batch == NULL ? CHARGEN_INVALID_ARGUMENT : CHARGEN_OK;
    for (i = 0; i < SESSIONS; i++) {
        struct session_slot *s = &w->sessions[(i + offset) % SESSIONS];
        if (s->session != NULL && m->batch->batch != NULL && s->model == m->batch->model
            && m->count < m->batch->capacity && !one_in(w, 4)) {
            m->slots[m->count] = s;
            m->handles[m->count++] = s->session;
        }
    }
    m->list = m->count == 0 && one_in(w, 2) ? NULL : m->handles;
    fault = below(w, 12);
    if (m->count > 0 && fault < 3) {
        size_t at = below(w, m->count);
        struct session_slot *stranger = existing(w);
        if (fault == 0) {
            m->handles[at] = NULL;
        } else if (fault == 1 && m->count > 1) {
            m->handles[at] = m->handles[(at + 1) % m->count];
        } else if (fault == 2 && stranger != NULL && stranger->model != m->batch->model) {
            m->handles[at] = stranger->session;
        } else {
            m->list = NULL;
        }
        m->expected = CHARGEN_INVALID_ARGUMENT;
    }
}

static void call_batch_next(struct world *w) {
    struct members m;
    uint32_t characters[SESSIONS + 1];
    size_t i;
    choose_members(w, &m);
    for (i = 0; i <= SESSIONS; i++) {
        characters[i] = 7;
    }
    if (m.batch->batch != NULL && one_in(w, 10)) {
        size_t count = one_in(w, 2) ? impossible_size(w) : m.batch->capacity + 1;
        (void)GIVES(CHARGEN_INVALID_ARGUMENT, chargen_batch_next(m.batch->batch, m.list, count, characters));
        CHECK(characters[0] == 7);
        CHECK(m.count == 0 || chargen_batch_next(m.batch->batch, m.handles, m.count, NULL) == CHARGEN_INVALID_ARGUMENT);
    }
    if (GIVES(m.expected, chargen_batch_next(m.batch->batch, m.list, m.count, m.count == 0 && one_in(w, 2) ? NULL : characters))
        && m.expected == CHARGEN_OK) {
        for (i = 0; i < m.count; i++) {
            CHECK(may_generate(m.slots[i], characters[i]) && characters[i] == twin_next(w, m.slots[i]));
        }
    } else if (m.batch->batch != NULL) {
        for (i = 0; i < m.count; i++) {
            CHECK(characters[i] == 0);
        }
    }
    CHECK(characters[m.count] == 7);
}

/* What a batch does with texts. */
enum reading { FEED, SCORE, SCORE_DOCUMENTS };

static void read_in_batch(struct world *w, enum reading reading) {
    int score = reading != FEED;
    struct members m;
    struct text texts[SESSIONS + 1];
    const char *pointers[SESSIONS + 1];
    size_t lengths[SESSIONS + 1], counts[SESSIONS + 1], i;
    double scores[SESSIONS + 1];
    int is_done, knows_no_end;
    choose_members(w, &m);
    /* That is noticed before what is wrong with the texts. */
    knows_no_end = reading == SCORE_DOCUMENTS && m.expected == CHARGEN_OK && m.count > 0 && !m.slots[0]->file->has_end;
    for (i = 0; i <= SESSIONS; i++) {
        scores[i] = 7;
        pointers[i] = NULL;
        lengths[i] = 0;
    }
    for (i = 0; i < m.count; i++) {
        chargen_status status;
        texts[i] = random_text(w, m.slots[i]->file);
        pointers[i] = texts[i].bytes;
        lengths[i] = texts[i].length;
        status = status_of(&texts[i], m.slots[i]->file, m.slots[i]->unknown, &counts[i]);
        if (one_in(w, 40)) {
            if (one_in(w, 2)) {
                pointers[i] = NULL;
                lengths[i] = 3;
            } else {
                lengths[i] = impossible_size(w);
            }
            status = CHARGEN_INVALID_ARGUMENT;
        }
        if (m.expected == CHARGEN_OK) {
            m.expected = status;
        }
    }
    if (knows_no_end) {
        m.expected = CHARGEN_UNKNOWN_CHARACTER;
    }
    if (m.batch->batch != NULL && m.count > 0 && one_in(w, 10)) {
        CHECK(chargen_batch_feed(m.batch->batch, m.handles, m.count, NULL, lengths) == CHARGEN_INVALID_ARGUMENT);
        CHECK(chargen_batch_score(m.batch->batch, m.handles, m.count, pointers, NULL, scores) == CHARGEN_INVALID_ARGUMENT);
        CHECK(chargen_batch_score(m.batch->batch, m.handles, m.count, pointers, lengths, NULL) == CHARGEN_INVALID_ARGUMENT);
    }
    is_done = reading == FEED    ? GIVES(m.expected, chargen_batch_feed(m.batch->batch, m.list, m.count, pointers,
                                                                        m.count == 0 ? NULL : lengths))
              : reading == SCORE ? GIVES(m.expected, chargen_batch_score(m.batch->batch, m.list, m.count,
                                                                         m.count == 0 ? NULL : pointers, lengths, scores))
                                 : GIVES(m.expected, chargen_batch_score_documents(m.batch->batch, m.list, m.count, pointers,
                                                                                   lengths, m.count == 0 ? NULL : scores));
    for (i = 0; i < m.count; i++) {
        if (is_done && m.expected == CHARGEN_OK) {
            double alone;
            if (score) {
                CHECK((reading == SCORE ? chargen_session_score(m.slots[i]->twin, texts[i].bytes, texts[i].length, &alone, NULL)
                                        : chargen_session_score_document(m.slots[i]->twin, texts[i].bytes,
                                                                         texts[i].length, &alone, NULL))
                      == CHARGEN_OK);
                CHECK(memcmp(&alone, &scores[i], sizeof alone) == 0);
            } else {
                CHECK(chargen_session_feed(m.slots[i]->twin, texts[i].bytes, texts[i].length) == CHARGEN_OK);
            }
        } else if (score && m.batch->batch != NULL) {
            CHECK(scores[i] == 0);
        }
        free(texts[i].bytes);
    }
    CHECK(scores[m.count] == 7);
}

static void call_batch_feed(struct world *w) { read_in_batch(w, FEED); }
static void call_batch_score(struct world *w) { read_in_batch(w, SCORE); }
static void call_batch_score_documents(struct world *w) { read_in_batch(w, SCORE_DOCUMENTS); }

/* ---- The likeliest continuations ---- */

static void call_beam_create(struct world *w) {
    struct beam_slot *b = any_beam(w);
    struct model_slot *m = any_model(w);
    size_t width = one_in(w, 6) ? impossible_size(w) : one_in(w, 9) ? 1025 : below(w, 5);
    size_t length = one_in(w, 6) ? impossible_size(w) : one_in(w, 9) ? 1025 : below(w, 9);
    size_t threads = one_in(w, 6) ? impossible_size(w) : one_in(w, 4) ? below(w, 4) : 1;
    int is_valid = m->model != NULL && width >= 1 && width <= 1024 && length >= 1 && length <= 1024 && threads >= 1
        && threads <= 64;
    chargen_beam *beam = (chargen_beam *)8;
    if (b->beam != NULL) {
        return;
    }
    CHECK(chargen_beam_create(m->model, 1, 1, 1, NULL) == CHARGEN_INVALID_ARGUMENT);
    if (!GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT, chargen_beam_create(m->model, width, length, threads, &beam))
        || !is_valid) {
        CHECK(beam == NULL);
        return;
    }
    b->beam = beam;
    b->model = m->number;
    b->width = width;
    b->length = length;
    b->found = 0;
}

static void call_beam_free(struct world *w) {
    struct beam_slot *b = any_beam(w);
    if (one_in(w, 3)) {
        chargen_beam_free(NULL);
        chargen_beam_free(b->beam);
        b->beam = NULL;
    }
}

static void call_beam_search(struct world *w) {
    struct beam_slot *b = any_beam(w);
    struct session_slot *s = existing(w);
    size_t length = one_in(w, 9) ? impossible_size(w) : below(w, 10), count = 1;
    int is_valid = b->beam != NULL && s != NULL && s->model == b->model && length >= 1 && length <= b->length;
    if (GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
              chargen_beam_search(b->beam, s == NULL ? NULL : s->session, length, &count))
        && is_valid) {
        CHECK(count >= 1 && count <= b->width);
        b->found = count;
    } else {
        CHECK(count == 0);
    }
    CHECK(s == NULL || chargen_beam_search(b->beam, s->session, 1, NULL) == CHARGEN_INVALID_ARGUMENT);
}

static void call_beam_text(struct world *w) {
    struct beam_slot *b = any_beam(w);
    size_t found = b->beam == NULL ? 0 : b->found;
    size_t index = one_in(w, 9) ? impossible_size(w) : below(w, found + 2), length = 1, offset = 0, characters = 0;
    const char *text = (const char *)8;
    double score = 1, before;
    int32_t ended = 7;
    int is_valid = index < found;
    CHECK(chargen_beam_text(b->beam, index, NULL, &length, &score, &ended) == CHARGEN_INVALID_ARGUMENT);
    if (!GIVES(is_valid ? CHARGEN_OK : CHARGEN_INVALID_ARGUMENT,
               chargen_beam_text(b->beam, index, &text, &length, &score, &ended))
        || !is_valid) {
        CHECK(text == NULL && length == 0 && score == 0 && ended == 0);
        return;
    }
    CHECK(score <= 0 && (ended == 0 || ended == 1) && text[length] == '\0');
    while (offset < length) {
        uint32_t character;
        size_t bytes = take_character(text + offset, length - offset, &character);
        CHECK(bytes > 0);
        offset += bytes;
        characters++;
    }
    CHECK(characters <= b->length && (characters > 0 || ended == 1));
    CHECK(index == 0
          || (chargen_beam_text(b->beam, index - 1, &text, NULL, &before, NULL) == CHARGEN_OK && before >= score));
}

/* ---- Everything else ---- */

static void call_encode(struct world *w) {
    uint32_t character = one_in(w, 2) ? (uint32_t)below(w, 0x120000) : random_character(w, &files[0]);
    char *text = (char *)malloc(5);
    char expected[4];
    size_t length = is_scalar(character) ? put_character(expected, character) : 0;
    CHECK(chargen_encode(character, NULL) == 0);
    CHECK(chargen_encode(character, text) == length && memcmp(text, expected, length) == 0 && text[length] == '\0');
    free(text);
}

static void call_version(struct world *w) {
    CHECK(strncmp(chargen_version(), "0.", 2) == 0 && chargen_version_number() == CHARGEN_VERSION);
}

static void call_message(struct world *w) { CHECK(chargen_error_message() != NULL && strlen(chargen_error_message()) < 512); }

/* The functions, how often each is called, and what calls it. */
static const struct function {
    const char *names;
    unsigned weight;
    void (*call)(struct world *w);
} functions[] = {
    {"chargen_model_load_file", 4, call_load_file},
    {"chargen_model_load_descriptor", 4, call_load_descriptor},
    {"chargen_model_load_memory", 4, call_load_memory},
    {"chargen_model_verify", 1, call_verify},
    {"chargen_model_free", 1, call_model_free},
    {"chargen_session_create", 20, call_session_create},
    {"chargen_session_create_sharing", 10, call_session_create_sharing},
    {"chargen_session_size", 2, call_size},
    {"chargen_session_free", 8, call_session_free},
    {"chargen_session_generate", 15, call_generate},
    {"chargen_session_stream", 15, call_stream},
    {"chargen_session_next", 30, call_next},
    {"chargen_session_feed", 20, call_feed},
    {"chargen_session_feed_piece", 15, call_feed_piece},
    {"chargen_session_feed_character", 10, call_feed_character},
    {"chargen_session_ended", 5, call_ended},
    {"chargen_session_reset", 5, call_reset},
    {"chargen_session_set_temperature", 8, call_set_temperature},
    {"chargen_session_set_seed", 5, call_set_seed},
    {"chargen_session_set_top_k", 5, call_set_top_k},
    {"chargen_session_set_top_p", 5, call_set_top_p},
    {"chargen_session_set_min_p", 5, call_set_min_p},
    {"chargen_session_set_penalties", 5, call_set_penalties},
    {"chargen_session_set_bias", 15, call_set_bias},
    {"chargen_session_set_allowed", 8, call_set_allowed},
    {"chargen_session_temperature chargen_session_seed chargen_session_top_k chargen_session_top_p "
     "chargen_session_min_p chargen_session_repetition_penalty chargen_session_frequency_penalty "
     "chargen_session_penalty_window",
     5, call_settings},
    {"chargen_session_bias chargen_session_allows", 5, call_allows},
    {"chargen_pattern_create", 8, call_pattern_create},
    {"chargen_pattern_create_template", 4, call_pattern_create_template},
    {"chargen_pattern_free", 3, call_pattern_free},
    {"chargen_session_set_pattern", 10, call_set_pattern},
    {"chargen_session_set_max_length", 6, call_set_max_length},
    {"chargen_session_max_length chargen_session_may_end", 4, call_may_end},
    {"chargen_session_set_stop_strings", 8, call_set_stop_strings},
    {"chargen_session_held_count chargen_session_end_reason chargen_session_stop_string", 4, call_held},
    {"chargen_session_set_interrupt", 4, call_interrupt},
    {"chargen_batch_set_interrupt", 3, call_batch_interrupt},
    {"chargen_beam_set_interrupt", 2, call_beam_interrupt},
    {"chargen_session_clone", 8, call_clone},
    {"chargen_session_snapshot_size chargen_session_snapshot chargen_session_restore", 8, call_snapshot},
    {"chargen_session_set_undo", 4, call_set_undo},
    {"chargen_session_undo chargen_session_undo_count", 8, call_undo},
    {"chargen_session_state_size chargen_session_get_state chargen_session_set_state", 5, call_state},
    {"chargen_model_label_column_count chargen_model_label_count chargen_model_label_column chargen_model_label "
     "chargen_model_find_label",
     3, call_labels},
    {"chargen_session_set_label", 8, call_set_label},
    {"chargen_session_set_label_weights", 5, call_set_label_weights},
    {"chargen_session_set_initial_state", 3, call_set_initial_state},
    {"chargen_session_classify chargen_session_classify_prefixes", 3, call_classify},
    {"chargen_session_set_unknown", 8, call_set_unknown},
    {"chargen_session_set_replacement", 4, call_set_replacement},
    {"chargen_session_unknown chargen_session_replacement", 2, call_unknown},
    {"chargen_model_nearest", 3, call_nearest},
    {"chargen_session_set_threads chargen_session_threads", 1, call_set_threads},
    {"chargen_session_score", 15, call_score},
    {"chargen_session_score_document", 8, call_score_document},
    {"chargen_session_score_characters", 8, call_score_characters},
    {"chargen_session_likeliest", 8, call_likeliest},
    {"chargen_session_probability chargen_session_log_probability", 8, call_probability},
    {"chargen_session_probabilities", 10, call_probabilities},
    {"chargen_session_log_probabilities", 5, call_log_probabilities},
    {"chargen_session_logits", 5, call_logits},
    {"chargen_model_cell", 1, call_cell},
    {"chargen_model_layer_count", 1, call_layer_count},
    {"chargen_model_hidden_size", 1, call_hidden_size},
    {"chargen_model_parameter_count", 1, call_parameter_count},
    {"chargen_model_weight_type", 1, call_weight_type},
    {"chargen_model_backend", 1, call_backend},
    {"chargen_model_provenance", 1, call_provenance},
    {"chargen_model_has_end_of_document", 1, call_has_end},
    {"chargen_model_has_unknown", 1, call_has_unknown},
    {"chargen_model_character_count", 1, call_character_count},
    {"chargen_model_character", 3, call_character},
    {"chargen_model_knows", 3, call_knows},
    {"chargen_model_max_character_bytes", 1, call_max_character_bytes},
    {"chargen_batch_create", 8, call_batch_create},
    {"chargen_batch_free", 4, call_batch_free},
    {"chargen_batch_next", 20, call_batch_next},
    {"chargen_batch_feed", 12, call_batch_feed},
    {"chargen_batch_score", 12, call_batch_score},
    {"chargen_batch_score_documents", 8, call_batch_score_documents},
    {"chargen_beam_create", 4, call_beam_create},
    {"chargen_beam_free", 2, call_beam_free},
    {"chargen_beam_search", 8, call_beam_search},
    {"chargen_beam_text", 6, call_beam_text},
    {"chargen_encode", 2, call_encode},
    {"chargen_version chargen_version_number", 1, call_version},
    {"chargen_error_message", 1, call_message},
};

/* ---- Runs ---- */

static unsigned long calls_of_each;

static void *run(void *argument) {
    struct world *w = (struct world *)argument;
    const size_t count = sizeof functions / sizeof *functions;
    size_t total = 0, i;
    for (i = 0; i < count; i++) {
        total += functions[i].weight;
    }
    for (w->call = 0; w->call < calls_of_each; w->call++) {
        size_t choice = below(w, total);
        for (i = 0; choice >= functions[i].weight; i++) {
            choice -= functions[i].weight;
        }
        w->function = functions[i].names;
        functions[i].call(w);
    }
    for (i = 0; i < MODELS; i++) {
        chargen_model_free(w->models[i].model);
    }
    for (i = 0; i < SESSIONS; i++) {
        chargen_session_free(w->sessions[i].session);
        chargen_session_free(w->sessions[i].twin);
    }
    for (i = 0; i < BATCHES; i++) {
        chargen_batch_free(w->batches[i].batch);
    }
    for (i = 0; i < PATTERNS; i++) {
        chargen_pattern_free(w->patterns[i].pattern);
    }
    for (i = 0; i < BEAMS; i++) {
        chargen_beam_free(w->beams[i].beam);
    }
    return NULL;
}

static void read_model(const char *path) {
    struct world world, *w = &world;
    struct file *f = &files[file_count++];
    FILE *file = fopen(path, "rb");
    long length;
    size_t i;
    memset(w, 0, sizeof *w);
    w->function = path;
    f->path = path;
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0);
    rewind(file);
    f->length = (size_t)length;
    f->bytes = (unsigned char *)malloc(f->length);
    CHECK(f->bytes != NULL && fread(f->bytes, 1, f->length, file) == f->length);
    fclose(file);
    CHECK(chargen_model_load_memory(f->bytes, f->length, &f->common) == CHARGEN_OK);
    f->character_count = chargen_model_character_count(f->common);
    CHECK(f->character_count <= CHARACTERS);
    for (i = 0; i < f->character_count; i++) {
        CHECK(chargen_model_character(f->common, i, &f->characters[i]) == CHARGEN_OK);
    }
    f->longest = chargen_model_max_character_bytes(f->common);
    f->has_end = chargen_model_has_end_of_document(f->common);
    f->has_unknown = chargen_model_has_unknown(f->common);
    f->columns = chargen_model_label_column_count(f->common);
    for (i = 0; i < f->columns && i < COLUMNS; i++) {
        f->labels[i] = chargen_model_label_count(f->common, i);
    }
    f->has_self_test = strstr(chargen_model_provenance(f->common, NULL), "\"selfTest\":") != NULL;
}

int main(int argc, char **argv) {
    unsigned long threads = 1, i;
    struct world *worlds;
    pthread_t *handles;
    int next = 1;
    if (argc == 2 && strcmp(argv[1], "--functions") == 0) {
        for (i = 0; i < sizeof functions / sizeof *functions; i++) {
            puts(functions[i].names);
        }
        return 0;
    }
    if (argc > next && strcmp(argv[next], "--refuse") == 0) {
        refusing = 1;
        next++;
    } else if (argc > next + 1 && strcmp(argv[next], "--threads") == 0) {
        threads = strtoul(argv[next + 1], NULL, 10);
        next += 2;
    }
    if (argc < next + 3 || argc > next + 2 + FILES || threads == 0) {
        fprintf(stderr, "usage: sequences [--threads N | --refuse] CALLS SEED MODEL...\n");
        return 2;
    }
    calls_of_each = strtoul(argv[next], NULL, 10);
    seed_of_run = strtoull(argv[next + 1], NULL, 10);
    for (i = (unsigned long)next + 2; i < (unsigned long)argc; i++) {
        read_model(argv[i]);
    }
    worlds = (struct world *)calloc(threads, sizeof *worlds);
    handles = (pthread_t *)calloc(threads, sizeof *handles);
    if (worlds == NULL || handles == NULL) {
        return 1;
    }
    for (i = 0; i < threads; i++) {
        worlds[i].random = seed_of_run + i;
        if (threads == 1) {
            run(&worlds[i]);
        } else if (pthread_create(&handles[i], NULL, run, &worlds[i]) != 0) {
            return 1;
        }
    }
    for (i = 0; i < threads; i++) {
        if (threads > 1) {
            pthread_join(handles[i], NULL);
        }
        printf("%lu calls succeeded, %lu were invalid, %lu were refused memory\n", worlds[i].succeeded,
               worlds[i].failed, worlds[i].refused);
    }
    for (i = 0; i < file_count; i++) {
        chargen_model_free(files[i].common);
        free(files[i].bytes);
    }
    free(worlds);
    free(handles);
    return 0;
}
