/* clock_shared.c - the node's clock as all threads read it; worker 0 looks at the wall clock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/hlc.h"
#include "shard/parts_internal.h"

enum { US_IN_MS = 1000, NS_IN_US = 1000, TURN_US = 100000 };

static uint64_t wall_us(const struct skn_shards *all)
{
    return skn_env_now_wall_ns(all->env) / NS_IN_US;
}

static uint64_t boot_us(const struct skn_shards *all)
{
    return skn_env_now_mono_ns(all->env) / NS_IN_US;
}

/* A sequence lock (Lameter, OLS 2005): the thread of worker 0 writes, all read, and read again when the
 * number changed or is odd. The orders of the members stand for fences, which TSan does not know. */
static void publish(struct skn_shards *all)
{
    struct shared_clock *s = &all->clock_shared;
    const struct node_clock *c = &all->clock;
    uint32_t seq = atomic_load_explicit(&s->seq, memory_order_relaxed);
    atomic_store_explicit(&s->seq, seq + 1, memory_order_relaxed);
    atomic_store_explicit(&s->boot_us, c->boot_us, memory_order_release);
    atomic_store_explicit(&s->now_us, c->now_us, memory_order_release);
    atomic_store_explicit(&s->slew_us, c->slew_us, memory_order_release);
    atomic_store_explicit(&s->seq, seq + 2, memory_order_release);
    atomic_store_explicit(&s->off_ms, c->off_us / US_IN_MS, memory_order_relaxed);
    atomic_store_explicit(&s->waits, c->waits, memory_order_relaxed);
    atomic_store_explicit(&s->jumped_ms, c->jumped_ms, memory_order_relaxed);
    atomic_store_explicit(&s->jumps, c->jumps, memory_order_release);
}

static struct node_clock shared(const struct skn_shards *all)
{
    const struct shared_clock *s = &all->clock_shared;
    struct node_clock c = {0};
    uint32_t before, after;
    do {
        before = atomic_load_explicit(&s->seq, memory_order_acquire);
        c.boot_us = atomic_load_explicit(&s->boot_us, memory_order_acquire);
        c.now_us = atomic_load_explicit(&s->now_us, memory_order_acquire);
        c.slew_us = atomic_load_explicit(&s->slew_us, memory_order_acquire);
        after = atomic_load_explicit(&s->seq, memory_order_relaxed);
    } while (before != after || before % 2);
    return c;
}

void shards_start_clock(struct skn_shards *all)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        uint64_t stamp = skn_store_position(all->shards[i]->store).stamp;
        if (stamp > last) last = stamp;
    }
    clock_open(&all->clock, wall_us(all), boot_us(all), skn_hlc_ms(last));
    publish(all);
}

void shards_turn_clock(struct skn_shards *all)
{
    uint64_t boot = boot_us(all), jumps = all->clock.jumps;
    bool is_accepted = atomic_load_explicit(&all->clock_shared.is_accepted, memory_order_acquire);
    if (is_accepted)
        atomic_store_explicit(&all->clock_shared.is_accepted, false, memory_order_relaxed);
    if (!is_accepted && boot < all->clock.boot_us + TURN_US) return;
    clock_turn(&all->clock, wall_us(all), boot, is_accepted);
    publish(all);
    /* What is due by then waits no more. */
    for (unsigned w = 1; w < all->worker_count && all->wake && all->clock.jumps != jumps; w++)
        all->wake(all->wake_ctx, 0, w);
}

uint64_t skn_shards_now_ms(const struct skn_shards *all)
{
    if (skn_bug(SKN_BUG_TIMER_WALL)) return wall_us(all) / US_IN_MS;
    const struct node_clock clock = shared(all);
    uint64_t ahead = atomic_load_explicit(&all->clock_ahead_ms, memory_order_relaxed);
    return clock_now_us(&clock, boot_us(all)) / US_IN_MS + ahead;
}

struct skn_clock_state skn_shards_clock(const struct skn_shards *all)
{
    const struct shared_clock *s = &all->clock_shared;
    struct skn_clock_state state = {.jumps = atomic_load_explicit(&s->jumps, memory_order_acquire)};
    state.ahead_ms = atomic_load_explicit(&s->off_ms, memory_order_relaxed);
    state.waits = atomic_load_explicit(&s->waits, memory_order_relaxed);
    state.jumped_ms = atomic_load_explicit(&s->jumped_ms, memory_order_relaxed);
    return state;
}

void skn_shards_accept_clock(struct skn_shards *all)
{
    atomic_store_explicit(&all->clock_shared.is_accepted, true, memory_order_release);
    if (all->wake) all->wake(all->wake_ctx, part_outside(all), 0);
}
