/*
 * Runs a model's self-test:
 *
 *     verify MODEL
 *
 * The file is read through a descriptor. Fails if it has no self-test.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <chargen.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    chargen_model *model;
    int32_t has_self_test;
    int descriptor = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (chargen_model_load_descriptor(descriptor, &model) != CHARGEN_OK
        || chargen_model_verify(model, &has_self_test) != CHARGEN_OK) {
        fprintf(stderr, "%s\n", chargen_error_message());
        return 1;
    }
    printf("%s: %s\n", chargen_model_backend(model), has_self_test ? "the self-test passes" : "there is no self-test");
    chargen_model_free(model);
    close(descriptor);
    return !has_self_test;
}
