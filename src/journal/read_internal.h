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

/* Whether the owner has trimmed since the scan began. */
bool skn_jread_is_stale(struct skn_jscan *scan);
SKN_MUST_USE enum skn_rc skn_jread_busy(const struct skn_jscan *scan, struct skn_diag *diag);
