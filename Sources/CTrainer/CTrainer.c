#define _GNU_SOURCE
#include "CTrainer.h"

#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "CSupport.h"

// Swift's runtime, Foundation and ICU, all of which are in the program, take memory for objects,
// arrays and strings with the functions below, and end the process by a signal where that fails.
// The linker (--wrap) leads their calls here, where the process ends with a message and a status.
//
// AlignedBuffer takes memory with aligned_alloc(), so that large blocks have errors of their own.

static const char *advice = "";

void ct_set_memory_advice(const char *words) { advice = words; }
const char *ct_memory_advice(void) { return advice; }

int ct_processor_count(void) {
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}

static _Noreturn void end(size_t size) {
    cs_remove_temporary_file();
    // Takes no memory.
    char message[512];
    int length = snprintf(
        message, sizeof message, "Error: not enough memory: the system refused %zu bytes%s\n", size, advice);
    ssize_t written = write(STDERR_FILENO, message, (size_t)length);
    (void)written;
    _exit(EXIT_FAILURE);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
char *__real_strdup(const char *string);
char *__wrap_strdup(const char *string);

void *__wrap_malloc(size_t size) {
    void *block = __real_malloc(size);
    if (!block) end(size);
    return block;
}

void *__wrap_calloc(size_t count, size_t size) {
    void *block = __real_calloc(count, size);
    if (!block) end(count * size);
    return block;
}

void *__wrap_realloc(void *block, size_t size) {
    void *larger = __real_realloc(block, size);
    if (!larger && size > 0) end(size);
    return larger;
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size) {
    int error = __real_posix_memalign(block, alignment, size);
    if (error != 0) end(size);
    return error;
}

char *__wrap_strdup(const char *string) {
    char *copy = __real_strdup(string);
    if (!copy) end(strlen(string) + 1);
    return copy;
}

// C++'s library, which is the system's, calls a handler before it throws what nothing catches.
void set_new_handler(void (*handler)(void)) __asm__("_ZSt15set_new_handlerPFvvE");
static void end_object(void) { end(sizeof(max_align_t)); }

// The runtime would read the arguments from /proc, which a container may lack, and go on without
// any where it cannot.
void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);

__attribute__((constructor)) static void begin(int count, char **arguments) {
    set_new_handler(end_object);
    _swift_stdlib_overrideUnsafeArgvArgc(arguments, count);
}
