/*
 * Lets the first, the second, and every further large allocation fail, and expects an error each time:
 *
 *     memory MODEL
 *
 * The library takes its large blocks from aligned_alloc(), which this program stands in for. valgrind sees whether a
 * failure loses memory.
 */
#define _POSIX_C_SOURCE 200112L

#include <chargen.h>

#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" void *aligned_alloc(size_t alignment, size_t size);
#else
void *aligned_alloc(size_t alignment, size_t size);
#endif

/* How many allocations succeed before one fails. */
static unsigned long allowed;

void *aligned_alloc(size_t alignment, size_t size) {
    void *block;
    if (allowed == 0 || posix_memalign(&block, alignment, size) != 0) {
        return NULL;
    }
    allowed--;
    return block;
}

int main(int argc, char **argv) {
    chargen_model *model = NULL;
    chargen_session *session = NULL;
    unsigned long failures = 0;
    unsigned long n;

    if (argc != 2) {
        fprintf(stderr, "usage: memory MODEL\n");
        return 2;
    }
    for (n = 0; model == NULL; n++) {
        chargen_status status;
        allowed = n;
        status = chargen_model_load_file(argv[1], &model);
        if (status == CHARGEN_OUT_OF_MEMORY && model == NULL) {
            failures++;
        } else if (status != CHARGEN_OK || model == NULL) {
            fprintf(stderr, "memory: allocation %lu of the model: status %d\n", n, (int)status);
            return 1;
        }
    }
    for (n = 0; session == NULL; n++) {
        chargen_status status;
        allowed = n;
        status = chargen_session_create(model, &session);
        if (status == CHARGEN_OUT_OF_MEMORY && session == NULL) {
            failures++;
        } else if (status != CHARGEN_OK || session == NULL) {
            fprintf(stderr, "memory: allocation %lu of the session: status %d\n", n, (int)status);
            return 1;
        }
    }
    chargen_session_free(session);
    chargen_model_free(model);
    if (failures < 4) {
        fprintf(stderr, "memory: only %lu failures: the library no longer uses aligned_alloc()?\n", failures);
        return 1;
    }
    return 0;
}
