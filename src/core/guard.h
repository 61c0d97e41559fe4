/* guard.h - what is handled right now, and what must not be handled again [E35].
 *
 * Owns        the layout of `struct skn_handling`; its memory is the caller's, a mapped file that
 *             outlives the process.
 * May include base, store.
 * Threads     a slot belongs to one thread, and to the handlers of its signals.
 * Invariants
 *   1. Whoever reads a slot in a state other than SKN_HANDLING_NOTHING, behind a signal or the death
 *      of the process, reads the address and the identity of what was handled.
 *   2. An identity stays the same over deaths of the node, until its message was handled or buried.
 */
#pragma once

#include "core/core.h"

enum skn_handling_state {
    SKN_HANDLING_NOTHING = 0,
    SKN_HANDLING_MESSAGE = 1,
    SKN_HANDLING_CRASHED = 2, /* and that ended the process: written by a handler of a signal */
};

/* One slot, little-endian as stored. */
struct skn_handling {
    uint32_t state;
    uint32_t address_len;
    uint64_t identity_lo, identity_hi;
    uint8_t address[SKN_ADDRESS_MAX];
};

/* A message, or an intent, that ended the node too often. */
struct skn_poison {
    struct skn_hash128 identity;
    struct skn_slice address; /* of the domain that it is for */
};

/* `handling` NULL: nobody wants to know. */
void skn_handling_enter(struct skn_handling *handling,
                        struct skn_slice address,
                        struct skn_hash128 identity);
void skn_handling_leave(struct skn_handling *handling);

/* It is of a dead letter that was handed over again. Redelivering forgives all but these: the request
 * for it may be repeated by a client whose node died of it. A letter that is buried is another one. */
bool skn_guard_is_letter(struct skn_hash128 identity);

/* Of performing an intent; all of its attempts have one. */
struct skn_hash128 skn_guard_intent(struct skn_slice address, uint64_t number);
