#include "CSupport.h"

#include "../../include/chargen.h"

#define STRING(number) #number
#define VERSION(major, minor, patch) STRING(major) "." STRING(minor) "." STRING(patch) CHARGEN_VERSION_SUFFIX

const char *cs_version(void) {
    return VERSION(CHARGEN_VERSION_MAJOR, CHARGEN_VERSION_MINOR, CHARGEN_VERSION_PATCH);
}

#if defined(__x86_64__)
#include <immintrin.h>

int cs_has_avx512_bf16(void) { return __builtin_cpu_supports("avx512bf16") != 0; }
int cs_has_x86_64_v3(void) { return __builtin_cpu_supports("x86-64-v3") != 0; }
int cs_has_avx512_vnni(void) {
    return __builtin_cpu_supports("x86-64-v4") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}
#else
int cs_has_avx512_bf16(void) { return 0; }
int cs_has_x86_64_v3(void) { return 0; }
int cs_has_avx512_vnni(void) { return 0; }
#endif

#if defined(__aarch64__)
#include <sys/auxv.h>

int cs_has_dot_product(void) { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#else
int cs_has_dot_product(void) { return 0; }
#endif

#if defined(__x86_64__)
// The lower half of x times that of `keys`, plus the upper half times the upper half: products of
// polynomials.
#define FOLD(x, keys) _mm_xor_si128(_mm_clmulepi64_si128(x, keys, 0x00), _mm_clmulepi64_si128(x, keys, 0x11))
#define LOAD(index) _mm_loadu_si128((const __m128i *)(const void *)bytes + (index))

// Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel,
// 2009), with its constants for this polynomial, bits reflected.
__attribute__((target("pclmul,sse4.1"))) static uint32_t crc32_by_folding(
    uint32_t crc, const uint8_t *bytes, size_t count) {
    const __m128i by512 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
    const __m128i by128 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i by64 = _mm_set_epi64x(0, 0x163cd6124);
    const __m128i polynomial = _mm_set_epi64x(0x1f7011641, 0x1db710641);
    const __m128i low = _mm_setr_epi32(~0, 0, ~0, 0);
    __m128i a = _mm_xor_si128(LOAD(0), _mm_cvtsi32_si128((int)crc)), b = LOAD(1), c = LOAD(2), d = LOAD(3);
    for (bytes += 64, count -= 64; count >= 64; bytes += 64, count -= 64) {
        a = _mm_xor_si128(FOLD(a, by512), LOAD(0));
        b = _mm_xor_si128(FOLD(b, by512), LOAD(1));
        c = _mm_xor_si128(FOLD(c, by512), LOAD(2));
        d = _mm_xor_si128(FOLD(d, by512), LOAD(3));
    }
    a = _mm_xor_si128(FOLD(a, by128), b);
    a = _mm_xor_si128(FOLD(a, by128), c);
    a = _mm_xor_si128(FOLD(a, by128), d);
    // From 128 bits to 64, then Barrett's reduction to 32.
    a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by128, 0x10));
    a = _mm_xor_si128(_mm_srli_si128(a, 4), _mm_clmulepi64_si128(_mm_and_si128(a, low), by64, 0x00));
    b = _mm_clmulepi64_si128(_mm_and_si128(a, low), polynomial, 0x10);
    b = _mm_clmulepi64_si128(_mm_and_si128(b, low), polynomial, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(a, b), 1);
}

size_t cs_crc32_blocks(uint32_t *crc, const void *bytes, size_t count) {
    count &= ~(size_t)63;
    if (count == 0 || !__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.1")) return 0;
    *crc = crc32_by_folding(*crc, bytes, count);
    return count;
}
#else
size_t cs_crc32_blocks(uint32_t *crc, const void *bytes, size_t count) {
    (void)crc, (void)bytes, (void)count;
    return 0;
}
#endif

int cs_open_file(const char *path) {
    int descriptor;
    do descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return -errno;
    // fstat() has a version of glibc 2.33.
    if (lseek(descriptor, 0, SEEK_CUR) == 0) return descriptor;
    int error = errno;
    close(descriptor);
    return -error;
}

char *cs_thread_message(void) {
    // Swift has no thread-local storage of its own.
    static _Thread_local char message[CS_MESSAGE_SIZE];
    return message;
}

#if defined(__wasm__)
int cs_thread_start(pthread_t *thread, void *(*body)(void *), void *argument) {
    (void)thread, (void)body, (void)argument;
    return ENOSYS;
}

void cs_thread_join(pthread_t thread) { (void)thread; }

// For the bytes that JavaScript passes to functions.
void *cs_allocate(size_t size);
void *cs_allocate(size_t size) { return malloc(size); }
void cs_free(void *block);
void cs_free(void *block) { free(block); }

// In place of wasi-libc's, which the host would have to serve.
int getpid(void) { return 1; }
char *getenv(const char *name) { return (void)name, NULL; }
#else
#include <signal.h>

// The shared library loads on every glibc. In glibc 2.34 these functions moved from libpthread to
// libc under newer versions, with which it would not load on an older system. On that they are
// missing unless the program is linked with libpthread. A program that is linked with the archive
// needs the functions of its own C library, and weak references would not bring them from libc.a.
#if !defined(CHARGEN_ARCHIVE)
#if defined(__GLIBC__)
#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#endif
#endif
#if defined(FIRST_VERSION)
__asm__(".symver pthread_create, pthread_create@" FIRST_VERSION);
__asm__(".symver pthread_join, pthread_join@" FIRST_VERSION);
__asm__(".symver pthread_sigmask, pthread_sigmask@" FIRST_VERSION);
#endif
#pragma weak pthread_create
#pragma weak pthread_join
#pragma weak pthread_sigmask

static int has_threads(void) { return pthread_create && pthread_join && pthread_sigmask; }
#else
static int has_threads(void) { return 1; }
#endif

int cs_thread_start(pthread_t *thread, void *(*body)(void *), void *argument) {
    if (!has_threads()) return ENOSYS;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

void cs_thread_join(pthread_t thread) { pthread_join(thread, NULL); }
#endif
