/* rows.c - journal and store of a data directory or a backup, opened together to look. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/rows_internal.h"

#include "base/mem.h"
#include "node/programs_internal.h"
#include "store/rocks/rocks.h"

#include <string.h>

void skn_rows_init(struct skn_rows *rows, struct skn_env *env, const char *dir)
{
    *rows = (struct skn_rows){
        .env = env, .journal = skn_path_join(dir, "journal"), .store = skn_path_join(dir, "store")};
}

void skn_rows_fini(struct skn_rows *rows)
{
    skn_rows_close(rows);
    skn_free(rows->journal);
    skn_free(rows->store);
    *rows = (struct skn_rows){0};
}

void skn_rows_close(struct skn_rows *rows)
{
    skn_backend_destroy(rows->backend);
    rows->backend = NULL;
}

enum skn_rc skn_rows_open(struct skn_rows *rows, bool is_read_only, struct skn_diag *diag)
{
    struct skn_journal_info info;
    enum skn_rc rc = skn_journal_peek(rows->env, rows->journal, &info, diag);
    if (rc != SKN_OK) return rc;
    struct skn_rocks_options options = {
        .env = rows->env, .dir = rows->store, .is_read_only = is_read_only};
    static_assert(sizeof options.store_id == sizeof info.store_id, "one id for both");
    memcpy(options.store_id, info.store_id, sizeof options.store_id);
    rc = skn_rocks_open(&options, &rows->backend, diag);
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

/* Where a shard stands. */
struct look {
    struct skn_call call;
    struct skn_position position;
};

static enum skn_rc look_at(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)core;
    SKN_CONTAINER_OF(call, struct look, call)->position = skn_store_position(store);
    return SKN_OK;
}

static void add_shards(struct skn_shards *shards, struct skn_manifest *manifest)
{
    for (uint32_t i = 0; i < skn_shards_count(shards); i++) {
        struct skn_shards_event event;
        struct look look = {.call = {.fn = look_at, .shard = i}};
        skn_shards_call(shards, &look.call);
        while (skn_shards_next_event(shards, &event)) {
        }
        skn_manifest_add_shard(manifest,
                               &(struct skn_manifest_shard){.index = look.position.index,
                                                            .state = look.position.state});
    }
}

enum skn_rc
skn_rows_verify(struct skn_rows *rows, struct skn_manifest *manifest, struct skn_diag *diag)
{
    const struct skn_shards_options options = {.env = rows->env,
                                               .dir = rows->journal,
                                               .programs = engine_programs,
                                               .backend = rows->backend};
    struct skn_journal_info info;
    struct skn_shards *shards = NULL;
    enum skn_rc rc = skn_shards_verify(&options, &info, diag);
    if (rc == SKN_OK) rc = skn_shards_open_to_read(&options, &shards, diag);
    if (rc != SKN_OK) return rc;
    memcpy(manifest->store_id, info.store_id, sizeof manifest->store_id);
    add_shards(shards, manifest);
    skn_shards_abandon(shards);
    return SKN_OK;
}
