#include "CSupport.h"

#if defined(__x86_64__)
int cs_has_x86_64_v3(void) { return __builtin_cpu_supports("x86-64-v3") != 0; }
int cs_has_x86_64_v4(void) { return __builtin_cpu_supports("x86-64-v4") != 0; }
#else
int cs_has_x86_64_v3(void) { return 0; }
int cs_has_x86_64_v4(void) { return 0; }
#endif

char *cs_thread_message(void) {
    // Swift has no thread-local storage of its own.
    static _Thread_local char message[CS_MESSAGE_SIZE];
    return message;
}
