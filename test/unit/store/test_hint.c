/* test_hint.c - what was hinted, late, twice, out of order or in vain, changes nothing of a store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lib/test.h"
#include "store/store.h"

#include <stdio.h>

enum { BATCHES = 3000, AHEAD = 16, TABLES = 40, KEYS = 30 };

static void make(struct skn_rng *rng, struct skn_buf *batch)
{
    char keys[8][32];
    uint64_t count = 1 + skn_rng_below(rng, 8);
    uint64_t table = skn_rng_below(rng, TABLES);
    skn_buf_reset(batch);
    for (uint64_t i = 0; i < count; i++) { /* one key is in a batch once */
        uint64_t n = i * KEYS + skn_rng_below(rng, KEYS);
        int len = snprintf(keys[i], sizeof keys[i], "t%u%c%u", (unsigned)table, 0, (unsigned)n);
        struct skn_slice key = skn_slice(keys[i], (size_t)len);
        if (skn_rng_chance(rng, 1, 3))
            skn_batch_delete(batch, key);
        else
            skn_batch_put(batch, key, skn_slice(&n, 1 + skn_rng_below(rng, sizeof n)));
    }
}

static void apply(struct skn_store *store, uint64_t index, struct skn_slice batch)
{
    assert_int_equal(skn_store_know(store, batch, NULL), SKN_OK);
    assert_int_equal(skn_store_apply(store, index, index << 16, batch, NULL), SKN_OK);
}

static void hints_change_nothing(void **state)
{
    (void)state;
    struct skn_store *plain = skn_store_memory_create(), *hinted = skn_store_memory_create();
    struct skn_buf batches[AHEAD];
    uint32_t hints[AHEAD] = {0};
    struct skn_rng rng;
    skn_rng_init(&rng, 11);
    for (size_t i = 0; i < AHEAD; i++) {
        skn_buf_init(&batches[i], 1 << 16);
        make(&rng, &batches[i]);
    }
    for (uint64_t n = 1; n <= BATCHES; n++) {
        size_t at = n % AHEAD;
        for (uint64_t k = skn_rng_below(&rng, 4); k > 0;
             k--) { /* of any that is to come, and long ago */
            size_t other = skn_rng_below(&rng, AHEAD);
            if (skn_rng_chance(&rng, 1, 2))
                hints[other] = skn_store_hint(hinted, skn_buf_slice(&batches[other]));
            skn_store_hint_near(hinted, hints[other], (unsigned)skn_rng_below(&rng, 2));
        }
        apply(plain, n, skn_buf_slice(&batches[at]));
        apply(hinted, n, skn_buf_slice(&batches[at]));
        struct skn_position a = skn_store_position(plain), b = skn_store_position(hinted);
        assert_int_equal(a.index, b.index);
        assert_true(skn_hash128_eq(a.state, b.state));
        if (n % 100 == 0) skn_store_check(hinted);
        make(&rng, &batches[at]);
    }
    assert_int_equal(skn_store_verify(hinted, NULL), SKN_OK);
    struct skn_store_counts a = skn_store_counts(plain), b = skn_store_counts(hinted);
    assert_int_equal(a.entries, b.entries);
    assert_int_equal(a.bytes, b.bytes);
    for (size_t i = 0; i < AHEAD; i++)
        skn_buf_fini(&batches[i]);
    skn_store_destroy(plain);
    skn_store_destroy(hinted);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(hints_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
