/* worker.c - a worker turns the shards that it owns. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/parts_internal.h"

#include <string.h>

void worker_init(struct skn_shards *all, unsigned part)
{
    struct worker *w = &all->workers[part];
    w->all = all;
    w->part = part;
    struct skn_list *lists[] = {
        &w->active, &w->releasing, &w->wanting, &w->free_chunks, &w->free_blocks};
    for (size_t i = 0; i < SKN_ARRAY_LEN(lists); i++)
        skn_list_init(lists[i]);
}

void chunk_free(struct chunk *chunk)
{
    if (!chunk) return;
    skn_free(chunk->bytes);
    skn_free(chunk);
}

void fetch_free(struct fetch *fetch)
{
    skn_buf_fini(&fetch->keys);
    skn_buf_fini(&fetch->rows);
    skn_free(fetch);
}

void dirty_block_free(struct dirty_block *block)
{
    if (!block) return;
    skn_buf_fini(&block->ops);
    skn_free(block);
}

void worker_fini(struct worker *w)
{
    struct skn_list *link;
    if (!w->all) return;
    chunk_free(w->open);
    while ((link = skn_list_pop_front(&w->free_chunks)))
        chunk_free(SKN_CONTAINER_OF(link, struct chunk, link));
    while ((link = skn_list_pop_front(&w->free_blocks)))
        dirty_block_free(SKN_CONTAINER_OF(link, struct dirty_block, link));
}

void worker_activate(struct shard *shard)
{
    if (skn_list_is_empty(&shard->active_link))
        skn_list_push_back(&shard->worker->active, &shard->active_link);
}

static void may_release(struct shard *shard)
{
    if (skn_list_is_empty(&shard->release_link))
        skn_list_push_back(&shard->worker->releasing, &shard->release_link);
}

/* --- records to the log ---------------------------------------------------------------------------- */

static void give_chunk(struct worker *w)
{
    if (!w->open || w->open->count == 0) return;
    bool fits =
        parts_push(w->all, w->part, part_log(w->all), ITEM_CHUNK, 0, w->open->count, w->open);
    SKN_ASSERT(fits); /* CHUNKS_OUT_MAX are fewer than a ring holds */
    w->chunks_out++;
    w->records_out += w->open->count;
    w->open = NULL;
}

/* A chunk with room for `size` more bytes. */
static struct chunk *open_chunk(struct worker *w, size_t size)
{
    struct chunk *chunk = w->open;
    if (chunk && (chunk->count == CHUNK_RECORDS || chunk->cap - chunk->used < size)) give_chunk(w);
    if (w->open) return w->open;
    struct skn_list *link = skn_list_pop_front(&w->free_chunks);
    w->open =
        link ? SKN_CONTAINER_OF(link, struct chunk, link) : skn_alloc_zero(1, sizeof *w->open);
    skn_list_init(&w->open->link);
    w->open->worker = w->part;
    w->open->count = 0;
    w->open->used = 0;
    return w->open;
}

static struct skn_slice copy_into(struct chunk *chunk, struct skn_slice bytes)
{
    uint8_t *at = chunk->bytes + chunk->used;
    if (bytes.len > 0) memcpy(at, bytes.ptr, bytes.len);
    chunk->used += bytes.len;
    return skn_slice(at, bytes.len);
}

void chunk_add(struct chunk *chunk, const struct skn_record *record)
{
    size_t size = record->message.len + record->batch.len;
    if (chunk->cap - chunk->used < size) {
        SKN_ASSERT(chunk->used == 0);
        chunk->cap = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        skn_free(chunk->bytes);
        chunk->bytes = skn_alloc(chunk->cap);
    }
    struct skn_record *copy = &chunk->records[chunk->count++];
    *copy = *record;
    copy->message = copy_into(chunk, record->message);
    copy->batch = copy_into(chunk, record->batch);
}

static void add_record(struct worker *w, const struct skn_record *record)
{
    size_t size = record->message.len + record->batch.len;
    chunk_add(open_chunk(w, size), record);
    w->bytes_out += size;
}

/* All of a chunk's records are durable: it comes back, and outputs may leave. */
static void take_chunk(struct worker *w, struct chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        struct shard *shard = w->all->shards[chunk->records[i].shard];
        skn_core_durable(shard->core, chunk->records[i].index);
        may_release(shard);
        worker_activate(shard); /* it may have waited for room [E20] */
    }
    if (chunk->cap > CHUNK_BYTES) { /* one record was large; the next will not be */
        skn_free(chunk->bytes);
        chunk->bytes = NULL;
        chunk->cap = 0;
    }
    w->chunks_out--;
    w->records_out -= chunk->count;
    w->bytes_out -= chunk->used;
    skn_list_push_front(&w->free_chunks, &chunk->link);
}

/* --- rows from the fetcher ------------------------------------------------------------------------- */

static struct fetch *new_fetch(void)
{
    struct fetch *fetch = skn_alloc_zero(1, sizeof *fetch);
    skn_buf_init(&fetch->keys, 2 * (size_t)SKN_KEY_MAX);
    skn_buf_init(&fetch->rows, 8 << 20);
    return fetch;
}

/* What is more than may be asked for at once is when some of it has come. */
static void ask_for_rows(struct worker *w, struct shard *shard)
{
    struct skn_read read;
    uint64_t number;
    for (;;) {
        if (w->fetches_out == FETCHES_OUT_MAX) {
            if (skn_list_is_empty(&shard->want_link))
                skn_list_push_back(&w->wanting, &shard->want_link);
            return;
        }
        if (!skn_store_next_want(shard->store, &read, &number)) return;
        struct fetch *fetch = new_fetch();
        skn_buf_put(&fetch->keys, read.from);
        skn_buf_put(&fetch->keys, read.end);
        fetch->read = read;
        fetch->read.from = skn_slice(fetch->keys.ptr, read.from.len);
        fetch->read.end = skn_slice(fetch->keys.ptr + read.from.len, read.end.len);
        fetch->number = number;
        bool fits = parts_push(
            w->all, w->part, part_fetcher(w->all), ITEM_FETCH, shard->number, number, fetch);
        SKN_ASSERT(fits);
        w->fetches_out++;
    }
}

static enum skn_rc take_rows(struct worker *w, struct fetch *fetch, struct skn_diag *diag)
{
    struct shard *shard = w->all->shards[fetch->read.shard];
    w->fetches_out--;
    enum skn_rc rc = skn_store_fetched(
        shard->store, fetch->number, skn_buf_slice(&fetch->rows), fetch->is_end, diag);
    skn_core_fetched(shard->core, fetch->number);
    fetch_free(fetch);
    worker_activate(shard);
    struct skn_list *link = skn_list_pop_front(&w->wanting);
    if (link) ask_for_rows(w, SKN_CONTAINER_OF(link, struct shard, want_link));
    return rc;
}

/* --- what comes in ----------------------------------------------------------------------------------- */

static void take_up(struct shard *shard, struct skn_slice *address, bool is_asked)
{
    enum skn_rc rc = skn_core_take_up(shard->core, *address, is_asked);
    (void)rc; /* that nothing waited is no news */
    skn_free(address);
    worker_activate(shard);
}

static enum skn_rc
take_item(struct worker *w, const struct skn_ring_item *item, struct skn_diag *diag)
{
    struct shard *shard = w->all->shards[item->shard];
    switch ((enum item_kind)item->kind) {
    case ITEM_INPUT:
        skn_core_put(shard->core, item->ptr);
        worker_activate(shard);
        may_release(shard); /* a refusal leaves without a record */
        break;
    case ITEM_TAKE_UP: take_up(shard, item->ptr, item->number != 0); break;
    case ITEM_CALL:
        if (((struct skn_call *)item->ptr)->acts) worker_activate(shard);
        skn_list_push_back(&shard->calls, &((struct skn_call *)item->ptr)->link);
        release_calls(shard);
        ask_for_rows(w, shard);
        may_release(shard);
        break;
    case ITEM_PACKET: {
        struct skn_output *packet = item->ptr;
        struct shard *target = w->all->shards[item->number];
        skn_core_packet(target->core, item->shard, packet->value);
        worker_activate(target);
        skn_output_free(packet);
        break;
    }
    case ITEM_CHUNK: take_chunk(w, item->ptr); break;
    case ITEM_FETCH: return take_rows(w, item->ptr, diag);
    case ITEM_MARK: mark_take(w); break;
    case ITEM_DIRTY:
        w->blocks_out--;
        skn_list_push_back(&w->free_blocks, &((struct dirty_block *)item->ptr)->link);
        break;
    case ITEM_FLUSHED: mark_flushed(w); break;
    case ITEM_OUTPUT:
    case ITEM_MARKED:
    case ITEM_BOUND:
    case ITEM_TRIM: SKN_ASSERT(item->kind == ITEM_CHUNK); break; /* none is for a worker */
    }
    return SKN_OK;
}

/* At most a ring full of each: a flood of packets would keep the rest from its turn. */
static enum skn_rc take_all(struct worker *w, bool *out_more, struct skn_diag *diag)
{
    struct skn_shards *all = w->all;
    *out_more = false;
    for (unsigned from = 0; from < all->parts_all; from++) {
        struct skn_ring_item item;
        unsigned i = 0;
        while (i < RING_ITEMS && parts_pop(all, from, w->part, &item)) {
            enum skn_rc rc = take_item(w, &item, diag);
            if (rc != SKN_OK) return rc;
            i++;
        }
        if (i < RING_ITEMS) continue;
        *out_more = true;
        /* It may have been full, and what the outside has besides goes in when it knows. */
        if (from == part_outside(all)) parts_nudge(all, w->part, from);
    }
    return SKN_OK;
}

/* --- the turn ------------------------------------------------------------------------------------------ */

static void tally_up(_Atomic uint64_t *sum, uint64_t before, uint64_t after)
{
    if (after == before) return;
    uint64_t now = atomic_load_explicit(sum, memory_order_relaxed) + after - before;
    atomic_store_explicit(sum, now, memory_order_relaxed);
}

/* Of what the node may have under way [E20] each worker has an equal part: so they need not ask each
 * other. One record may go over, as in a shard. */
static bool has_bytes(const struct worker *w)
{
    return w->bytes_out < w->all->options.speculative_bytes / w->all->worker_count;
}

/* Handles what waits at one shard, up to SLICES_AT_ONCE messages. */
static enum skn_rc
step_shard(struct worker *w, struct shard *shard, uint64_t now_ms, struct skn_diag *diag)
{
    struct skn_record record;
    struct skn_core_counts before = skn_core_counts(shard->core);
    enum skn_rc rc = SKN_OK;
    skn_list_remove(&shard->active_link);
    if (!skn_list_is_empty(&shard->calls)) release_calls(shard);
    for (int i = 0; i < SLICES_AT_ONCE && rc == SKN_OK && has_bytes(w); i++) {
        rc = skn_core_step(shard->core, now_ms, &record, diag);
        if (rc == SKN_OK) add_record(w, &record);
    }
    if (rc == SKN_OK) worker_activate(shard);
    if (rc != SKN_OK && rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    shard->due_ms = skn_core_next_due_ms(shard->core);
    /* It was stepped just now: what is due all the same waits for rows, which wake it. */
    if (rc != SKN_OK && shard->due_ms <= now_ms) shard->due_ms = now_ms + 1;
    ask_for_rows(w, shard); /* what it looked for to say when it is due, too */
    skn_store_shrink(shard->store);
    may_release(shard); /* answers of queries, looks */
    struct skn_core_counts after = skn_core_counts(shard->core);
    tally_up(&w->tally.slices, before.slices, after.slices);
    tally_up(&w->tally.batches, before.batches, after.batches);
    tally_up(&w->tally.faults, before.faults, after.faults);
    tally_up(&w->tally.dropped_results, before.dropped_results, after.dropped_results);
    tally_up(&w->tally.timers_fired, before.timers_fired, after.timers_fired);
    return SKN_OK;
}

static void wake_due(struct worker *w, uint64_t now_ms)
{
    bool looks = now_ms - w->looked_ms >= LOOK_MS;
    if (looks) w->looked_ms = now_ms;
    for (uint32_t i = w->part; i < w->all->count; i += w->all->worker_count) {
        struct shard *shard = w->all->shards[i];
        if (looks || shard->due_ms <= now_ms) worker_activate(shard);
    }
}

static void release_all(struct worker *w)
{
    struct skn_list again;
    struct skn_list *link;
    skn_list_init(&again);
    while ((link = skn_list_pop_front(&w->releasing))) {
        if (!release_outputs(SKN_CONTAINER_OF(link, struct shard, release_link)))
            skn_list_push_back(&again, link);
    }
    skn_list_append_all(&w->releasing, &again);
}

/* A chunk at the log is a sync to come; with so many the shards wait. So they do while the store is
 * too far behind the journal: an opening would take too long [E12]. */
static bool has_room(const struct worker *w)
{
    return w->chunks_out < CHUNKS_OUT_MAX && has_bytes(w) && !is_behind(w->all);
}

static bool may_step(const struct worker *w)
{
    return has_room(w) && !skn_list_is_empty(&w->active);
}

enum skn_rc worker_turn(struct worker *w, bool *out_more, struct skn_diag *diag)
{
    struct skn_shards *all = w->all;
    if (w->part == 0) shards_turn_clock(all);
    uint64_t now_ms = skn_shards_now_ms(all);
    uint64_t slices_before = atomic_load_explicit(&w->tally.slices, memory_order_relaxed);
    enum skn_rc rc = take_all(w, out_more, diag);
    if (rc != SKN_OK) return rc;
    release_all(w); /* before new work: who waits for an answer is told first */
    wake_due(w, now_ms);
    /* Each active shard once; what is made active meanwhile has its turn in the next one. */
    struct skn_list turn;
    skn_list_init(&turn);
    skn_list_append_all(&turn, &w->active);
    while (!skn_list_is_empty(&turn)) {
        struct shard *shard = SKN_CONTAINER_OF(skn_list_first(&turn), struct shard, active_link);
        if (!has_room(w)) break;
        if ((rc = step_shard(w, shard, now_ms, diag)) != SKN_OK) return rc;
    }
    skn_list_append_all(&w->active, &turn);
    give_chunk(w);
    release_all(w);
    uint64_t slices = atomic_load_explicit(&w->tally.slices, memory_order_relaxed) - slices_before;
    *out_more |= may_step(w);
    bool gives_more = mark_go_on(w, slices, *out_more || w->chunks_out > 0);
    parts_wake(all, w->part);
    bool waits = w->chunks_out > 0 || w->fetches_out > 0 || !skn_list_is_empty(&w->releasing);
    atomic_store_explicit(&w->tally.is_busy, *out_more || waits, memory_order_relaxed);
    *out_more |= gives_more;
    return SKN_OK;
}

int worker_timeout_ms(struct worker *w)
{
    if (may_step(w)) return 0;
    if (!has_room(w)) return WAIT_MS;                /* woken before by what makes room */
    if (!skn_list_is_empty(&w->releasing)) return 1; /* a ring was full */
    uint64_t now_ms = skn_shards_now_ms(w->all), due_ms = w->looked_ms + LOOK_MS;
    for (uint32_t i = w->part; i < w->all->count; i += w->all->worker_count) {
        if (w->all->shards[i]->due_ms < due_ms) due_ms = w->all->shards[i]->due_ms;
    }
    return due_ms <= now_ms ? 0 : (int)(due_ms - now_ms);
}
