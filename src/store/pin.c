/* pin.c - what was fetched for somebody who waits stays until he is done [E13].
 *
 * Pins have numbers that rise; what is fetched while anybody has one carries the number of the newest
 * generation of them, and stays while a pin of that generation or an older one is held. So whoever
 * waits finds everything that was fetched since he began, and an entry costs no more than a byte. What
 * was fetched for others since then stays, too: a generation ends after so many pins, so that a message
 * that waits for long holds back no more than it must.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "store/store_internal.h"

#include "base/pure.h"

enum { PINS_EACH = 64 };

/* The tag of a generation in `rounds`, where small numbers are rounds of the clock. */
static uint8_t tag_of(uint64_t generation)
{
    return (uint8_t)(PIN_TAG + generation % PIN_TAGS);
}

uint64_t skn_store_pin(struct skn_store *store)
{
    struct skn_pins *p = &store->pins;
    bool has_next = p->newest - p->oldest + 1 < PIN_GENERATIONS;
    bool is_full = p->taken >= PINS_EACH && has_next;
    if (p->count == 0 || is_full) {
        p->newest++;
        p->taken = 0;
    }
    if (p->count == 0) p->oldest = p->newest; /* nothing fetched for others before is held back */
    p->held[p->newest % PIN_GENERATIONS]++;
    p->taken++; /* those given back count, too: else one that never runs dry would never end */
    p->count++;
    return p->newest;
}

void skn_store_unpin(struct skn_store *store, uint64_t pin)
{
    struct skn_pins *p = &store->pins;
    SKN_ASSERT(pin >= p->oldest && pin <= p->newest && p->count > 0);
    SKN_ASSERT(p->held[pin % PIN_GENERATIONS] > 0);
    p->held[pin % PIN_GENERATIONS]--;
    p->count--;
    while (p->oldest < p->newest && p->held[p->oldest % PIN_GENERATIONS] == 0)
        p->oldest++;
}

uint8_t skn_pins_rounds(const struct skn_store *store)
{
    return store->pins.count > 0 ? tag_of(store->pins.newest) : FETCHED_ROUNDS;
}

bool skn_item_is_pinned(const struct skn_store *store, struct skn_item *item)
{
    const struct skn_pins *p = &store->pins;
    if (item->rounds < PIN_TAG) return false;
    /* How many generations ago; one that is long over may look like a newer one, and stays too. */
    uint64_t newest = p->newest % PIN_TAGS, tag = item->rounds - (uint64_t)PIN_TAG;
    uint64_t ago = (newest + PIN_TAGS - tag) % PIN_TAGS;
    if (p->count > 0 && ago <= p->newest - p->oldest && !skn_bug(SKN_BUG_PIN_DROPPED)) return true;
    item->rounds = READ_ROUNDS;
    return false;
}
