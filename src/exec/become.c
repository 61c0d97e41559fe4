/* become.c - a fresh process becomes the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/keeper_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

SKN_NORETURN static void
give_up(int failed, int error, const char *what, const char *name, const char *detail)
{
    struct skn_exec_report report = {.kind = SKN_REPORT_FAILED, .error = error};
    (void)snprintf(report.text, sizeof report.text, "%s: %s%s", what, name, detail);
    ssize_t n = write(failed, &report, sizeof report);
    (void)n; /* without a report the keeper says that it ended before it began */
    _exit(127);
}

static void default_signals(void)
{
    /* As the kernel has it: all zeros is SIG_DFL. By system call, since libc does not let go of two
     * signals that it keeps for itself, and whoever started the node may have ignored them too. */
    const uint64_t action[4] = {0};
    for (int signal = 1; signal < NSIG; signal++)
        (void)syscall(
            SYS_rt_sigaction, signal, action, NULL, sizeof(uint64_t)); /* not KILL, STOP */
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* argv and envp, pointing into the frame, which holds C strings. */
static char **vector_of(struct skn_slice *strings, uint32_t count, const char *extra)
{
    char **vector = skn_alloc_zero((size_t)count + 2, sizeof *vector);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *text = skn_frame_next_string(strings).ptr;
        vector[i] =
            (char *)(uintptr_t)text; /* execve does not write; its type is older than const */
    }
    vector[count] = (char *)(uintptr_t)extra;
    return vector;
}

/* What a failed execve says about this candidate that a person can act on. */
static const char *reason(int error)
{
    switch (error) {
    case ENOEXEC: return ": it is neither a program for this machine nor begins with #!";
    case ENOENT: return ": there is no such file, or the interpreter it names is missing";
    case EACCES: return ": it may not be executed";
    case E2BIG: return ": arguments and environment are too long for the kernel";
    default: return "";
    }
}

SKN_NORETURN static void execute_path(char **argv, char **envp, int failed)
{
    (void)execve(argv[0], argv, envp);
    int error = errno;
    char detail[300];
    (void)snprintf(detail, sizeof detail, "%s (%s)", reason(error), strerror(error));
    give_up(failed, error, "could not run", argv[0], detail);
}

static const char *path_of(char **envp)
{
    for (; *envp; envp++)
        if (strncmp(*envp, "PATH=", 5) == 0) return *envp + 5;
    return NULL;
}

/* Tries every directory of PATH. A candidate that is there but refuses is remembered, since it is a
 * better answer than "not found". An empty directory in PATH is skipped: it would mean cwd. */
SKN_NORETURN static void search_path(char **argv, char **envp, int failed)
{
    const char *path = path_of(envp);
    if (!path) give_up(failed, ENOENT, "no such program", argv[0], "; there is no PATH in its env");
    char refused[4096] = "";
    int error = ENOENT;
    for (const char *at = path; *at;) {
        size_t n = strcspn(at, ":");
        char candidate[4096];
        int len = snprintf(candidate, sizeof candidate, "%.*s/%s", (int)n, at, argv[0]);
        at += n + (at[n] == ':');
        if (n == 0 || len < 0 || (size_t)len >= sizeof candidate) continue;
        (void)execve(candidate, argv, envp);
        if (errno == ENOENT || errno == ENOTDIR) {
            /* A script whose interpreter is missing also gives ENOENT. */
            if (access(candidate, F_OK) != 0) continue;
        }
        error = errno == ENOTDIR ? ENOENT : errno;
        (void)snprintf(refused, sizeof refused, "%s", candidate);
        if (errno != EACCES) break;
    }
    char detail[700];
    if (refused[0]) {
        (void)snprintf(detail, sizeof detail, "%s (%s)", reason(error), strerror(error));
        give_up(failed, error, "could not run", refused, detail);
    }
    (void)snprintf(detail, sizeof detail, "; looked in %s", path);
    give_up(failed, ENOENT, "no such program", argv[0], detail);
}

void skn_exec_become(const struct skn_exec_start *start, pid_t keeper, int failed)
{
    const struct skn_frame_exec *exec = start->exec;
    /* The signal is set for the parent of now; if that has died already, none will come. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != keeper) _exit(127);
    (void)setsid();
    default_signals();
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)setrlimit(RLIMIT_NOFILE, &start->nofile);
    const char *cwd = (const char *)exec->cwd.ptr;
    if (chdir(cwd) != 0) {
        int error = errno;
        char detail[200];
        (void)snprintf(detail, sizeof detail, ": %s", strerror(error));
        give_up(failed, error, "could not enter the folder", cwd, detail);
    }
    char spawner[64];
    (void)snprintf(spawner, sizeof spawner, "SKEIN_SPAWNER=%s", start->mark);
    struct skn_slice strings = exec->strings;
    char **argv = vector_of(&strings, exec->argc, NULL);
    char **envp = vector_of(&strings, exec->envc, spawner);
    if (strchr(argv[0], '/')) execute_path(argv, envp, failed);
    search_path(argv, envp, failed);
}
