/* test_guard.c - the poison guard: what a slot says, and that poison is buried and not handled. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/shards.h"

/* What the slot said while the program, or its waking, was at work. */
static struct skn_handling slot, seen[64];
static const struct skn_handling none; /* no poison */
static size_t seen_count;
static unsigned wakes;
static int dummy;

static void look(void)
{
    assert_true(seen_count < SKN_ARRAY_LEN(seen));
    seen[seen_count++] = slot;
}

static void *victim_wake(struct skn_cx *cx)
{
    (void)cx;
    look();
    wakes++;
    return &dummy;
}

static void victim_sleep(void *warm)
{
    assert_ptr_equal(warm, &dummy);
}

/* "timer", "do": a timer in 10 ms, an intent. "mail": sends itself "bomb". All else is counted. */
static enum skn_rc
victim_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)diag;
    assert_non_null(warm);
    look();
    if (skn_slice_eq(m->name, SKN_LIT("timer")))
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + 10, SKN_LIT("T"));
    const struct skn_intent_spec spec = {
        .identity = SKN_LIT("i"), .effect = skn_value_none(), .first_attempt = 1};
    if (skn_slice_eq(m->name, SKN_LIT("do"))) (void)skn_cx_intent_start(cx, &spec);
    if (skn_slice_eq(m->name, SKN_LIT("mail")))
        skn_cx_send(
            cx, SKN_LIT("a:Victim/v"), SKN_PRIORITY_NORMAL, SKN_LIT("bomb"), skn_value_none());
    struct skn_slice bytes;
    int64_t n = 0;
    if (skn_cx_get(cx, SKN_LIT("n"), &bytes) == SKN_OK) n = skn_value_as_int(skn_value_view(bytes));
    skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(n + 1));
    skn_cx_reply(cx, skn_value_int(n + 1));
    return SKN_OK;
}

static const struct skn_program victim = {.type = "Victim",
                                          .module = 9,
                                          .handle = victim_handle,
                                          .wake = victim_wake,
                                          .sleep = victim_sleep};
static const struct skn_program *const programs[] = {&victim, NULL};
static const struct skn_slice address = {(const uint8_t *)"a:Victim/v", 10};

static void begin(struct shards *s, uint32_t count)
{
    static const struct skn_core_limits defaults;
    slot = (struct skn_handling){0};
    seen_count = 0;
    wakes = 0;
    shards_init(s, count, programs, &defaults, 1);
    for (uint32_t i = 0; i < count; i++)
        s->at[i].options.handling = &slot;
}

/* Kills the shard at its last durable record and opens it again, with what `at` was poisoned. */
static void reopen(struct shards *s, const struct skn_handling *at)
{
    const struct skn_poison poison = {.identity = {at->identity_lo, at->identity_hi},
                                      .address = skn_slice(at->address, at->address_len)};
    shard_close(&s->at[0]);
    while (s->at[0].count > s->at[0].durable)
        shard_drop_record(&s->at[0]);
    s->at[0].options.handling = &slot;
    s->at[0].options.poison = &poison;
    s->at[0].options.poison_count = at->address_len > 0;
    seen_count = 0;
    wakes = 0;
    shard_open(&s->at[0], true);
    s->at[0].options.poison = NULL;
    s->at[0].options.poison_count = 0;
}

/* One shard that knows its slot, which it is created with; nothing is poison. */
static void begin_watched(struct shards *s)
{
    begin(s, 1);
    reopen(s, &none);
}

static void ask(struct shards *s, const char *to, const char *name, const char *id)
{
    const struct skn_request request = {.number = 1,
                                        .caller = SKN_LIT("local"),
                                        .id = skn_slice_str(id),
                                        .address = skn_slice_str(to),
                                        .name = skn_slice_str(name),
                                        .payload = skn_value_none(),
                                        .priority = SKN_PRIORITY_NORMAL};
    s->last_rc = SKN_EINTERNAL;
    assert_int_equal(skn_core_submit(s->at[0].core, &request, NULL), SKN_OK);
}

static bool is_faulted(struct shards *s)
{
    return skn_core_is_faulted(s->at[0].store, address);
}

static bool same_identity(const struct skn_handling *a, const struct skn_handling *b)
{
    return a->identity_lo == b->identity_lo && a->identity_hi == b->identity_hi;
}

static void expect_slot(const struct skn_handling *at, const char *to)
{
    assert_int_equal(at->state, SKN_HANDLING_MESSAGE);
    assert_true(skn_slice_eq(skn_slice(at->address, at->address_len), skn_slice_str(to)));
}

static struct skn_handling of_step(struct shards *s, const char *to)
{
    assert_true(seen_count > 0);
    struct skn_handling at = seen[seen_count - 1];
    expect_slot(&at, to);
    assert_int_equal(slot.state, SKN_HANDLING_NOTHING); /* and behind the step it says so */
    (void)s;
    return at;
}

static enum skn_rc redeliver(struct shards *s)
{
    const struct skn_redeliver r = {.number = 1, .address = address};
    s->last_rc = SKN_EINTERNAL;
    skn_core_redeliver(s->at[0].core, &r);
    shards_settle(s);
    return s->last_rc;
}

static void the_slot_says_what_is_handled_and_only_while_it_is(void **state) /* [E35] */
{
    (void)state;
    struct shards s;
    begin_watched(&s);
    ask(&s, "a:Victim/v", "x", "id1");
    shards_settle(&s);
    assert_int_equal(seen_count, 4); /* wake and handle, and both again [E24] */
    for (size_t i = 0; i < seen_count; i++)
        expect_slot(&seen[i], "a:Victim/v");
    struct skn_handling first = of_step(&s, "a:Victim/v");
    /* Another id, another domain, another text: another identity. */
    static const struct {
        const char *to, *name, *id;
        bool is_same;
    } rows[] = {{"a:Victim/v", "x", "id2", false},
                {"a:Victim/w", "x", "id1", false},
                {"a:Victim/v", "x", "", false},
                {"a:Victim/v", "y", "", false}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        seen_count = 0;
        ask(&s, rows[i].to, rows[i].name, rows[i].id);
        shards_settle(&s);
        struct skn_handling at = of_step(&s, rows[i].to);
        assert_false(same_identity(&first, &at));
        first = at;
    }
    /* Without an id it is known by what it says. */
    seen_count = 0;
    ask(&s, "a:Victim/v", "y", "");
    shards_settle(&s);
    struct skn_handling again = of_step(&s, "a:Victim/v");
    assert_true(same_identity(&first, &again));
    shards_fini(&s);
}

static void a_poisoned_message_is_buried_unhandled_until_redelivered(void **state) /* [E35] */
{
    (void)state;
    struct shards s;
    begin_watched(&s);
    ask(&s, "a:Victim/o", "mail", "m");
    while (seen_count == 0 || slot.state != SKN_HANDLING_NOTHING) {
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    }
    shard_durable(&s.at[0]);
    /* "Dies" at the mail: what it did is not durable. */
    seen_count = 0;
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    struct skn_handling bomb = of_step(&s, "a:Victim/v");
    reopen(&s, &none); /* one death: it is handled again */
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    struct skn_handling again = of_step(&s, "a:Victim/v");
    assert_true(same_identity(&bomb, &again));
    assert_false(is_faulted(&s));
    reopen(&s, &bomb);
    shards_settle(&s);
    assert_int_equal(seen_count, 0); /* not even woken */
    assert_true(is_faulted(&s));
    assert_int_equal(s.codes[SKN_EFAULT], 1);
    /* A FAULTED domain is not woken either, for waking may be what ends the node. */
    ask(&s, "a:Victim/v", "x", "");
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_EFAULT);
    assert_int_equal(wakes, 0);
    ask(&s, "a:Victim/other", "x", ""); /* everything else is served */
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    seen_count = 0;
    assert_int_equal(redeliver(&s), SKN_OK);
    struct skn_handling letter = of_step(&s, "a:Victim/v");
    assert_false(same_identity(&bomb, &letter)); /* it has its two lives again */
    assert_false(is_faulted(&s));
    assert_int_equal(s.last_value, 1);
    ask(&s, "a:Victim/v", "x", "");
    shards_settle(&s);
    assert_int_equal(s.last_value, 2); /* the letter was the first */
    shards_fini(&s);
}

/* The client of a redelivery repeats it when the node died of the letter. */
static void a_poisoned_letter_is_buried_again_when_the_redelivery_is_repeated(void **state)
{
    (void)state; /* [E35] */
    struct shards s;
    begin_watched(&s);
    shard_durable(&s.at[0]);
    ask(&s, "a:Victim/v", "x", "");
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    struct skn_handling bomb = of_step(&s, "a:Victim/v");
    reopen(&s, &bomb);
    ask(&s, "a:Victim/v", "x", "");
    shards_settle(&s);
    assert_true(is_faulted(&s));
    const struct skn_redeliver r = {.number = 1, .address = address};
    skn_core_redeliver(s.at[0].core, &r);
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    struct skn_handling letter = of_step(&s, "a:Victim/v"); /* and dies, nothing durable */
    reopen(&s, &letter);
    assert_true(is_faulted(&s));
    assert_int_equal(redeliver(&s), SKN_OK);
    assert_int_equal(seen_count, 0);
    assert_true(is_faulted(&s));
    assert_int_equal(redeliver(&s), SKN_OK); /* the new one has its two lives */
    assert_true(seen_count > 0);
    assert_false(is_faulted(&s));
    shards_fini(&s);
}

static void a_poisoned_request_is_refused_when_it_is_repeated(void **state) /* [E35] */
{
    (void)state;
    struct shards s;
    begin_watched(&s);
    shard_durable(&s.at[0]);
    ask(&s, "a:Victim/v", "x", "id");
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    struct skn_handling bomb = of_step(&s, "a:Victim/v");
    reopen(&s, &bomb);
    ask(&s, "a:Victim/v", "x", "other"); /* the domain is not stopped before it comes */
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    ask(&s, "a:Victim/v", "x", "id");
    seen_count = 0;
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_EFAULT);
    assert_int_equal(seen_count, 0);
    assert_true(is_faulted(&s));
    assert_int_equal(redeliver(&s), SKN_OK);
    assert_false(is_faulted(&s));
    ask(&s, "a:Victim/v", "x", "id"); /* it was answered, with the fault [E34] */
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_EFAULT);
    assert_false(is_faulted(&s));
    ask(&s, "a:Victim/v", "x", "id3");
    shards_settle(&s);
    assert_int_equal(s.last_value, 3); /* "other", the letter, and this one */
    shards_fini(&s);
}

static void what_is_redelivered_is_forgiven(void **state) /* [E35] */
{
    (void)state;
    struct shards s;
    begin_watched(&s);
    shard_durable(&s.at[0]);
    ask(&s, "a:Victim/v", "x", ""); /* without an id it can be handled more than once */
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    struct skn_handling bomb = of_step(&s, "a:Victim/v");
    reopen(&s, &bomb);
    ask(&s, "a:Victim/v", "x", "");
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_EFAULT);
    assert_true(is_faulted(&s));
    assert_int_equal(redeliver(&s), SKN_OK);
    ask(&s, "a:Victim/v", "x", "");
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    shards_fini(&s);
}

static void a_poisoned_timer_or_result_is_buried_too(void **state) /* [E35] */
{
    (void)state;
    for (unsigned is_result = 0; is_result < 2; is_result++) {
        struct shards s;
        begin_watched(&s);
        ask(&s, "a:Victim/v", is_result ? "do" : "timer", "id");
        shards_settle(&s);
        seen_count = 0;
        const struct skn_attempt_result result = {.address = address,
                                                  .number = 0,
                                                  .attempt = 1,
                                                  .epoch = skn_core_epoch(s.at[0].core),
                                                  .status = SKN_ATTEMPT_SUCCESS,
                                                  .value = skn_value_none()};
        s.at[0].now_ms += 20;
        if (is_result) skn_core_result(s.at[0].core, &result);
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        struct skn_handling bomb = of_step(&s, "a:Victim/v");
        reopen(&s, &bomb);
        shards_settle(&s);
        assert_int_equal(seen_count, 0);
        assert_true(is_faulted(&s));
        shards_fini(&s);
    }
}

static void poison_of_another_shard_is_passed_over(void **state)
{
    (void)state;
    struct shards s;
    begin(&s, 1);
    s.at[0].no_replay = true; /* its shard is renumbered below */
    struct skn_handling far = {.address_len = 10, .identity_lo = 1};
    memcpy(far.address, "a:Victim/v", 10);
    s.at[0].options.shards = 2;
    s.at[0].options.shard = 1 - skn_shard_of(address, 2);
    const struct skn_poison poison = {.address = address};
    s.at[0].options.poison = &poison;
    s.at[0].options.poison_count = 1;
    struct skn_store *store = skn_store_memory_create();
    s.at[0].options.store = store;
    struct skn_core *core = skn_core_create(&s.at[0].options);
    assert_int_equal(core->guard.count, 0);
    skn_core_destroy(core);
    s.at[0].options.shard = 1 - s.at[0].options.shard;
    core = skn_core_create(&s.at[0].options);
    assert_int_equal(core->guard.count, 1);
    skn_core_destroy(core);
    skn_store_destroy(store);
    shards_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slot_says_what_is_handled_and_only_while_it_is),
        cmocka_unit_test(a_poisoned_message_is_buried_unhandled_until_redelivered),
        cmocka_unit_test(a_poisoned_letter_is_buried_again_when_the_redelivery_is_repeated),
        cmocka_unit_test(a_poisoned_request_is_refused_when_it_is_repeated),
        cmocka_unit_test(what_is_redelivered_is_forgiven),
        cmocka_unit_test(a_poisoned_timer_or_result_is_buried_too),
        cmocka_unit_test(poison_of_another_shard_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
