/* sched.c - rounds, debts and the 3-to-1 rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched_internal.h"

#include <string.h>

/* After so many picks of a higher class a waiting lower one has its turn (DESIGN 3.1). */
enum { TURNS = 3 };

static_assert(SKN_SCHED_LANES * SKN_SCHED_RANKS <= 64, "one bit per class");

uint8_t skn_sched_rank(struct skn_slice address)
{
    uint8_t rank = 0;
    for (size_t i = 0; i < address.len && address.ptr[i] != ':'; i++) {
        if (address.ptr[i] == '/' && rank < SKN_SCHED_RANKS - 1) rank++;
    }
    return rank;
}

void skn_sched_init(struct skn_sched *sched, uint64_t quantum)
{
    SKN_ASSERT(quantum > 0);
    *sched = (struct skn_sched){.quantum = quantum};
}

void skn_turn_init(struct skn_turn *turn, uint8_t *key, size_t len)
{
    SKN_ASSERT(len > SKN_SCHED_ROUND_BYTES);
    struct skn_slice address = skn_slice(key + SKN_SCHED_ROUND_BYTES, len - SKN_SCHED_ROUND_BYTES);
    *turn = (struct skn_turn){.rank = skn_sched_rank(address)};
    turn->node.key = skn_slice(key, len);
}

static struct skn_turn *turn_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct skn_turn, node) : NULL;
}

static struct skn_class *class_of(struct skn_sched *sched, const struct skn_turn *turn)
{
    return &sched->classes[turn->lane][turn->rank];
}

static uint64_t owing_bit(const struct skn_turn *turn)
{
    return UINT64_C(1) << (turn->lane * SKN_SCHED_RANKS + turn->rank);
}

static void insert(struct skn_omap *map, struct skn_turn *turn, enum skn_turn_in in)
{
    uint8_t *round = (uint8_t *)(uintptr_t)turn->node.key.ptr;
    for (int i = 0; i < SKN_SCHED_ROUND_BYTES; i++)
        round[i] = (uint8_t)(turn->round >> (8 * (SKN_SCHED_ROUND_BYTES - 1 - i)));
    SKN_ASSERT(!skn_omap_insert(map, &turn->node));
    turn->in = in;
}

static void make_ready(struct skn_sched *sched, struct skn_turn *turn)
{
    insert(&class_of(sched, turn)->ready, turn, SKN_TURN_READY);
    sched->ready++;
    sched->lanes |= 1U << turn->lane;
    sched->ranks[turn->lane] |= 1U << turn->rank;
}

static void take_out(struct skn_sched *sched, struct skn_turn *turn)
{
    struct skn_class *class = class_of(sched, turn);
    if (turn->in == SKN_TURN_OWES) {
        skn_omap_remove(&class->owing, &turn->node);
        if (skn_omap_count(&class->owing) == 0) sched->owing &= ~owing_bit(turn);
    }
    if (turn->in == SKN_TURN_READY) {
        skn_omap_remove(&class->ready, &turn->node);
        sched->ready--;
        if (skn_omap_count(&class->ready) == 0) sched->ranks[turn->lane] &= ~(1U << turn->rank);
        if (sched->ranks[turn->lane] == 0) sched->lanes &= ~(1U << turn->lane);
    }
    turn->in = SKN_TURN_OUT;
}

void skn_sched_enter(struct skn_sched *sched, struct skn_turn *turn, unsigned lane)
{
    SKN_ASSERT(lane < SKN_SCHED_LANES);
    if (turn->in == SKN_TURN_READY && turn->lane == lane) return;
    uint64_t wait = 1; /* rounds: who is new comes in the next one */
    if (turn->in == SKN_TURN_OUT) {
        turn->left = sched->quantum;
    } else {
        uint64_t round = class_of(sched, turn)->round;
        if (turn->round > round + 1) wait = turn->round - round;
        take_out(sched, turn);
    }
    turn->lane = (uint8_t)lane;
    turn->round = class_of(sched, turn)->round + wait;
    make_ready(sched, turn);
}

void skn_sched_leave(struct skn_sched *sched, struct skn_turn *turn)
{
    if (turn->in != SKN_TURN_READY) return;
    struct skn_class *class = class_of(sched, turn);
    take_out(sched, turn);
    if (skn_omap_count(&class->ready) == 0) {
        /* Nobody waits for what was taken: all debts of the class are forgiven. */
        struct skn_turn *last = turn_of(skn_omap_last(&class->owing));
        if (turn->round > class->round) class->round = turn->round;
        if (last && last->round > class->round) class->round = last->round;
        return;
    }
    if (turn->round <= class->round + 1) return;
    insert(&class->owing, turn, SKN_TURN_OWES);
    sched->owing |= owing_bit(turn);
}

unsigned skn_turn_among(uint32_t waiting, uint8_t *streak)
{
    unsigned chosen = (unsigned)__builtin_ctz(waiting);
    for (waiting &= waiting - 1; waiting; waiting &= waiting - 1) {
        if (++streak[chosen] <= TURNS) break;
        streak[chosen] = 0;
        chosen = (unsigned)__builtin_ctz(waiting);
    }
    return chosen;
}

struct skn_turn *skn_sched_pick(struct skn_sched *sched)
{
    if (sched->lanes == 0) return NULL;
    unsigned lane = skn_turn_among(sched->lanes, sched->lane_streak);
    unsigned rank = skn_turn_among(sched->ranks[lane], sched->rank_streak[lane]);
    struct skn_class *class = &sched->classes[lane][rank];
    struct skn_turn *turn = turn_of(skn_omap_first(&class->ready));
    SKN_ASSERT(turn && turn->round >= class->round);
    class->round = turn->round;
    return turn;
}

static void wait_rounds(struct skn_sched *sched, struct skn_turn *turn, uint64_t rounds)
{
    struct skn_omap *ready = &class_of(sched, turn)->ready;
    skn_omap_remove(ready, &turn->node);
    turn->round += rounds;
    insert(ready, turn, SKN_TURN_READY);
}

void skn_sched_charge(struct skn_sched *sched, struct skn_turn *turn, uint64_t gas)
{
    SKN_ASSERT(turn->in == SKN_TURN_READY);
    if (gas < turn->left) {
        turn->left -= gas;
        return;
    }
    uint64_t over = gas - turn->left;
    turn->left = sched->quantum - over % sched->quantum;
    wait_rounds(sched, turn, 1 + over / sched->quantum);
}

void skn_sched_yield(struct skn_sched *sched, struct skn_turn *turn)
{
    SKN_ASSERT(turn->in == SKN_TURN_READY);
    turn->left = sched->quantum;
    wait_rounds(sched, turn, 1);
}

struct skn_turn *skn_sched_paid(struct skn_sched *sched)
{
    for (uint64_t bits = sched->owing; bits; bits &= bits - 1) {
        unsigned n = (unsigned)__builtin_ctzll(bits);
        struct skn_class *class = &sched->classes[n / SKN_SCHED_RANKS][n % SKN_SCHED_RANKS];
        struct skn_turn *turn = turn_of(skn_omap_first(&class->owing));
        if (turn->round > class->round + 1) continue;
        take_out(sched, turn);
        return turn;
    }
    return NULL;
}

void skn_sched_drop(struct skn_sched *sched, struct skn_turn *turn)
{
    take_out(sched, turn);
}

static void check_class(const struct skn_sched *sched, unsigned lane, unsigned rank)
{
    const struct skn_class *class = &sched->classes[lane][rank];
    skn_omap_check(&class->ready);
    skn_omap_check(&class->owing);
    SKN_ASSERT(((sched->ranks[lane] >> rank) & 1) == (skn_omap_count(&class->ready) > 0));
    SKN_ASSERT(((sched->owing >> (lane * SKN_SCHED_RANKS + rank)) & 1) ==
               (skn_omap_count(&class->owing) > 0));
    const struct skn_omap *maps[] = {&class->ready, &class->owing};
    for (size_t i = 0; i < SKN_ARRAY_LEN(maps); i++) {
        for (struct skn_omap_node *n = skn_omap_first(maps[i]); n; n = skn_omap_next(n)) {
            const struct skn_turn *turn = turn_of(n);
            SKN_ASSERT(turn->in == (i == 0 ? SKN_TURN_READY : SKN_TURN_OWES));
            SKN_ASSERT(turn->lane == lane && turn->rank == rank);
            SKN_ASSERT(turn->left >= 1 && turn->left <= sched->quantum);
            if (i == 0) SKN_ASSERT(turn->round >= class->round);
        }
    }
}

void skn_sched_check(const struct skn_sched *sched)
{
    uint64_t ready = 0;
    for (unsigned lane = 0; lane < SKN_SCHED_LANES; lane++) {
        SKN_ASSERT(((sched->lanes >> lane) & 1) == (sched->ranks[lane] != 0));
        for (unsigned rank = 0; rank < SKN_SCHED_RANKS; rank++) {
            check_class(sched, lane, rank);
            ready += skn_omap_count(&sched->classes[lane][rank].ready);
        }
    }
    SKN_ASSERT(ready == sched->ready);
}
