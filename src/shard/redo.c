/* redo.c - records of the journal go into the rows, on several threads where there are many. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/parts_internal.h"

#include <stdatomic.h>
#include <string.h>

/* Rows of a shard depend on its own records only. Whoever walks the journal copies the records and gives
 * them to the helper that has their shard; what takes the time, finding rows in memory, is theirs. A
 * short tail is not worth a thread. */
enum { HELPERS_MAX = 4, CHUNKS_WAITING = 16 };

/* Records ahead of the one that is redone: its bucket is asked for, then its table, then the rows. */
enum { AHEAD = 12, AHEAD_STEP = 4, HINTS = 16 };
static_assert(AHEAD < HINTS, "a hint is there until it is used");

/* Where few rows change often they do not grow, and no room is made. */
enum { ROOM_BYTES = 1 << 20 };

struct helper {
    struct redo *redo;
    void *thread;
    struct chunk *open;
    struct skn_ring to, back; /* chunks to do, and done */
    uint32_t hints[HINTS];    /* of records that come */
    int64_t room;             /* bytes that its rows may grow by until it makes room again */
    enum skn_rc rc;           /* behind `has_failed` */
    struct skn_diag diag;
};

struct redo {
    struct skn_shards *all;
    const struct skn_crew *crew;
    unsigned count; /* of helpers */
    uint64_t alone; /* records that the walk redoes itself */
    uint64_t seen;  /* records */
    bool is_begun;
    _Atomic bool is_over; /* nothing comes behind what is in the rings */
    _Atomic bool has_failed;
    struct helper helpers[HELPERS_MAX];
};

struct redo *redo_begin(struct skn_shards *all)
{
    const struct skn_crew *crew = all->options.crew;
    unsigned count = all->options.workers;
    if (!crew || count < 2) return NULL;
    struct redo *redo = skn_alloc_zero(1, sizeof *redo);
    redo->all = all;
    redo->crew = crew;
    redo->alone = all->options.crew_from ? all->options.crew_from : REDO_ALONE;
    redo->count = count < HELPERS_MAX ? count : HELPERS_MAX;
    return redo;
}

/* --- a helper ---------------------------------------------------------------------------------------- */

static void hint(struct helper *helper, const struct chunk *chunk, uint32_t at)
{
    struct shard **shards = helper->redo->all->shards;
    if (at < chunk->count) {
        const struct skn_record *record = &chunk->records[at];
        helper->hints[at % HINTS] = skn_store_hint(shards[record->shard]->store, record->batch);
    }
    for (unsigned step = 0; step < 2; step++) {
        uint32_t near = at - (step + 1) * AHEAD_STEP;
        if (at < (step + 1) * AHEAD_STEP || near >= chunk->count) continue;
        skn_store_hint_near(
            shards[chunk->records[near].shard]->store, helper->hints[near % HINTS], step);
    }
}

static enum skn_rc redo_chunk(struct helper *helper, const struct chunk *chunk)
{
    enum skn_rc rc = SKN_OK;
    for (uint32_t i = 0; i < AHEAD; i++)
        hint(helper, chunk, i);
    for (uint32_t i = 0; rc == SKN_OK && i < chunk->count; i++) {
        const struct skn_record *record = &chunk->records[i];
        struct shard *shard = helper->redo->all->shards[record->shard];
        uint64_t before = skn_store_counts(shard->store).bytes;
        hint(helper, chunk, i + AHEAD);
        rc = skn_core_redo(shard->core, record, &helper->diag);
        uint64_t after = skn_store_counts(shard->store).bytes;
        helper->room -= after > before ? (int64_t)(after - before) : 0;
        if (helper->room >= 0) continue;
        skn_mem_expect(ROOM_BYTES);
        helper->room = ROOM_BYTES * 3 / 4;
    }
    return rc;
}

static void help(void *arg)
{
    struct helper *helper = arg;
    struct redo *redo = helper->redo;
    for (;;) {
        bool is_over = atomic_load_explicit(&redo->is_over, memory_order_acquire);
        struct skn_ring_item item;
        if (!skn_ring_pop(&helper->to, &item)) {
            if (is_over) return;
            redo->crew->pause();
            continue;
        }
        if (helper->rc == SKN_OK) helper->rc = redo_chunk(helper, item.ptr);
        if (helper->rc != SKN_OK)
            atomic_store_explicit(&redo->has_failed, true, memory_order_release);
        bool fits = skn_ring_push(&helper->back, &item);
        SKN_ASSERT(fits); /* there are no more than it holds */
    }
}

/* --- who walks the journal ----------------------------------------------------------------------------- */

static bool start(struct redo *redo)
{
    redo->is_begun = true;
    for (unsigned i = 0; i < redo->count; i++) {
        struct helper *helper = &redo->helpers[i];
        helper->redo = redo;
        skn_ring_init(&helper->to, CHUNKS_WAITING);
        skn_ring_init(&helper->back, 2 * CHUNKS_WAITING);
        helper->thread = redo->crew->start(help, helper);
        if (helper->thread) continue;
        skn_ring_fini(&helper->to);
        skn_ring_fini(&helper->back);
        redo->count = i; /* fewer do as well; none: whoever walks does it all */
    }
    return redo->count > 0;
}

static enum skn_rc failed(struct redo *redo, struct skn_diag *diag)
{
    for (unsigned i = 0; i < redo->count; i++) {
        const struct helper *helper = &redo->helpers[i];
        if (helper->rc == SKN_OK) continue;
        if (diag) *diag = helper->diag;
        return helper->rc;
    }
    return SKN_OK;
}

/* False: a helper failed. */
static bool give(struct redo *redo, struct helper *helper)
{
    struct skn_ring_item item = {.ptr = helper->open};
    while (!skn_ring_push(&helper->to, &item)) {
        if (atomic_load_explicit(&redo->has_failed, memory_order_acquire)) return false;
        redo->crew->pause();
    }
    helper->open = NULL;
    return true;
}

static struct chunk *new_chunk(struct helper *helper)
{
    struct skn_ring_item item;
    struct chunk *chunk =
        skn_ring_pop(&helper->back, &item) ? item.ptr : skn_alloc_zero(1, sizeof *chunk);
    chunk->count = 0;
    chunk->used = 0;
    return chunk;
}

enum skn_rc redo_give(struct redo *redo, const struct skn_record *record, struct skn_diag *diag)
{
    struct skn_core *core = redo->all->shards[record->shard]->core;
    bool is_alone = redo->seen++ < redo->alone || (!redo->is_begun && !start(redo));
    if (is_alone || redo->count == 0) return skn_core_redo(core, record, diag);
    if (atomic_load_explicit(&redo->has_failed, memory_order_acquire)) return SKN_ECORRUPT;
    struct helper *helper = &redo->helpers[record->shard % redo->count];
    size_t size = record->message.len + record->batch.len;
    struct chunk *chunk = helper->open;
    bool is_full = chunk && (chunk->count == CHUNK_RECORDS || chunk->cap - chunk->used < size);
    if (is_full && chunk->count > 0 && !give(redo, helper)) return SKN_ECORRUPT;
    if (!helper->open) helper->open = new_chunk(helper);
    chunk_add(helper->open, record);
    return SKN_OK;
}

static void free_chunks(struct skn_ring *ring)
{
    struct skn_ring_item item;
    while (skn_ring_pop(ring, &item))
        chunk_free(item.ptr);
    skn_ring_fini(ring);
}

enum skn_rc redo_end(struct redo *redo, enum skn_rc walked, struct skn_diag *diag)
{
    if (!redo) return walked;
    bool goes_on = walked == SKN_OK;
    unsigned started = redo->is_begun ? redo->count : 0;
    for (unsigned i = 0; i < started; i++) {
        struct helper *helper = &redo->helpers[i];
        if (goes_on && helper->open) goes_on = give(redo, helper);
        chunk_free(helper->open);
    }
    atomic_store_explicit(&redo->is_over, true, memory_order_release);
    for (unsigned i = 0; i < started; i++)
        redo->crew->join(redo->helpers[i].thread);
    /* An error of a helper was met before, if not by the order of the journal. */
    enum skn_rc rc = started > 0 ? failed(redo, diag) : SKN_OK;
    for (unsigned i = 0; i < started; i++) {
        free_chunks(&redo->helpers[i].to);
        free_chunks(&redo->helpers[i].back);
    }
    skn_free(redo);
    return rc == SKN_OK ? walked : rc;
}
