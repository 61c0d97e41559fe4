/* mark.c - a worker's side of a checkpoint: marks, then the rows that were dirty at them [E10].
 *
 *   MARK -> marks of all shards, between two slices -> (all durable) MARKED -> DIRTY * -> DIRTY end
 *        -> FLUSHED
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/parts_internal.h"

void mark_take(struct worker *w)
{
    SKN_ASSERT(!w->has_marks);
    for (uint32_t i = w->part; i < w->all->count; i += w->all->worker_count)
        w->all->shards[i]->mark = skn_store_mark(w->all->shards[i]->store);
    w->has_marks = true;
    w->marks_durable = false;
    w->gave_all = false;
    w->mark_at = w->part;
}

/* Writing starts when all of it is durable: else a store could be ahead of its journal. */
static bool are_durable(const struct worker *w)
{
    for (uint32_t i = w->part; i < w->all->count; i += w->all->worker_count) {
        const struct shard *shard = w->all->shards[i];
        if (skn_core_durable_index(shard->core) < shard->mark.index) return false;
    }
    return true;
}

static struct dirty_block *new_block(struct worker *w)
{
    struct skn_list *link = skn_list_pop_front(&w->free_blocks);
    if (link) return SKN_CONTAINER_OF(link, struct dirty_block, link);
    struct dirty_block *block = skn_alloc_zero(1, sizeof *block);
    skn_list_init(&block->link);
    skn_buf_init(&block->ops, 4 << 20);
    return block;
}

static void give_block(struct worker *w)
{
    struct skn_shards *all = w->all;
    struct dirty_block *block = new_block(w);
    bool more = false;
    skn_buf_reset(&block->ops);
    while (block->ops.len == 0 && w->mark_at < all->count) {
        more = skn_store_next_dirty(all->shards[w->mark_at]->store, &block->ops, DIRTY_BYTES);
        block->shard = w->mark_at;
        if (!more) w->mark_at += all->worker_count;
    }
    if (block->ops.len > 0) {
        bool fits = parts_push(
            all, w->part, part_keeper(all), ITEM_DIRTY, block->shard, block->ops.len, block);
        SKN_ASSERT(fits);
        w->blocks_out++;
    } else {
        skn_list_push_back(&w->free_blocks, &block->link);
    }
}

/* Rows that lie anywhere in memory are gathered while messages wait: so there is a block for each full
 * turn of slices, and at least one, lest the checkpoint stands still. Whoever has nothing else to do gives
 * all that the keeper has room for. */
static unsigned blocks_now(const struct worker *w, uint64_t slices, bool is_busy)
{
    unsigned room = DIRTY_BLOCKS - w->blocks_out;
    uint64_t most = 1 + slices / SLICES_AT_ONCE;
    return is_busy && most < room ? (unsigned)most : room;
}

bool mark_go_on(struct worker *w, uint64_t slices, bool is_busy)
{
    struct skn_shards *all = w->all;
    if (!w->has_marks || w->gave_all) return false;
    if (!w->marks_durable) {
        if (!are_durable(w)) return false;
        w->marks_durable = true;
        bool fits = parts_push(all, w->part, part_keeper(all), ITEM_MARKED, 0, 0, NULL);
        SKN_ASSERT(fits);
    }
    for (unsigned n = blocks_now(w, slices, is_busy); n > 0 && w->mark_at < all->count; n--)
        give_block(w);
    if (w->mark_at < all->count) return w->blocks_out < DIRTY_BLOCKS;
    w->gave_all = true;
    bool fits = parts_push(all, w->part, part_keeper(all), ITEM_DIRTY, 0, 0, NULL);
    SKN_ASSERT(fits);
    return false;
}

void mark_flushed(struct worker *w)
{
    SKN_ASSERT(w->has_marks && w->gave_all);
    for (uint32_t i = w->part; i < w->all->count; i += w->all->worker_count)
        skn_store_flushed(w->all->shards[i]->store);
    w->has_marks = false;
}
