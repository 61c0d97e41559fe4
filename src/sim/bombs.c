/* bombs.c - messages at which the node dies by its own fault, and the marks that outlive it [E35]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/cx.h"
#include "core/guard.h"
#include "sim/world_internal.h"

#include "base/pure.h"

enum { BOMBS_MAX = SIM_POISON_MAX, DEADLY = 2 };

/* Who died at what: what a mapped file holds for a real node. */
struct bombs {
    struct skn_handling slots[SIM_WORKERS_MAX];
    struct skn_handling gone; /* the slot of the one that went off; state NOTHING: none did */
    struct {
        struct skn_hash128 identity;
        struct skn_slice address; /* in the world's arena */
        uint32_t deaths;
    } marks[BOMBS_MAX];
    size_t count;
    size_t asked;
};

/* A program knows no world, and a handler of a fatal signal has nothing but what stands in memory:
 * of the one simulation that this thread turns. */
static _Thread_local struct bombs *at_work;

/* A handler cannot end a simulated node. This one never ends itself: it says that it waits for rows, so
 * nothing of it becomes a batch, and the world ends the node in its place at the end of the turn. */
static enum skn_rc
bomb_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm, (void)m, (void)diag;
    SKN_ASSERT(at_work);
    for (size_t i = 0; i < SIM_WORKERS_MAX; i++) {
        const struct skn_handling *slot = &at_work->slots[i];
        struct skn_slice address = skn_slice(slot->address, slot->address_len);
        bool is_this =
            slot->state == SKN_HANDLING_MESSAGE && skn_slice_eq(address, skn_cx_address(cx));
        if (is_this) at_work->gone = *slot;
    }
    SKN_ASSERT(at_work->gone.state == SKN_HANDLING_MESSAGE); /* who handles has entered it */
    return SKN_ELATER;
}

const struct skn_program sim_bomb_program = {.type = "Bomb", .module = 104, .handle = bomb_handle};

struct bombs *bombs_create(void)
{
    return skn_alloc_zero(1, sizeof(struct bombs));
}

void bombs_destroy(struct bombs *bombs)
{
    if (at_work == bombs) at_work = NULL;
    skn_free(bombs);
}

struct skn_handling *bombs_slots(struct bombs *bombs)
{
    memset(bombs->slots, 0, sizeof bombs->slots);
    bombs->gone.state = SKN_HANDLING_NOTHING;
    at_work = bombs;
    return bombs->slots;
}

size_t bombs_poison(const struct bombs *bombs, struct skn_poison *out)
{
    size_t n = 0;
    for (size_t i = 0; i < bombs->count; i++)
        if (bombs->marks[i].deaths >= DEADLY)
            out[n++] = (struct skn_poison){bombs->marks[i].identity, bombs->marks[i].address};
    return n;
}

bool bombs_may_ask(struct bombs *bombs)
{
    if (bombs->asked == BOMBS_MAX) return false;
    bombs->asked++;
    return true;
}

bool bombs_have_killed(struct world *w, struct skn_slice *out_address)
{
    struct bombs *b = w->bombs;
    const struct skn_hash128 identity = {b->gone.identity_lo, b->gone.identity_hi};
    if (b->gone.state == SKN_HANDLING_NOTHING) return false;
    size_t i = 0;
    while (i < b->count && !skn_hash128_eq(b->marks[i].identity, identity))
        i++;
    if (i == b->count) {
        SKN_ASSERT(b->count < BOMBS_MAX);
        b->marks[b->count++].identity = identity;
        b->marks[i].address =
            skn_arena_dup(&w->arena, skn_slice(b->gone.address, b->gone.address_len));
    }
    b->marks[i].deaths++;
    b->gone.state = SKN_HANDLING_NOTHING;
    *out_address = b->marks[i].address;
    return true;
}
