/*
 * Makes the first, the second, and every further large allocation or thread fail, and expects an
 * error each time:
 *
 *     memory MODEL
 *
 * The library allocates large blocks with aligned_alloc() and starts threads with pthread_create(),
 * which this program replaces. valgrind detects whether a failure leaks memory.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <chargen.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
#define NOTHROW throw()
extern "C" {
#else
#define NOTHROW
#endif

typedef int (*thread_function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

void *aligned_alloc(size_t alignment, size_t size) NOTHROW;

/* The number of allocations and threads that succeed before one fails. */
static unsigned long allowed;

void *aligned_alloc(size_t alignment, size_t size) NOTHROW {
    void *block;
    if (allowed == 0 || posix_memalign(&block, alignment, size) != 0) {
        return NULL;
    }
    allowed--;
    return block;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument) NOTHROW {
    thread_function create;
    /* The conversion of POSIX: ISO C has none from object to function pointers. */
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    if (allowed == 0 || create == NULL) {
        return EAGAIN;
    }
    allowed--;
    return create(thread, attributes, body, argument);
}

#ifdef __cplusplus
}
#endif

static const char *path;
static chargen_model *model;
static chargen_session *session;
static chargen_batch *batch;

static chargen_status load_model(void) { return chargen_model_load_file(path, &model); }
static chargen_status create_session(void) { return chargen_session_create(model, &session); }
static chargen_status create_batch(void) { return chargen_batch_create(model, 8, 3, &batch); }

/* Adds two threads to this one. */
static chargen_status set_threads(void) {
    uint32_t character;
    chargen_status status = chargen_session_set_threads(session, 3);
    /* The session works with the old threads or the new ones. */
    return chargen_session_next(session, &character) == CHARGEN_OK ? status : CHARGEN_INVALID_ARGUMENT;
}

/*
 * Repeats a call, with a failure at each allocation in turn, until it succeeds. Returns the number
 * of failures, or -1 if one did not give the expected status and result.
 */
static int count_failures(const char *name, chargen_status (*call)(void), const void *result) {
    static const unsigned char nothing[sizeof(void *)] = {0};
    int failures;
    for (failures = 0; failures < 1000; failures++) {
        chargen_status status;
        allowed = (unsigned long)failures;
        status = call();
        allowed = 1000;
        if (status == CHARGEN_OK) {
            return failures;
        }
        if (status != CHARGEN_OUT_OF_MEMORY || (result != NULL && memcmp(result, nothing, sizeof nothing) != 0)) {
            break;
        }
    }
    fprintf(stderr, "memory: failure %d of %s is not as it ought to be\n", failures, name);
    return -1;
}

int main(int argc, char **argv) {
    int failures[4];
    if (argc != 2) {
        fprintf(stderr, "usage: memory MODEL\n");
        return 2;
    }
    path = argv[1];
    failures[0] = count_failures("the model", load_model, &model);
    failures[1] = count_failures("the session", create_session, &session);
    failures[2] = count_failures("the batch", create_batch, &batch);
    failures[3] = count_failures("the session's threads", set_threads, NULL);
    chargen_batch_free(batch);
    chargen_session_free(session);
    chargen_model_free(model);
    printf("failures: %d of the model, %d of the session, %d of the batch, %d of the session's threads\n", failures[0],
           failures[1], failures[2], failures[3]);
    /* The minimum: some blocks each, and the two threads of a batch and of a session. */
    if (failures[0] < 2 || failures[1] < 2 || failures[2] < 4 || failures[3] < 3) {
        fprintf(stderr, "memory: too few: the library no longer uses aligned_alloc() and pthread_create()?\n");
        return 1;
    }
    return 0;
}
