/* history_verify.c - what is kept for looking back, read whole and checked [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/history_internal.h"
#include "shard/parts_internal.h"

/* Every row of a base, and that they are those of its positions. */
static enum skn_rc check_rows(struct skn_backend *backend, uint32_t shards, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (uint32_t i = 0; rc == SKN_OK && i < shards; i++) {
        struct skn_store *store = NULL;
        const struct skn_store_options options = {.backend = backend, .shard = i};
        rc = skn_store_open(&options, &store, diag);
        if (rc != SKN_OK) break;
        skn_store_set_blocking(store, true);
        rc = skn_store_verify(store, diag);
        skn_store_destroy(store);
    }
    return rc;
}

static enum skn_rc check_bases(const struct skn_shards_options *options,
                               const struct skn_journal_info *info,
                               struct skn_history_verified *out,
                               struct skn_diag *diag)
{
    const struct skn_history_options *history = &options->history;
    struct history_names names;
    enum skn_rc rc = history_list(options->env, history->dir, &names, diag);
    if (rc != SKN_OK) return rc;
    for (size_t i = 0; rc == SKN_OK && i < names.base_count; i++) {
        struct skn_backend *backend = NULL;
        if (!history_is_whole(options->env, history->dir, &names.bases[i])) continue;
        char *path = history_base_path(history->dir, &names.bases[i], ".base");
        rc = history->open_base(history->ctx, path, info, &backend, diag);
        skn_free(path);
        if (rc == SKN_OK) rc = check_rows(backend, info->shards, diag);
        skn_backend_destroy(backend);
        out->bases += rc == SKN_OK;
    }
    history_names_fini(&names);
    return rc;
}

struct records {
    struct skn_shards *all; /* NULL: there is nothing that they could be applied to */
    struct skn_history_verified *out;
};

static enum skn_rc see_record(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct records *r = ctx;
    r->out->records++;
    return r->all ? shards_redo(r->all, record, diag) : SKN_OK;
}

/* The records behind the oldest base lead to the states that they say, up to the journal's end. */
static enum skn_rc check_records(const struct skn_shards_options *options,
                                 struct past_begin *begin,
                                 struct skn_history_verified *out,
                                 struct skn_diag *diag)
{
    static const struct skn_program *const none[] = {NULL};
    struct skn_shards *all = shards_new(options, true);
    struct records records = {.all = all, .out = out};
    all->past = skn_alloc_zero(1, sizeof *all->past);
    all->past->base = begin->base;
    all->past->lock = begin->lock;
    begin->base = NULL;
    begin->lock = NULL;
    all->programs = none;
    all->backend = begin->backend;
    enum skn_rc rc = shards_create(all, &begin->info, diag);
    if (rc == SKN_OK)
        rc = skn_journal_read_archive(options->env,
                                      options->dir,
                                      options->history.dir,
                                      begin->segment,
                                      see_record,
                                      &records,
                                      NULL,
                                      diag);
    if (rc == SKN_OK) rc = shards_check_positions(all, diag);
    shards_free(all);
    return rc;
}

enum skn_rc skn_shards_verify_history(const struct skn_shards_options *given,
                                      struct skn_history_verified *out,
                                      struct skn_diag *diag)
{
    struct skn_shards_options options = *given;
    struct past_begin begin;
    struct skn_file *lock = NULL;
    uint64_t from;
    *out = (struct skn_history_verified){.bases = 0};
    options.backend = NULL; /* what is there for now is no history */
    options.open_store = NULL;
    enum skn_rc rc = skn_history_lock(options.env, options.history.dir, &lock, &from, diag);
    if (rc != SKN_OK || !lock) return rc;
    rc = past_find_oldest(&options, &begin, diag);
    if (rc == SKN_OK) {
        rc = check_bases(&options, &begin.info, out, diag);
        if (rc == SKN_OK) rc = check_records(&options, &begin, out, diag);
        past_begin_fini(&begin);
    } else if (rc == SKN_ENOENT) { /* no base is whole: then its segments alone */
        struct records records = {.out = out};
        rc = skn_journal_read_archive(
            options.env, options.dir, options.history.dir, from, see_record, &records, NULL, diag);
    }
    skn_file_close(lock);
    return rc;
}
