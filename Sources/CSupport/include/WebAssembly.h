// What the library uses of POSIX and WebAssembly lacks: it has one thread, one process and no
// files.
#ifndef WEB_ASSEMBLY_H
#define WEB_ASSEMBLY_H
#if defined(__wasm__)

#include <errno.h>
#include <stddef.h>

// wasi-libc's numbers, without the casts that Swift does not import.
_Static_assert(
    EINTR == 27 && ENOMEM == 48 && ENOSYS == 52 && ESPIPE == 70, "wasi-libc has other error numbers");
#undef EINTR
#undef ENOMEM
#undef ENOSYS
#undef ESPIPE
#define EINTR 27
#define ENOMEM 48
#define ENOSYS 52
#define ESPIPE 70

typedef int pthread_t, pthread_mutex_t, pthread_cond_t;

static inline int pthread_mutex_init(pthread_mutex_t *mutex, const void *attributes) {
    (void)attributes;
    return *mutex = 0;
}
static inline void pthread_mutex_destroy(pthread_mutex_t *mutex) { (void)mutex; }
static inline void pthread_mutex_lock(pthread_mutex_t *mutex) { (void)mutex; }
static inline void pthread_mutex_unlock(pthread_mutex_t *mutex) { (void)mutex; }

static inline int pthread_cond_init(pthread_cond_t *condition, const void *attributes) {
    (void)attributes;
    return *condition = 0;
}
static inline void pthread_cond_destroy(pthread_cond_t *condition) { (void)condition; }
static inline void pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) { (void)condition, (void)mutex; }
static inline void pthread_cond_broadcast(pthread_cond_t *condition) { (void)condition; }

static inline int sched_yield(void) { return 0; }

#define MADV_HUGEPAGE 14
static inline int madvise(void *address, size_t length, int advice) {
    (void)address, (void)length, (void)advice;
    return 0;
}

#endif
#endif
