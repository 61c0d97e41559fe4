/* test_clock.c - the node's clock beside every wall clock [E50]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "base/rng.h"
#include "lib/test.h"
#include "shard/clock_internal.h"

#define US     UINT64_C(1)
#define MS     (1000 * US)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)
#define BEGIN  (50 * YEAR) /* of the wall clock */
#define BOOT   (7 * HOUR)  /* of the even one */
#define TURN   SECOND

static struct node_clock opened(uint64_t wall, uint64_t last)
{
    struct node_clock clock;
    clock_open(&clock, wall, BOOT, last / MS);
    return clock;
}

/* --- opening --------------------------------------------------------------------------------------------- */

static void it_begins_at_the_greater_of_wall_clock_and_last_stamp(void **state)
{
    (void)state;
    static const struct {
        uint64_t wall, last, now;
        bool waits;
    } cases[] = {
        {BEGIN, 0, BEGIN, false},
        {BEGIN, BEGIN, BEGIN, false},
        {BEGIN, BEGIN - DAY, BEGIN, false},
        {BEGIN, BEGIN + MS, BEGIN + MS, false},
        {BEGIN, BEGIN + YEAR, BEGIN + YEAR, false},
        {BEGIN, BEGIN + 20 * YEAR, BEGIN + 20 * YEAR, false},
        {BEGIN, BEGIN - YEAR + MS, BEGIN, false},
        {BEGIN, BEGIN - YEAR, BEGIN, false},
        {BEGIN, BEGIN - YEAR - MS, BEGIN - YEAR - MS, true},
        {BEGIN, MS, MS, true},
        {0, 0, 0, false},
        {0, BEGIN, BEGIN, false},
        {SKN_HLC_MS_MAX * MS, BEGIN, BEGIN, true},
        {BEGIN, SKN_HLC_MS_MAX * MS, SKN_HLC_MS_MAX * MS, false},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct node_clock clock = opened(cases[i].wall, cases[i].last);
        assert_int_equal(clock_now_us(&clock, BOOT), cases[i].now);
        assert_int_equal(clock.waits, cases[i].waits);
        assert_int_equal(clock.off_us, (int64_t)cases[i].wall - (int64_t)cases[i].now);
        /* One that waits runs on evenly, until it is accepted. */
        clock_turn(&clock, cases[i].wall + HOUR, BOOT + HOUR, false);
        if (cases[i].waits)
            assert_int_equal(clock_now_us(&clock, BOOT + HOUR), cases[i].now + HOUR);
        assert_int_equal(clock.waits, cases[i].waits);
        clock_turn(&clock, cases[i].wall + HOUR, BOOT + HOUR, true);
        if (cases[i].waits)
            assert_int_equal(clock_now_us(&clock, BOOT + HOUR), cases[i].wall + HOUR);
        assert_false(clock.waits);
        assert_int_equal(clock.jumps, cases[i].waits);
    }
}

/* --- running --------------------------------------------------------------------------------------------- */

/* The wall clock is `off` away from the moment on, for so long, looked at each second. */
static struct node_clock away(int64_t off, uint64_t how_long)
{
    struct node_clock clock = opened(BEGIN, 0);
    for (uint64_t t = 0;; t += TURN) {
        if (t > how_long) t = how_long;
        clock_turn(&clock, (uint64_t)((int64_t)(BEGIN + t) + off), BOOT + t, false);
        if (t == how_long) return clock;
    }
}

static void each_distance_for_each_time(void **state)
{
    (void)state;
    /* The distance shrinks by 1 percent of the time meanwhile: 600 ms in the minute. */
    static const struct {
        int64_t off;
        bool jumps, waits; /* after a minute */
    } cases[] = {
        {0, false, false},
        {(int64_t)(5 * MINUTE), false, false},
        {(int64_t)(5 * MINUTE + 599 * MS), false, false},
        {(int64_t)(5 * MINUTE + 601 * MS), true, false},
        {(int64_t)HOUR, true, false},
        {(int64_t)DAY, true, false},
        {(int64_t)(DAY + 599 * MS), true, false},
        {(int64_t)(DAY + 601 * MS), false, true},
        {(int64_t)(3 * DAY), false, true},
        {(int64_t)(10 * YEAR), false, true},
        {-(int64_t)SECOND, false, false},
        {-(int64_t)(6 * MINUTE), false, false},
        {-(int64_t)(2 * DAY), false, false},
        {-(int64_t)(10 * YEAR), false, false},
    };
    static const uint64_t times[] = {
        0, 1 * SECOND, 59 * SECOND, MINUTE - MS, MINUTE, MINUTE + SECOND, HOUR};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < SKN_ARRAY_LEN(times); k++) {
            uint64_t passed = times[k];
            struct node_clock clock = away(cases[i].off, passed);
            bool is_over = passed >= MINUTE;
            assert_int_equal(clock.jumps, is_over && cases[i].jumps);
            assert_int_equal(clock.waits, is_over && cases[i].waits);
            int64_t moved = (int64_t)(clock_now_us(&clock, BOOT + passed) - BEGIN - passed);
            if (clock.jumps > 0) { /* and then they agree */
                assert_int_equal(moved, cases[i].off);
                assert_in_range(clock.jumped_ms,
                                (uint64_t)cases[i].off / MS - 600,
                                (uint64_t)cases[i].off / MS);
                continue;
            }
            /* Slewed toward it, never past it, by at most a hundredth. */
            int64_t most = (int64_t)passed / 100;
            if (clock.waits && passed > MINUTE) most = (int64_t)MINUTE / 100 + (int64_t)TURN / 100;
            assert_true(cases[i].off >= 0 ? moved >= 0 && moved <= most
                                          : moved <= 0 && moved >= -most);
            assert_true(cases[i].off >= 0 ? moved <= cases[i].off : moved >= cases[i].off);
            if (cases[i].off != 0 && passed >= HOUR && !clock.waits)
                assert_int_equal(moved,
                                 cases[i].off > 0 && cases[i].off < most    ? cases[i].off
                                 : cases[i].off < 0 && cases[i].off > -most ? cases[i].off
                                 : cases[i].off > 0                         ? most
                                                                            : -most);
        }
    }
}

static void a_minute_is_without_a_break(void **state)
{
    (void)state;
    struct node_clock clock = opened(BEGIN, 0);
    uint64_t off = 10 * MINUTE, t = 0;
    for (int i = 0; i < 10; i++) { /* 59 seconds ahead, one right */
        for (int s = 0; s < 59; s++, t += SECOND)
            clock_turn(&clock, BEGIN + t + off, BOOT + t, false);
        clock_turn(&clock, clock_now_us(&clock, BOOT + t), BOOT + t, false);
    }
    assert_int_equal(clock.jumps, 0);
    clock_turn(&clock, BEGIN + t + off, BOOT + t, true); /* nothing waits: nobody can accept */
    assert_int_equal(clock.jumps, 0);
    t += MINUTE; /* two looks a minute apart are enough */
    clock_turn(&clock, BEGIN + t + off, BOOT + t, false);
    assert_int_equal(clock.jumps, 1);
}

static void a_clock_that_comes_back_waits_no_more(void **state)
{
    (void)state;
    struct node_clock clock = away((int64_t)(3 * DAY), 2 * MINUTE);
    assert_true(clock.waits);
    clock_turn(&clock, BEGIN + 3 * MINUTE, BOOT + 3 * MINUTE, false);
    assert_false(clock.waits);
    assert_int_equal(clock.jumps, 0);
}

static void it_never_goes_back_and_never_jumps_but_ahead_to_the_wall(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct skn_rng rng;
        skn_rng_init(&rng, seed);
        struct node_clock clock = opened(BEGIN, BEGIN - skn_rng_below(&rng, 2 * DAY));
        uint64_t boot = BOOT, shown = clock_now_us(&clock, boot);
        int64_t off = 0;
        for (int i = 0; i < 2000; i++) {
            uint64_t step = skn_rng_below(&rng, skn_rng_chance(&rng, 1, 20) ? 2 * MINUTE : SECOND);
            /* Read between two looks, too, by whoever has not seen the newest. */
            uint64_t half = clock_now_us(&clock, boot + step / 2);
            assert_true(half >= shown && half - shown <= step / 2 + step / 200 + 1);
            assert_true(half - shown + 2 + step / 200 >= step / 2);
            boot += step;
            uint64_t before = clock_now_us(&clock, boot), jumps = clock.jumps;
            if (skn_rng_chance(&rng, 1, 100))
                off = (int64_t)skn_rng_below(&rng, 4 * DAY) - (int64_t)(2 * DAY);
            uint64_t wall = (uint64_t)((int64_t)(BEGIN + boot - BOOT) + off);
            clock_turn(&clock, wall, boot, skn_rng_chance(&rng, 1, 50));
            shown = clock_now_us(&clock, boot);
            assert_true(shown >= before);
            if (clock.jumps == jumps) assert_int_equal(shown, before);
            if (clock.jumps != jumps) assert_int_equal(shown, wall);
        }
    }
}

static void an_even_clock_that_stands_or_goes_back_is_no_harm(void **state)
{
    (void)state;
    struct node_clock clock = opened(BEGIN, 0);
    clock_turn(&clock, BEGIN, BOOT - HOUR, false);
    assert_int_equal(clock_now_us(&clock, BOOT - HOUR), BEGIN);
    assert_int_equal(clock_now_us(&clock, BOOT + HOUR), BEGIN + HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_at_the_greater_of_wall_clock_and_last_stamp),
        cmocka_unit_test(each_distance_for_each_time),
        cmocka_unit_test(a_minute_is_without_a_break),
        cmocka_unit_test(a_clock_that_comes_back_waits_no_more),
        cmocka_unit_test(it_never_goes_back_and_never_jumps_but_ahead_to_the_wall),
        cmocka_unit_test(an_even_clock_that_stands_or_goes_back_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
