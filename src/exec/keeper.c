/* keeper.c - parent of one program; ends when nothing of it is left. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/keeper_internal.h"

#include "exec/proc_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT_FD = 3 };

static void send_report(const struct skn_exec_report *report)
{
    ssize_t n = write(REPORT_FD, report, sizeof *report);
    (void)n; /* fails only when the spawner is dead; then nobody asks */
}

SKN_NORETURN static void fail(const char *what, int error)
{
    struct skn_exec_report report = {.kind = SKN_REPORT_FAILED, .error = error};
    (void)snprintf(report.text, sizeof report.text, "%s: %s", what, strerror(error));
    send_report(&report);
    _exit(1);
}

/* 0, 1, 2 for the program, 3 for reports, the lock where it is, all else closed: another program's
 * pipe held open here would keep that program from ever seeing its end. */
static void arrange_descriptors(const struct skn_exec_start *start)
{
    bool is_done = dup2(start->in, 0) == 0 && dup2(start->out, 1) == 1 && dup2(start->err, 2) == 2;
    if (start->report == REPORT_FD) {
        is_done = is_done && fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) == 0;
    } else {
        is_done = is_done && dup3(start->report, REPORT_FD, O_CLOEXEC) == REPORT_FD;
    }
    if (!is_done) _exit(1);
    skn_exec_close_from(REPORT_FD + 1, SKN_EXEC_LOCK_FD);
}

/* Waits until the program runs or says why not: its end of the pipe closes on exec. */
static void await_exec(int failed, pid_t program)
{
    struct skn_exec_report report = {.kind = SKN_REPORT_STARTED, .pid = program};
    ssize_t n = -1;
    do {
        n = read(failed, &report, sizeof report);
    } while (n < 0 && errno == EINTR);
    (void)close(failed);
    send_report(&report);
    if (n == 0) return;
    (void)waitpid(program, NULL, 0);
    _exit(0);
}

/* Reaps what has died. True when the program itself has; it is left unreaped, so that its number,
 * which is also its group's, still means it. */
static bool has_ended(pid_t program)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return false;
        }
        if (info.si_pid == program) return true;
        (void)waitpid(info.si_pid, NULL, WNOHANG);
    }
}

static void run_until_end(pid_t program, const sigset_t *signals)
{
    for (;;) {
        int signal = sigwaitinfo(signals, NULL);
        if (signal == SIGTERM) return;
        if (signal == SIGUSR1) (void)kill(-program, SIGTERM);
        if (signal == SIGCHLD && has_ended(program)) return;
    }
}

/* Kills until wait says that there is no child. The group goes in one stroke, which a program that
 * forks without end cannot outrun; what left the group is found in /proc. */
static void kill_all(pid_t program, struct skn_exec_report *report)
{
    struct rusage usage = {0};
    (void)kill(-program, SIGKILL);
    while (wait4(program, &report->status, 0, &usage) < 0 && errno == EINTR) {
    }
    report->cpu_ms = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                     (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    report->rss_kib = (uint64_t)usage.ru_maxrss;

    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    const struct timespec pause = {.tv_nsec = 1000000};
    for (bool is_first = true;; is_first = false) {
        pid_t pid = 1;
        while (pid > 0)
            pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0) return;
        if (!is_first) (void)skn_exec_kill_descendants(NULL, NULL);
        (void)sigtimedwait(&child, NULL, &pause); /* most of it is the group, dying by itself */
    }
}

void skn_exec_keeper(const struct skn_exec_start *start)
{
    bool is_set = prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
    if (!is_set || getppid() != start->spawner) _exit(1);
    (void)prctl(PR_SET_NAME, "skein-keeper");
    arrange_descriptors(start);

    /* All signals are blocked, as the spawner has it: these are taken one by one. */
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGUSR1);

    int failed[2];
    if (pipe2(failed, O_CLOEXEC) != 0) fail("could not make a pipe", errno);
    pid_t keeper = getpid();
    pid_t program = fork();
    if (program < 0) fail("could not fork", errno);
    if (program == 0) skn_exec_become(start, keeper, failed[1]);
    (void)close(failed[1]);
    for (int fd = 0; fd <= 2; fd++)
        (void)close(fd); /* else the program's pipes would never end */
    await_exec(failed[0], program);
    run_until_end(program, &signals);
    struct skn_exec_report report = {.kind = SKN_REPORT_ENDED};
    kill_all(program, &report);
    send_report(&report);
    _exit(0);
}
