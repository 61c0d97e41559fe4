/* dir_internal.h - the data directory of a project: who may open it, and the lock on it [E80].
 *
 * Owns        `.skein/` (0700), `.skein/.gitignore`, `.skein/lock`.
 * Invariants
 *   1. The lock is the flock on `.skein/lock`; its text, a process id, is for people only.
 *   2. The descriptor of the lock is inherited by what is forked, and closed by exec: the lock is
 *      free only when the spawner has ended too, after it killed what it had started [E43b].
 */
#pragma once

#include "base/diag.h"
#include "base/rc.h"

enum skn_hold { SKN_HOLD_NONE, SKN_HOLD_SHARED, SKN_HOLD_EXCLUSIVE };

struct skn_data_dir {
    const char *path; /* borrowed */
    int fd;           /* the directory */
    int lock_fd;      /* or -1 */
    enum skn_hold lock;
};

/* Opens an existing directory. SKN_ENOENT: there is none. SKN_EPERM: it is not ours. */
SKN_MUST_USE enum skn_rc
skn_data_dir_open(const char *path, struct skn_data_dir *out_dir, struct skn_diag *diag);

/* The same, after making it when it is not there. SKN_EPERM: its parent cannot be written to. */
SKN_MUST_USE enum skn_rc
skn_data_dir_create(const char *path, struct skn_data_dir *out_dir, struct skn_diag *diag);

/* Closes it and gives the lock back. Closed or zeroed with fd -1 is fine. */
void skn_data_dir_close(struct skn_data_dir *dir);

/* Takes the lock without waiting. SKN_EBUSY: somebody has it the other way. An exclusive one writes
 * our process id. */
SKN_MUST_USE enum skn_rc
skn_data_dir_lock(struct skn_data_dir *dir, enum skn_hold lock, struct skn_diag *diag);

/* The process id in the lock file, 0 when there is none or it is of a dead process. It may still be
 * out of date. */
long skn_data_dir_pid(const struct skn_data_dir *dir);
