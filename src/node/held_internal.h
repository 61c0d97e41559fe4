/* held_internal.h - the file `held` of a data directory that was restored.
 *
 * Owns        nothing.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "node/backup.h"

/* SKN_ENOENT: it is not held. `out_is_restored` false: a restore is at work, or was cut off. */
SKN_MUST_USE enum skn_rc
skn_held_read(const char *data_dir, bool *out_is_restored, struct skn_diag *diag);
/* Durably. */
SKN_MUST_USE enum skn_rc
skn_held_put(const char *data_dir, bool is_restored, struct skn_diag *diag);
