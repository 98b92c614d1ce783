/*
 * Loads a model and prints 200 characters of its text:
 *
 *     load MODEL
 */
#include <chargen.h>

#include <stdio.h>

int main(int argc, char **argv) {
    chargen_model *model = NULL;
    chargen_session *session = NULL;
    char text[1024];
    size_t length = 0;
    int status = 0;
    if (argc != 2 || chargen_model_load_file(argv[1], &model) != CHARGEN_OK
        || chargen_session_create(model, &session) != CHARGEN_OK
        || chargen_session_generate(session, 200, text, sizeof text, &length) != CHARGEN_OK) {
        fprintf(stderr, "Error: %s\n", chargen_error_message());
        status = 1;
    }
    if (printf("%.*s", (int)length, text) < 0 || fclose(stdout) != 0) {
        fputs("Error: cannot write the text\n", stderr);
        status = 1;
    }
    chargen_session_free(session);
    chargen_model_free(model);
    return status;
}
