/* keeper.c - the parts that touch the backend: one reads what shards want, one writes checkpoints.
 *
 *   idle --trigger--> MARK to all workers --all MARKED--> BOUND to the log --and back--> their rows
 *        <--- FLUSHED to all workers, TRIM to the log --- commit <---all given---------------+
 *
 * A reader of a journal without a seal goes as far as the bound, or one group short of the end [E81].
 * So before the first row is written the bound names the groups of all marks: else a store whose
 * checkpoint was cut off would hold rows of the group that a reader leaves out.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "shard/parts_internal.h"

/* --- the fetcher ------------------------------------------------------------------------------------ */

enum skn_rc fetcher_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag)
{
    struct skn_ring_item item;
    enum skn_rc rc = SKN_OK;
    *out_more = false;
    for (unsigned w = 0; w < all->worker_count; w++) {
        while (rc == SKN_OK && parts_pop(all, w, part_fetcher(all), &item)) {
            struct fetch *fetch = item.ptr;
            rc = skn_backend_read(
                all->backend, &fetch->read, true, &fetch->rows, &fetch->is_end, diag);
            bool fits =
                parts_push(all, part_fetcher(all), w, ITEM_FETCH, item.shard, item.number, fetch);
            SKN_ASSERT(fits);
            parts_wake(all, part_fetcher(all));
        }
    }
    return rc;
}

/* --- checkpoints --------------------------------------------------------------------------------------- */

/* Not before the trim of the last one: until then the tail is as long as if there had been none. */
static bool is_due(struct skn_shards *all, uint64_t now_ms)
{
    const struct skn_checkpoint_limits *limits = &all->options.checkpoint;
    if (atomic_load_explicit(&all->trims, memory_order_acquire) != all->keeper.trims) return false;
    uint64_t records = atomic_load_explicit(&all->tail_records, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&all->tail_bytes, memory_order_relaxed);
    if (atomic_load_explicit(&all->wants_checkpoint, memory_order_relaxed)) return true;
    if (records >= limits->records || bytes >= limits->bytes) return true;
    return records > 0 && now_ms - all->keeper.ended_ms >= limits->ms;
}

static void to_all_workers(struct skn_shards *all, enum item_kind kind)
{
    for (unsigned w = 0; w < all->worker_count; w++) {
        bool fits = parts_push(all, part_keeper(all), w, kind, 0, 0, NULL);
        SKN_ASSERT(fits);
    }
}

static void begin(struct skn_shards *all, uint64_t now_ms)
{
    struct keeper *k = &all->keeper;
    k->is_running = true;
    k->marked = 0;
    k->marked_bits = 0;
    k->is_bounded = skn_bug(SKN_BUG_ROWS_BEFORE_BOUND);
    k->given = 0;
    k->began_ms = now_ms;
    atomic_store_explicit(&all->wants_checkpoint, false, memory_order_relaxed);
    atomic_store_explicit(&all->is_checkpointing, true, memory_order_relaxed);
    to_all_workers(all, ITEM_MARK);
}

/* The workers have stood still since they gave their last row, as far as marks are concerned: they are
 * read here, after ITEM_DIRTY of all of them. */
static enum skn_rc end(struct skn_shards *all, struct skn_diag *diag)
{
    struct keeper *k = &all->keeper;
    struct skn_shard_position *positions = skn_alloc_zero(all->count, sizeof *positions);
    struct trim *trim = skn_alloc_zero(1, sizeof *trim + all->count * sizeof *trim->marks);
    trim->count = all->count;
    for (uint32_t i = 0; i < all->count; i++) {
        positions[i] = (struct skn_shard_position){.shard = i, .position = all->shards[i]->mark};
        trim->marks[i] =
            (struct skn_journal_mark){.shard = i, .index = positions[i].position.index};
    }
    if (skn_bug(SKN_BUG_CHECKPOINT_OLD)) positions[0].position.index /= 2;
    enum skn_rc rc = skn_backend_commit(all->backend, positions, all->count, diag);
    skn_free(positions);
    if (rc != SKN_OK) {
        skn_free(trim);
        return rc;
    }
    history_before_trim(all);
    to_all_workers(all, ITEM_FLUSHED);
    bool fits = parts_push(all, part_keeper(all), part_log(all), ITEM_TRIM, 0, 0, trim);
    SKN_ASSERT(fits);
    uint64_t now_ms = skn_env_now_mono_ns(all->env) / MS_IN_NS;
    k->is_running = false;
    k->trims++;
    k->ended_ms = now_ms;
    atomic_store_explicit(&all->checkpoint_ms, now_ms - k->began_ms, memory_order_relaxed);
    atomic_fetch_add_explicit(&all->checkpoints, 1, memory_order_relaxed);
    atomic_store_explicit(&all->is_checkpointing, false, memory_order_relaxed);
    history_checkpointed(all);
    return SKN_OK;
}

static enum skn_rc take_item(struct skn_shards *all,
                             const struct skn_ring_item *item,
                             unsigned w,
                             struct skn_diag *diag)
{
    struct keeper *k = &all->keeper;
    if (item->kind == ITEM_MARKED) {
        k->marked_bits |= UINT64_C(1) << w;
        if (++k->marked < all->worker_count) return SKN_OK;
        bool fits = parts_push(all, part_keeper(all), part_log(all), ITEM_BOUND, 0, 0, NULL);
        SKN_ASSERT(fits);
        return SKN_OK;
    }
    SKN_ASSERT(item->kind == ITEM_DIRTY);
    struct dirty_block *block = item->ptr;
    if (!block) {
        k->given++;
        return SKN_OK;
    }
    enum skn_rc rc =
        skn_backend_write(all->backend, block->shard, skn_buf_slice(&block->ops), diag);
    bool fits = parts_push(all, part_keeper(all), w, ITEM_DIRTY, block->shard, 0, block);
    SKN_ASSERT(fits);
    return rc;
}

/* Rows of a worker stand behind its MARKED in the ring, and wait there. */
static bool may_take(const struct keeper *k, unsigned w)
{
    bool has_marked = (k->marked_bits >> w & 1) != 0;
    return k->is_bounded || !has_marked;
}

enum skn_rc keeper_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag)
{
    struct keeper *k = &all->keeper;
    uint64_t now_ms = skn_env_now_mono_ns(all->env) / MS_IN_NS;
    enum skn_rc rc = SKN_OK;
    struct skn_ring_item item;
    *out_more = false;
    if (!all->backend) return SKN_OK;
    history_look_at_disk(all);
    while (parts_pop(all, part_log(all), part_keeper(all), &item))
        k->is_bounded = true;
    for (unsigned w = 0; w < all->worker_count; w++) {
        while (rc == SKN_OK && may_take(k, w) && parts_pop(all, w, part_keeper(all), &item))
            rc = take_item(all, &item, w, diag);
    }
    if (rc == SKN_OK && !k->is_running && is_due(all, now_ms)) begin(all, now_ms);
    if (rc == SKN_OK && k->is_running && k->given == all->worker_count) rc = end(all, diag);
    parts_wake(all, part_keeper(all));
    return rc;
}

/* The log wakes it behind each trim, and when the tail begins or has become long (log_note_tail). */
int keeper_timeout_ms(struct skn_shards *all)
{
    struct keeper *k = &all->keeper;
    if (!all->backend || k->is_running) return -1;
    if (atomic_load_explicit(&all->trims, memory_order_acquire) != k->trims) return -1;
    uint64_t now_ms = skn_env_now_mono_ns(all->env) / MS_IN_NS;
    if (is_due(all, now_ms)) return 0;
    if (atomic_load_explicit(&all->tail_records, memory_order_relaxed) == 0) return -1;
    uint64_t due_ms = k->ended_ms + all->options.checkpoint.ms;
    return due_ms <= now_ms ? 0 : (int)(due_ms - now_ms);
}
