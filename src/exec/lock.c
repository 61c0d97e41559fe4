/* lock.c - taking the lock of the spawner before it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/lock_internal.h"

#include "exec/clock_internal.h"
#include "exec/proc_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WAIT_MS = 10000,   /* [E43b] */
    PATIENCE_MS = 500, /* an old spawner needs 15 ms to kill 160 programs; then we help */
    PAUSE_MS = 5,
    LOCK_BYTES = 41,
};

static void write_mark(int fd, const char *mark)
{
    char text[LOCK_BYTES + 1];
    int n = snprintf(text, sizeof text, "SKNLOCK\1%s%s", mark, mark[0] ? "\n" : "");
    /* Shorter first: a cut file names no mark, a long one would name a wrong one. */
    bool is_written = ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == (ssize_t)n;
    (void)is_written; /* the descriptor held open finds what the mark would have found */
}

/* The mark in the file, or an empty slice. */
static struct skn_slice read_mark(int fd, uint8_t bytes[LOCK_BYTES])
{
    ssize_t n = pread(fd, bytes, LOCK_BYTES, 0);
    if (n != LOCK_BYTES || memcmp(bytes, "SKNLOCK\1", 8) != 0 || bytes[LOCK_BYTES - 1] != '\n') {
        return skn_slice(NULL, 0);
    }
    return skn_slice(bytes + 8, SKN_EXEC_MARK_BYTES);
}

static enum skn_rc make_mark(char mark[SKN_EXEC_MARK_BYTES + 1], struct skn_diag *diag)
{
    uint8_t random[SKN_EXEC_MARK_BYTES / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return SKN_FAIL(diag, SKN_EIO, "no random bytes for a mark: %s", strerror(errno));
    }
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(mark + 2 * i, 3, "%02x", random[i]);
    return SKN_OK;
}

static enum skn_rc open_lock(const char *dir, struct skn_exec_lock *lock, struct skn_diag *diag)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/spawner.lock", dir);
    if (n < 0 || (size_t)n >= sizeof path) {
        return SKN_FAIL(diag, SKN_ETOOLARGE, "the path of the data directory is too long");
    }
    const int common = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
    lock->write_fd = open(path, O_WRONLY | O_CREAT | common, 0600);
    if (lock->write_fd >= 0) lock->fd = open(path, O_RDONLY | common);
    if (lock->fd >= 0) return SKN_OK;
    enum skn_rc rc = errno == EACCES || errno == EPERM || errno == EROFS ? SKN_EPERM : SKN_EIO;
    return SKN_FAIL(diag, rc, "could not open \"%s\": %s", path, strerror(errno));
}

/* Holds the lock, and one sweep found nothing. While another has it, what holds the file is killed
 * too; once it is ours, nobody else can hold it locked, and only the mark is looked for. */
static enum skn_rc wait_for_lock(struct skn_exec_lock *lock,
                                 struct skn_exec_quarry quarry,
                                 uint64_t wait_ms,
                                 struct skn_diag *diag)
{
    uint64_t began_ms = skn_exec_now_ms();
    struct skn_buf names;
    skn_buf_init(&names, 300);
    enum skn_rc rc = SKN_ELATER;
    while (rc == SKN_ELATER) {
        uint8_t bytes[LOCK_BYTES];
        uint64_t waited_ms = skn_exec_now_ms() - began_ms;
        bool is_ours = flock(lock->fd, LOCK_EX | LOCK_NB) == 0;
        bool is_other = !is_ours && errno == EWOULDBLOCK;
        uint32_t found = 0;
        skn_buf_reset(&names);
        quarry.mark = read_mark(lock->fd, bytes);
        quarry.has_file = !is_ours;
        if ((is_ours && quarry.mark.len > 0) || (is_other && waited_ms >= PATIENCE_MS)) {
            found = skn_exec_sweep(&quarry, &names);
            lock->swept += found;
        }
        if (is_ours && found == 0) {
            rc = SKN_OK;
        } else if (!is_ours && !is_other && errno != EINTR) {
            rc = SKN_FAIL(diag, SKN_EIO, "could not lock spawner.lock: %s", strerror(errno));
        } else if (waited_ms >= wait_ms) {
            rc = SKN_FAIL(diag,
                          SKN_EBUSY,
                          "programs of an earlier node are still alive after %llu ms: %s",
                          (unsigned long long)waited_ms,
                          names.len > 0 ? skn_buf_str(&names) : "no process that can be seen");
        } else {
            skn_exec_pause_ms(PAUSE_MS);
        }
    }
    skn_buf_fini(&names);
    return rc;
}

enum skn_rc skn_exec_lock_take(const struct skn_spawner_options *options,
                               pid_t node,
                               struct skn_exec_lock *out_lock,
                               struct skn_diag *diag)
{
    struct skn_exec_lock lock = {.fd = -1, .write_fd = -1};
    enum skn_rc rc = open_lock(options->dir, &lock, diag);
    if (rc != SKN_OK) return rc;
    struct stat st;
    if (fstat(lock.fd, &st) != 0) {
        return SKN_FAIL(diag, SKN_EIO, "could not look at spawner.lock: %s", strerror(errno));
    }
    struct skn_exec_quarry quarry = {
        .dev = st.st_dev,
        .ino = st.st_ino,
        .spare = {getpid(), node, options->spare_pid},
    };
    uint64_t wait_ms = options->lock_wait_ms > 0 ? options->lock_wait_ms : WAIT_MS;
    rc = wait_for_lock(&lock, quarry, wait_ms, diag);
    if (rc != SKN_OK) return rc;
    rc = make_mark(lock.mark, diag);
    if (rc != SKN_OK) return rc;
    write_mark(lock.write_fd, lock.mark);
    *out_lock = lock;
    return SKN_OK;
}

void skn_exec_lock_leave_clean(struct skn_exec_lock *lock)
{
    write_mark(lock->write_fd, "");
}
