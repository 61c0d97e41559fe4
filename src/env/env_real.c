/* env_real.c - skn_env on Linux: EINTR and short transfers end here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/env_real.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

struct real_file {
    struct skn_file base;
    int fd;
    bool is_direct; /* O_DIRECT is set */
    char *path;     /* owns; for diagnostics */
};

static struct real_file *real_of(struct skn_file *file)
{
    return SKN_CONTAINER_OF(file, struct real_file, base);
}

static enum skn_rc rc_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return SKN_ENOENT;
    case EEXIST: return SKN_EEXIST;
    case EACCES:
    case EPERM:
    case EROFS: return SKN_EPERM;
    case ENOSPC:
    case EDQUOT: return SKN_EDISKFULL;
    case EWOULDBLOCK: return SKN_EBUSY;
    default: return SKN_EIO;
    }
}

/* One sentence for every failed call; `errno` is the reason. */
static enum skn_rc failed(struct skn_diag *diag, const char *verb, const char *path)
{
    int error = errno;
    return SKN_FAIL(
        diag, rc_of(error), "could not %s \"%s\": %s", verb, path, strerrordesc_np(error));
}

static enum skn_rc sync_failed(struct skn_diag *diag, const char *path)
{
    return SKN_FAIL(diag, SKN_ESYNC, "could not sync \"%s\": %s", path, strerrordesc_np(errno));
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    SKN_ASSERT(rc == 0);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static uint64_t real_now_wall_ns(struct skn_env *env)
{
    return clock_ns(CLOCK_REALTIME);
}

static uint64_t real_now_mono_ns(struct skn_env *env)
{
    return clock_ns(CLOCK_BOOTTIME);
}

static void real_sleep_ns(struct skn_env *env, uint64_t duration_ns)
{
    struct timespec left = {.tv_sec = (time_t)(duration_ns / UINT64_C(1000000000)),
                            .tv_nsec = (long)(duration_ns % UINT64_C(1000000000))};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static enum skn_rc real_random(struct skn_env *env, void *out, size_t len, struct skn_diag *diag)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return failed(diag, "read", "random bytes");
        at += n;
        len -= (size_t)n;
    }
    return SKN_OK;
}

static int open_flags(enum skn_open how)
{
    switch (how) {
    case SKN_OPEN_READ: return O_RDONLY | O_CLOEXEC;
    case SKN_OPEN_WRITE: return O_RDWR | O_CLOEXEC;
    case SKN_OPEN_CREATE: return O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    case SKN_OPEN_ANY: return O_RDWR | O_CREAT | O_CLOEXEC;
    case SKN_OPEN_DIRECT: return O_WRONLY | O_CREAT | O_CLOEXEC | O_DIRECT;
    }
    SKN_ASSERT(false);
    return 0;
}

static int open_again(const char *path, int flags)
{
    int fd = -1;
    do {
        fd = open(path, flags, 0600);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static enum skn_rc real_open(struct skn_env *env,
                             const char *path,
                             enum skn_open how,
                             struct skn_file **out_file,
                             struct skn_diag *diag)
{
    int flags = open_flags(how);
    int fd = open_again(path, flags);
    if (fd < 0 && errno == EINVAL && (flags & O_DIRECT)) { /* not every file system can */
        flags &= ~O_DIRECT;
        fd = open_again(path, flags);
    }
    if (fd < 0) return failed(diag, flags & O_CREAT ? "create" : "open", path);

    struct real_file *file = skn_alloc(sizeof *file);
    *file = (struct real_file){{env}, fd, flags & O_DIRECT, skn_dup(path, strlen(path))};
    *out_file = &file->base;
    return SKN_OK;
}

static void real_close(struct skn_file *file)
{
    struct real_file *real = real_of(file);
    (void)close(real->fd); /* what had to be durable was synced; nothing is left to fail */
    skn_free(real->path);
    skn_free(real);
}

static enum skn_rc real_pread(struct skn_file *file,
                              uint64_t offset,
                              void *out,
                              size_t len,
                              size_t *out_len,
                              struct skn_diag *diag)
{
    struct real_file *real = real_of(file);
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(real->fd, (uint8_t *)out + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(diag, "read", real->path);
        if (n == 0) break;
        done += (size_t)n;
    }
    *out_len = done;
    return SKN_OK;
}

/* A disk of larger sectors than ours, or the rest of a short write, which is not aligned: from here
 * on through the page cache. */
static bool leave_direct(struct real_file *real)
{
    int flags = real->is_direct ? fcntl(real->fd, F_GETFL) : -1;
    real->is_direct = false;
    return flags >= 0 && fcntl(real->fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

static enum skn_rc real_pwrite(
    struct skn_file *file, uint64_t offset, const void *ptr, size_t len, struct skn_diag *diag)
{
    struct real_file *real = real_of(file);
    size_t done = 0;
    while (done < len) {
        ssize_t n =
            pwrite(real->fd, (const uint8_t *)ptr + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EINVAL && leave_direct(real)) continue;
        if (n < 0) return failed(diag, "write", real->path);
        done += (size_t)n;
    }
    return SKN_OK;
}

static enum skn_rc real_sync(struct skn_file *file, struct skn_diag *diag)
{
    /* Not repeated on EINTR either: a second call after a failure may report success falsely. */
    if (fsync(real_of(file)->fd) != 0) return sync_failed(diag, real_of(file)->path);
    return SKN_OK;
}

static enum skn_rc real_datasync(struct skn_file *file, struct skn_diag *diag)
{
    if (fdatasync(real_of(file)->fd) != 0) return sync_failed(diag, real_of(file)->path);
    return SKN_OK;
}

static enum skn_rc real_size(struct skn_file *file, uint64_t *out_size, struct skn_diag *diag)
{
    struct stat st;
    if (fstat(real_of(file)->fd, &st) != 0) return failed(diag, "examine", real_of(file)->path);
    *out_size = (uint64_t)st.st_size;
    return SKN_OK;
}

static enum skn_rc real_truncate(struct skn_file *file, uint64_t size, struct skn_diag *diag)
{
    struct real_file *real = real_of(file);
    int rc = -1;
    do {
        rc = ftruncate(real->fd, (off_t)size);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) return failed(diag, "change the size of", real->path);
    return SKN_OK;
}

static enum skn_rc real_allocate(struct skn_file *file, uint64_t size, struct skn_diag *diag)
{
    struct real_file *real = real_of(file);
    if (size == 0) return SKN_OK;
    do {
        errno = posix_fallocate(real->fd, 0, (off_t)size); /* returns the error, sets nothing */
    } while (errno == EINTR);
    if (errno != 0) return failed(diag, "allocate room for", real->path);
    return SKN_OK;
}

static enum skn_rc real_lock(struct skn_file *file, enum skn_lock kind, struct skn_diag *diag)
{
    struct real_file *real = real_of(file);
    int rc = -1;
    do {
        rc = flock(real->fd, (kind == SKN_LOCK_EXCLUSIVE ? LOCK_EX : LOCK_SH) | LOCK_NB);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0) return SKN_OK;
    if (errno != EWOULDBLOCK) return failed(diag, "lock", real->path);
    return SKN_FAIL(diag, SKN_EBUSY, "could not lock \"%s\": another process holds it", real->path);
}

static void real_unlock(struct skn_file *file)
{
    (void)flock(real_of(file)->fd, LOCK_UN);
}

static enum skn_rc
real_rename(struct skn_env *env, const char *from, const char *to, struct skn_diag *diag)
{
    return rename(from, to) == 0 ? SKN_OK : failed(diag, "rename", from);
}

static enum skn_rc real_unlink(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    if (unlink(path) == 0) return SKN_OK;
    if (errno == EISDIR && rmdir(path) == 0) return SKN_OK;
    return failed(diag, "remove", path);
}

static enum skn_rc real_mkdir(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    return mkdir(path, 0700) == 0 ? SKN_OK : failed(diag, "create directory", path);
}

static enum skn_rc real_sync_dir(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(diag, "open directory", path);
    enum skn_rc rc = fsync(fd) == 0 ? SKN_OK : sync_failed(diag, path);
    (void)close(fd);
    return rc;
}

static enum skn_rc
real_list(struct skn_env *env, const char *path, skn_list_fn fn, void *ctx, struct skn_diag *diag)
{
    DIR *dir = opendir(path);
    if (!dir) return failed(diag, "list directory", path);
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK) {
        errno = 0;
        /* A directory stream is not shared, so readdir is safe beside other threads. */
        struct dirent *entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe) */
        if (!entry) {
            if (errno != 0) rc = failed(diag, "list directory", path);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        rc = fn(ctx, entry->d_name);
    }
    (void)closedir(dir);
    return rc;
}

static enum skn_rc real_space(struct skn_env *env,
                              const char *path,
                              struct skn_disk_space *out_space,
                              struct skn_diag *diag)
{
    struct statvfs vfs;
    if (statvfs(path, &vfs) != 0) return failed(diag, "examine the disk of", path);
    *out_space = (struct skn_disk_space){.free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize,
                                         .total_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize};
    return SKN_OK;
}

static const struct skn_env_ops real_ops = {
    .now_wall_ns = real_now_wall_ns,
    .now_mono_ns = real_now_mono_ns,
    .sleep_ns = real_sleep_ns,
    .random = real_random,
    .open = real_open,
    .close = real_close,
    .pread = real_pread,
    .pwrite = real_pwrite,
    .sync = real_sync,
    .datasync = real_datasync,
    .size = real_size,
    .truncate = real_truncate,
    .allocate = real_allocate,
    .lock = real_lock,
    .unlock = real_unlock,
    .rename = real_rename,
    .unlink = real_unlink,
    .mkdir = real_mkdir,
    .sync_dir = real_sync_dir,
    .list = real_list,
    .space = real_space,
};

struct skn_env *skn_env_real(void)
{
    static const struct skn_env real = {&real_ops};
    /* Nothing writes it; the table's functions take it as not const for the simulated ones. */
    return (struct skn_env *)(uintptr_t)&real;
}
