/* files_internal.h - the folder of a journal: its names, its superblock, and how a segment is made.
 *
 * Owns        nothing but what its structs hold.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "env/env.h"
#include "journal/format_internal.h"

enum {
    SKN_JF_STEP_BYTES = 256 << 10, /* written at a time while a segment is made [E1] */
};

/* "dir/name"; gives it to the caller. */
char *skn_jf_path(const char *dir, const char *name);

/* What is in the folder, in order. */
struct skn_jf_names {
    uint64_t *segments;
    size_t count;
    size_t cap;
    char **unfinished; /* names that end in ".tmp" */
    size_t unfinished_count;
    bool has_super;
    bool has_reserve;
};

/* SKN_ENOENT when there is no folder. */
SKN_MUST_USE enum skn_rc skn_jf_list(struct skn_env *env,
                                     const char *dir,
                                     struct skn_jf_names *out_names,
                                     struct skn_diag *diag);
void skn_jf_names_fini(struct skn_jf_names *names);

/* Removes `dir/name`. */
SKN_MUST_USE enum skn_rc
skn_jf_remove(struct skn_env *env, const char *dir, const char *name, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_jf_remove_segment(struct skn_env *env, const char *dir, uint64_t number, struct skn_diag *diag);

/* Opens `dir/<number>.seg`. */
SKN_MUST_USE enum skn_rc skn_jf_open_segment(struct skn_env *env,
                                             const char *dir,
                                             uint64_t number,
                                             enum skn_open how,
                                             struct skn_file **out_file,
                                             struct skn_diag *diag);

/* Reads both slots and takes the valid one of the greater sequence. `out_has_bad_slot`: the other
 * one is malformed; it was being written, or it is damaged. */
SKN_MUST_USE enum skn_rc skn_jf_read_super(struct skn_file *file,
                                           const char *dir,
                                           struct skn_jf_super *out_super,
                                           bool *out_has_bad_slot,
                                           struct skn_diag *diag);

/* Writes the superblock under the next sequence into the slot of that, and syncs. */
SKN_MUST_USE enum skn_rc
skn_jf_write_super(struct skn_file *file, struct skn_jf_super *super, struct skn_diag *diag);

/* Makes `dir/super` with both slots; durable only after a sync of the folder. Gives the file. */
SKN_MUST_USE enum skn_rc skn_jf_make_super(struct skn_env *env,
                                           const char *dir,
                                           struct skn_jf_super *super,
                                           struct skn_file **out_file,
                                           struct skn_diag *diag);

/* A segment on its way: under a temporary name until it is whole and synced [E1]. */
struct skn_jf_maker {
    struct skn_jf_segment head;
    struct skn_file *file; /* NULL: none is being made */
    uint64_t written;
};

/* `first`, which may be empty, is what stands behind the header block: a multiple of 4 KiB. */
SKN_MUST_USE enum skn_rc skn_jf_maker_begin(struct skn_jf_maker *maker,
                                            struct skn_env *env,
                                            const char *dir,
                                            const struct skn_jf_segment *head,
                                            struct skn_slice first,
                                            struct skn_diag *diag);

/* Writes at most SKN_JF_STEP_BYTES of zeros. */
SKN_MUST_USE enum skn_rc skn_jf_maker_step(struct skn_jf_maker *maker, struct skn_diag *diag);
bool skn_jf_maker_is_full(const struct skn_jf_maker *maker);

/* Syncs it and gives it its name; durable only after a sync of the folder. Gives the file. */
SKN_MUST_USE enum skn_rc skn_jf_maker_finish(struct skn_jf_maker *maker,
                                             struct skn_env *env,
                                             const char *dir,
                                             bool skip_sync,
                                             struct skn_file **out_file,
                                             struct skn_diag *diag);

/* Forgets it; its temporary file is left to the next opening. */
void skn_jf_maker_drop(struct skn_jf_maker *maker);
