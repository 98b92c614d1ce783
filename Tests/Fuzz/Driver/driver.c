// The functions that libFuzzer calls. The environment variable FUZZ_TARGET names one of the
// functions of Tests/Fuzz/Targets, which are Swift.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void function(const uint8_t *bytes, size_t count);
function fuzz_model, fuzz_snapshot, fuzz_pattern, fuzz_checkpoint, fuzz_import, fuzz_corpus;

static const struct {
    const char *name;
    function *run;
} targets[] = {
    {"model", fuzz_model},           {"snapshot", fuzz_snapshot}, {"pattern", fuzz_pattern},
    {"checkpoint", fuzz_checkpoint}, {"import", fuzz_import},     {"corpus", fuzz_corpus},
};

static function *target;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *name = getenv("FUZZ_TARGET");
    for (size_t index = 0; name && index < sizeof targets / sizeof *targets; index++) {
        if (strcmp(name, targets[index].name) == 0) target = targets[index].run;
    }
    if (target) return 0;
    fprintf(stderr, "FUZZ_TARGET must be model, snapshot, pattern, checkpoint, import or corpus\n");
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    target(bytes, count);
    return 0;
}
