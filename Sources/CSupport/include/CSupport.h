// What the modules behind libchargen.so need of libc and the processor: in Embedded Swift a C header is the only way to
// either. Names begin with `cs_`, so that the library does not export them as part of its API.
#ifndef CSUPPORT_H
#define CSUPPORT_H

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/// The reason for the last failed libc call on this thread (`errno` is a macro that Swift cannot see).
static inline int cs_errno(void) { return errno; }

/// Whether the processor and the system have all of x86-64-v3: AVX2, FMA, BMI2 and the rest.
int cs_has_x86_64_v3(void);

/// Whether the processor and the system have all of x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
int cs_has_x86_64_v4(void);

/// The size of a thread's message, its final NUL included.
#define CS_MESSAGE_SIZE 512

/// This thread's message buffer of CS_MESSAGE_SIZE bytes, all zero at first.
char *cs_thread_message(void);

#endif
