/* history_internal.h - the folder of what is kept for looking back [E70]; drawn in shards.h.
 *
 * Owns        nothing but what its structs hold.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "env/env.h"

enum { HISTORY_NAME_BYTES = 48 };

#define HISTORY_OK_TEXT "skein-history 1\n" /* level 1 */

struct history_base {
    uint64_t made_ms;
    uint64_t segment; /* the oldest that it may need */
    bool is_whole;    /* its .ok is there */
    bool has_folder;
};

/* What is in the folder: bases from the oldest to the newest, segments in no order. */
struct history_names {
    struct history_base *bases;
    size_t base_count;
    uint64_t *segments;
    size_t segment_count;
};

/* SKN_ENOENT: there is no folder. */
SKN_MUST_USE enum skn_rc history_list(struct skn_env *env,
                                      const char *dir,
                                      struct history_names *out,
                                      struct skn_diag *diag);
void history_names_fini(struct history_names *names);

/* "dir/<made>-<segment>.base", or with another end; "dir/<segment>.seg"; "dir/name". The caller's to
 * free. */
char *history_base_path(const char *dir, const struct history_base *base, const char *end);
char *history_segment_path(const char *dir, uint64_t segment);
char *history_path(const char *dir, const char *name);

/* Takes the lock of the folder without waiting; `how` is ANY to make it when there is none. SKN_EBUSY. */
SKN_MUST_USE enum skn_rc history_lock(struct skn_env *env,
                                      const char *dir,
                                      enum skn_lock kind,
                                      struct skn_file **out_lock,
                                      struct skn_diag *diag);

/* The oldest segment that a whole base may need: all from there on that were let go were kept as they
 * are. UINT64_MAX: there is no base. */
uint64_t history_from(struct skn_env *env, const char *dir);

/* Whether a base is there and whole, and of a level that this program knows. */
bool history_is_whole(struct skn_env *env, const char *dir, const struct history_base *base);
