#include "CSupport.h"

#if defined(CHARGEN_EMBEDDED)

#include <stdatomic.h>
#include <stdbool.h>

// Embedded Swift allocates objects, arrays and strings with posix_memalign(), and ends the process
// where that fails. The linker (--wrap) leads its calls to the functions below instead. Where the
// system refuses a block, they serve it from a reserve, which lasts until the call of the API has
// ended: cs_memory_refused() tells the call that it is to fail, and cs_end_call() ends it.
//
// One thread at a time uses the reserve, so that a call can rely on all of it; others that are
// refused memory wait. What a call allocates after a refusal is bounded: the next AlignedBuffer
// fails, and no array or string between two of them takes more than the characters of the largest
// model.

int __real_posix_memalign(void **block, size_t alignment, size_t size);
void __real_free(void *block);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
void __wrap_free(void *block);

/// In .bss: pages that are never used take no memory.
static _Alignas(64) unsigned char reserve[512 << 10];
/// The beginning of the reserve that is in use, and the number of blocks in it.
static size_t used, blocks;
/// Guards both.
static atomic_flag lock = ATOMIC_FLAG_INIT;
/// The thread that uses the reserve; 0 if none does.
static atomic_uintptr_t owner;

/// A number of this thread. Thread-local storage of our own could need memory at its first use.
static uintptr_t this_thread(void) { return (uintptr_t)&errno; }

static void acquire(void) {
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) sched_yield();
}

static void release(void) { atomic_flag_clear_explicit(&lock, memory_order_release); }

static bool is_in_reserve(const void *block) {
    return (uintptr_t)block - (uintptr_t)reserve < sizeof reserve;
}

static void *take(size_t alignment, size_t size) {
    void *block = NULL;
    acquire();
    size_t start = (used + alignment - 1) & ~(alignment - 1);
    if (start <= sizeof reserve && size < sizeof reserve - start) {
        block = reserve + start;
        // An empty block has an address of its own.
        used = start + size + (size == 0);
        blocks++;
    }
    release();
    return block;
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size) {
    int error = __real_posix_memalign(block, alignment, size);
    if (error == 0) return 0;
    if (!cs_memory_refused()) {
        uintptr_t none = 0;
        while (!atomic_compare_exchange_weak_explicit(
            &owner, &none, this_thread(), memory_order_acquire, memory_order_relaxed)) {
            none = 0;
            sched_yield();
        }
    }
    *block = take(alignment, size);
    return *block ? 0 : error;
}

void __wrap_free(void *block) {
    if (!is_in_reserve(block)) {
        __real_free(block);
        return;
    }
    acquire();
    if (--blocks == 0) used = 0;
    release();
}

int cs_memory_refused(void) {
    uintptr_t thread = atomic_load_explicit(&owner, memory_order_relaxed);
    return thread != 0 && thread == this_thread();
}

void cs_end_call(void) {
    if (cs_memory_refused()) atomic_store_explicit(&owner, 0, memory_order_release);
}

#else

// Ordinary Swift ends the process where its own allocations fail.
int cs_memory_refused(void) { return 0; }
void cs_end_call(void) {}

static _Thread_local struct {
    int folder;
    char name[64];
} temporary;

void cs_begin_temporary_file(int folder, const char *name) {
    temporary.folder = folder;
    snprintf(temporary.name, sizeof temporary.name, "%s", name);
}

void cs_end_temporary_file(void) { temporary.name[0] = 0; }

void cs_remove_temporary_file(void) {
    if (temporary.name[0]) unlinkat(temporary.folder, temporary.name, 0);
}

#endif
