/* past.h - looking back: what a domain had at a stamp, and what its records say [E70].
 *
 * Owns        what it has open to read.
 * May include base, env, journal.
 * Threads     one. Reads files beside a holder or without one, and changes nothing.
 */
#pragma once

#include "base/buf.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"
#include "journal/journal.h"

struct skn_past;

/* `copy`: a folder with a copy of the store that the holder just made (skn_client_snapshot), for when
 * nothing else leads there; removed by close, or at once when this fails. NULL: the store itself, unless
 * somebody holds it. SKN_ENOENT: not kept, and since when it is; or nothing was ever run. SKN_EBUSY: the
 * holder changed too much meanwhile, try again. */
SKN_MUST_USE enum skn_rc skn_past_open(struct skn_env *env,
                                       const char *data_path,
                                       struct skn_slice address,
                                       uint64_t stamp,
                                       const char *copy,
                                       struct skn_past **out_past,
                                       struct skn_diag *diag);
void skn_past_close(struct skn_past *past);

struct skn_past_query {
    struct skn_slice after; /* rows behind this key */
    struct skn_slice key;   /* one row, when `has_key` */
    bool has_key;
    uint32_t limit;
};

/* What `domain get` shows (doc/json.md), as it was then; rows that were pruned later have the member
 * `pruned` and no value. SKN_ENOENT: the domain, or the row, was not there. */
SKN_MUST_USE enum skn_rc skn_past_show(struct skn_past *past,
                                       const struct skn_past_query *query,
                                       struct skn_buf *out_json,
                                       struct skn_diag *diag);

struct skn_past_replayed {
    uint64_t executed;
    uint64_t
        applied; /* not executed: other module, other limits, or not all that they took is known */
};

/* `runs_commands`: a `key_command` of the skein.yaml beside the data is run; else one is SKN_ECONFIG, since
 * who only looks at data does not do what it says.
 *   Executes the records that are kept again, from the oldest base there is or from nothing, and compares
 * each batch and state hash (P4) [E70]. SKN_ECORRUPT names the first record that differs; SKN_ENOENT:
 * nothing that is kept leads to the records, which a holder has with its store. */
SKN_MUST_USE enum skn_rc skn_past_replay(struct skn_env *env,
                                         const char *data_path,
                                         bool runs_commands,
                                         struct skn_past_replayed *out,
                                         struct skn_diag *diag);

/* All records that are kept, in order, as skn_journal_read gives them; info.oldest is 1 when none is
 * gone. SKN_EBUSY: begin again. */
SKN_MUST_USE enum skn_rc skn_past_records(struct skn_env *env,
                                          const char *data_path,
                                          skn_journal_replay_fn fn,
                                          void *ctx,
                                          struct skn_journal_info *out_info,
                                          struct skn_diag *diag);
