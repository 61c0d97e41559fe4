/* maker_internal.h - a segment on its way: filled with zeros under a temporary name [E1].
 *
 * Owns        its file and its buffer, until finish or drop.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "env/env.h"
#include "journal/files_internal.h"

enum {
    SKN_JF_STEP_BYTES = 256 << 10, /* written at a time [E1] */
};

struct skn_jf_maker {
    struct skn_jf_segment head;
    struct skn_file *file; /* NULL: none is being made */
    uint8_t *memory;       /* owns */
    uint8_t *buffer;       /* in `memory`: SKN_JF_STEP_BYTES of zeros, aligned for direct writes */
    uint64_t written;
};

/* `first`, which may be empty, is what stands behind the header block: a multiple of 4 KiB. `old` is
 * the name of a file that nobody needs any more, to be written over; NULL: there is none. */
SKN_MUST_USE enum skn_rc skn_jf_maker_begin(struct skn_jf_maker *maker,
                                            struct skn_env *env,
                                            const char *dir,
                                            const struct skn_jf_segment *head,
                                            struct skn_slice first,
                                            const char *old,
                                            struct skn_diag *diag);

/* Writes at most SKN_JF_STEP_BYTES of zeros. */
SKN_MUST_USE enum skn_rc skn_jf_maker_step(struct skn_jf_maker *maker, struct skn_diag *diag);
bool skn_jf_maker_is_full(const struct skn_jf_maker *maker);

/* Syncs it and gives it its name; durable only after a sync of the folder. Gives the file, opened
 * for writing. */
SKN_MUST_USE enum skn_rc skn_jf_maker_finish(struct skn_jf_maker *maker,
                                             struct skn_env *env,
                                             const char *dir,
                                             bool skip_sync,
                                             struct skn_file **out_file,
                                             struct skn_diag *diag);

/* Forgets it; its temporary file is left to the next begin or the next opening. */
void skn_jf_maker_drop(struct skn_jf_maker *maker);

/* Removes the temporary file of a maker that was dropped, if there is one; for room on the disk. */
void skn_jf_maker_remove(struct skn_env *env, const char *dir);
