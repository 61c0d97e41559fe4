/* past.c - the rows of a shard as of a stamp: a base, and the records behind it up to there [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/hlc.h"
#include "base/mem.h"
#include "core/look.h"
#include "shard/history_internal.h"
#include "shard/parts_internal.h"
#include "value/json.h"

#include <inttypes.h>
#include <string.h>

struct pruned {
    struct skn_omap_node node; /* by own key */
    uint8_t bytes[];
};

void past_free(struct skn_shards *all)
{
    struct past *past = all->past;
    struct skn_omap_node *node;
    if (!past) return;
    while ((node = skn_omap_drain(&past->pruned)))
        skn_free(SKN_CONTAINER_OF(node, struct pruned, node));
    skn_backend_destroy(past->base);
    skn_file_close(past->lock);
    skn_free(past);
    all->past = NULL;
}

bool skn_shards_was_pruned(const struct skn_shards *all, struct skn_slice own_key)
{
    return all->past && skn_omap_find(&all->past->pruned, own_key);
}

/* --- where to begin ------------------------------------------------------------------------------------ */

/* What a look begins with, as it is found. */
struct begin {
    const struct skn_shards_options *options;
    struct past *past;
    struct skn_journal_info info; /* with the archive */
    struct skn_backend *backend;  /* NULL: nothing, all records are there */
    uint64_t segment;             /* the journal is read from here on */
    uint64_t oldest_stamp;        /* of what is kept; UINT64_MAX: nothing is */
    bool is_found;
};

/* Whether the rows of a backend are old enough; the oldest one that is not says since when. A row that a
 * checkpoint wrote which did not end may be newer than the position, and never counts as old enough. */
static enum skn_rc
is_before(struct begin *b, struct skn_backend *backend, bool *out_is, struct skn_diag *diag)
{
    struct skn_position position = {0};
    *out_is = false;
    if (!skn_backend_is_exact(backend) && !skn_bug(SKN_BUG_HALF_IS_EXACT)) return SKN_OK;
    enum skn_rc rc = skn_backend_position(backend, b->past->shard, &position, diag);
    if (rc == SKN_ENOENT) rc = SKN_OK; /* it had no record then */
    *out_is = position.stamp <= b->past->stamp || skn_bug(SKN_BUG_BASE_TOO_NEW);
    if (rc == SKN_OK && position.stamp < b->oldest_stamp) b->oldest_stamp = position.stamp;
    return rc;
}

static enum skn_rc try_base(struct begin *b, const struct history_base *base, struct skn_diag *diag)
{
    const struct skn_history_options *history = &b->options->history;
    struct skn_backend *backend = NULL;
    char *path = history_base_path(history->dir, base, ".base");
    enum skn_rc rc = history->open_base(history->ctx, path, &b->info, &backend, diag);
    skn_free(path);
    bool is_old_enough = false;
    if (rc == SKN_OK) rc = is_before(b, backend, &is_old_enough, diag);
    if (rc == SKN_OK && is_old_enough) {
        b->past->base = b->backend = backend;
        b->segment = base->segment;
        b->is_found = true;
    } else {
        skn_backend_destroy(backend);
    }
    return rc;
}

/* The newest base that is old enough, of those whose segments are all there; or the oldest of all. */
static enum skn_rc find_base(struct begin *b, bool wants_oldest, struct skn_diag *diag)
{
    const struct skn_history_options *history = &b->options->history;
    struct skn_env *env = b->options->env;
    struct history_names names;
    enum skn_rc rc = history_list(env, history->dir, &names, diag);
    if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
    size_t count = names.base_count;
    for (size_t i = 0; rc == SKN_OK && !b->is_found && i < count; i++) {
        const struct history_base *base = &names.bases[wants_oldest ? i : count - 1 - i];
        bool is_usable =
            base->segment >= b->info.oldest && history_is_whole(env, history->dir, base);
        if (is_usable) rc = try_base(b, base, diag);
    }
    history_names_fini(&names);
    return rc;
}

/* The store itself. */
static enum skn_rc find_store(struct begin *b, struct skn_diag *diag)
{
    struct skn_backend *backend = b->options->backend;
    enum skn_rc rc = SKN_OK;
    bool is_old_enough = false;
    if (b->options->open_store)
        rc = b->options->open_store(b->options->store_ctx, &b->info, &backend, diag);
    if (rc != SKN_OK || !backend) return rc;
    rc = is_before(b, backend, &is_old_enough, diag);
    if (rc != SKN_OK || !is_old_enough) return rc;
    b->backend = backend;
    b->segment = UINT64_MAX; /* what it needs is in the journal itself */
    b->is_found = true;
    return SKN_OK;
}

static enum skn_rc not_kept(const struct begin *b, struct skn_diag *diag)
{
    if (b->oldest_stamp == UINT64_MAX)
        return SKN_FAIL(diag,
                        SKN_ENOENT,
                        "not kept: no record is left that leads there, and only what is now can be "
                        "shown; \"history: 1h\" in skein.yaml keeps an hour");
    struct skn_buf time;
    const struct skn_value ms = skn_value_time((int64_t)(skn_hlc_ms(b->oldest_stamp) * 1000000));
    skn_buf_init(&time, 64);
    enum skn_rc rc = skn_json_print(ms, SKN_JSON_PLAIN, &time, NULL);
    SKN_ASSERT(rc == SKN_OK && time.len > 2);
    rc = SKN_FAIL(diag,
                  SKN_ENOENT,
                  "not kept: the oldest stamp is %.*s/%u",
                  (int)time.len - 2, /* without its quotes */
                  (const char *)time.ptr + 1,
                  (unsigned)skn_hlc_counter(b->oldest_stamp));
    skn_buf_fini(&time);
    return rc;
}

enum skn_rc skn_history_lock(struct skn_env *env,
                             const char *dir,
                             struct skn_file **out_lock,
                             uint64_t *out_from,
                             struct skn_diag *diag)
{
    *out_lock = NULL;
    *out_from = UINT64_MAX;
    enum skn_rc rc = history_lock(env, dir, SKN_LOCK_SHARED, out_lock, diag);
    if (rc == SKN_OK) *out_from = history_from(env, dir);
    return rc == SKN_ENOENT ? SKN_OK : rc; /* no base was ever made */
}

static enum skn_rc find_begin(struct begin *b, bool wants_oldest, struct skn_diag *diag)
{
    const struct skn_shards_options *o = b->options;
    enum skn_rc rc = SKN_OK;
    b->segment = UINT64_MAX;
    if (o->history.dir)
        rc = skn_history_lock(o->env, o->history.dir, &b->past->lock, &b->segment, diag);
    if (rc == SKN_OK)
        rc = skn_journal_peek_archive(o->env, o->dir, o->history.dir, b->segment, &b->info, diag);
    if (rc != SKN_OK) return rc;
    b->past->shard = skn_shard_of(b->past->address, b->info.shards);
    b->is_found = wants_oldest && b->info.oldest == 1; /* from nothing */
    if (!b->is_found && b->past->lock && o->history.open_base)
        rc = find_base(b, wants_oldest, diag);
    if (rc == SKN_OK && !b->is_found && b->info.oldest == 1) b->is_found = true;
    if (rc == SKN_OK && !b->is_found) rc = find_store(b, diag);
    if (rc == SKN_OK && !b->is_found) rc = not_kept(b, diag);
    return rc;
}

enum skn_rc past_find_oldest(const struct skn_shards_options *options,
                             struct past_begin *out,
                             struct skn_diag *diag)
{
    struct past past = {.stamp = UINT64_MAX}; /* before that is everything */
    struct begin begin = {.options = options, .past = &past, .oldest_stamp = UINT64_MAX};
    enum skn_rc rc = find_begin(&begin, true, diag);
    *out = (struct past_begin){.backend = begin.backend,
                               .base = past.base,
                               .lock = past.lock,
                               .segment = begin.segment,
                               .info = begin.info};
    if (rc != SKN_OK) past_begin_fini(out);
    return rc;
}

void past_begin_fini(struct past_begin *begin)
{
    skn_backend_destroy(begin->base);
    skn_file_close(begin->lock);
    begin->base = begin->backend = NULL;
    begin->lock = NULL;
}

/* --- going on from there --------------------------------------------------------------------------------- */

static void note_pruned(struct past *past, struct skn_slice batch)
{
    struct skn_row_op op;
    struct skn_key_info info;
    if (skn_bug(SKN_BUG_PRUNED_SHOWN)) return;
    while (skn_batch_next(&batch, &op, NULL) == SKN_OK) {
        if (!op.is_delete || op.why != SKN_WHY_PRUNE) continue;
        skn_key_read(op.key, &info);
        if (info.kind != SKN_KEY_OWN || !skn_slice_eq(info.address, past->address)) continue;
        struct pruned *pruned = skn_alloc(sizeof *pruned + info.own.len);
        if (info.own.len > 0) memcpy(pruned->bytes, info.own.ptr, info.own.len);
        pruned->node = (struct skn_omap_node){.key = skn_slice(pruned->bytes, info.own.len)};
        if (skn_omap_insert(&past->pruned, &pruned->node)) skn_free(pruned);
    }
}

static enum skn_rc redo_to(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct skn_shards *all = ctx;
    struct past *past = all->past;
    if (record->shard != past->shard) return SKN_OK;
    if (record->stamp <= past->stamp) return shards_redo(all, record, diag);
    note_pruned(past, record->batch);
    return SKN_OK;
}

enum skn_rc skn_shards_open_at(const struct skn_shards_options *options,
                               struct skn_slice address,
                               uint64_t stamp,
                               struct skn_shards **out_shards,
                               struct skn_diag *diag)
{
    static const struct skn_program *const none[] = {NULL};
    struct skn_shards *all = shards_new(options, true);
    struct past *past = all->past = skn_alloc_zero(1, sizeof *past + address.len);
    uint8_t *bytes = (uint8_t *)(past + 1);
    memcpy(bytes, address.ptr, address.len);
    past->address = skn_slice(bytes, address.len);
    past->stamp = stamp;
    struct begin begin = {.options = options, .past = past, .oldest_stamp = UINT64_MAX};
    enum skn_rc rc = find_begin(&begin, false, diag);
    all->programs = none;
    all->backend = begin.backend;
    all->options.open_store = NULL; /* that was asked */
    if (rc == SKN_OK) rc = shards_create(all, &begin.info, diag);
    if (rc == SKN_OK)
        rc = skn_journal_read_archive(options->env,
                                      options->dir,
                                      options->history.dir,
                                      begin.segment,
                                      redo_to,
                                      all,
                                      NULL,
                                      diag);
    if (rc == SKN_OK) rc = shards_check_positions(all, diag);
    if (rc != SKN_OK) {
        shards_free(all);
        return rc;
    }
    shards_start_clock(all);
    *out_shards = all;
    return SKN_OK;
}
