/* lock_internal.h - DIR/spawner.lock: one spawner at a time, and nothing left of the last one.
 *
 * The file, level 1. It is not synced: after a power cut nothing of an earlier spawner lives, and
 * what cannot be read names no mark.
 *
 *    0   7  "SKNLOCK"
 *    7   1  level: 1
 *    8  32  mark of the last spawner, lower case hex; missing: it left nothing behind
 *   40   1  newline
 */
#pragma once

#include "exec/frame_internal.h"

#include <sys/types.h>

struct skn_exec_lock {
    int fd;       /* locked; programs inherit it as SKN_EXEC_LOCK_FD */
    int write_fd; /* closed on exec, so that no program can write the file through its own */
    char mark[SKN_EXEC_MARK_BYTES + 1];
    uint32_t swept; /* processes of the last spawner that were killed */
};

/* Waits for the lock, kills what is left of the last spawner [E43b], and writes a new mark. Blocks up
 * to lock_wait_ms. SKN_EBUSY names the processes that would not go. */
SKN_MUST_USE enum skn_rc skn_exec_lock_take(const struct skn_spawner_options *options,
                                            pid_t node,
                                            struct skn_exec_lock *out_lock,
                                            struct skn_diag *diag);

/* Says that nothing was left behind, so that the next start need not look. The lock itself goes with
 * the last descriptor. */
void skn_exec_lock_leave_clean(struct skn_exec_lock *lock);
