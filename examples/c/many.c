/*
 * Generates many names in one batch from a model of names:
 *
 *     many MODEL COUNT [SEED]
 *
 * COUNT is the number of names, 1 to 65536. Each name has its own seed, from SEED (1) upwards, and
 * does not depend on the other names in the batch. A batch advances all of them with one pass over
 * the weights, several times as fast as one after the other.
 */
#include <chargen.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 200 };

struct name {
    char text[LONGEST];
    size_t length;
};

static int failed(void) {
    fprintf(stderr, "many: %s\n", chargen_error_message());
    return 1;
}

/* Adds a character to a name, in UTF-8. Returns whether there was room. */
static int add(struct name *name, uint32_t character) {
    char text[5];
    size_t bytes = chargen_encode(character, text);
    if (LONGEST - name->length < bytes) {
        return 0;
    }
    memcpy(name->text + name->length, text, bytes);
    name->length += bytes;
    return 1;
}

/* Writes each name when it ends. */
static int write_names(chargen_batch *batch, chargen_session **sessions, struct name *names, uint32_t *characters,
                       size_t count) {
    while (count > 0) {
        size_t i;
        if (chargen_batch_next(batch, sessions, count, characters) != CHARGEN_OK) {
            return failed();
        }
        for (i = count; i-- > 0;) {
            if (characters[i] == CHARGEN_END_OF_DOCUMENT) {
                printf("%.*s\n", (int)names[i].length, names[i].text);
                /* This session leaves the batch, and the last one takes its place. */
                chargen_session_free(sessions[i]);
                sessions[i] = sessions[--count];
                sessions[count] = NULL;
                names[i] = names[count];
            } else if (!add(&names[i], characters[i])) {
                fprintf(stderr, "many: the model has not ended a name after %d bytes\n", LONGEST);
                return 1;
            }
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    size_t count = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    chargen_session **sessions = (chargen_session **)calloc(count, sizeof *sessions);
    struct name *names = (struct name *)calloc(count, sizeof *names);
    uint32_t *characters = (uint32_t *)calloc(count, sizeof *characters);
    chargen_model *model = NULL;
    chargen_batch *batch = NULL;
    int result = 0;
    size_t i;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: many MODEL COUNT [SEED]\n");
        result = 2;
    } else if (sessions == NULL || names == NULL || characters == NULL) {
        fprintf(stderr, "many: out of memory\n");
        result = 1;
    } else if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK
               || chargen_batch_create(model, count, 1, &batch) != CHARGEN_OK) {
        result = failed();
    } else if (!chargen_model_has_end_of_document(model)) {
        fprintf(stderr, "many: the model has not learned where names end; train it with one document a line\n");
        result = 1;
    }
    for (i = 0; i < count && result == 0; i++) {
        if (chargen_session_create(model, &sessions[i]) != CHARGEN_OK
            || chargen_session_set_seed(sessions[i], seed + i) != CHARGEN_OK
            || chargen_session_set_temperature(sessions[i], 0.8f) != CHARGEN_OK) {
            result = failed();
        }
    }
    if (result == 0) {
        result = write_names(batch, sessions, names, characters, count);
    }
    for (i = 0; sessions != NULL && i < count; i++) {
        chargen_session_free(sessions[i]);
    }
    chargen_batch_free(batch);
    chargen_model_free(model);
    free(sessions);
    free(names);
    free(characters);
    return result;
}
