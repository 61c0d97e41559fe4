/* test_rng.c - random numbers against published values and slow counts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lib/test.h"

enum { STEPS = 100000 };

static const uint64_t seed = 42;

static void xoshiro_gives_the_numbers_of_the_reference(void **state)
{
    (void)state;
    /* The first ten of the authors' program started at 1, 2, 3, 4. */
    static const uint64_t expected[] = {11520U,
                                        0U,
                                        1509978240U,
                                        1215971899390074240U,
                                        1216172134540287360U,
                                        607988272756665600U,
                                        16172922978634559625U,
                                        8476171486693032832U,
                                        10595114339597558777U,
                                        2904607092377533576U};
    struct skn_rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(expected); i++)
        assert_int_equal(skn_rng_u64(&rng), expected[i]);
}

static void splitmix_gives_the_numbers_of_the_reference(void **state)
{
    (void)state;
    static const uint64_t expected[] = {6457827717110365317U,
                                        3203168211198807973U,
                                        9817491932198370423U,
                                        4593380528125082431U,
                                        16408922859458223821U};
    uint64_t s = 1234567;
    for (size_t i = 0; i < SKN_ARRAY_LEN(expected); i++)
        assert_int_equal(skn_splitmix64(&s), expected[i]);
}

static void a_seed_gives_its_numbers_for_ever(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    assert_int_equal(skn_rng_u64(&rng), 0x15780b2e0c2ec716U);
    assert_int_equal(skn_rng_u64(&rng), 0x6104d9866d113a7eU);
    assert_int_equal(skn_rng_u64(&rng), 0xae17533239e499a1U);
    skn_rng_init(&rng, seed);
    static const uint8_t expected[] = {
        0x16, 0xc7, 0x2e, 0x0c, 0x2e, 0x0b, 0x78, 0x15, 0x7e, 0x3a, 0x11};
    uint8_t bytes[12] = {0};
    skn_rng_bytes(&rng, bytes, 11);
    assert_memory_equal(bytes, expected, 11);
    assert_int_equal(bytes[11], 0);
}

/* Every value as often as expected: 10 counts that are within 5 standard deviations. */
static void below_is_unbiased(void **state)
{
    (void)state;
    enum { VALUES = 10 };
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    unsigned counts[VALUES] = {0};
    for (int i = 0; i < STEPS; i++)
        counts[skn_rng_below(&rng, VALUES)]++;
    for (size_t i = 0; i < VALUES; i++)
        assert_in_range(counts[i], 10000 - 475, 10000 + 475); /* sqrt(100000 x 0.1 x 0.9) is 95 */

    /* Two thirds of 2^64: a plain remainder would give the lower half twice as often. */
    uint64_t n = UINT64_MAX / 3 * 2;
    unsigned low = 0;
    for (int i = 0; i < STEPS; i++)
        low += skn_rng_below(&rng, n) < n / 2;
    assert_in_range(low, 50000 - 800, 50000 + 800); /* one deviation is 158 */
}

static void every_draw_is_in_its_bounds(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    for (int i = 0; i < STEPS; i++) {
        uint64_t a = skn_rng_u64(&rng) >> skn_rng_below(&rng, 64);
        uint64_t b = skn_rng_u64(&rng) >> skn_rng_below(&rng, 64);
        uint64_t low = a < b ? a : b;
        uint64_t high = a < b ? b : a;
        uint64_t got = skn_rng_range(&rng, low, high);
        if (got < low || got > high) fail_msg("seed %lu, step %d: out of range", seed, i);
        if (high > 0 && skn_rng_below(&rng, high) >= high) fail_msg("step %d: too large", i);
    }
    assert_int_equal(skn_rng_range(&rng, 7, 7), 7);
    assert_int_equal(skn_rng_below(&rng, 1), 0);
    bool above = false;
    for (int i = 0; i < 100; i++)
        above = above || skn_rng_range(&rng, 0, UINT64_MAX) > UINT64_MAX / 2;
    assert_true(above);
}

static void chance_is_as_likely_as_it_says(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    unsigned hits = 0;
    for (int i = 0; i < STEPS; i++) {
        hits += skn_rng_chance(&rng, 1, 4);
        assert_false(skn_rng_chance(&rng, 0, 4));
        assert_true(skn_rng_chance(&rng, 4, 4));
    }
    assert_in_range(hits, 25000 - 685, 25000 + 685); /* one deviation is 137 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xoshiro_gives_the_numbers_of_the_reference),
        cmocka_unit_test(splitmix_gives_the_numbers_of_the_reference),
        cmocka_unit_test(a_seed_gives_its_numbers_for_ever),
        cmocka_unit_test(below_is_unbiased),
        cmocka_unit_test(every_draw_is_in_its_bounds),
        cmocka_unit_test(chance_is_as_likely_as_it_says),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
