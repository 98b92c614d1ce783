// libc and processor features for the modules behind libchargen.so, which Embedded Swift reaches
// only through a C header. Names begin with `cs_`, so that the library does not export them as part
// of its API.
#ifndef CSUPPORT_H
#define CSUPPORT_H

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "WebAssembly.h"
#if !defined(__wasm__)
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#endif

// The trainer's and the tests'. The library has a decoder of its own.
#if __has_include(<zstd.h>)
#include <zstd.h>
#endif

/// The version of chargen, such as "0.2.0-dev", from the numbers in include/chargen.h.
const char *cs_version(void);

/// The reason for the last failed libc call on this thread (`errno` is a macro that Swift cannot
/// see).
static inline int cs_errno(void) { return errno; }

/// Whether the processor and the system have AVX-512 BF16.
int cs_has_avx512_bf16(void);

/// Whether the processor and the system have all of x86-64-v3: AVX2, FMA, BMI2 and the rest.
int cs_has_x86_64_v3(void);

/// Whether the processor and the system have all of x86-64-v4 (AVX-512 F, BW, CD, DQ and VL) and
/// AVX-512 VNNI.
int cs_has_avx512_vnni(void);

/// Whether the processor has the integer dot product of ARMv8.2.
int cs_has_dot_product(void);

/// Updates a CRC-32 (as in zlib, without the inversion at either end) with the beginning of
/// `bytes`, by carry-less multiplication, where the processor has it.
///
/// Returns the number of bytes consumed, a multiple of 64, possibly 0.
size_t cs_crc32_blocks(uint32_t *crc, const void *bytes, size_t count);

/// Starts a thread with all signals blocked, so that the program's handlers run on its own threads.
///
/// Returns 0, or the system's error number: `ENOSYS` if the process has no libpthread, or the
/// system no threads.
int cs_thread_start(pthread_t *thread, void *(*body)(void *), void *argument);

/// Waits for the end of a thread.
void cs_thread_join(pthread_t thread);

/// Whether a flag that another thread may set is not 0.
static inline int cs_flag_is_set(const int32_t *flag) { return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0; }

/// Tells the processor that this thread is spinning.
static inline void cs_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Whether the system has refused memory for an object, an array or a string of Swift's since this
/// thread's last cs_end_call(). The block then came from a small reserve: the call must fail, and
/// leave nothing behind.
///
/// Always 0 in ordinary Swift.
int cs_memory_refused(void);

/// Ends what cs_memory_refused() tells, and leaves the reserve to other threads.
void cs_end_call(void);

/// Tells that this thread writes a temporary file, with a name of less than 64 bytes in a folder's
/// descriptor.
///
/// This function and the next two are those of ordinary Swift.
void cs_begin_temporary_file(int folder, const char *name);

/// Ends what cs_begin_temporary_file() tells: the file has its final name, or is removed.
void cs_end_temporary_file(void);

/// Removes the temporary file that this thread writes, before the process ends.
void cs_remove_temporary_file(void);

/// Opens a file for reading, whatever signals arrive.
///
/// Returns the descriptor, or the negative of the system's error number: `ESPIPE` for what has no
/// positions, such as a pipe or a terminal, where reading could wait without end.
int cs_open_file(const char *path);

/// The size of a thread's message, its final NUL included.
#define CS_MESSAGE_SIZE 512

/// This thread's message buffer of CS_MESSAGE_SIZE bytes, all zero at first.
char *cs_thread_message(void);

#endif
