/* ring.c - the array of a ring. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include "base/mem.h"

void skn_ring_init(struct skn_ring *ring, uint32_t capacity)
{
    SKN_ASSERT(capacity > 0 && (capacity & (capacity - 1)) == 0);
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->head, 0);
    ring->head_seen = 0;
    ring->tail_seen = 0;
    ring->mask = capacity - 1;
    ring->items = skn_alloc_zero(capacity, sizeof *ring->items);
}

void skn_ring_fini(struct skn_ring *ring)
{
    skn_free(ring->items);
    ring->items = NULL;
}
