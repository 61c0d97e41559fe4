/* file_backend.h - a memory backend whose backup is one file on whatever disk the env has, so that a
 * simulated machine has bases to look back from [E70].
 *
 * Owns        of a backend that a backup was opened as: its rows.
 * May include base, env, store/backend.
 * Threads     none.
 */
#pragma once

#include "env/env.h"
#include "store/backend/backend.h"

/* Passes everything on to `memory`, borrowed; a backup is exact: nothing may be unflushed then. */
struct skn_backend *
file_backend_create(struct skn_env *env, struct skn_backend *memory, uint32_t shards) SKN_MUST_USE;
/* Opens a backup. SKN_ENOENT; SKN_ECORRUPT: it is not whole. */
SKN_MUST_USE enum skn_rc file_backend_open(struct skn_env *env,
                                           const char *dir,
                                           struct skn_backend **out,
                                           struct skn_diag *diag);
