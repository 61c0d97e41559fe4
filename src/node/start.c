/* start.c - starts a holder in the background: this program again, in a session of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/client_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READY_FD = 3, LOG_BYTES_MAX = 1 << 20 };

/* What a holder says goes to a file, which begins anew when it has become long. */
static int open_log(const struct skn_data_dir *dir)
{
    int fd = openat(dir->fd, "holder.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > LOG_BYTES_MAX && ftruncate(fd, 0) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void become_holder(const char *root, int log_fd, int ready_fd)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setsid();
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    /* Above the ones that are about to be taken, whatever their numbers are now. */
    int log = fcntl(log_fd, F_DUPFD_CLOEXEC, 10), ready = fcntl(ready_fd, F_DUPFD_CLOEXEC, 10);
    bool ok = dup2(null, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
              dup2(log, STDERR_FILENO) >= 0 && dup2(ready, READY_FD) >= 0 && chdir(root) == 0;
    (void)close_range(READY_FD + 1, ~0U, 0); /* nothing of the caller's stays open with it */
    if (ok)
        (void)execl("/proc/self/exe", "skein", "_hold", "--project", root, "--ready-fd", "3", NULL);
    _exit(127);
}

enum skn_rc skn_holder_start(const struct skn_project *project,
                             const struct skn_data_dir *dir,
                             pid_t *out_pid,
                             int *out_ready_fd,
                             struct skn_diag *diag)
{
    int pipe_fds[2] = {-1, -1};
    int log_fd = open_log(dir);
    if (log_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) != 0) {
        int error = errno;
        if (log_fd >= 0) (void)close(log_fd);
        return SKN_FAIL(diag,
                        skn_rc_of_errno(error),
                        "could not start a holder for \"%s\": %s",
                        dir->path,
                        strerror(error));
    }
    pid_t pid = fork();
    if (pid == 0) become_holder(project->root, log_fd, pipe_fds[1]);
    int error = errno;
    (void)close(log_fd);
    (void)close(pipe_fds[1]);
    if (pid < 0) {
        (void)close(pipe_fds[0]);
        return SKN_FAIL(diag, SKN_EIO, "could not start a holder: %s", strerror(error));
    }
    *out_pid = pid;
    *out_ready_fd = pipe_fds[0];
    return SKN_OK;
}
