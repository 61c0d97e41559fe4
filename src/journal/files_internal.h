/* files_internal.h - the folder of a journal: its names and its superblock.
 *
 * Owns        nothing but what its structs hold.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "env/env.h"
#include "journal/format_internal.h"

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

/* Opens `dir/name`. */
SKN_MUST_USE enum skn_rc skn_jf_open(struct skn_env *env,
                                     const char *dir,
                                     const char *name,
                                     enum skn_open how,
                                     struct skn_file **out_file,
                                     struct skn_diag *diag);

/* `dir/from` becomes `dir/to`. */
SKN_MUST_USE enum skn_rc skn_jf_rename(
    struct skn_env *env, const char *dir, const char *from, const char *to, struct skn_diag *diag);

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
