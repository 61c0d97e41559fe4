/* ring.h - a bounded queue of small items from one thread to one other.
 *
 * Owns        its array; what an item points to belongs to whoever has the item.
 * May include base.
 * Threads     push: one; pop: one; init and fini: none beside them.
 * Invariants
 *   1. Items come out once, in the order in which they went in.
 *   2. Neither side ever waits: a full ring refuses, an empty one gives nothing.
 *
 * Each side keeps what it last saw of the other's end on its own cache line, so that most calls touch
 * no line that the other thread writes (the scheme of Lamport 1983 with cached ends).
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

struct skn_ring_item {
    uint32_t kind;
    uint32_t shard;
    uint64_t number;
    void *ptr;
};

enum { SKN_CACHE_LINE = 64 };

struct skn_ring {
    _Atomic uint32_t tail; /* of the pushing side: items put in */
    uint32_t head_seen;
    uint8_t apart[SKN_CACHE_LINE];
    _Atomic uint32_t head; /* of the popping side: items taken out */
    uint32_t tail_seen;
    uint8_t apart_too[SKN_CACHE_LINE];
    uint32_t mask;
    struct skn_ring_item *items;
};

/* `capacity` is a power of two. */
void skn_ring_init(struct skn_ring *ring, uint32_t capacity);
void skn_ring_fini(struct skn_ring *ring);

/* False: it is full. */
static inline bool skn_ring_push(struct skn_ring *ring, const struct skn_ring_item *item)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - ring->head_seen > ring->mask) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail - ring->head_seen > ring->mask) return false;
    }
    ring->items[tail & ring->mask] = *item;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

/* How many more can be pushed now; for the pushing side. */
static inline uint32_t skn_ring_room(struct skn_ring *ring)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
    return ring->mask + 1 - (tail - ring->head_seen);
}

/* False: it is empty. */
static inline bool skn_ring_pop(struct skn_ring *ring, struct skn_ring_item *out)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == ring->tail_seen) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head == ring->tail_seen) return false;
    }
    *out = ring->items[head & ring->mask];
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}
