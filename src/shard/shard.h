/* shard.h - one shard with its journal and its store: opens them, turns the core, and lets nothing
 * out before it is durable.
 *
 * Owns        core, store and journal of the shard.
 * May include base, value, observe, env, journal, store, core.
 * Threads     one: whoever turns it.
 * Invariants
 *   1. A record is appended to the journal before the next message is handled, and its outputs leave
 *      after the flush that made it durable (P1, [E22]).
 *   2. After an error of turn nothing leaves any more: the shard can only be abandoned [E7].
 */
#pragma once

#include "core/core.h"
#include "env/env.h"
#include "journal/journal.h"

struct skn_shard;

struct skn_shard_options {
    struct skn_env *env;                       /* borrowed */
    const char *dir;                           /* of the journal; made when it is not there */
    const struct skn_program *const *programs; /* borrowed; ends with NULL */
    struct skn_core_limits limits;
    bool take_up_all;
    bool check_rebuild;     /* [E24]: each message handled twice */
    uint32_t segment_bytes; /* of the first segment; 0: the journal's own */
    bool no_reserve;        /* none for a full disk [E8] */
};

/* Opens the journal, makes the rows again from it, begins an epoch and makes that durable. */
SKN_MUST_USE enum skn_rc skn_shard_open(const struct skn_shard_options *options,
                                        struct skn_shard **out_shard,
                                        struct skn_diag *diag);

/* A clean stop: the journal is sealed. NULL is fine. The shard is gone whatever comes back. */
enum skn_rc skn_shard_close(struct skn_shard *shard, struct skn_diag *diag);

/* Frees it as a kill would leave it: nothing is written. */
void skn_shard_abandon(struct skn_shard *shard);

/* Handles what waits, up to a group, and makes it durable with one sync. `out_more`: there is more
 * to do at once. */
SKN_MUST_USE enum skn_rc
skn_shard_turn(struct skn_shard *shard, bool *out_more, struct skn_diag *diag);

/* Free space as of the last look, at most a second old [E8]: refuse new work from outside when it is
 * low. At STOP the next turn ends with SKN_EDISKFULL, and the shard is to be closed. */
enum skn_journal_disk skn_shard_disk(const struct skn_shard *shard);

/* Until it wants a turn though nothing came: -1 never, 0 now. */
int skn_shard_timeout_ms(struct skn_shard *shard);

struct skn_core *skn_shard_core(struct skn_shard *shard);
struct skn_store *skn_shard_store(struct skn_shard *shard);
uint64_t skn_shard_now_ms(struct skn_shard *shard);

/* The rows of a journal that somebody else may hold: for looking only. Destroy with
 * skn_store_destroy. SKN_ENOENT: there is no journal. */
SKN_MUST_USE enum skn_rc skn_shard_read(struct skn_env *env,
                                        const char *dir,
                                        struct skn_store **out_store,
                                        struct skn_diag *diag);

/* Checks everything that is stored: every byte of the journal, then that its records lead to the
 * rows, the state hashes and the epochs that they say. Changes nothing; somebody else may hold it.
 * SKN_ECORRUPT names file and offset, or the record. `out_info` may be NULL. */
SKN_MUST_USE enum skn_rc skn_shard_verify(struct skn_env *env,
                                          const char *dir,
                                          struct skn_journal_info *out_info,
                                          struct skn_diag *diag);
