/* test_hold.c - runs that are held since an opening keep no places of limiters [E81]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/jobs.h"

static void take_up(struct tasks *t, struct shard *s, const char *address)
{
    assert_int_equal(skn_core_take_up(s->core, skn_slice_str(address), true), SKN_OK);
    settle(t, s);
}

static void a_held_run_gives_its_places_back_and_takes_them_anew(void **state) /* [E81] */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Run/1", "p1", 1);
    (void)ask(t, &s, "a:Run/2", "p1", 1);
    for (int opening = 0; opening < 2; opening++) {
        t->count = 0;
        shard_kill(&s, false);
        settle(t, &s);
        assert_int_equal(count_of(t, &s, "p1", "held"), 0);
        assert_int_equal(count_of(t, &s, "p1", "waiting"), 0);
        assert_int_equal(t->count, 0);
        /* That was no act of its own: it is held as before, by the next opening too. */
        assert_true(skn_core_is_held(s.core, SKN_LIT("a:Run/1")));
        assert_true(skn_core_is_held(s.core, SKN_LIT("a:Run/2")));
    }
    (void)ask(t, &s, "a:Job/1", "p1", 1); /* what they gave back is there for others */
    assert_int_equal(t->count, 1);
    take_up(t, &s, "a:Run/1");
    take_up(t, &s, "a:Run/2");
    assert_int_equal(count_of(t, &s, "p1", "waiting"), 2);
    static const struct {
        const char *address;
        uint32_t attempt;
    } order[] = {{"a:Job/1", 1}, {"a:Run/1", 2}, {"a:Run/2", 1}}; /* the second never began */
    for (size_t i = 0; i < SKN_ARRAY_LEN(order); i++) {
        assert_int_equal(t->count, 1);
        assert_string_equal(t->at[0].address, order[i].address);
        assert_int_equal(t->at[0].attempt, order[i].attempt);
        end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
        settle(t, &s);
    }
    assert_int_equal(t->ended, 3);
    assert_int_equal(count_of(t, &s, "p1", "held"), 0);
    fini(&s, t);
}

static void taken_up_at_once_it_asks_no_less_and_no_more(void **state) /* [E81] */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Run/1", "p1", 1);
    (void)ask(t, &s, "a:Run/2", "p1", 1);
    t->count = 0;
    shard_kill(&s, false);
    assert_int_equal(skn_core_take_up(s.core, (struct skn_slice){0}, true), SKN_OK);
    settle(t, &s);
    assert_int_equal(t->count, 1);
    assert_string_equal(t->at[0].address, "a:Run/2"); /* it waited, and goes on waiting */
    assert_int_equal(count_of(t, &s, "p1", "waiting"), 1);
    end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
    settle(t, &s);
    assert_string_equal(t->at[0].address, "a:Run/1");
    fini(&s, t);
}

static void a_held_run_gives_many_places_back_a_few_at_a_time(void **state) /* [E81] */
{
    (void)state;
    enum { MANY = 600 };
    struct shard s;
    struct tasks *t = begin(&s);
    for (int i = 0; i < MANY; i++)
        (void)ask(t, &s, "a:Run/1", i % 2 ? "p9" : "p1", 1);
    t->count = 0;
    shard_kill(&s, false);
    size_t before = s.count, slices = 0;
    settle(t, &s);
    for (size_t i = before; i < s.count; i++) {
        struct skn_message message;
        enum skn_rc rc = skn_look_message(&s.records[i], &message, &(struct skn_key_info){0});
        slices += rc == SKN_OK && message.kind == SKN_MESSAGE_PLACES;
    }
    assert_int_equal(slices, (MANY + 255) / 256);
    assert_int_equal(count_of(t, &s, "p1", "waiting") + count_of(t, &s, "p9", "waiting"), 0);
    assert_int_equal(count_of(t, &s, "p1", "held") + count_of(t, &s, "p9", "held"), 0);
    take_up(t, &s, "a:Run/1");
    while (t->count > 0) {
        end_task(t, &s, 0, SKN_ATTEMPT_SUCCESS);
        settle(t, &s);
    }
    assert_int_equal(t->ended, MANY);
    fini(&s, t);
}

static void a_run_that_was_interrupted_too_often_keeps_no_place(void **state) /* [E41] [E43] */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Run/1", "p1", 1);
    for (int opening = 0; opening < 5; opening++) {
        assert_int_equal(count_of(t, &s, "p1", "held"), 1);
        t->count = 0;
        shard_kill(&s, true); /* as after `skein resume --all` of what was restored */
        settle(t, &s);
    }
    assert_int_equal(t->count, 1);
    t->count = 0;
    shard_kill(&s, true);
    settle(t, &s);
    assert_true(skn_core_is_held(s.core, SKN_LIT("a:Run/1")));
    assert_int_equal(count_of(t, &s, "p1", "held"), 0);
    take_up(t, &s, "a:Run/1");
    assert_int_equal(t->count, 1);
    fini(&s, t);
}

static void who_is_removed_while_it_is_held_leaves_nothing(void **state) /* [E14] */
{
    (void)state;
    struct shard s;
    struct tasks *t = begin(&s);
    (void)ask(t, &s, "a:Run/1", "p1", 1);
    (void)ask(t, &s, "a:Run/2", "p1", 1);
    t->count = 0;
    shard_kill(&s, false);
    for (int i = 1; i <= 2; i++) {
        const struct skn_remove remove = {
            .number = 1, .address = i == 1 ? SKN_LIT("a:Run/1") : SKN_LIT("a:Run/2")};
        if (i == 2) settle(t, &s); /* the first one before it gave back, the second behind it */
        skn_core_remove(s.core, &remove);
    }
    settle(t, &s);
    assert_false(is_there(&s, "a:Run/1"));
    assert_false(is_there(&s, "a:Run/2"));
    assert_int_equal(count_of(t, &s, "p1", "held") + count_of(t, &s, "p1", "waiting"), 0);
    fini(&s, t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_run_gives_its_places_back_and_takes_them_anew),
        cmocka_unit_test(taken_up_at_once_it_asks_no_less_and_no_more),
        cmocka_unit_test(a_held_run_gives_many_places_back_a_few_at_a_time),
        cmocka_unit_test(a_run_that_was_interrupted_too_often_keeps_no_place),
        cmocka_unit_test(who_is_removed_while_it_is_held_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
