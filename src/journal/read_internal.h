/* read_internal.h - looking at a journal beside an owner who may write and trim at this moment.
 *
 * Owns        nothing.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "journal/scan_internal.h"

/* Begins and runs a scan of which env, dir and is_strict are set, again where the owner was in the
 * way. SKN_EBUSY: he was each time. */
SKN_MUST_USE enum skn_rc skn_jread_look(struct skn_jscan *scan, struct skn_diag *diag);

/* skn_jscan_again that gives all groups before `stop_at`; SKN_EBUSY: the owner has trimmed since. */
SKN_MUST_USE enum skn_rc skn_jread_again(struct skn_jscan *scan,
                                         uint64_t stop_at,
                                         skn_journal_replay_fn replay,
                                         void *ctx,
                                         struct skn_diag *diag);

/* Whether the owner has trimmed since the scan began, and what to say then. */
bool skn_jread_is_stale(struct skn_jscan *scan);
SKN_MUST_USE enum skn_rc skn_jread_busy(const struct skn_jscan *scan, struct skn_diag *diag);
