/* past.c - what a domain had at a stamp. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/past.h"

#include "base/mem.h"
#include "env/env.h"
#include "node/backup.h"
#include "node/engine_internal.h"
#include "node/keys_internal.h"
#include "node/manifest_internal.h"
#include "node/past_internal.h"
#include "store/rocks/rocks.h"

#include <string.h>

enum { TRIES = 5 };

/* --- files ------------------------------------------------------------------------------------------ */

void skn_past_files_init(struct skn_past_files *files, struct skn_env *env, const char *data_path)
{
    *files = (struct skn_past_files){.env = env,
                                     .data_path = data_path,
                                     .dir = {.fd = -1, .lock_fd = -1},
                                     .journal = skn_path_join(data_path, "journal"),
                                     .store = skn_path_join(data_path, "store"),
                                     .history = skn_path_join(data_path, "history")};
}

void skn_past_files_fini(struct skn_past_files *files)
{
    skn_backend_destroy(files->backend);
    skn_data_dir_close(&files->dir);
    enum skn_rc rc = files->is_copy ? skn_folder_remove(files->env, files->store, NULL) : SKN_OK;
    (void)rc; /* what stays is removed by the next opening */
    skn_free(files->journal);
    skn_free(files->store);
    skn_free(files->history);
    *files = (struct skn_past_files){.dir = {.fd = -1, .lock_fd = -1}};
}

static struct skn_rocks_options
rocks_options(struct skn_env *env, const char *dir, const struct skn_journal_info *info)
{
    struct skn_rocks_options options = {.env = env, .dir = dir, .is_read_only = true};
    static_assert(sizeof options.store_id == sizeof info->store_id, "one id for both");
    memcpy(options.store_id, info->store_id, sizeof options.store_id);
    return options;
}

enum skn_rc skn_past_open_base(void *ctx,
                               const char *dir,
                               const struct skn_journal_info *info,
                               struct skn_backend **out_backend,
                               struct skn_diag *diag)
{
    const struct skn_rocks_options options = rocks_options(ctx, dir, info);
    return skn_rocks_open(&options, out_backend, diag);
}

/* The store of now. A holder has it to itself. */
static enum skn_rc open_store(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag)
{
    struct skn_past_files *files = ctx;
    const struct skn_rocks_options options = rocks_options(files->env, files->store, info);
    *out_backend = NULL;
    enum skn_rc rc =
        files->is_copy ? SKN_OK : skn_data_dir_open(files->data_path, &files->dir, diag);
    if (rc == SKN_OK && !files->is_copy) rc = skn_data_dir_lock(&files->dir, SKN_HOLD_SHARED, diag);
    if (rc == SKN_OK) rc = skn_rocks_open(&options, &files->backend, diag);
    if (rc == SKN_ENOENT || rc == SKN_EBUSY) return SKN_OK;
    if (rc == SKN_OK) *out_backend = files->backend;
    return rc;
}

struct skn_shards_options skn_past_files_options(struct skn_past_files *files)
{
    return (struct skn_shards_options){
        .env = files->env,
        .dir = files->journal,
        .open_store = open_store,
        .store_ctx = files,
        .history = {.dir = files->history, .open_base = skn_past_open_base, .ctx = files->env}};
}

/* --- at a stamp -------------------------------------------------------------------------------------- */

struct skn_past {
    struct skn_past_files files;
    struct skn_shards *shards;
    struct skn_slice address; /* into `bytes` */
    uint8_t bytes[];
};

enum skn_rc skn_past_open(struct skn_env *env,
                          const char *data_path,
                          struct skn_slice address,
                          uint64_t stamp,
                          const char *copy,
                          struct skn_past **out_past,
                          struct skn_diag *diag)
{
    struct skn_past *past = skn_alloc_zero(1, sizeof *past + address.len);
    memcpy(past->bytes, address.ptr, address.len);
    past->address = skn_slice(past->bytes, address.len);
    past->files.dir = (struct skn_data_dir){.fd = -1, .lock_fd = -1};
    enum skn_rc rc = skn_restore_may_read(data_path, diag);
    if (rc == SKN_OK) rc = SKN_EBUSY;
    for (int i = 0; rc == SKN_EBUSY && i < (copy ? 1 : TRIES); i++) { /* a copy is used once */
        skn_past_files_fini(&past->files);
        skn_past_files_init(&past->files, env, data_path);
        if (copy) {
            skn_free(past->files.store);
            past->files.store = skn_dup(copy, strlen(copy));
            past->files.is_copy = true;
        }
        const struct skn_shards_options options = skn_past_files_options(&past->files);
        rc = skn_shards_open_at(&options, past->address, stamp, &past->shards, diag);
    }
    if (rc == SKN_OK)
        *out_past = past;
    else
        skn_past_close(past);
    return rc;
}

void skn_past_close(struct skn_past *past)
{
    if (!past) return;
    skn_shards_abandon(past->shards);
    skn_past_files_fini(&past->files);
    skn_free(past);
}

struct show {
    struct skn_call call;
    const struct skn_past *past;
    const struct skn_past_query *query;
    struct skn_buf *out;
};

static bool was_pruned(void *ctx, struct skn_slice key)
{
    const struct skn_past *past = ctx;
    return skn_shards_was_pruned(past->shards, key);
}

static enum skn_rc show(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    const struct show *s = SKN_CONTAINER_OF(call, struct show, call);
    struct domain_query query = {.address = s->past->address,
                                 .has_key = s->query->has_key,
                                 .limit = s->query->limit,
                                 .was_pruned = was_pruned,
                                 .pruned_ctx = (void *)(uintptr_t)s->past};
    struct skn_buf after, key;
    skn_buf_init(&after, SKN_PRIVATE_KEY_MAX + 1);
    skn_buf_init(&key, SKN_PRIVATE_KEY_MAX + 1);
    enum skn_rc rc = domain_key(s->query->after, &after, &call->diag);
    if (rc == SKN_OK) rc = domain_key(s->query->key, &key, &call->diag);
    query.after = skn_buf_slice(&after);
    query.key = skn_buf_slice(&key);
    if (rc == SKN_OK) rc = domain_show(&query, core, store, s->out, &call->diag);
    skn_buf_fini(&key);
    skn_buf_fini(&after);
    return rc;
}

enum skn_rc skn_past_show(struct skn_past *past,
                          const struct skn_past_query *query,
                          struct skn_buf *out_json,
                          struct skn_diag *diag)
{
    struct show s = {.call = {.fn = show}, .past = past, .query = query, .out = out_json};
    struct skn_shards_event event;
    s.call.shard = skn_shards_of(past->shards, past->address);
    skn_shards_call(past->shards, &s.call);
    bool has_come = skn_shards_next_event(past->shards, &event);
    SKN_ASSERT(has_come && event.call == &s.call);
    if (s.call.rc == SKN_ENOENT && !query->has_key)
        return SKN_FAIL(
            diag, SKN_ENOENT, "there was no domain \"%.*s\" then", SKN_FMT(past->address));
    if (diag && s.call.rc != SKN_OK) *diag = s.call.diag;
    return s.call.rc;
}

enum skn_rc skn_past_replay(struct skn_env *env,
                            const char *data_path,
                            bool runs_commands,
                            struct skn_past_replayed *out,
                            struct skn_diag *diag)
{
    struct skn_past_files files;
    struct skn_shards_replayed replayed = {.shards = 0};
    struct skn_keyring *ring = NULL;
    char *project = skn_path_join(data_path, ".."); /* its keys and limits are inputs of P4 */
    struct skn_arena arena;
    struct skn_config config = {.history_ms = 0};
    skn_arena_init(&arena);
    enum skn_rc rc = skn_config_read(env, project, &arena, &config, diag);
    if (rc == SKN_OK && config.key_command && !runs_commands)
        rc = SKN_FAIL(diag,
                      SKN_ECONFIG,
                      "the skein.yaml beside \"%s\" says to run \"%s\" for the sealing key, and it "
                      "is not of this project: --key-command runs it",
                      data_path,
                      config.key_command[0]);
    if (rc == SKN_OK) rc = skn_keys_load(&config, project, data_path, &ring, diag);
    skn_arena_fini(&arena);
    skn_free(project);
    if (rc == SKN_OK) rc = SKN_EBUSY;
    for (int i = 0; rc == SKN_EBUSY && i < TRIES; i++) {
        skn_past_files_init(&files, env, data_path);
        struct skn_shards_options options = skn_past_files_options(&files);
        options.programs = engine_programs;
        options.keys = ring;
        options.limits = config.limits;
        rc = skn_shards_replay(&options, &replayed, diag);
        skn_past_files_fini(&files);
    }
    skn_keyring_destroy(ring);
    const struct skn_replay *r = &replayed.records;
    *out = (struct skn_past_replayed){.executed = r->executed,
                                      .applied = r->other_module + r->other_limits + r->no_rows};
    return rc;
}

/* --- records ------------------------------------------------------------------------------------------ */

enum skn_rc skn_past_records(struct skn_env *env,
                             const char *data_path,
                             skn_journal_replay_fn fn,
                             void *ctx,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    struct skn_past_files files;
    struct skn_file *lock = NULL;
    skn_past_files_init(&files, env, data_path);
    uint64_t from;
    enum skn_rc rc = skn_history_lock(env, files.history, &lock, &from, diag);
    if (rc == SKN_OK)
        rc = skn_journal_read_archive(
            env, files.journal, files.history, from, fn, ctx, out_info, diag);
    skn_file_close(lock);
    skn_past_files_fini(&files);
    return rc;
}
