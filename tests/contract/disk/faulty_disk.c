/* A disk that is full or read-only, for tests where none may be mounted. Preloaded into a process, it has the calls of the C
 * library fail below the folder FAULTY_DISK as they do on such a disk, for as long as the file FAULTY_DISK_STATE says "full" or
 * "ro". Overwriting what is there fails too, which a full disk would allow: a program that stands this stands the real one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static int state_is(const char *state) {
    char said[8] = "";
    const char *path = getenv("FAULTY_DISK_STATE");
    if (!path) return 0;
    int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, said, sizeof said - 1);
    close(fd);
    return length > 0 && strncmp(said, state, strlen(state)) == 0;
}

static int below(const char *path) {
    const char *folder = getenv("FAULTY_DISK");
    size_t length = folder ? strlen(folder) : 0;
    return length && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int names_below(int dirfd, const char *path) {
    char whole[2 * PATH_MAX], base[PATH_MAX], link[64];
    if (path[0] == '/') return below(path);
    if (dirfd == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    return below(whole);
}

static int lies_below(int fd) {
    return names_below(fd, ".");
}

static int file_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

#define FULL(fd) do { if (file_below(fd) && state_is("full")) { errno = ENOSPC; return -1; } } while (0)
#define READ_ONLY(dirfd, path) do { if (names_below(dirfd, path) && state_is("ro")) { errno = EROFS; return -1; } } while (0)

ssize_t write(int fd, const void *data, size_t size) { FULL(fd); return REAL(write)(fd, data, size); }
ssize_t writev(int fd, const struct iovec *parts, int count) { FULL(fd); return REAL(writev)(fd, parts, count); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { FULL(fd); return REAL(pwrite)(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { FULL(fd); return REAL(pwrite64)(fd, data, size, at); }
int fallocate(int fd, int mode, off_t at, off_t size) { FULL(fd); return REAL(fallocate)(fd, mode, at, size); }
int posix_fallocate(int fd, off_t at, off_t size) {
    if (file_below(fd) && state_is("full")) return ENOSPC;
    return REAL(posix_fallocate)(fd, at, size);
}
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    FULL(out);
    return REAL(copy_file_range)(in, from, out, to, size, flags);
}
ssize_t sendfile64(int out, int in, off64_t *from, size_t size) {
    ssize_t (*real)(int, int, off64_t *, size_t) = dlsym(RTLD_NEXT, "sendfile64");
    FULL(out);
    return real(out, in, from, size);
}

static int opened(int dirfd, const char *path, int flags, mode_t mode) {
    if (flags & (O_CREAT | O_TRUNC) || (flags & O_ACCMODE) != O_RDONLY) READ_ONLY(dirfd, path);
    return REAL(openat)(dirfd, path, flags, mode);
}
#define MODE(flags, mode) do { if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } } while (0)

int open(const char *path, int flags, ...) { mode_t mode = 0; MODE(flags, mode); return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { mode_t mode = 0; MODE(flags, mode); return opened(AT_FDCWD, path, flags, mode); }
int openat(int dirfd, const char *path, int flags, ...) { mode_t mode = 0; MODE(flags, mode); return opened(dirfd, path, flags, mode); }
int openat64(int dirfd, const char *path, int flags, ...) { mode_t mode = 0; MODE(flags, mode); return opened(dirfd, path, flags, mode); }

int mkdir(const char *path, mode_t mode) {
    struct stat there;
    if (stat(path, &there) < 0) READ_ONLY(AT_FDCWD, path);
    return REAL(mkdir)(path, mode);
}
int unlink(const char *path) { READ_ONLY(AT_FDCWD, path); return REAL(unlink)(path); }
int unlinkat(int dirfd, const char *path, int flags) { READ_ONLY(dirfd, path); return REAL(unlinkat)(dirfd, path, flags); }
int rmdir(const char *path) { READ_ONLY(AT_FDCWD, path); return REAL(rmdir)(path); }
int rename(const char *from, const char *to) { READ_ONLY(AT_FDCWD, from); return REAL(rename)(from, to); }
int access(const char *path, int mode) { if (mode & W_OK) READ_ONLY(AT_FDCWD, path); return REAL(access)(path, mode); }
int faccessat(int dirfd, const char *path, int mode, int flags) {
    if (mode & W_OK) READ_ONLY(dirfd, path);
    return REAL(faccessat)(dirfd, path, mode, flags);
}

int statvfs(const char *path, struct statvfs *found) {
    int done = REAL(statvfs)(path, found);
    if (!done && names_below(AT_FDCWD, path)) {
        if (state_is("full")) found->f_bavail = found->f_bfree = 0;
        if (state_is("ro")) found->f_flag |= ST_RDONLY;
    }
    return done;
}
int statvfs64(const char *path, struct statvfs64 *found) {
    int done = REAL(statvfs64)(path, found);
    if (!done && names_below(AT_FDCWD, path) && state_is("full")) found->f_bavail = found->f_bfree = 0;
    return done;
}
int fstatvfs(int fd, struct statvfs *found) {
    int done = REAL(fstatvfs)(fd, found);
    if (!done && lies_below(fd) && state_is("full")) found->f_bavail = found->f_bfree = 0;
    return done;
}
