/* rings.c - what passes between the parts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/parts_internal.h"

static struct skn_ring **ring_at(struct skn_shards *all, unsigned from, unsigned to)
{
    return &all->rings[from * all->parts_all + to];
}

static void connect(struct skn_shards *all, unsigned from, unsigned to)
{
    struct skn_ring *ring = skn_alloc_zero(1, sizeof *ring);
    skn_ring_init(ring, RING_ITEMS);
    *ring_at(all, from, to) = ring;
}

void rings_create(struct skn_shards *all)
{
    unsigned workers = all->worker_count;
    all->parts_all = part_outside(all) + 1;
    SKN_ASSERT(all->parts_all <= 128 && workers <= SKN_WORKERS_MAX);
    all->rings = skn_alloc_zero((size_t)all->parts_all * all->parts_all, sizeof *all->rings);
    all->wakes = skn_alloc_zero((size_t)all->parts_all * 2, sizeof *all->wakes);
    for (unsigned w = 0; w < workers; w++) {
        for (unsigned to = 0; to < all->parts_all; to++) {
            if (to == w) continue;
            connect(all, w, to);
            if (to >= workers) connect(all, to, w);
        }
    }
    connect(all, part_keeper(all), part_log(all));
    connect(all, part_log(all), part_keeper(all));
}

void parts_free_item(const struct skn_ring_item *item)
{
    switch ((enum item_kind)item->kind) {
    case ITEM_INPUT: skn_input_free(item->ptr); break;
    case ITEM_OUTPUT:
    case ITEM_PACKET: skn_output_free(item->ptr); break;
    case ITEM_CHUNK: chunk_free(item->ptr); break;
    case ITEM_FETCH: fetch_free(item->ptr); break;
    case ITEM_DIRTY: dirty_block_free(item->ptr); break;
    case ITEM_TAKE_UP:
    case ITEM_TRIM: skn_free(item->ptr); break;
    case ITEM_CALL: /* the caller's */
    case ITEM_MARK:
    case ITEM_MARKED:
    case ITEM_BOUND:
    case ITEM_FLUSHED: break;
    }
}

void rings_destroy(struct skn_shards *all)
{
    if (!all->rings) return;
    for (unsigned i = 0; i < all->parts_all * all->parts_all; i++) {
        struct skn_ring *ring = all->rings[i];
        struct skn_ring_item item;
        if (!ring) continue;
        while (skn_ring_pop(ring, &item))
            parts_free_item(&item);
        skn_ring_fini(ring);
        skn_free(ring);
    }
    skn_free(all->rings);
    skn_free(all->wakes);
}

bool parts_push(struct skn_shards *all,
                unsigned from,
                unsigned to,
                enum item_kind kind,
                uint32_t shard,
                uint64_t number,
                void *ptr)
{
    const struct skn_ring_item item = {.kind = kind, .shard = shard, .number = number, .ptr = ptr};
    all->wakes[from * 2 + to / 64] |= UINT64_C(1) << (to % 64);
    return skn_ring_push(*ring_at(all, from, to), &item);
}

void parts_nudge(struct skn_shards *all, unsigned from, unsigned to)
{
    all->wakes[from * 2 + to / 64] |= UINT64_C(1) << (to % 64);
}

bool parts_pop(struct skn_shards *all, unsigned from, unsigned to, struct skn_ring_item *out)
{
    struct skn_ring *ring = *ring_at(all, from, to);
    return ring && skn_ring_pop(ring, out);
}

bool parts_are_quiet(struct skn_shards *all)
{
    for (unsigned from = 0; from <= part_outside(all); from++) {
        for (unsigned to = 0; to < part_outside(all); to++) {
            struct skn_ring *ring = *ring_at(all, from, to);
            if (ring && skn_ring_room(ring) < RING_ITEMS) return false;
        }
    }
    return true;
}

void parts_wake(struct skn_shards *all, unsigned from)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t bits = all->wakes[from * 2 + i];
        all->wakes[from * 2 + i] = 0;
        if (!all->wake) continue;
        for (unsigned to = i * 64; bits; to++, bits >>= 1) {
            if (bits & 1) all->wake(all->wake_ctx, from, to);
        }
    }
}
