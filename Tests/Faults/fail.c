/*
 * Makes calls of a program fail. It is preloaded, and told by the environment what to do:
 *
 *     LD_PRELOAD=fail.so FAIL_CALL=write FAIL_AT=3 FAIL_WITH=28 FAIL_COUNT=FILE PROGRAM
 *
 * FAIL_CALL is one of `names` below. FAIL_AT is the number of the call that fails, from 1, or 0 for
 * none; with a plus sign all later ones fail too. FAIL_WITH is an error number, or 0 for a call
 * that transfers half of the bytes. FAIL_COUNT is a file of 8 bytes that receives the number of
 * calls, failed ones included. What C's library calls by itself is not counted, except for memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { READ, WRITE, SYNC, SYNC_FOLDER, RENAME, OPEN, CLOSE, MMAP, MALLOC, FLOCK, LINK, CALLS };
static const char *const names[] = {
    "read", "write", "sync", "sync-folder", "rename", "open", "close", "mmap", "malloc", "flock", "link"};

static enum call failing = CALLS;
static unsigned long first;
static int all_later, error, is_ready;
static unsigned long *count;

/* At the first call: the constructors of other libraries may come before one of this. */
static void prepare(void) {
    is_ready = 1;
    const char *name = getenv("FAIL_CALL"), *at = getenv("FAIL_AT"), *with = getenv("FAIL_WITH");
    const char *path = getenv("FAIL_COUNT");
    if (!name || !at || !with || !path) return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    count = (void *)syscall(SYS_mmap, NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (count == MAP_FAILED) abort();
    char *end;
    first = strtoul(at, &end, 10);
    all_later = *end == '+';
    error = atoi(with);
    for (failing = 0; failing < CALLS && strcmp(names[failing], name) != 0;) failing++;
}

/* Whether a call is one that fails. */
static int fails(enum call call) {
    if (!is_ready) prepare();
    if (call != failing) return 0;
    unsigned long number = __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    if (first == 0 || (all_later ? number < first : number != first)) return 0;
    errno = error;
    return 1;
}

/* ---- Memory, by names that only glibc has ---- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { return fails(MALLOC) ? NULL : __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return fails(MALLOC) ? NULL : __libc_calloc(number, size); }
void *realloc(void *block, size_t size) { return fails(MALLOC) ? NULL : __libc_realloc(block, size); }
void *aligned_alloc(size_t alignment, size_t size) {
    return fails(MALLOC) ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
    if (fails(MALLOC)) return error;
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

void *mmap(void *address, size_t length, int rights, int flags, int file, off_t offset) {
    if (fails(MMAP)) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, address, length, rights, flags, file, offset);
}

/* ---- Files ---- */

/* The bytes of a call that fails are half of those that it was to transfer, or none. */
#define TRANSFER(call, size, ...)                         \
    int is_short = fails(call);                           \
    if (is_short && error != 0) return -1;                \
    size_t bytes = is_short ? ((size) + 1) / 2 : (size);  \
    return syscall(__VA_ARGS__)

ssize_t read(int file, void *buffer, size_t size) { TRANSFER(READ, size, SYS_read, file, buffer, bytes); }
ssize_t pread(int file, void *buffer, size_t size, off_t offset) {
    TRANSFER(READ, size, SYS_pread64, file, buffer, bytes, offset);
}
ssize_t write(int file, const void *buffer, size_t size) { TRANSFER(WRITE, size, SYS_write, file, buffer, bytes); }
ssize_t pwrite(int file, const void *buffer, size_t size, off_t offset) {
    TRANSFER(WRITE, size, SYS_pwrite64, file, buffer, bytes, offset);
}
ssize_t writev(int file, const struct iovec *pieces, int number) {
    return fails(WRITE) ? -1 : syscall(SYS_writev, file, pieces, number);
}

static int sync_with(long call, int file) {
    struct stat information;
    int is_folder = fstat(file, &information) == 0 && S_ISDIR(information.st_mode);
    return fails(is_folder ? SYNC_FOLDER : SYNC) ? -1 : (int)syscall(call, file);
}
int fsync(int file) { return sync_with(SYS_fsync, file); }
int fdatasync(int file) { return sync_with(SYS_fdatasync, file); }

int renameat(int folder, const char *old, int other, const char *new) {
    return fails(RENAME) ? -1 : (int)syscall(SYS_renameat2, folder, old, other, new, 0);
}
int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

int openat(int folder, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}
int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return openat(AT_FDCWD, path, flags, mode);
}

/* Linux closes the file, whatever it returns. */
int close(int file) {
    int result = (int)syscall(SYS_close, file);
    return fails(CLOSE) ? -1 : result;
}

int flock(int file, int operation) { return fails(FLOCK) ? -1 : (int)syscall(SYS_flock, file, operation); }
int linkat(int folder, const char *old, int other, const char *new, int flags) {
    return fails(LINK) ? -1 : (int)syscall(SYS_linkat, folder, old, other, new, flags);
}

/* Programs for files of more than 2 GB call these. */
void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));
ssize_t pread64(int, void *, size_t, off_t) __attribute__((alias("pread")));
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));
int open64(const char *, int, ...) __attribute__((alias("open")));
