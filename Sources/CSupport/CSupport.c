#include "CSupport.h"

#include <signal.h>

#if defined(__x86_64__)
int cs_has_x86_64_v3(void) { return __builtin_cpu_supports("x86-64-v3") != 0; }
int cs_has_avx512_vnni(void) {
    return __builtin_cpu_supports("x86-64-v4") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}
#else
int cs_has_x86_64_v3(void) { return 0; }
int cs_has_avx512_vnni(void) { return 0; }
#endif

char *cs_thread_message(void) {
    // Swift has no thread-local storage of its own.
    static _Thread_local char message[CS_MESSAGE_SIZE];
    return message;
}

// The names as every glibc has had them. With the newest ones, which moved from libpthread to libc in glibc 2.34, the
// library would not load on an older system. There they are missing unless the program is linked with libpthread.
#if defined(__x86_64__) && defined(__GLIBC__)
__asm__(".symver pthread_create, pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.2.5");
__asm__(".symver pthread_sigmask, pthread_sigmask@GLIBC_2.2.5");
#endif
#pragma weak pthread_create
#pragma weak pthread_join
#pragma weak pthread_sigmask

int cs_thread_start(pthread_t *thread, void *(*body)(void *), void *argument) {
    if (!pthread_create || !pthread_join || !pthread_sigmask) return ENOSYS;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

void cs_thread_join(pthread_t thread) { pthread_join(thread, NULL); }
