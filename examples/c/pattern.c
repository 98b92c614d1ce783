/*
 * Generates dates, part numbers or anything else that matches a pattern:
 *
 *     pattern MODEL EXPRESSION [COUNT]
 *
 * Prints COUNT texts (10), one a line. Each matches the regular expression, for example
 *
 *     pattern dates.cgw '(19|20)[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9]'
 *     pattern parts.cgw '[A-Z]{2}-[0-9]{4}(/[A-Z])?'
 *
 * docs/patterns.md describes the expressions. Which of the texts that match are likely, the model
 * knows: one of dates prefers days that there are.
 */
#include <chargen.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failed(void) {
    fprintf(stderr, "pattern: %s\n", chargen_error_message());
    return 1;
}

/* The longest text, for a pattern without a longest one and a model that does not end documents. */
enum { LONGEST = 200 };

int main(int argc, char **argv) {
    size_t wanted = argc > 3 ? (size_t)strtoull(argv[3], NULL, 10) : 10;
    chargen_model *model;
    chargen_session *session = NULL;
    chargen_pattern *pattern = NULL;
    int result = 0;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: pattern MODEL EXPRESSION [COUNT]\n");
        return 2;
    }
    if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK) {
        return failed();
    }
    if (chargen_session_create(model, &session) != CHARGEN_OK
        || chargen_session_set_seed(session, (uint64_t)time(NULL)) != CHARGEN_OK
        || chargen_pattern_create(model, argv[2], strlen(argv[2]), &pattern) != CHARGEN_OK
        || chargen_session_set_pattern(session, pattern) != CHARGEN_OK
        || chargen_session_set_max_length(session, LONGEST) != CHARGEN_OK) {
        result = failed();
    }
    while (result == 0 && wanted-- > 0) {
        char text[4 * LONGEST + 4];
        size_t length;
        if (chargen_session_generate(session, SIZE_MAX, text, sizeof text - 1, &length) != CHARGEN_OK) {
            result = failed();
        } else {
            text[length++] = '\n';
            result = fwrite(text, 1, length, stdout) != length;
        }
    }
    if (fflush(stdout) != 0) {
        perror("pattern: cannot write");
        result = 1;
    }
    chargen_pattern_free(pattern);
    chargen_session_free(session);
    chargen_model_free(model);
    return result;
}
