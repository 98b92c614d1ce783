/*
 * Generates names from a model of names:
 *
 *     names MODEL [COUNT [SEED [LIST]]]
 *
 * COUNT is the number of names (10), SEED any number (1): the same seed gives the same names. With
 * LIST, the file of names that the model was trained on, one per line, it also prints how many are
 * new.
 */
#include <chargen.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(void) {
    fprintf(stderr, "names: %s\n", chargen_error_message());
    return 1;
}

/* Searches a file's lines for a name. Returns 1 if it is found, 0 if not, and -1 on failure. */
static int is_listed(const char *path, const char *name, size_t length) {
    char line[1024];
    int found = 0;
    FILE *list = fopen(path, "rb");
    if (list == NULL) {
        return -1;
    }
    while (!found && fgets(line, sizeof line, list) != NULL) {
        found = strcspn(line, "\r\n") == length && memcmp(line, name, length) == 0;
    }
    if (ferror(list)) {
        found = -1;
    }
    fclose(list);
    return found;
}

static int write_names(chargen_session *session, unsigned long count, const char *list) {
    unsigned long listed = 0;
    unsigned long i;
    for (i = 0; i < count; i++) {
        char name[1000];
        size_t length;
        /* Each name is a document: a call stops at its end, and the next call begins another. */
        if (chargen_session_generate(session, SIZE_MAX, name, sizeof name, &length) != CHARGEN_OK) {
            return failed();
        }
        if (!chargen_session_ended(session)) {
            fprintf(stderr, "names: the model has not ended a name after %lu bytes\n", (unsigned long)length);
            return 1;
        }
        printf("%.*s\n", (int)length, name);
        if (list != NULL) {
            int found = is_listed(list, name, length);
            if (found < 0) {
                perror(list);
                return 1;
            }
            listed += (unsigned long)found;
        }
    }
    if (list != NULL) {
        printf("%lu of %lu names are new: they are not in %s\n", count - listed, count, list);
    }
    return 0;
}

int main(int argc, char **argv) {
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    const char *list = argc > 4 ? argv[4] : NULL;
    chargen_model *model;
    chargen_session *session = NULL;
    int result;

    if (argc < 2 || argc > 5) {
        fprintf(stderr, "usage: names MODEL [COUNT [SEED [LIST]]]\n");
        return 2;
    }
    if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK) {
        return failed();
    }
    if (!chargen_model_has_end_of_document(model)) {
        fprintf(stderr, "names: the model has not learned where names end; train it with one document a line\n");
        result = 1;
    } else if (chargen_session_create(model, &session) != CHARGEN_OK
               || chargen_session_set_seed(session, seed) != CHARGEN_OK
               /* Below 1 sharpens the distribution of the next character, above 1 flattens it. */
               || chargen_session_set_temperature(session, 0.8f) != CHARGEN_OK) {
        result = failed();
    } else {
        result = write_names(session, count, list);
    }
    /* In any order; freeing NULL does nothing. */
    chargen_session_free(session);
    chargen_model_free(model);
    return result;
}
