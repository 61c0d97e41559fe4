/* node.h - a project, the process that holds its data, and how every other process talks to it.
 *
 * Owns        project discovery, the data directory with its lock and socket, the holder's loop and
 *             the client's side of it.
 * May include base, value, env.
 * Threads     a project is plain data; a client belongs to the thread that opened it; a holder is
 *             one loop on the thread that runs it.
 * Invariants
 *   1. At most one process holds a data directory for writing; it has the lock of `.skein/lock`
 *      exclusively. Whoever reads without it has the lock shared [E80].
 *   2. A client never waits for a lock or a socket longer than SKN_HOLD_WAIT_MS.
 *   3. A slow or silent client never delays the holder or another client.
 */
#pragma once

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"

enum {
    SKN_HOLD_WAIT_MS = 10000, /* for a lock whose holder serves no socket [E80] */
    SKN_CLIENTS_MAX = 64,     /* connections of one holder; the next is told to come again */
};

/* --- the project ------------------------------------------------------------------------------ */

struct skn_project {
    const char *root;      /* absolute, without symbolic links */
    const char *data_path; /* root/.skein */
    bool has_config;       /* root/skein.yaml is there; false: a lone file or folder */
};

/* The project of a file or folder: the nearest folder upward with skein.yaml. Without one it is the
 * folder itself, so a lone file keeps its data beside it. SKN_ENOENT: nothing has this path.
 * SKN_EPERM: the skein.yaml that was found belongs to somebody else, whose programs it would run. */
SKN_MUST_USE enum skn_rc skn_project_find(struct skn_arena *arena,
                                          const char *path,
                                          struct skn_project *out_project,
                                          struct skn_diag *diag);

/* The project that the user named: `folder` or one above it has skein.yaml, whoever owns it, or
 * `folder` itself has data. SKN_ENOENT otherwise. */
SKN_MUST_USE enum skn_rc skn_project_named(struct skn_arena *arena,
                                           const char *folder,
                                           struct skn_project *out_project,
                                           struct skn_diag *diag);

/* Whether anything was ever run here. */
bool skn_project_has_data(const struct skn_project *project);

/* The result code for what a system call said. */
enum skn_rc skn_rc_of_errno(int error);
