/* replay.c - the records that are kept executed again, from nothing or from a base (P4) [E25] [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/parts_internal.h"

#include <inttypes.h>

struct replay {
    const struct skn_shards_options *options;
    uint32_t count;
    struct skn_store **stores;
    struct skn_core **cores;
    struct skn_replay to;
};

static struct skn_store *store_of(void *ctx, uint32_t shard)
{
    const struct replay *all = ctx;
    return shard < all->count ? all->stores[shard] : NULL;
}

static enum skn_rc create(struct replay *all, const struct past_begin *begin, struct skn_diag *diag)
{
    const struct skn_shards_options *options = all->options;
    uint32_t count = begin->info.shards;
    enum skn_rc rc = SKN_OK;
    all->count = count;
    all->stores = skn_alloc_zero(count, sizeof(struct skn_store *));
    all->cores = skn_alloc_zero(count, sizeof(struct skn_core *));
    all->to = (struct skn_replay){
        .store_of = store_of, .ctx = all, .is_from_base = begin->backend != NULL};
    for (uint32_t i = 0; rc == SKN_OK && i < count; i++) {
        const struct skn_store_options store = {.backend = begin->backend, .shard = i};
        rc = skn_store_open(&store, &all->stores[i], diag);
        if (rc != SKN_OK) break;
        skn_store_set_blocking(all->stores[i], true);
        const struct skn_core_options core = {.shard = i,
                                              .shards = count,
                                              .store = all->stores[i],
                                              .programs = options->programs,
                                              .keys = options->keys,
                                              .limits = options->limits,
                                              .tells_no_why = begin->info.level < 2};
        all->cores[i] = skn_core_create(&core);
    }
    return rc;
}

static void destroy(struct replay *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        skn_core_destroy(all->cores[i]);
        skn_store_destroy(all->stores[i]);
    }
    skn_free(all->stores);
    skn_free(all->cores);
}

static enum skn_rc one(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct replay *all = ctx;
    if (record->shard >= all->count)
        return SKN_CORRUPT(diag, "a record names shard %u of %u", record->shard, all->count);
    struct skn_store *store = all->stores[record->shard];
    if (record->index <= skn_store_position(store).index) return SKN_OK; /* the base has it */
    return skn_core_replay(all->cores[record->shard], record, &all->to, diag);
}

static void sum_up(const struct replay *all, struct skn_shards_replayed *out)
{
    *out = (struct skn_shards_replayed){.records = all->to, .shards = all->count};
    out->records.store_of = NULL;
    out->records.ctx = NULL;
    for (uint32_t i = 0; i < all->count; i++) {
        if (!all->stores[i]) continue;
        const struct skn_hash128 state = skn_store_position(all->stores[i]).state;
        out->state_lo += state.lo;
        out->state_hi += state.hi + (out->state_lo < state.lo);
    }
}

enum skn_rc skn_shards_replay(const struct skn_shards_options *options,
                              struct skn_shards_replayed *out,
                              struct skn_diag *diag)
{
    struct past_begin begin;
    struct replay all = {.options = options};
    enum skn_rc rc = past_find_oldest(options, &begin, diag);
    if (rc != SKN_OK) return rc;
    rc = create(&all, &begin, diag);
    if (rc == SKN_OK)
        rc = skn_journal_read_archive(
            options->env, options->dir, options->history.dir, begin.segment, one, &all, NULL, diag);
    sum_up(&all, out);
    destroy(&all);
    past_begin_fini(&begin);
    return rc;
}
