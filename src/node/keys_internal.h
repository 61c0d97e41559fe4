/* keys_internal.h - where the keys come from that secrets are sealed with [E46].
 *
 * Owns        nothing.
 * May include base, lang/kit, seal, core.
 * Threads     any.
 *
 * A key is a line of 128 hex digits; the first one seals, the others open what is older.
 */
#pragma once

#include "base/diag.h"
#include "base/slice.h"
#include "node/config_internal.h"
#include "seal/seal.h"

enum {
    SKN_KEYS_BYTES_MAX = 64 << 10,
    SKN_KEYS_WAIT_MS = 30000, /* for the command */
};

/* The keys that the config names. SKN_OK with NULL: it has no `secrets`. SKN_ECONFIG: the file is
 * in the data directory, belongs to somebody else, or others may read it. SKN_ENOENT, SKN_EIO, .. `diag`
 * says what is wrong and nothing of a key. */
SKN_MUST_USE enum skn_rc skn_keys_load(const struct skn_config *config,
                                       const char *project_dir,
                                       const char *data_dir,
                                       struct skn_keyring **out_ring,
                                       struct skn_diag *diag);
