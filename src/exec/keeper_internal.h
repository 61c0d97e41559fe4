/* keeper_internal.h - the small process between the spawner and one program.
 *
 * It is a child subreaper and the program's parent: whatever the program forks or detaches becomes
 * the keeper's child when its own parent ends, so the keeper can kill all of it, and wait() tells it
 * when nothing is left. It takes signals from the spawner only:
 *
 *   SIGUSR1   send SIGTERM to the program's group
 *   SIGTERM   kill everything now; the kernel also sends it when the spawner dies
 *
 * and writes at most two reports: STARTED or FAILED, then (after STARTED) ENDED, once nothing runs.
 */
#pragma once

#include "exec/frame_internal.h"

#include <sys/resource.h>
#include <sys/types.h>

enum skn_exec_report_kind {
    SKN_REPORT_STARTED = 1,
    SKN_REPORT_FAILED = 2,
    SKN_REPORT_ENDED = 3,
};

/* Goes over a pipe between two forks of one process, so it is no format; under PIPE_BUF, so it is
 * written whole or not at all. */
struct skn_exec_report {
    enum skn_exec_report_kind kind;
    int32_t pid;      /* STARTED */
    int32_t error;    /* FAILED: errno */
    int32_t status;   /* ENDED: as wait gives it */
    uint64_t cpu_ms;  /* ENDED */
    uint64_t rss_kib; /* ENDED */
    char text[1024];  /* FAILED */
};

/* What a keeper is made of. Descriptors above 2, closed on exec, and none twice. */
struct skn_exec_start {
    const struct skn_frame_exec *exec;
    const char *mark;
    pid_t spawner;
    struct rlimit nofile; /* what programs get; the spawner has raised its own */
    int in;
    int out;
    int err;
    int report;
};

/* Runs in a fresh fork of the spawner and never returns. */
SKN_NORETURN void skn_exec_keeper(const struct skn_exec_start *start);

/* Runs in a fresh fork of the keeper: becomes the program, or writes a FAILED report to `failed` and
 * exits. Descriptors 0, 1, 2 are the program's already. */
SKN_NORETURN void skn_exec_become(const struct skn_exec_start *start, pid_t keeper, int failed);
