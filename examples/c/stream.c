/*
 * Streams text from a model to the terminal, character by character:
 *
 *     stream MODEL [PROMPT [CHARACTERS [TEMPERATURE [SEED]]]]
 *
 * PROMPT is text for the model to continue, CHARACTERS the number to generate (500), TEMPERATURE 0
 * for the likeliest text or about 0.5 to 1.2 for variety (1), SEED any number (1): the same seed
 * gives the same text.
 */
#include <chargen.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints the message of a failed call. Returns 1, the exit status. */
static int failed(void) {
    fprintf(stderr, "stream: %s\n", chargen_error_message());
    return 1;
}

/* Receives each character as soon as it is generated. `user` counts how many are still wanted. */
static int32_t write_character(const char *character, size_t length, void *user) {
    size_t *wanted = (size_t *)user;
    *wanted -= 1;
    /* Anything but 0 stops the stream: the pipe is closed, or the disk is full. */
    return fwrite(character, 1, length, stdout) != length || fflush(stdout) != 0;
}

/* Writes `wanted` characters, the end of a document as a line break. Returns 0 on success. */
static int write_text(chargen_session *session, size_t wanted) {
    while (wanted > 0) {
        if (chargen_session_stream(session, wanted, write_character, &wanted) != CHARGEN_OK) {
            return failed();
        }
        if (ferror(stdout)) {
            perror("stream: cannot write");
            return 1;
        }
        /* A stream also stops at the end of a document; the next call begins another. */
        if (wanted > 0 && chargen_session_ended(session)) {
            putchar('\n');
            wanted -= 1;
        }
    }
    putchar('\n');
    return 0;
}

static int run(chargen_session *session, int argc, char **argv) {
    const char *prompt = argc > 2 ? argv[2] : "";
    size_t characters = argc > 3 ? (size_t)strtoull(argv[3], NULL, 10) : 500;
    float temperature = argc > 4 ? (float)atof(argv[4]) : 1.0f;
    uint64_t seed = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;

    if (chargen_session_set_temperature(session, temperature) != CHARGEN_OK
        || chargen_session_set_seed(session, seed) != CHARGEN_OK
        || chargen_session_feed(session, prompt, strlen(prompt)) != CHARGEN_OK) {
        return failed();
    }
    fputs(prompt, stdout);
    return write_text(session, characters);
}

int main(int argc, char **argv) {
    chargen_model *model;
    chargen_session *session;
    int result;

    if (argc < 2 || argc > 6) {
        fprintf(stderr, "usage: stream MODEL [PROMPT [CHARACTERS [TEMPERATURE [SEED]]]]\n");
        return 2;
    }
    if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK) {
        return failed();
    }
    if (chargen_session_create(model, &session) != CHARGEN_OK) {
        chargen_model_free(model);
        return failed();
    }
    /* The session keeps what it needs of the model. */
    chargen_model_free(model);
    result = run(session, argc, argv);
    chargen_session_free(session);
    return result;
}
