/* log.c - the part that owns the journal: groups of all workers' records, one sync each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "shard/parts_internal.h"

enum { DISK_LOOK_NS = 1000 * MS_IN_NS };

enum skn_rc log_look_at_disk(struct skn_shards *all, struct skn_diag *diag)
{
    struct log *log = &all->log;
    uint64_t now = skn_env_now_mono_ns(all->env);
    if (log->disk_seen_ns > 0 && now - log->disk_seen_ns < DISK_LOOK_NS) return SKN_OK;
    log->disk_seen_ns = now;
    enum skn_journal_disk disk;
    enum skn_rc rc = skn_journal_disk_state(log->journal, &disk, diag);
    if (rc != SKN_OK) return rc;
    atomic_store_explicit(&all->disk, (int)disk, memory_order_relaxed);
    if (disk != SKN_JOURNAL_DISK_OK && all->rings)
        parts_nudge(all, part_log(all), part_keeper(all));
    if (disk != SKN_JOURNAL_DISK_STOP) return SKN_OK;
    return SKN_FAIL(
        diag, SKN_EDISKFULL, "less than 1 percent of the disk is free; make room and start again");
}

static void give_back(struct skn_shards *all, struct chunk *chunk)
{
    bool fits = parts_push(all, part_log(all), chunk->worker, ITEM_CHUNK, 0, chunk->count, chunk);
    SKN_ASSERT(fits); /* it came out of a ring of the same size */
}

static enum skn_rc flush(struct skn_shards *all, struct skn_diag *diag)
{
    struct log *log = &all->log;
    uint64_t began_ns = skn_env_now_mono_ns(all->env);
    enum skn_rc rc = skn_journal_flush(log->journal, diag);
    if (rc != SKN_OK) return rc;
    log->last_group_ns = skn_env_now_mono_ns(all->env);
    log->group_ns = log->last_group_ns - began_ns;
    log->is_idle_told = false;
    atomic_fetch_add_explicit(&all->groups, 1, memory_order_relaxed);
    if (log->unprepared >= PREPARE_BYTES) {
        log->unprepared = 0;
        atomic_store_explicit(&all->wants_segment, true, memory_order_relaxed);
        parts_nudge(all, part_log(all), part_preparer(all));
    }
    return SKN_OK;
}

/* What was all appended before a flush goes back after it. */
static void give_back_all(struct skn_shards *all)
{
    struct skn_list *link;
    while ((link = skn_list_pop_front(&all->log.writing)))
        give_back(all, SKN_CONTAINER_OF(link, struct chunk, link));
}

static enum skn_rc
append_records(struct skn_shards *all, const struct chunk *chunk, struct skn_diag *diag)
{
    struct log *log = &all->log;
    for (uint32_t i = 0; i < chunk->count; i++) {
        enum skn_rc rc = skn_journal_append(log->journal, &chunk->records[i], diag);
        if (rc == SKN_EFULL) {
            if ((rc = flush(all, diag)) != SKN_OK) return rc;
            give_back_all(all);
            rc = skn_journal_append(log->journal, &chunk->records[i], diag);
        }
        if (rc != SKN_OK) return rc;
    }
    return SKN_OK;
}

static enum skn_rc append(struct skn_shards *all, struct chunk *chunk, struct skn_diag *diag)
{
    enum skn_rc rc = append_records(all, chunk, diag);
    skn_list_push_back(&all->log.writing, &chunk->link); /* after an error: to be freed */
    if (rc != SKN_OK) return rc;
    atomic_fetch_add_explicit(&all->records, chunk->count, memory_order_relaxed);
    all->log.unprepared += chunk->used;
    return SKN_OK;
}

/* The keeper sleeps until somebody tells it: that there is a tail at all, from when on it counts the
 * time; that it is long enough for a checkpoint; that a trim is done, behind which it looks anew. While
 * a checkpoint runs, the trim at its end is all that it has to hear of. */
static void wake_keeper(struct skn_shards *all, uint64_t records_before, bool is_trimmed)
{
    const struct skn_checkpoint_limits *limits = &all->options.checkpoint;
    uint64_t records = atomic_load_explicit(&all->tail_records, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&all->tail_bytes, memory_order_relaxed);
    bool is_long = records >= limits->records || bytes >= limits->bytes;
    bool is_busy = atomic_load_explicit(&all->is_checkpointing, memory_order_seq_cst);
    bool tells = (records_before == 0 && records > 0) || (is_long && !is_busy);
    if (all->backend && (is_trimmed || (tells && !skn_bug(SKN_BUG_KEEPER_SLEEPS))))
        parts_nudge(all, part_log(all), part_keeper(all));
}

/* What an opening now would have to do [E12]. */
void log_note_tail(struct skn_shards *all, bool is_trimmed)
{
    uint64_t before = atomic_load_explicit(&all->tail_records, memory_order_relaxed);
    struct skn_journal_tail tail;
    skn_journal_tail(all->log.journal, all->log.kept, all->count, &tail);
    atomic_store_explicit(&all->tail_records, tail.records, memory_order_relaxed);
    /* Whole segments go, so some bytes stay after every trim: they are no reason for the next one. */
    if (is_trimmed || tail.bytes < all->log.untrimmed) all->log.untrimmed = tail.bytes;
    uint64_t bytes = tail.bytes - all->log.untrimmed;
    atomic_store_explicit(&all->tail_bytes, bytes, memory_order_relaxed);
    wake_keeper(all, before, is_trimmed);
}

/* Nothing to write: the bound moves to the end, once [E5]. */
static enum skn_rc idle(struct skn_shards *all, struct skn_diag *diag)
{
    struct log *log = &all->log;
    uint64_t quiet_ns = skn_env_now_mono_ns(all->env) - log->last_group_ns;
    if (log->is_idle_told || quiet_ns < (uint64_t)SKN_JOURNAL_IDLE_MS * MS_IN_NS) return SKN_OK;
    log->is_idle_told = true;
    return skn_journal_idle(log->journal, diag);
}

/* Somebody copies the journal: the next checkpoint's trim does for this one, too. */
static bool is_held(struct skn_shards *all)
{
    uint64_t until_ns = atomic_load_explicit(&all->hold_until_ns, memory_order_acquire);
    return until_ns > 0 && skn_env_now_mono_ns(all->env) < until_ns;
}

/* What the keeper asks for: trims, and a bound that names the marks of its checkpoint. */
static enum skn_rc take_asked(struct skn_shards *all, struct skn_diag *diag)
{
    struct skn_ring_item item;
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && parts_pop(all, part_keeper(all), part_log(all), &item)) {
        struct trim *trim = item.ptr;
        if (item.kind == ITEM_BOUND) {
            rc = skn_journal_idle(all->log.journal, diag);
            bool fits = parts_push(all, part_log(all), part_keeper(all), ITEM_BOUND, 0, 0, NULL);
            SKN_ASSERT(fits);
            continue;
        }
        skn_journal_archive(all->log.journal,
                            atomic_load_explicit(&all->is_archiving, memory_order_acquire));
        if (!is_held(all)) rc = skn_journal_trim(all->log.journal, trim->marks, trim->count, diag);
        for (size_t i = 0; i < trim->count; i++)
            all->log.kept[trim->marks[i].shard] = trim->marks[i];
        skn_free(trim);
        log_note_tail(all, true);
        atomic_fetch_add_explicit(&all->trims, 1, memory_order_release);
        for (unsigned w = 0; w < all->worker_count; w++) /* they may have waited for it [E12] */
            parts_nudge(all, part_log(all), w);
    }
    return rc;
}

enum skn_rc log_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag)
{
    struct skn_ring_item item;
    size_t chunks = 0;
    *out_more = false;
    enum skn_rc rc = log_look_at_disk(all, diag);
    if (rc == SKN_OK) rc = take_asked(all, diag);
    for (unsigned w = 0; rc == SKN_OK && w < all->worker_count; w++) {
        while (rc == SKN_OK && parts_pop(all, w, part_log(all), &item)) {
            rc = append(all, item.ptr, diag);
            chunks++;
        }
    }
    if (rc != SKN_OK) return rc;
    if (chunks == 0) {
        rc = idle(all, diag);
    } else if ((rc = flush(all, diag)) == SKN_OK) {
        give_back_all(all);
        log_note_tail(all, false);
    }
    parts_wake(all, part_log(all));
    return rc;
}

enum skn_rc log_drain(struct skn_shards *all, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    struct skn_ring_item item;
    for (unsigned w = 0; rc == SKN_OK && w < all->worker_count; w++) {
        while (rc == SKN_OK && parts_pop(all, w, part_log(all), &item))
            rc = append(all, item.ptr, diag);
    }
    return rc;
}

unsigned skn_shards_log(const struct skn_shards *all)
{
    return part_log(all);
}

bool skn_shards_may_wait(const struct skn_shards *all, unsigned worker)
{
    const struct worker *w = &all->workers[worker];
    return skn_list_is_empty(&w->active) && w->records_out > 0 && w->records_out <= FEW_RECORDS &&
           all->log.group_ns < SHORT_NS;
}

int log_timeout_ms(struct skn_shards *all)
{
    struct log *log = &all->log;
    uint64_t quiet = (skn_env_now_mono_ns(all->env) - log->last_group_ns) / MS_IN_NS;
    if (!log->is_idle_told)
        return quiet < SKN_JOURNAL_IDLE_MS ? (int)(SKN_JOURNAL_IDLE_MS - quiet) : 0;
    /* While the disk is full no work comes that would make it look again [E8]. */
    bool is_full = atomic_load_explicit(&all->disk, memory_order_relaxed) != SKN_JOURNAL_DISK_OK;
    return is_full ? (int)(DISK_LOOK_NS / MS_IN_NS) : -1;
}

/* --- the preparer ------------------------------------------------------------------------------------ */

enum skn_rc preparer_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag)
{
    bool is_ready = true;
    *out_more = false;
    if (!atomic_exchange_explicit(&all->wants_segment, false, memory_order_relaxed)) return SKN_OK;
    enum skn_rc rc = skn_journal_prepare(all->log.journal, &is_ready, diag);
    if (!is_ready) atomic_store_explicit(&all->wants_segment, true, memory_order_relaxed);
    return rc;
}

int preparer_timeout_ms(struct skn_shards *all)
{
    bool wants = atomic_load_explicit(&all->wants_segment, memory_order_relaxed);
    return wants ? SKN_JOURNAL_PREPARE_PAUSE_MS : -1;
}
