/* keys.c - reads the sealing keys from the file or the command that skein.yaml names [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keys_internal.h"

#include "base/mem.h"
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- the file --------------------------------------------------------------------------------------- */

static bool is_inside(const char *path, const char *dir)
{
    char real_path[PATH_MAX], real_dir[PATH_MAX];
    if (!realpath(path, real_path) || !realpath(dir, real_dir)) return false;
    size_t len = strlen(real_dir);
    return strncmp(real_path, real_dir, len) == 0 && real_path[len] == '/';
}

/* Whoever else could read or replace it has the secrets. */
static enum skn_rc check_file(const char *path, const struct stat *st, struct skn_diag *diag)
{
    if (!S_ISREG(st->st_mode))
        return SKN_FAIL(diag, SKN_ECONFIG, "the key file \"%s\" is no file", path);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return SKN_FAIL(
            diag, SKN_ECONFIG, "the key file \"%s\" belongs to user %ld", path, (long)st->st_uid);
    if (st->st_mode & (S_IRWXG | S_IRWXO))
        return SKN_FAIL(diag,
                        SKN_ECONFIG,
                        "the key file \"%s\" has the mode %04o: others may read or write it; "
                        "chmod 600 is what it needs",
                        path,
                        (unsigned)st->st_mode & 07777);
    return SKN_OK;
}

/* Reads to the end. False: there is more, or an error. */
static bool read_all(int fd, int64_t deadline_ms, struct skn_buf *out)
{
    for (;;) {
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left = deadline_ms - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (left <= 0 || (poll(&poll_fd, 1, (int)left) < 0 && errno != EINTR)) return false;
        if (poll_fd.revents == 0) continue;
        uint8_t *room = skn_buf_reserve(out, 1024);
        ssize_t n = room ? read(fd, room, 1024) : -1;
        if (n == 0) return true;
        if (n < 0 && room && errno == EINTR) continue;
        if (n < 0) return false;
        skn_buf_commit(out, (size_t)n);
    }
}

static int64_t deadline(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000 + SKN_KEYS_WAIT_MS;
}

static enum skn_rc
read_file(const char *path, const char *data_dir, struct skn_buf *out, struct skn_diag *diag)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0) (void)close(fd);
        return SKN_FAIL(diag,
                        skn_rc_of_errno(error),
                        "could not open the key file \"%s\": %s",
                        path,
                        strerror(error));
    }
    enum skn_rc rc = check_file(path, &st, diag);
    if (rc == SKN_OK && is_inside(path, data_dir))
        rc = SKN_FAIL(diag,
                      SKN_ECONFIG,
                      "the key file \"%s\" is in the data directory: a copy of the data would "
                      "have its key",
                      path);
    if (rc == SKN_OK && !read_all(fd, deadline(), out))
        rc = SKN_FAIL(diag, SKN_ECONFIG, "the key file \"%s\" cannot be read, or is large", path);
    (void)close(fd);
    return rc;
}

/* --- the command ------------------------------------------------------------------------------------ */

static int start(char *const *argv, const char *dir, int out_fd, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    (void)sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attr) != 0) abort();
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
    int error = posix_spawn_file_actions_addchdir_np(&actions, dir);
    if (error == 0) error = posix_spawnp(out_pid, argv[0], &actions, &attr, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return error;
}

static enum skn_rc
run(char *const *argv, const char *dir, struct skn_buf *out, struct skn_diag *diag)
{
    int fds[2], status = 0;
    pid_t pid;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return SKN_FAIL(diag, SKN_EIO, "could not make a pipe: %s", strerror(errno));
    int error = start(argv, dir, fds[1], &pid);
    (void)close(fds[1]);
    bool is_whole = error == 0 && read_all(fds[0], deadline(), out);
    (void)close(fds[0]);
    if (error != 0)
        return SKN_FAIL(
            diag, SKN_ECONFIG, "could not start key_command \"%s\": %s", argv[0], strerror(error));
    if (!is_whole) (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (is_whole && WIFEXITED(status) && WEXITSTATUS(status) == 0) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_ECONFIG,
                    "key_command \"%s\" %s",
                    argv[0],
                    is_whole ? "failed" : "took over 30 seconds, or printed over 64 KiB");
}

/* --- both ------------------------------------------------------------------------------------------- */

static enum skn_rc
parse(struct skn_buf *text, const char *where, struct skn_keyring **out_ring, struct skn_diag *diag)
{
    struct skn_diag why = {.text = ""};
    enum skn_rc rc = skn_keyring_parse(skn_buf_slice(text), out_ring, &why);
    if (rc != SKN_OK) return SKN_FAIL(diag, rc, "%.80s: %.100s", where, why.text);
    /* Plain secrets are in the memory of this process now and then. */
    struct rlimit core = {0};
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &core);
    }
    return SKN_OK;
}

enum skn_rc skn_keys_load(const struct skn_config *config,
                          const char *project_dir,
                          const char *data_dir,
                          struct skn_keyring **out_ring,
                          struct skn_diag *diag)
{
    struct skn_buf text;
    char path[PATH_MAX];
    *out_ring = NULL;
    const char *file = config->key_file;
    char *const *command = config->key_command;
    if (!file && !command) return SKN_OK;
    if (file) {
        bool is_whole = file[0] == '/';
        int n = snprintf(
            path, sizeof path, "%s%s%s", is_whole ? "" : project_dir, is_whole ? "" : "/", file);
        if (n < 0 || (size_t)n >= sizeof path)
            return SKN_FAIL(
                diag, SKN_ECONFIG, "the path of the key file is too long: \"%.60s..\"", file);
    }
    skn_buf_init(&text, SKN_KEYS_BYTES_MAX);
    uint8_t *room = skn_buf_reserve(&text, SKN_KEYS_BYTES_MAX); /* growing would leave copies */
    SKN_ASSERT(room);
    enum skn_rc rc =
        file ? read_file(path, data_dir, &text, diag) : run(command, project_dir, &text, diag);
    if (rc == SKN_OK) rc = parse(&text, file ? path : command[0], out_ring, diag);
    OPENSSL_cleanse(text.ptr, text.cap);
    skn_buf_fini(&text);
    return rc;
}
