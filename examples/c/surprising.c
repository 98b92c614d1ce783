/*
 * Prints the most surprising lines of a log:
 *
 *     surprising MODEL [COUNT] <LOG
 *
 * MODEL was trained on lines like those, best with one document a line. COUNT is the number of
 * lines to print (10), each after its bits per character. Lines that are not UTF-8 come first.
 */
#define _POSIX_C_SOURCE 200809L

#include <chargen.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    char *text;
    double bits;
};

static int failed(void) {
    fprintf(stderr, "surprising: %s\n", chargen_error_message());
    return 1;
}

static int descending(const void *a, const void *b) {
    double x = ((const struct line *)a)->bits, y = ((const struct line *)b)->bits;
    return (x < y) - (x > y);
}

/* Sets a line's bits per character. A line that stops too soon is surprising too: its end counts,
   the end of a document or a line break. */
static int score(chargen_session *session, int has_ends, struct line *line, size_t length) {
    double log_probability;
    size_t count;
    chargen_status status = chargen_session_reset(session);
    if (status == CHARGEN_OK && has_ends) {
        length -= length > 0 && line->text[length - 1] == '\n';
        status = chargen_session_score_document(session, line->text, length, &log_probability, &count);
    } else if (status == CHARGEN_OK) {
        status = chargen_session_score(session, line->text, length, &log_probability, &count);
    }
    if (status != CHARGEN_OK && status != CHARGEN_INVALID_UTF8) {
        return failed();
    }
    line->text[strcspn(line->text, "\n")] = '\0';
    line->bits = status == CHARGEN_INVALID_UTF8 ? HUGE_VAL
        : count == 0                            ? 0
                                                : -log_probability / (0.6931471805599453 * (double)count);
    return 0;
}

/* Reads the lines of standard input, and scores each. Returns 0 on success. */
static int read_lines(chargen_session *session, int has_ends, struct line **lines, size_t *count) {
    char *text = NULL;
    size_t room = 0, capacity = 0;
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = getline(&text, &room, stdin)) >= 0) {
        if (*count == capacity) {
            struct line *more = (struct line *)realloc(*lines, (capacity = 2 * capacity + 100) * sizeof **lines);
            if (more == NULL) {
                break;
            }
            *lines = more;
        }
        (*lines)[*count].text = text;
        result = score(session, has_ends, &(*lines)[(*count)++], (size_t)length);
        text = NULL; /* getline() allocates another */
        room = 0;
    }
    free(text);
    if (result == 0 && !feof(stdin)) {
        perror("surprising: cannot read all lines");
        result = 1;
    }
    return result;
}

int main(int argc, char **argv) {
    size_t wanted = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) : 10;
    chargen_model *model;
    chargen_session *session = NULL;
    struct line *lines = NULL;
    size_t count = 0, i;
    int result;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: surprising MODEL [COUNT] <LOG\n");
        return 2;
    }
    if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK) {
        return failed();
    }
    /* A log may have characters that the model does not know. They do not count. */
    if (chargen_session_create(model, &session) != CHARGEN_OK
        || chargen_session_set_unknown(session, CHARGEN_UNKNOWN_SKIP) != CHARGEN_OK) {
        result = failed();
    } else {
        result = read_lines(session, chargen_model_has_end_of_document(model), &lines, &count);
    }
    if (result == 0 && count > 0) {
        qsort(lines, count, sizeof *lines, descending);
    }
    for (i = 0; i < count; i++) {
        if (result == 0 && i < wanted) {
            printf("%7.3f  %s\n", lines[i].bits, lines[i].text);
        }
        free(lines[i].text);
    }
    free(lines);
    chargen_session_free(session);
    chargen_model_free(model);
    return result;
}
