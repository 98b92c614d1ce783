/*
 * Generates text, and goes on where it was the next time:
 *
 *     save MODEL FILE COUNT
 *
 * FILE keeps the session between two runs. The first run makes it. COUNT characters are printed, or
 * fewer if the document ends.
 */
#include <chargen.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(void) {
    fprintf(stderr, "save: %s\n", chargen_error_message());
    return 1;
}

/* Reads at most `capacity` bytes of a file, none if there is no file. Returns 0 for a failure. */
static int read_file(const char *name, void *bytes, size_t capacity, size_t *length) {
    FILE *file = fopen(name, "rb");
    int is_read;
    *length = 0;
    if (file == NULL) {
        return errno == ENOENT;
    }
    *length = fread(bytes, 1, capacity, file);
    is_read = !ferror(file);
    fclose(file);
    return is_read;
}

/* Writes a file under another name, then renames it: a full disk leaves the old one. */
static int write_file(const char *name, const void *bytes, size_t length) {
    char other[4096];
    FILE *file;
    int is_written;
    if (snprintf(other, sizeof other, "%s.new", name) >= (int)sizeof other || (file = fopen(other, "wb")) == NULL) {
        return 0;
    }
    is_written = fwrite(bytes, 1, length, file) == length;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(other, name) == 0;
}

static int32_t show(const char *character, size_t length, void *user) {
    (void)user;
    return fwrite(character, 1, length, stdout) != length;
}

int main(int argc, char **argv) {
    static unsigned char bytes[1 << 20];
    chargen_model *model;
    chargen_session *session = NULL;
    chargen_status status;
    size_t length;
    int result = 0;

    if (argc != 4) {
        fprintf(stderr, "usage: save MODEL FILE COUNT\n");
        return 2;
    }
    if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK) {
        return failed();
    }
    if (!read_file(argv[2], bytes, sizeof bytes, &length)) {
        perror("save: cannot read");
        chargen_model_free(model);
        return 1;
    }
    status = length == 0 ? chargen_session_create(model, &session)
                         : chargen_session_restore(model, bytes, length, &session);
    if (status != CHARGEN_OK
        || chargen_session_stream(session, (size_t)strtoull(argv[3], NULL, 10), show, NULL) != CHARGEN_OK
        || chargen_session_snapshot(session, bytes, sizeof bytes, &length) != CHARGEN_OK) {
        result = failed();
    } else if (fflush(stdout) != 0 || !write_file(argv[2], bytes, length)) {
        perror("save: cannot write");
        result = 1;
    }
    chargen_session_free(session);
    chargen_model_free(model);
    return result;
}
