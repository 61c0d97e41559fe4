/* verify.c - all that is stored in a data directory, read whole and checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/blob_rows_internal.h"
#include "node/node.h"
#include "node/past_internal.h"
#include "node/programs_internal.h"
#include "shard/shards.h"
#include "store/rocks/rocks.h"

#include <string.h>

struct verify {
    struct skn_env *env;
    const char *store; /* folder */
    struct skn_backend *backend;
};

static enum skn_rc open_store(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag)
{
    struct verify *v = ctx;
    struct skn_rocks_options options = {.env = v->env, .dir = v->store, .is_read_only = true};
    static_assert(sizeof options.store_id == sizeof info->store_id, "one id for both");
    memcpy(options.store_id, info->store_id, sizeof options.store_id);
    enum skn_rc rc = skn_rocks_open(&options, &v->backend, diag);
    *out_backend = v->backend;
    if (rc != SKN_ENOENT) return rc;
    if (!info->is_trimmed) return SKN_OK; /* all is in the journal */
    return skn_data_store_is_gone(v->store, diag);
}

enum skn_rc skn_data_store_is_gone(const char *store, struct skn_diag *diag)
{
    return SKN_CORRUPT(diag,
                       "the store in \"%s\" is gone, and the journal goes back no further than "
                       "its checkpoints: put the folder back, or restore a backup",
                       store);
}

enum skn_rc
skn_data_check_journal(struct skn_env *env, const char *data_path, struct skn_diag *diag)
{
    struct skn_buf path;
    struct skn_journal_info info;
    struct skn_file *mark = NULL;
    skn_buf_init(&path, 1 << 16);
    skn_buf_printf(&path, "%s/journal", data_path);
    enum skn_rc rc = skn_journal_peek(env, skn_buf_str(&path), &info, diag);
    if (rc == SKN_ENOENT) {
        skn_buf_reset(&path);
        skn_buf_printf(&path, "%s/store/skein.mark", data_path);
        rc = skn_env_open(env, skn_buf_str(&path), SKN_OPEN_READ, &mark, NULL);
        skn_file_close(mark);
        rc = rc == SKN_ENOENT ? SKN_OK
                              : SKN_CORRUPT(diag,
                                            "the journal in \"%s/journal\" is gone and its store "
                                            "is still there: put the folder back, or restore a "
                                            "backup",
                                            data_path);
    } else {
        rc = SKN_OK; /* what is wrong with it is said by who opens it */
    }
    skn_buf_fini(&path);
    return rc;
}

enum skn_rc skn_data_verify(struct skn_env *env,
                            const char *data_path,
                            struct skn_journal_info *out_info,
                            struct skn_diag *diag)
{
    struct skn_buf journal, store;
    skn_buf_init(&journal, 1 << 16);
    skn_buf_init(&store, 1 << 16);
    skn_buf_printf(&journal, "%s/journal", data_path);
    skn_buf_printf(&store, "%s/store", data_path);
    struct verify v = {.env = env, .store = skn_buf_str(&store)};
    const struct skn_shards_options options = {.env = env,
                                               .dir = skn_buf_str(&journal),
                                               .programs = engine_programs,
                                               .open_store = open_store,
                                               .store_ctx = &v};
    enum skn_rc rc = skn_data_check_journal(env, data_path, diag);
    if (rc == SKN_OK) rc = skn_shards_verify(&options, out_info, diag);
    skn_backend_destroy(v.backend);
    skn_buf_fini(&journal);
    skn_buf_fini(&store);
    return rc;
}

enum skn_rc skn_data_verify_blobs(struct skn_env *env,
                                  const char *data_path,
                                  struct skn_data_blobs *out_blobs,
                                  struct skn_diag *diag)
{
    struct skn_rows rows;
    skn_rows_init(&rows, env, data_path);
    enum skn_rc rc = skn_rows_open(&rows, true, diag);
    if (rc == SKN_OK) rc = skn_blob_rows_check(&rows, data_path, out_blobs, diag);
    skn_rows_fini(&rows);
    return rc;
}

enum skn_rc skn_data_verify_history(struct skn_env *env,
                                    const char *data_path,
                                    struct skn_data_history *out,
                                    struct skn_diag *diag)
{
    struct skn_buf journal, history;
    struct skn_history_verified verified;
    skn_buf_init(&journal, 1 << 16);
    skn_buf_init(&history, 1 << 16);
    skn_buf_printf(&journal, "%s/journal", data_path);
    skn_buf_printf(&history, "%s/history", data_path);
    const struct skn_shards_options options = {
        .env = env,
        .dir = skn_buf_str(&journal),
        .history = {.dir = skn_buf_str(&history), .open_base = skn_past_open_base, .ctx = env}};
    enum skn_rc rc = skn_shards_verify_history(&options, &verified, diag);
    *out = (struct skn_data_history){.bases = verified.bases, .records = verified.records};
    skn_buf_fini(&journal);
    skn_buf_fini(&history);
    return rc;
}
