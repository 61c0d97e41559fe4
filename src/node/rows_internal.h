/* rows_internal.h - journal and store of a data directory or a backup, opened together to look.
 *
 * Owns        the backend while it is open.
 * May include base, env, shard, store.
 * Threads     none.
 */
#pragma once

#include "node/manifest_internal.h"
#include "shard/shards.h"

struct skn_rows {
    struct skn_env *env;
    char *journal; /* paths */
    char *store;
    struct skn_backend *backend; /* NULL: all rows are in the journal */
};

/* Paths of what lies in `dir`. */
void skn_rows_init(struct skn_rows *rows, struct skn_env *env, const char *dir);
void skn_rows_fini(struct skn_rows *rows);

/* Opens the store, when there is one. */
SKN_MUST_USE enum skn_rc
skn_rows_open(struct skn_rows *rows, bool is_read_only, struct skn_diag *diag);
void skn_rows_close(struct skn_rows *rows);

/* Reads everything, compares the state hashes, and adds each shard to the manifest. Opened. */
SKN_MUST_USE enum skn_rc
skn_rows_verify(struct skn_rows *rows, struct skn_manifest *manifest, struct skn_diag *diag);
