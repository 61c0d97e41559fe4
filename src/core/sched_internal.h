/* sched_internal.h - who is next: priority, scope rank, fair share by gas, address (DESIGN 3.1).
 *
 * Owns        the order of turns. Turns and the bytes of their keys stay their owner's.
 * May include base.
 * Threads     the one that owns the shard.
 * Invariants  (skn_sched_check)
 *   1. A class is one priority and one scope rank. Between priorities, and between the ranks of one,
 *      a lower one that waits is picked after every three picks of a higher one.
 *   2. In a class turns go by (round, address). A round gives each turn one quantum of gas; what a
 *      slice took beyond it is paid with the rounds that follow. So two turns that are ready over
 *      the same rounds differ by at most a quantum and the gas of one slice, whatever they do.
 *   3. Who comes new waits for the next round, so nobody comes before an equal twice.
 *   4. A turn that leaves with rounds to pay keeps its debt until its class has gone through them,
 *      or has nothing else to do. So a hog gains nothing by sleeping between its slices.
 *   5. Nothing here depends on hashes, memory addresses, clocks, or on the order in which turns of
 *      one round were entered.
 *
 * Deficit round robin after Shreedhar and Varghese (1996), with two differences: the cost of a
 * slice is known only when it has run, so it is taken off afterwards; and instead of visiting a
 * turn that must wait in every round, its debt is turned into the number of the round in which it
 * may go on. A pick is O(log n) of the turns of its class, with debts of any size.
 */
#pragma once

#include "base/base.h"
#include "base/omap.h"

enum {
    SKN_SCHED_LANES = 5, /* priorities */
    /* A scope has at most five parts (tenant/environment/workspace/target/namespace); what is
     * deeper all the same shares the last rank. */
    SKN_SCHED_RANKS = 8,
    SKN_SCHED_ROUND_BYTES = 8, /* of the round, in front of a turn's address */
};

/* The lowest bit of those that wait, but for the turn that a higher one has after three (DESIGN
 * 3.1); `streak` has a byte for each. `waiting` is not 0. */
unsigned skn_turn_among(uint32_t waiting, uint8_t *streak);

enum skn_turn_in { SKN_TURN_OUT, SKN_TURN_READY, SKN_TURN_OWES };

/* A domain's place. */
struct skn_turn {
    struct skn_omap_node node; /* among the ready or the owing ones of its class */
    enum skn_turn_in in;
    uint8_t lane;
    uint8_t rank;
    uint64_t round; /* in which it may go on; as a number of its class */
    uint64_t left;  /* gas of its quantum in that round, from 1 to a quantum */
};

struct skn_class {
    struct skn_omap ready;
    struct skn_omap owing;
    uint64_t round; /* of the last pick */
};

struct skn_sched {
    struct skn_class classes[SKN_SCHED_LANES][SKN_SCHED_RANKS];
    uint32_t lanes;                  /* bit per lane with a ready turn */
    uint32_t ranks[SKN_SCHED_LANES]; /* bit per rank, of each lane */
    uint64_t owing;                  /* bit per class with an owing turn */
    uint8_t lane_streak[SKN_SCHED_LANES];
    uint8_t rank_streak[SKN_SCHED_LANES][SKN_SCHED_RANKS];
    uint64_t ready; /* turns */
    uint64_t quantum;
};

/* 0 for the scope "acme", 1 for "acme/prod", .. of an address scope:Type/key. */
uint8_t skn_sched_rank(struct skn_slice address);

/* `quantum` of gas, at least 1. There is no fini: nothing is owned. */
void skn_sched_init(struct skn_sched *sched, uint64_t quantum);

/* `key` is SKN_SCHED_ROUND_BYTES of room and the address, `len` bytes in all; it must stay. */
void skn_turn_init(struct skn_turn *turn, uint8_t *key, size_t len);

/* Something of this priority waits: the turn is ready in that lane, wherever it was. */
void skn_sched_enter(struct skn_sched *sched, struct skn_turn *turn, unsigned lane);

/* Nothing waits, or nothing may be picked. The turn is out, or owes. */
void skn_sched_leave(struct skn_sched *sched, struct skn_turn *turn);

/* The next turn, or NULL. It stays ready: charge or yield says what became of it. */
struct skn_turn *skn_sched_pick(struct skn_sched *sched);

/* The ready turn took this much gas. */
void skn_sched_charge(struct skn_sched *sched, struct skn_turn *turn, uint64_t gas);

/* The ready turn could not go on: it comes again in the next round. */
void skn_sched_yield(struct skn_sched *sched, struct skn_turn *turn);

/* Takes out a turn that owes no longer; NULL when there is none. For its owner to free. */
struct skn_turn *skn_sched_paid(struct skn_sched *sched);

/* Out, owing or not: before its memory goes. */
void skn_sched_drop(struct skn_sched *sched, struct skn_turn *turn);

/* Aborts on a broken invariant. O(turns), for tests. */
void skn_sched_check(const struct skn_sched *sched);
