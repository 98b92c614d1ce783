/*
 * Replaces malloc() and the other allocation functions of the program that includes it: counts
 * their calls and the blocks in use, and can refuse memory. It calls glibc's own by names that only
 * glibc has.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#ifdef __cplusplus
#define NOTHROW throw()
extern "C" {
#else
#define NOTHROW
#endif

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);
void *aligned_alloc(size_t alignment, size_t size) NOTHROW;

/* The allocations so far, of all threads, refused ones too. */
static unsigned long allocations;
/* The blocks that are not freed yet. */
static long blocks;
/* Which allocations are refused: the first of them, and their number. */
static unsigned long first_refused = ULONG_MAX;
static unsigned long refused_count;

/* A sanitizer has functions of its own, so that nothing is counted or refused. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED
#endif
#endif

#ifndef IS_SANITIZED

/* Whether an allocation is refused. */
static int refuses(void) {
    unsigned long number = __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    if (number < first_refused || number - first_refused >= refused_count) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

static void *counted(void *block) {
    __atomic_fetch_add(&blocks, block != NULL, __ATOMIC_RELAXED);
    return block;
}

void *malloc(size_t size) NOTHROW { return refuses() ? NULL : counted(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) NOTHROW { return refuses() ? NULL : counted(__libc_calloc(count, size)); }

void *realloc(void *block, size_t size) NOTHROW {
    if (refuses()) {
        return NULL;
    }
    return block == NULL ? counted(__libc_realloc(block, size)) : __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) NOTHROW {
    return refuses() ? NULL : counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **block, size_t alignment, size_t size) NOTHROW {
    if (refuses()) {
        return ENOMEM;
    }
    *block = counted(__libc_memalign(alignment, size));
    return *block == NULL ? ENOMEM : 0;
}

void free(void *block) NOTHROW {
    __atomic_fetch_sub(&blocks, block != NULL, __ATOMIC_RELAXED);
    __libc_free(block);
}

#endif

#ifdef __cplusplus
}
#endif
