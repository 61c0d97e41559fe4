/* proc_internal.h - what /proc tells about other processes, and killing without mistakes.
 *
 * A process number can be given to another process between looking and killing. So a process is held
 * by a pidfd, looked at again, and killed through it. Without pidfd_open (before Linux 5.3, or
 * forbidden) it is killed by number at once after the second look.
 */
#pragma once

#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"

#include <sys/types.h>

/* What a sweep looks for. */
struct skn_exec_quarry {
    struct skn_slice mark; /* of SKEIN_SPAWNER in an environment; empty: do not look */
    dev_t dev;             /* of a file held open ... */
    ino_t ino;
    bool has_file;  /* ... if set */
    pid_t spare[3]; /* never these; 0 for none */
};

/* Kills every process that carries the mark or holds the file, and returns how many there were.
 * Appends "number (name)" of the first few to `names`. */
uint32_t skn_exec_sweep(const struct skn_exec_quarry *quarry, struct skn_buf *names);

/* Kills every descendant of the calling process once and says how many there were, the dead that
 * nobody has waited for not counted. A child that `is_spared` (which may be NULL) names is left
 * alone, and all under it. What dies leaves its children to the caller, a child subreaper, so calling
 * it until wait has no child left reaches all. */
uint32_t skn_exec_kill_descendants(bool (*is_spared)(const void *context, pid_t pid),
                                   const void *context);

/* Makes every descriptor from `first` on close, but for `keep`. */
void skn_exec_close_from(int first, int keep);
