/* test_hlc.c - stamps against pairs of milliseconds and counter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"

#include "base/rng.h"
#include "lib/test.h"

enum { STEPS = 100000 };

static const uint64_t seed = 42;

/* Slow and obvious: two numbers, the first of which counts more. */
struct pair {
    uint64_t ms;
    uint64_t counter;
};

static struct pair pair_of(uint64_t stamp)
{
    return (struct pair){skn_hlc_ms(stamp), skn_hlc_counter(stamp)};
}

static bool is_less(struct pair a, struct pair b)
{
    return a.ms != b.ms ? a.ms < b.ms : a.counter < b.counter;
}

static struct pair after(struct pair p)
{
    return p.counter == UINT16_MAX ? (struct pair){p.ms + 1, 0}
                                   : (struct pair){p.ms, p.counter + 1};
}

static struct pair oracle(struct pair last, struct pair seen, uint64_t now_ms)
{
    struct pair best = {now_ms, 0};
    if (is_less(best, after(last))) best = after(last);
    if (is_less(best, after(seen))) best = after(seen);
    return best;
}

/* A clock that stands, jumps and goes back, and seen stamps around it; counters near their end. */
static void next_agrees_with_pairs(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    uint64_t last = 0;
    uint64_t now_ms = 1000;
    unsigned over = 0;
    for (int step = 0; step < STEPS; step++) {
        if (skn_rng_chance(&rng, 1, 4)) now_ms = now_ms + skn_rng_below(&rng, 9) - 4;
        if (skn_rng_chance(&rng, 1, 100)) last |= 0xfff0;
        uint64_t seen = 0;
        if (skn_rng_chance(&rng, 1, 2))
            seen = skn_hlc_at(now_ms - 3 + skn_rng_below(&rng, 6)) + skn_rng_below(&rng, 65536);
        struct pair expected = oracle(pair_of(last), pair_of(seen), now_ms);
        uint64_t stamp = skn_hlc_next(last, seen, now_ms);
        if (skn_hlc_ms(stamp) != expected.ms || skn_hlc_counter(stamp) != expected.counter)
            fail_msg("seed %lu, step %d: stamp %lx", seed, step, stamp);
        assert_true(stamp > last);
        assert_true(stamp > seen);
        over += skn_hlc_ms(stamp) > now_ms && skn_hlc_counter(stamp) == 0;
        last = stamp;
    }
    assert_true(over > 0); /* the counter ran over at least once */
}

static void the_bits_are_where_the_drawing_says(void **state)
{
    (void)state;
    assert_int_equal(skn_hlc_at(0x123456789abc), 0x123456789abc0000);
    assert_int_equal(skn_hlc_ms(0x123456789abcdef0), 0x123456789abc);
    assert_int_equal(skn_hlc_counter(0x123456789abcdef0), 0xdef0);
    assert_int_equal(skn_hlc_at(UINT64_MAX), 0xffffffffffff0000U);
    assert_int_equal(skn_hlc_next(UINT64_MAX - 1, 0, 0), UINT64_MAX);
}

static void ahead_is_what_the_clock_lacks(void **state)
{
    (void)state;
    assert_int_equal(skn_hlc_ahead_ms(skn_hlc_at(5000) + 7, 4000), 1000);
    assert_int_equal(skn_hlc_ahead_ms(skn_hlc_at(5000), 5000), 0);
    assert_int_equal(skn_hlc_ahead_ms(skn_hlc_at(5000), 9000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_agrees_with_pairs),
        cmocka_unit_test(the_bits_are_where_the_drawing_says),
        cmocka_unit_test(ahead_is_what_the_clock_lacks),
    };
    return cmocka_run_group_tests_name("hlc", tests, NULL, NULL);
}
