/* dir.c - the data directory of a project: who may open it, and the lock on it [E80]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/dir_internal.h"

#include "node/clock_internal.h"
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PID_TEXT_MAX = 24, LOCK_RETRY_MS = 10 };

static enum skn_rc could_not(const char *do_what, const char *path, struct skn_diag *diag)
{
    int error = errno;
    const char *hint = "";
    if (error == EACCES || error == EPERM) hint = "; it belongs to another user or is protected";
    if (error == EROFS) hint = "; run a copy of the project on a disk that can be written to";
    if (error == ENOTDIR) hint = "; move the file that has its name away";
    return SKN_FAIL(diag,
                    skn_rc_of_errno(error),
                    "could not %s \"%s\": %s%s",
                    do_what,
                    path,
                    strerror(error),
                    hint);
}

enum skn_rc skn_data_dir_open(const char *path, struct skn_data_dir *out_dir, struct skn_diag *diag)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return could_not("open", path, diag);
    struct stat st;
    if (fstat(fd, &st) != 0) {
        enum skn_rc rc = could_not("read", path, diag);
        (void)close(fd);
        return rc;
    }
    if (st.st_uid != geteuid()) {
        (void)close(fd);
        return SKN_FAIL(diag,
                        SKN_EPERM,
                        "\"%s\" belongs to user %ld and we are user %ld; run skein as that user",
                        path,
                        (long)st.st_uid,
                        (long)geteuid());
    }
    *out_dir = (struct skn_data_dir){.path = path, .fd = fd, .lock_fd = -1};
    return SKN_OK;
}

/* What is in here is nobody else's business, neither another user's nor git's. */
static enum skn_rc make_private(const struct skn_data_dir *dir, struct skn_diag *diag)
{
    struct stat st;
    if (fstat(dir->fd, &st) != 0) return could_not("read", dir->path, diag);
    if ((st.st_mode & 0777) != 0700 && fchmod(dir->fd, 0700) != 0)
        return could_not("protect", dir->path, diag);
    int fd = openat(dir->fd, ".gitignore", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return errno == EEXIST ? SKN_OK : could_not("write in", dir->path, diag);
    bool wrote = write(fd, "*\n", 2) == 2;
    enum skn_rc rc = wrote ? SKN_OK : could_not("write in", dir->path, diag);
    (void)close(fd);
    return rc;
}

enum skn_rc
skn_data_dir_create(const char *path, struct skn_data_dir *out_dir, struct skn_diag *diag)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return could_not("create", path, diag);
    struct skn_data_dir dir;
    enum skn_rc rc = skn_data_dir_open(path, &dir, diag);
    if (rc == SKN_ENOENT && diag) diag->rc = SKN_EEXIST;
    if (rc == SKN_ENOENT) return SKN_EEXIST; /* a file has its name: it cannot be created */
    if (rc != SKN_OK) return rc;
    rc = make_private(&dir, diag);
    if (rc != SKN_OK) {
        skn_data_dir_close(&dir);
        return rc;
    }
    *out_dir = dir;
    return SKN_OK;
}

void skn_data_dir_close(struct skn_data_dir *dir)
{
    if (dir->fd < 0) return;
    if (dir->lock_fd >= 0) (void)close(dir->lock_fd);
    (void)close(dir->fd);
    *dir = (struct skn_data_dir){.fd = -1, .lock_fd = -1};
}

/* Whether the name still leads to the file that `fd` has locked. */
static bool is_lock_file(const struct skn_data_dir *dir, int fd)
{
    struct stat here, there;
    return fstat(fd, &here) == 0 && fstatat(dir->fd, "lock", &there, 0) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static enum skn_rc write_pid(const struct skn_data_dir *dir, int fd, struct skn_diag *diag)
{
    char text[PID_TEXT_MAX];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return could_not("write the lock in", dir->path, diag);
    return SKN_OK;
}

long skn_data_dir_pid(const struct skn_data_dir *dir)
{
    char text[PID_TEXT_MAX] = "";
    int fd = openat(dir->fd, "lock", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    /* Who wrote it may be dead: then somebody has the lock who writes nothing. */
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno != ESRCH) ? pid : 0;
}

enum skn_rc skn_data_dir_lock(struct skn_data_dir *dir, enum skn_hold lock, struct skn_diag *diag)
{
    SKN_ASSERT(lock != SKN_HOLD_NONE);
    SKN_ASSERT(dir->lock_fd < 0);
    bool exclusive = lock == SKN_HOLD_EXCLUSIVE;
    int fd = openat(dir->fd, "lock", (exclusive ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0600);
    if (fd < 0) return could_not("open the lock in", dir->path, diag);
    enum skn_rc rc = SKN_OK;
    if (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 || !is_lock_file(dir, fd)) {
        long pid = skn_data_dir_pid(dir);
        rc = pid > 0
                 ? SKN_FAIL(
                       diag,
                       SKN_EBUSY,
                       "\"%s\" is held by another process (%ld): wait until it ends, or end it by "
                       "kill %ld",
                       dir->path,
                       pid,
                       pid)
                 : SKN_FAIL(diag, SKN_EBUSY, "\"%s\" is held by another process", dir->path);
    } else if (exclusive) {
        rc = write_pid(dir, fd, diag);
    }
    if (rc != SKN_OK) {
        (void)close(fd);
        return rc;
    }
    dir->lock_fd = fd;
    dir->lock = lock;
    return SKN_OK;
}

enum skn_rc skn_data_lock_shared(const char *data_path, int *out_fd, struct skn_diag *diag)
{
    struct skn_data_dir dir = {.path = data_path, .lock_fd = -1};
    dir.fd = open(data_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir.fd < 0) return could_not("open", data_path, diag);
    uint64_t until = skn_clock_ms() + SKN_HOLD_WAIT_MS;
    enum skn_rc rc;
    while ((rc = skn_data_dir_lock(&dir, SKN_HOLD_SHARED, diag)) == SKN_EBUSY &&
           skn_clock_ms() < until)
        skn_clock_sleep(LOCK_RETRY_MS);
    (void)close(dir.fd);
    if (rc == SKN_ENOENT) rc = SKN_OK;
    if (rc == SKN_OK) *out_fd = dir.lock_fd;
    return rc;
}
