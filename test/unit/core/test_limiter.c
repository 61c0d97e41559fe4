/* test_limiter.c - limiters: never more places than there are, none lost, starts at their pace. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/jobs.h"

enum { HOUR = 3600000, AT_ONCE = 3 };

/* --- the pace -------------------------------------------------------------------------------------------- */

static void starts_keep_their_pace_exactly(void **state) /* no drift: the k-th is due at k * T */
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, 7);
    for (int round = 0; round < 200; round++) {
        struct skn_pace pace = {0};
        uint32_t rate = 1 + (uint32_t)skn_rng_below(&rng, round % 2 ? 20 : SKN_LIMIT_MAX);
        uint64_t rate_ms = 1 + skn_rng_below(&rng, round % 3 ? 5000 : SKN_LIMIT_PERIOD_MAX);
        uint64_t begin = skn_rng_below(&rng, UINT64_C(1) << 47);
        skn_pace_set(&pace, rate, 1, rate_ms);
        for (uint64_t k = 0; k < 1000; k++) {
            uint64_t due_ms = begin + (k * rate_ms + rate - 1) / rate; /* rounded up */
            uint64_t next_ms = skn_pace_next_ms(&pace);
            if (k > 0) assert_int_equal(next_ms, due_ms);
            skn_pace_take(&pace, due_ms);
        }
    }
}

static void no_span_has_more_starts_than_its_bound(void **state)
{
    (void)state;
    enum { STARTS = 400 };
    struct skn_rng rng;
    skn_rng_init(&rng, 8);
    for (int round = 0; round < 100; round++) {
        struct skn_pace pace = {0};
        uint32_t rate = 1 + (uint32_t)skn_rng_below(&rng, 30);
        uint32_t burst = 1 + (uint32_t)skn_rng_below(&rng, 10);
        uint64_t rate_ms = 1 + skn_rng_below(&rng, 3000), now_ms = 1000, at[STARTS];
        skn_pace_set(&pace, rate, burst, rate_ms);
        for (int i = 0; i < STARTS; i++) {
            uint64_t next_ms = skn_pace_next_ms(&pace);
            if (next_ms > now_ms) now_ms = next_ms;
            if (skn_rng_chance(&rng, 1, 10)) now_ms += skn_rng_below(&rng, 3 * rate_ms);
            skn_pace_take(&pace, now_ms);
            at[i] = now_ms;
        }
        for (uint32_t i = 0; i + rate + burst - 1 < STARTS; i++)
            assert_true(at[i + rate + burst - 1] - at[i] >= rate_ms);
        for (int i = 0; i < STARTS; i++)
            for (int k = i; k < STARTS; k++) /* a span that begins at one and ends with another */
                assert_true((uint64_t)(k - i) + 1 <= burst + (at[k] - at[i] + 1) * rate / rate_ms);
    }
}

/* --- places ---------------------------------------------------------------------------------------------- */

static void a_place_is_given_when_one_is_free_and_in_order(void **state)
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    for (int i = 0; i < 5; i++) {
        char address[16];
        (void)snprintf(address, sizeof address, "a:Job/%d", i);
        (void)ask(t, &s, address, "p2", 1);
        s.now_ms++;
    }
    assert_int_equal(t->count, 2);
    assert_int_equal(count_of(t, &s, "p2", "held"), 2);
    assert_int_equal(count_of(t, &s, "p2", "waiting"), 3);
    for (int i = 0; i < 5; i++) {
        char address[16];
        (void)snprintf(address, sizeof address, "a:Job/%d", i);
        assert_string_equal(t->at[0].address, address);
        end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
        settle(t, &s);
        assert_true(t->count <= 2);
    }
    assert_int_equal(t->ended, 5);
    assert_int_equal(count_of(t, &s, "p2", "held"), 0);
    fini(&s, t);
}

static void a_higher_priority_comes_first_and_lets_each_fourth_pass(void **state) /* DESIGN 3.1 */
{
    (void)state;
    struct tasks *t = tasks_new();
    struct shard s;
    char order[16] = "";
    shard_init(&s, programs);
    (void)ask(t, &s, "a:Job/first", "p1", 1);
    for (int i = 0; i < 8; i++) {
        struct skn_request request = {.number = 1,
                                      .address =
                                          i < 2 ? SKN_LIT("a:Job/low") : SKN_LIT("a:Job/high"),
                                      .name = SKN_LIT("p1"),
                                      .payload = skn_value_int(1),
                                      .priority = i < 2 ? SKN_PRIORITY_LOW : SKN_PRIORITY_HIGH};
        assert_int_equal(skn_core_submit(s.core, &request, NULL), SKN_OK);
        settle(t, &s);
    }
    for (size_t i = 0; t->count > 0; i++) {
        order[i] = t->at[0].address[6];
        end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
        settle(t, &s);
    }
    assert_string_equal(order, "fhhhlhhhl");
    fini(&s, t);
}

static void a_place_goes_back_while_the_next_attempt_waits(void **state)
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Job/1", "p1", 2);
    (void)ask(t, &s, "a:Job/2", "p1", 1);
    end_task(t, &s, 0, SKN_ATTEMPT_FAILURE);
    settle(t, &s);
    assert_int_equal(t->count, 1);
    assert_string_equal(t->at[0].address, "a:Job/2");
    s.now_ms += 1001; /* the delay is over, the place is not free */
    settle(t, &s);
    assert_int_equal(t->count, 1);
    end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
    settle(t, &s);
    assert_int_equal(t->count, 1);
    assert_string_equal(t->at[0].address, "a:Job/1");
    assert_int_equal(t->at[0].attempt, 2);
    end_task(t, &s, 0, SKN_ATTEMPT_FAILURE);
    settle(t, &s);
    assert_int_equal(t->ended, 2);
    assert_int_equal(count_of(t, &s, "p1", "held"), 0);
    fini(&s, t);
}

static void who_is_cancelled_waits_no_more_and_keeps_no_place(void **state)
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    int64_t first = ask(t, &s, "a:Job/1", "p1", 1), second = ask(t, &s, "a:Job/2", "p1", 1);
    (void)ask(t, &s, "a:Job/3", "p1", 1);
    (void)ask(t, &s, "a:Job/2", "cancel", second);
    assert_int_equal(count_of(t, &s, "p1", "waiting"), 1);
    (void)ask(t, &s, "a:Job/1", "cancel", first);
    assert_int_equal(t->count, 1); /* until it has ended, its place is its own */
    end_task(t, &s, 0, SKN_ATTEMPT_CANCELLED);
    settle(t, &s);
    assert_string_equal(t->at[0].address, "a:Job/3");
    end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
    settle(t, &s);
    assert_int_equal(count_of(t, &s, "p1", "held"), 0);
    fini(&s, t);
}

static void who_is_removed_gives_back_what_it_has(void **state) /* [E14] */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Job/1", "p1", 1);
    (void)ask(t, &s, "a:Job/2", "p1", 1);
    (void)ask(t, &s, "a:Job/3", "p1", 1);
    const struct skn_remove second = {.number = 1, .address = SKN_LIT("a:Job/2")};
    skn_core_remove(s.core, &second);
    settle(t, &s);
    assert_int_equal(count_of(t, &s, "p1", "waiting"), 1);
    const struct skn_remove first = {.number = 1, .address = SKN_LIT("a:Job/1")};
    skn_core_remove(s.core, &first);
    settle(t, &s);
    end_task(t, &s, 0, SKN_ATTEMPT_CANCELLED);
    settle(t, &s);
    assert_string_equal(t->at[0].address, "a:Job/3");
    assert_false(is_there(&s, "a:Job/1"));
    assert_false(is_there(&s, "a:Job/2"));
    /* The limiter itself is not removed: others would wait for ever. */
    const struct skn_remove limiter = {.number = 1, .address = SKN_LIT("limit:Limit/p1")};
    skn_core_remove(s.core, &limiter);
    settle(t, &s);
    assert_int_equal(t->rc, SKN_EPERM);
    fini(&s, t);
}

static void an_attempt_that_was_cut_off_asks_anew(void **state) /* [E41] */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Job/1", "p1", 1);
    (void)ask(t, &s, "a:Job/2", "p1", 1);
    t->count = 0;
    shard_kill(&s, true);
    settle(t, &s);
    assert_int_equal(t->count, 1); /* the one who waited before */
    assert_string_equal(t->at[0].address, "a:Job/2");
    end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
    settle(t, &s);
    assert_string_equal(t->at[0].address, "a:Job/1");
    assert_int_equal(t->at[0].attempt, 2);
    end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
    settle(t, &s);
    assert_int_equal(t->ended, 2);
    assert_int_equal(count_of(t, &s, "p1", "held"), 0);
    fini(&s, t);
}

static void a_fault_at_the_start_loses_no_place(void **state) /* [E40] */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Job/1", "boom", 0);
    (void)ask(t, &s, "a:Job/1", "p1", 1);
    assert_true(skn_core_is_faulted(s.store, SKN_LIT("a:Job/1")));
    assert_int_equal(t->count, 1); /* it was started all the same, and its end is awaited */
    (void)ask(t, &s, "a:Job/2", "p1", 1);
    assert_int_equal(t->count, 1);
    end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
    settle(t, &s);
    assert_string_equal(t->at[0].address, "a:Job/2");
    fini(&s, t);
}

static void nobody_takes_a_place_with_a_message_of_its_own(void **state)
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Job/1", "forge", 0);
    assert_int_equal(t->rc, SKN_EPERM);
    assert_int_equal(count_of(t, &s, "p1", "held"), 0);
    shard_submit(&s, 1, "", "limit:Limit/p1", "acquire", skn_value_none());
    settle(t, &s);
    assert_int_equal(t->rc, SKN_EARGS);
    fini(&s, t);
}

/* --- starts ---------------------------------------------------------------------------------------------- */

static void starts_come_at_their_rate(void **state)
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    uint64_t begin = s.now_ms;
    for (int i = 0; i < 30; i++)
        (void)ask(t, &s, "a:Job/1", "r3", 1);
    for (int i = 0; i < 100000 && t->started < 30; i++) {
        s.now_ms = skn_core_next_due_ms(s.core);
        settle(t, &s);
    }
    assert_int_equal(t->count, 30);
    for (size_t i = 1; i < t->count; i++) /* 333 1/3 ms apart, rounded up each */
        assert_int_equal(t->at[i].started_ms, begin + (i * 1000 + 2) / 3);
    fini(&s, t);
}

static void a_burst_comes_at_once_after_a_rest(void **state)
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    for (int i = 0; i < 5; i++)
        (void)ask(t, &s, "a:Job/1", "b3", 1);
    assert_int_equal(t->started, 3);
    static const struct {
        uint64_t after_ms, started;
    } steps[] = {{333, 3}, {1, 4}, {332, 4}, {1, 5}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(steps); i++) {
        s.now_ms += steps[i].after_ms;
        settle(t, &s);
        assert_int_equal(t->started, steps[i].started);
    }
    s.now_ms += 10000; /* a rest: three at once, and no more */
    for (int i = 0; i < 5; i++)
        (void)ask(t, &s, "a:Job/1", "b3", 1);
    assert_int_equal(t->started, 8);
    fini(&s, t);
}

/* --- limits ---------------------------------------------------------------------------------------------- */

static void a_limit_has_bounds_of_its_own(void **state) /* P10 */
{
    (void)state;
    char text[SKN_LIMIT_KEY_MAX + 1];
    memset(text, 'k', sizeof text);
    const struct {
        struct skn_limit limit;
        enum skn_rc rc;
    } cases[] = {
        {{.key = skn_slice(text, SKN_LIMIT_KEY_MAX - 1)}, SKN_OK},
        {{.key = skn_slice(text, SKN_LIMIT_KEY_MAX)}, SKN_OK},
        {{.key = skn_slice(text, SKN_LIMIT_KEY_MAX + 1)}, SKN_EARGS},
        {{.key = skn_slice("a\0b", 3)}, SKN_EARGS},
        {{.places = SKN_LIMIT_MAX - 1}, SKN_OK},
        {{.places = SKN_LIMIT_MAX}, SKN_OK},
        {{.places = SKN_LIMIT_MAX + 1}, SKN_EARGS},
        {{.rate = SKN_LIMIT_MAX, .rate_ms = 1}, SKN_OK},
        {{.rate = SKN_LIMIT_MAX + 1, .rate_ms = 1}, SKN_EARGS},
        {{.rate = 1, .rate_ms = 0}, SKN_EARGS},
        {{.rate = 1, .rate_ms = SKN_LIMIT_PERIOD_MAX}, SKN_OK},
        {{.rate = 1, .rate_ms = SKN_LIMIT_PERIOD_MAX + 1}, SKN_EARGS},
        {{.burst = SKN_LIMIT_MAX}, SKN_OK},
        {{.burst = SKN_LIMIT_MAX + 1}, SKN_EARGS},
        {{.priority = SKN_PRIORITY_BACKGROUND}, SKN_OK},
        {{.priority = SKN_PRIORITIES}, SKN_EARGS},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++)
        assert_int_equal(skn_limit_check(&cases[i].limit), cases[i].rc);
}

static void more_than_may_wait_have_failed(void **state) /* P10: at, and one above */
{
    (void)state;
    struct tasks *t = tasks_new();
    struct shard s = {.now_ms = 1000000};
    s.options = (struct skn_core_options){
        .programs = programs, .check_rebuild = true, .limits = {.limiter_waiting = 2}};
    s.records = skn_alloc_zero(SHARD_RECORDS_MAX, sizeof *s.records);
    shard_open(&s, true);
    for (int i = 0; i < 3; i++)
        (void)ask(t, &s, "a:Job/1", "p1", 1);
    assert_int_equal(t->ended, 0);
    (void)ask(t, &s, "a:Job/1", "p1", 2);
    (void)ask(t, &s, "a:Job/2", "p1", 1);
    assert_int_equal(t->ended, 1);
    assert_string_equal(t->reason, "RATE_LIMITED");
    while (t->count > 0) {
        end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
        settle(t, &s);
    }
    s.now_ms += 1001; /* the one with a second attempt asks again */
    settle(t, &s);
    assert_int_equal(t->count, 1);
    assert_int_equal(t->at[0].attempt, 2);
    fini(&s, t);
}

static void a_limiter_that_nobody_needs_is_gone_after_an_hour(void **state) /* ENGINE 11 */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Job/1", "p1", 1);
    s.now_ms += HOUR + 1;
    settle(t, &s);
    assert_true(is_there(&s, "limit:Limit/p1")); /* a place is held */
    end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
    settle(t, &s);
    s.now_ms += HOUR - 1;
    settle(t, &s);
    assert_true(is_there(&s, "limit:Limit/p1"));
    s.now_ms += 1;
    settle(t, &s);
    assert_false(is_there(&s, "limit:Limit/p1"));
    assert_int_equal(skn_core_next_due_ms(s.core), UINT64_MAX);
    (void)ask(t, &s, "a:Job/1", "p1", 1); /* and is made again */
    assert_int_equal(t->count, 1);
    fini(&s, t);
}

/* --- all of it --------------------------------------------------------------------------------------------- */

static size_t live(const struct tasks *t, const char *limiter)
{
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += strcmp(t->at[i].limiter, limiter) == 0;
    return n;
}

/* All of them for "". Nobody may be held. */
static void may_take_up(struct shard *s, const char *address)
{
    enum skn_rc rc = skn_core_take_up(s->core, skn_slice_str(address), true);
    assert_true(rc == SKN_OK || rc == SKN_ENOENT);
}

static void nothing_is_lost_or_given_twice_whatever_dies(void **state) /* P2, P5, P10 */
{
    (void)state;
    static const char *const keys[AT_ONCE] = {"p1", "p2", "x"};
    static const size_t places[AT_ONCE] = {1, 2, 1};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct skn_rng rng;
        const char *type = seed % 2 ? "Job" : "Run"; /* the second is held by openings, or is not */
        struct tasks *t = tasks_new();
        struct shard s;
        uint64_t begun = 0;
        skn_rng_init(&rng, seed);
        shard_init(&s, programs);
        for (int i = 0; i < 300; i++) {
            char address[16];
            (void)snprintf(address, sizeof address, "a:%s/%d", type, (int)skn_rng_below(&rng, 4));
            uint64_t what = skn_rng_below(&rng, 20);
            if (what < 6) {
                shard_submit(
                    &s, 1, "", address, keys[skn_rng_below(&rng, AT_ONCE)], skn_value_int(2));
                begun++;
            } else if (what < 12 && t->count > 0) {
                bool is_bad = skn_rng_chance(&rng, 1, 3);
                end_task(t,
                         &s,
                         skn_rng_below(&rng, t->count),
                         is_bad ? SKN_ATTEMPT_FAILURE : SKN_ATTEMPT_SUCCESS);
            } else if (what == 13) {
                shard_submit(&s,
                             1,
                             "",
                             address,
                             "cancel",
                             skn_value_int((int64_t)skn_rng_below(&rng, begun + 1)));
            }
            for (uint64_t n = skn_rng_below(&rng, 5); n > 0; n--)
                (void)shard_step(&s);
            s.now_ms += skn_rng_below(&rng, 500);
            if (what == 14) settle(t, &s);
            for (size_t k = 0; what == 14 && k < AT_ONCE; k++) /* nothing is kept for who is held */
                assert_int_equal(count_of(t, &s, keys[k], "held"), live(t, keys[k]));
            if (what == 15) may_take_up(&s, address);
            if (skn_rng_chance(&rng, 1, 3)) {
                shard_durable(&s);
                hear(t, &s);
            }
            for (size_t k = 0; k < AT_ONCE; k++)
                assert_true(live(t, keys[k]) <= places[k]);
            if (skn_rng_chance(&rng, 1, 25)) {
                t->count = 0; /* they die with the node */
                shard_kill(&s, skn_rng_chance(&rng, 1, 2));
            }
        }
        may_take_up(&s, "");
        for (int i = 0; i < 10000; i++) {
            settle(t, &s);
            for (size_t k = 0; k < AT_ONCE; k++)
                assert_true(live(t, keys[k]) <= places[k]);
            uint64_t due_ms = skn_core_next_due_ms(s.core);
            if (t->count > 0)
                end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
            else if (due_ms == UINT64_MAX)
                break;
            else
                s.now_ms = due_ms;
        }
        assert_int_equal(t->count, 0);
        struct skn_slice none = {0}, address;
        enum skn_rc rc = skn_look_next_domain(s.store, SKN_LIT("limit:"), false, &address, NULL);
        assert_int_equal(rc, SKN_ENOENT); /* nobody holds anything, so none is left */
        for (int i = 0; i < 4; i++) {
            struct skn_look_item item;
            char job[16];
            (void)snprintf(job, sizeof job, "a:%s/%d", type, i);
            rc = skn_look_next(
                s.store, skn_slice_str(job), SKN_LOOK_INTENT, SKN_PRIORITY_NORMAL, 0, &item, NULL);
            assert_int_equal(rc, SKN_ENOENT); /* and nobody waits */
        }
        (void)none;
        fini(&s, t);
    }
}

static void between_shards_the_same(void **state) /* [E31] */
{
    (void)state;
    const struct skn_core_limits limits = {0};
    struct shards *all = skn_alloc_zero(1, sizeof *all);
    struct tasks *t = tasks_new();
    shards_init(all, 3, programs, &limits, 5);
    for (int i = 0; i < 12; i++) {
        char address[16];
        (void)snprintf(address, sizeof address, "a:Job/%d", i);
        shard_submit(shards_of(all, address), 1, "", address, "p2", skn_value_int(1));
    }
    uint64_t ended = 0;
    for (int round = 0; round < 1000 && ended < 12; round++) {
        for (uint32_t i = 0; i < all->count; i++)
            shards_steps(&all->at[i]);
        for (uint32_t i = 0; i < all->count; i++) {
            struct skn_output out;
            while (shard_next(&all->at[i], &out)) {
                if (out.kind == SKN_OUTPUT_PACKET)
                    skn_core_packet(all->at[out.shard].core, i, out.value);
                if (out.kind != SKN_OUTPUT_PERFORM) continue;
                struct task *task = &t->at[t->count++];
                *task =
                    (struct task){.number = out.number, .epoch = out.epoch, .attempt = out.attempt};
                copy(task->address, sizeof task->address, out.address);
            }
        }
        assert_true(t->count <= 2);
        if (t->count == 0 || round % 3) continue;
        end_task(t, shards_of(all, t->at[0].address), 0, SKN_ATTEMPT_SUCCESS);
        ended++;
    }
    assert_int_equal(ended, 12);
    shards_fini(all);
    skn_free(t);
    skn_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_keep_their_pace_exactly),
        cmocka_unit_test(no_span_has_more_starts_than_its_bound),
        cmocka_unit_test(a_place_is_given_when_one_is_free_and_in_order),
        cmocka_unit_test(a_higher_priority_comes_first_and_lets_each_fourth_pass),
        cmocka_unit_test(a_place_goes_back_while_the_next_attempt_waits),
        cmocka_unit_test(who_is_cancelled_waits_no_more_and_keeps_no_place),
        cmocka_unit_test(who_is_removed_gives_back_what_it_has),
        cmocka_unit_test(an_attempt_that_was_cut_off_asks_anew),
        cmocka_unit_test(a_fault_at_the_start_loses_no_place),
        cmocka_unit_test(nobody_takes_a_place_with_a_message_of_its_own),
        cmocka_unit_test(starts_come_at_their_rate),
        cmocka_unit_test(a_burst_comes_at_once_after_a_rest),
        cmocka_unit_test(a_limit_has_bounds_of_its_own),
        cmocka_unit_test(more_than_may_wait_have_failed),
        cmocka_unit_test(a_limiter_that_nobody_needs_is_gone_after_an_hour),
        cmocka_unit_test(nothing_is_lost_or_given_twice_whatever_dies),
        cmocka_unit_test(between_shards_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
