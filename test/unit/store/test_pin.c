/* test_pin.c - what was fetched while somebody waits stays until he is done, whoever else comes and goes
 * [E13]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lib/test.h"
#include "store/store_internal.h"

enum { STEPS = 60000, PINS_MAX = 3000, ITEMS_MAX = 500 };

/* A pin and an entry, by when they came. */
struct came {
    uint64_t at, pin;
    struct skn_item item;
};
static struct came pins[PINS_MAX], items[ITEMS_MAX];

static void a_pin_holds_all_that_was_fetched_since(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct skn_rng rng;
        struct skn_store *store = skn_store_memory_create();
        size_t count = 0, fetched = 0;
        uint64_t kept = 0, freed = 0;
        /* Few at a time, or so many that generations fill and run out. */
        size_t most = seed % 2 ? 20 : PINS_MAX;
        skn_rng_init(&rng, seed);
        for (uint64_t now = 1; now < STEPS; now++) {
            uint64_t what = skn_rng_below(&rng, 10);
            if (what < 5 && count < most) {
                pins[count++] = (struct came){.at = now, .pin = skn_store_pin(store)};
            } else if (what < 8 && count > 0) {
                /* Often the oldest: then what it held goes. */
                size_t i = skn_rng_chance(&rng, 1, 2) ? 0 : skn_rng_below(&rng, count);
                skn_store_unpin(store, pins[i].pin);
                memmove(&pins[i], &pins[i + 1], (--count - i) * sizeof *pins);
            } else {
                struct came *c = &items[fetched++ % ITEMS_MAX];
                *c = (struct came){.at = now};
                c->item.rounds = skn_pins_rounds(store);
            }
            assert_int_equal(skn_store_counts(store).pins, count);
            struct came *c = &items[skn_rng_below(&rng, ITEMS_MAX)];
            bool must = count > 0 && c->at > 0 && pins[0].at < c->at && c->item.rounds >= PIN_TAG;
            bool is_pinned = skn_item_is_pinned(store, &c->item);
            if (must) assert_true(is_pinned);
            if (count == 0) assert_false(is_pinned);
            kept += is_pinned;
            freed += !is_pinned && c->at > 0;
        }
        assert_true(kept > 100 && (freed > 100 || most == PINS_MAX));
        while (count > 0)
            skn_store_unpin(store, pins[--count].pin);
        for (size_t i = 0; i < ITEMS_MAX; i++)
            assert_false(skn_item_is_pinned(store, &items[i].item));
        skn_store_destroy(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_pin_holds_all_that_was_fetched_since)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
