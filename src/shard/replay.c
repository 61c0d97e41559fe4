/* replay.c - the journal of a data directory executed again from nothing (P4) [E25]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/shards.h"

#include <inttypes.h>

struct replay {
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

static void create(struct replay *all,
                   const struct skn_shards_options *options,
                   const struct skn_journal_info *info)
{
    uint32_t count = info->shards;
    *all = (struct replay){.count = count};
    all->stores = skn_alloc_zero(count, sizeof(struct skn_store *));
    all->cores = skn_alloc_zero(count, sizeof(struct skn_core *));
    all->to = (struct skn_replay){.store_of = store_of, .ctx = all};
    for (uint32_t i = 0; i < count; i++) {
        all->stores[i] = skn_store_memory_create();
        const struct skn_core_options core = {.shard = i,
                                              .shards = count,
                                              .store = all->stores[i],
                                              .programs = options->programs,
                                              .keys = options->keys,
                                              .limits = options->limits,
                                              .tells_no_why = info->level < 2};
        all->cores[i] = skn_core_create(&core);
    }
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
    return skn_core_replay(all->cores[record->shard], record, &all->to, diag);
}

enum skn_rc skn_shards_replay(const struct skn_shards_options *options,
                              struct skn_shards_replayed *out,
                              struct skn_diag *diag)
{
    struct replay all;
    struct skn_journal_info info;
    enum skn_rc rc = skn_journal_peek(options->env, options->dir, &info, diag);
    if (rc != SKN_OK) return rc;
    if (info.is_trimmed)
        return SKN_FAIL(diag,
                        SKN_ENOENT,
                        "the journal \"%s\" was trimmed: its first records are gone, and what "
                        "followed from them cannot be executed again from nothing",
                        options->dir);
    SKN_ASSERT(info.shards > 0 && info.shards <= SKN_SHARDS_MAX);
    create(&all, options, &info);
    rc = skn_journal_read(options->env, options->dir, one, &all, &info, diag);
    *out = (struct skn_shards_replayed){.records = all.to, .shards = all.count};
    out->records.store_of = NULL;
    out->records.ctx = NULL;
    for (uint32_t i = 0; i < all.count; i++) {
        const struct skn_hash128 state = skn_store_position(all.stores[i]).state;
        out->state_lo += state.lo;
        out->state_hi += state.hi + (out->state_lo < state.lo);
    }
    destroy(&all);
    return rc;
}
