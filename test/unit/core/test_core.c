/* test_core.c - slices, mail, timers, intents, request ids and faults of one shard. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cx.h"
#include "lib/shard.h"
#include "lib/test.h"

#include <stdio.h>

/* --- programs -------------------------------------------------------------------------------------- */

static int64_t row_int(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, key, &bytes) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

/* add n: adds and answers the sum. get: a query. boom: writes, then faults. twice: sends itself two
 * more. later ms: a timer that adds 100. */
static enum skn_rc
counter_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    int64_t n = row_int(cx, SKN_LIT("n"));
    if (is(m->name, "get")) {
        skn_cx_reply(cx, skn_value_int(n));
        return SKN_OK;
    }
    if (is(m->name, "boom")) {
        skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(-1));
        return SKN_FAIL(diag, SKN_EFAULT, "boom");
    }
    if (is(m->name, "twice")) {
        for (int i = 0; i < 2; i++)
            skn_cx_send(cx, skn_cx_address(cx), SKN_PRIORITY_LOW, SKN_LIT("add"), m->payload);
        return SKN_OK;
    }
    if (is(m->name, "later")) {
        uint64_t due = skn_cx_now_ms(cx) + (uint64_t)skn_value_as_int(m->payload);
        uint64_t number = skn_cx_timer_set(cx, due, SKN_LIT("tick"));
        skn_cx_reply(cx, skn_value_int((int64_t)number));
        return SKN_OK;
    }
    if (is(m->name, "never")) {
        skn_cx_timer_cancel(cx, (uint64_t)skn_value_as_int(m->payload));
        return SKN_OK;
    }
    int64_t by = m->kind == SKN_MESSAGE_TIMER ? 100 : skn_value_as_int(m->payload);
    skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(n + by));
    skn_cx_reply(cx, skn_value_int(n + by));
    return SKN_OK;
}

static const struct skn_program counter = {
    .type = "Counter", .module = 1, .handle = counter_handle};

/* do: an intent with three attempts; writes down everything that it hears of it. */
static enum skn_rc
worker_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    if (is(m->name, "do")) {
        struct skn_intent_spec spec = {
            .identity = SKN_LIT("unit 1"),
            .tag = SKN_LIT("t"),
            .effect = m->payload,
            .policy = {.attempts = 3, .backoff_ms = 100, .factor_milli = 2000},
            .first_attempt = 1};
        skn_cx_put_value(
            cx, SKN_LIT("intent"), skn_value_int((int64_t)skn_cx_intent_start(cx, &spec)));
        return SKN_OK;
    }
    if (is(m->name, "stop") || is(m->name, "leave")) {
        uint64_t number = (uint64_t)row_int(cx, SKN_LIT("intent"));
        enum skn_cancel how = is(m->name, "stop") ? SKN_CANCEL : SKN_CANCEL_LEAVE;
        skn_cx_reply(cx, skn_value_bool(skn_cx_intent_cancel(cx, number, how)));
        return SKN_OK;
    }
    if (is(m->name, "log")) {
        struct skn_slice log = {0};
        if (skn_cx_get(cx, SKN_LIT("log"), &log) == SKN_ENOENT) log = SKN_LIT("");
        skn_cx_reply(cx, skn_value_string(log));
        return SKN_OK;
    }
    struct skn_slice old = {0};
    if (skn_cx_get(cx, SKN_LIT("log"), &old) != SKN_OK) old = SKN_LIT("");
    struct skn_buf *text = skn_cx_scratch(cx);
    static const char *const status[] = {
        "started", "success", "failure", "timeout", "cancelled", "interrupted"};
    skn_buf_printf(text,
                   "%.*s%u %s%s %.*s;",
                   SKN_FMT(old),
                   m->attempt,
                   status[m->status],
                   m->is_final ? "!" : "",
                   SKN_FMT(m->reason));
    skn_cx_put(cx, SKN_LIT("log"), skn_buf_slice(text));
    return SKN_OK;
}

static const struct skn_program worker = {
    .type = "Worker", .module = 2, .is_held = true, .handle = worker_handle};

/* Keeps a sum in memory that no row has: [E24] must find it. */
struct cheat {
    int64_t sum;
};

static void *cheat_wake(struct skn_cx *cx)
{
    (void)cx;
    return skn_alloc_zero(1, sizeof(struct cheat));
}

static enum skn_rc
cheat_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)diag;
    struct cheat *cheat = warm;
    cheat->sum += skn_value_as_int(m->payload);
    skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(cheat->sum));
    return SKN_OK;
}

static const struct skn_program cheater = {
    .type = "Cheat", .handle = cheat_handle, .wake = cheat_wake, .sleep = skn_free};

static const struct skn_program *const programs[] = {&counter, &worker, &cheater, NULL};

/* --- helpers ---------------------------------------------------------------------------------------- */

static struct skn_output expect(struct shard *s, enum skn_output_kind kind)
{
    struct skn_output out;
    bool has = shard_next(s, &out);
    assert_true(has);
    assert_int_equal(out.kind, kind);
    return out;
}

static void expect_none(struct shard *s)
{
    struct skn_output out;
    assert_false(shard_next(s, &out));
}

static struct skn_value expect_reply(struct shard *s, uint64_t number, enum skn_rc rc)
{
    struct skn_output out = expect(s, SKN_OUTPUT_REPLY);
    assert_int_equal(out.number, number);
    assert_int_equal(out.rc, rc);
    return skn_value_view(out.value);
}

static int64_t
ask(struct shard *s, const char *id, const char *address, const char *name, int64_t n)
{
    shard_submit(s, 99, id, address, name, skn_value_int(n));
    shard_settle(s);
    return skn_value_as_int(expect_reply(s, 99, SKN_OK));
}

static void expect_log(struct shard *s, const char *text)
{
    shard_submit(s, 98, "", "a:Worker/w", "log", skn_value_none());
    shard_settle(s);
    struct skn_slice log = skn_value_as_text(expect_reply(s, 98, SKN_OK));
    if (!skn_slice_eq(log, skn_slice_str(text))) print_error("%.*s\n", SKN_FMT(log));
    assert_true(skn_slice_eq(log, skn_slice_str(text)));
}

static void finish(struct shard *s, struct skn_output started, enum skn_attempt_status status)
{
    struct skn_attempt_result result = {.address = SKN_LIT("a:Worker/w"),
                                        .number = started.number,
                                        .attempt = started.attempt,
                                        .epoch = started.epoch,
                                        .status = status,
                                        .reason = SKN_LIT("r"),
                                        .value = skn_value_none()};
    skn_core_result(s->core, &result);
    shard_settle(s);
}

/* --- tests ------------------------------------------------------------------------------------------ */

static void nothing_leaves_before_its_batch_is_durable(void **state) /* P1 [E22] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Counter/c", "add", skn_value_int(5));
    assert_int_equal(shard_step(&s), SKN_OK);
    expect_none(&s);
    /* A query reads its own write and waits for it [E21]. */
    shard_submit(&s, 2, "", "a:Counter/c", "get", skn_value_none());
    assert_int_equal(shard_step(&s), SKN_ENOENT);
    expect_none(&s);
    size_t records = s.count;
    shard_durable(&s);
    assert_int_equal(skn_value_as_int(expect_reply(&s, 1, SKN_OK)), 5);
    assert_int_equal(skn_value_as_int(expect_reply(&s, 2, SKN_OK)), 5);
    assert_int_equal(records, 2); /* the epoch and the add: a query leaves no record */
    shard_fini(&s);
}

static void a_request_id_gives_the_same_answer_after_a_kill(void **state) /* P2 [E34] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    assert_int_equal(ask(&s, "id1", "a:Counter/c", "add", 5), 5);
    assert_int_equal(ask(&s, "id2", "a:Counter/c", "add", 5), 10);
    shard_kill(&s, true);
    assert_int_equal(ask(&s, "id1", "a:Counter/c", "add", 5), 5);
    assert_int_equal(ask(&s, "", "a:Counter/c", "get", 0), 10);
    shard_submit(&s, 7, "id1", "a:Counter/c", "add", skn_value_int(6));
    shard_settle(&s);
    (void)expect_reply(&s, 7, SKN_EIDREUSED);
    /* It is remembered for 24 hours, and when the next one is over forgotten by a batch of its own. */
    uint64_t hour_ms = 60 * 60 * 1000, asked_ms = s.now_ms;
    s.now_ms = (asked_ms / hour_ms + 25) * hour_ms - 1;
    shard_settle(&s);
    assert_int_equal(ask(&s, "id1", "a:Counter/c", "add", 5), 5);
    s.now_ms += 1;
    shard_settle(&s);
    assert_int_equal(ask(&s, "id1", "a:Counter/c", "add", 5), 15);
    shard_fini(&s);
}

static void what_was_not_durable_never_happened(void **state) /* [E23] */ /* P1 P2 */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    assert_int_equal(ask(&s, "", "a:Counter/c", "add", 1), 1);
    shard_submit(&s, 1, "x", "a:Counter/c", "add", skn_value_int(10));
    assert_int_equal(shard_step(&s), SKN_OK);
    shard_kill(&s, true);
    expect_none(&s);
    assert_int_equal(ask(&s, "x", "a:Counter/c", "add", 10), 11);
    shard_fini(&s);
}

static void mail_survives_and_arrives_once_and_in_order(void **state) /* P2 P3 */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Counter/c", "twice", skn_value_int(7));
    assert_int_equal(shard_step(&s), SKN_OK);
    shard_durable(&s);
    shard_kill(&s, true);
    shard_settle(&s);
    assert_int_equal(ask(&s, "", "a:Counter/c", "get", 0), 14);
    shard_fini(&s);
}

static void a_fault_drops_the_slice_and_keeps_the_message(void **state) /* [E33] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    assert_int_equal(ask(&s, "", "a:Counter/c", "add", 5), 5);
    for (uint64_t i = 0; i < 3; i++) {
        shard_submit(&s, i, "", "a:Counter/c", "boom", skn_value_none());
        shard_settle(&s);
        (void)expect_reply(&s, i, SKN_EFAULT);
        (void)expect(&s, SKN_OUTPUT_SIGNAL);
        assert_int_equal(ask(&s, "", "a:Counter/d", "get", 0), 0); /* others go on */
    }
    /* Three in a row: FAULTED. */
    shard_submit(&s, 9, "", "a:Counter/c", "get", skn_value_none());
    shard_settle(&s);
    (void)expect_reply(&s, 9, SKN_EFAULT);
    assert_int_equal(skn_core_counts(s.core).faults, 3);
    shard_fini(&s);
}

static void a_timer_fires_once_at_its_time_whatever_dies(void **state)
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    assert_int_equal(ask(&s, "", "a:Counter/c", "later", 1000), 0);
    assert_int_equal(ask(&s, "", "a:Counter/c", "later", 2000), 1);
    assert_int_equal(ask(&s, "", "a:Counter/c", "later", 3000), 2);
    /* The second is cancelled. */
    shard_submit(&s, 1, "", "a:Counter/c", "never", skn_value_int(1));
    shard_settle(&s);
    (void)expect_reply(&s, 1, SKN_OK);
    s.now_ms += 999;
    assert_int_equal(skn_core_next_due_ms(s.core), s.now_ms + 1);
    assert_int_equal(ask(&s, "", "a:Counter/c", "get", 0), 0);
    s.now_ms += 1;
    assert_int_equal(shard_step(&s), SKN_OK); /* fired, not durable */
    shard_kill(&s, true);
    shard_settle(&s);
    assert_int_equal(ask(&s, "", "a:Counter/c", "get", 0), 100);
    s.now_ms += 100000;
    shard_settle(&s);
    assert_int_equal(ask(&s, "", "a:Counter/c", "get", 0), 200);
    assert_true(skn_core_next_due_ms(s.core) > s.now_ms); /* at most an expiry is left */
    shard_fini(&s);
}

static void an_intent_is_tried_again_after_growing_delays_under_one_key(void **state) /* P5 F15 */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Worker/w", "do", skn_value_int(1));
    assert_int_equal(shard_step(&s), SKN_OK);
    expect_none(&s); /* its intent is not durable yet */
    shard_settle(&s);
    struct skn_output first = expect(&s, SKN_OUTPUT_PERFORM);
    (void)expect_reply(&s, 1, SKN_OK);
    assert_int_equal(first.attempt, 1);
    finish(&s, first, SKN_ATTEMPT_FAILURE);
    expect_none(&s);
    s.now_ms += 100;
    shard_settle(&s);
    struct skn_output second = expect(&s, SKN_OUTPUT_PERFORM);
    assert_int_equal(second.attempt, 2);
    assert_memory_equal(first.key, second.key, SKN_KEY_BYTES);
    finish(&s, second, SKN_ATTEMPT_FAILURE);
    s.now_ms += 199;
    shard_settle(&s);
    expect_none(&s);
    s.now_ms += 1;
    shard_settle(&s);
    struct skn_output third = expect(&s, SKN_OUTPUT_PERFORM);
    finish(&s, third, SKN_ATTEMPT_TIMEOUT);
    finish(&s, third, SKN_ATTEMPT_SUCCESS); /* it is over: dropped and counted */
    assert_int_equal(skn_core_counts(s.core).dropped_results, 1);
    expect_log(&s, "1 failure r;2 started ;2 failure r;3 started ;3 timeout! r;");
    shard_fini(&s);
}

static void an_attempt_cut_off_is_interrupted_and_goes_on_when_it_is_taken_up(void **state)
{ /* [E40] [E41] [E43] [E81] */
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Worker/w", "do", skn_value_int(1));
    shard_settle(&s);
    struct skn_output first = expect(&s, SKN_OUTPUT_PERFORM);
    (void)expect_reply(&s, 1, SKN_OK);
    shard_kill(&s, false);
    shard_settle(&s);
    expect_none(&s); /* it waits to be taken up */
    assert_true(skn_core_is_held(s.core, SKN_LIT("a:Worker/w")));
    assert_int_equal(skn_core_take_up(s.core, SKN_LIT("a:Worker/nobody"), true), SKN_ENOENT);
    assert_int_equal(skn_core_take_up(s.core, SKN_LIT("a:Worker/w"), true), SKN_OK);
    shard_settle(&s);
    struct skn_output second = expect(&s, SKN_OUTPUT_PERFORM);
    assert_int_equal(second.attempt, 2);
    assert_int_equal(second.epoch, first.epoch + 1);
    assert_memory_equal(first.key, second.key, SKN_KEY_BYTES);
    finish(&s, first, SKN_ATTEMPT_SUCCESS); /* of the older epoch: dropped */
    finish(&s, second, SKN_ATTEMPT_SUCCESS);
    assert_int_equal(skn_core_counts(s.core).dropped_results, 1);
    expect_log(&s, "1 interrupted interrupted;2 success! r;");
    shard_fini(&s);
}

static void five_interruptions_in_a_row_wait_for_a_person(void **state) /* [E41] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Worker/w", "do", skn_value_int(1));
    shard_settle(&s);
    for (uint32_t i = 1; i <= 5; i++) {
        shard_kill(&s, true);
        shard_settle(&s);
        assert_int_equal(expect(&s, SKN_OUTPUT_PERFORM).attempt, i + 1);
    }
    shard_kill(&s, true);
    shard_settle(&s);
    expect_none(&s);
    assert_int_equal(skn_core_take_up(s.core, (struct skn_slice){0}, false), SKN_ENOENT);
    assert_int_equal(skn_core_take_up(s.core, SKN_LIT("a:Worker/w"), true), SKN_OK);
    shard_settle(&s);
    assert_int_equal(expect(&s, SKN_OUTPUT_PERFORM).attempt, 7);
    shard_fini(&s);
}

static void a_cancelled_attempt_ends_when_it_has_ended(void **state) /* [E40] */
{
    (void)state;
    for (int success = 0; success < 3; success++) {
        struct shard s;
        shard_init(&s, programs);
        shard_submit(&s, 1, "", "a:Worker/w", "do", skn_value_int(1));
        shard_settle(&s);
        struct skn_output first = expect(&s, SKN_OUTPUT_PERFORM);
        (void)expect_reply(&s, 1, SKN_OK);
        shard_submit(&s, 2, "", "a:Worker/w", success == 2 ? "leave" : "stop", skn_value_none());
        shard_settle(&s);
        assert_int_equal(expect(&s, SKN_OUTPUT_CANCEL).is_leaving, success == 2);
        assert_true(skn_value_as_bool(expect_reply(&s, 2, SKN_OK)));
        finish(&s, first, success == 1 ? SKN_ATTEMPT_SUCCESS : SKN_ATTEMPT_FAILURE);
        expect_log(&s,
                   success == 2   ? "1 interrupted! r;"
                   : success == 1 ? "1 success! r;"
                                  : "1 cancelled! r;");
        shard_fini(&s);
    }
}

static void a_waiting_intent_is_cancelled_at_once(void **state)
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Worker/w", "do", skn_value_int(1));
    shard_settle(&s);
    struct skn_output first = expect(&s, SKN_OUTPUT_PERFORM);
    (void)expect_reply(&s, 1, SKN_OK);
    finish(&s, first, SKN_ATTEMPT_FAILURE);
    shard_submit(&s, 2, "", "a:Worker/w", "stop", skn_value_none());
    shard_settle(&s);
    assert_false(skn_value_as_bool(expect_reply(&s, 2, SKN_OK)));
    s.now_ms += 1000000;
    shard_settle(&s);
    expect_none(&s);
    shard_fini(&s);
}

static void state_that_no_row_has_is_found(void **state) /* [E24] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Cheat/c", "add", skn_value_int(1));
    assert_int_equal(shard_step(&s), SKN_OK); /* one made anew agrees once */
    shard_submit(&s, 2, "", "a:Cheat/c", "add", skn_value_int(1));
    assert_int_equal(shard_step(&s), SKN_EINTERNAL);
    assert_non_null(strstr(s.diag.text, "[E24]"));
    shard_fini(&s);
}

static void limits_are_refused_by_name(void **state) /* P10 */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    struct skn_request request = {.name = SKN_LIT("add"), .payload = skn_value_int(1)};
    static const char *const bad[] = {"", "a", "a:Nobody/x", "a:Counter", "a:Counter/", ":"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        request.address = skn_slice_str(bad[i]);
        assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_ENOTREGISTERED);
    }
    static char big[2 << 20];
    request.address = SKN_LIT("a:Counter/c");
    request.payload = skn_value_string(skn_slice(big, sizeof big));
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_ETOOLARGE);
    shard_fini(&s);

    shard_init(&s, programs);
    shard_close(&s);
    s.options.limits.requests_waiting = 2;
    shard_open(&s, true);
    request.payload = skn_value_int(1);
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_OK);
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_OK);
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_EMAILBOXFULL);
    shard_settle(&s);
    (void)expect_reply(&s, 0, SKN_OK);
    (void)expect_reply(&s, 0, SKN_OK);
    shard_fini(&s);
}

static void a_bound_on_what_is_not_durable_makes_the_shard_wait(void **state) /* [E20] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_close(&s);
    s.options.limits.speculative_batches = 3;
    shard_open(&s, true);
    for (uint64_t i = 0; i < 5; i++)
        shard_submit(&s, i, "", "a:Counter/c", "add", skn_value_int(1));
    for (int i = 0; i < 3; i++)
        assert_int_equal(shard_step(&s), SKN_OK);
    assert_int_equal(shard_step(&s), SKN_ELATER);
    shard_durable(&s);
    assert_int_equal(shard_step(&s), SKN_OK);
    shard_fini(&s);
}

/* --- the same at random, against a sum, killed at random -------------------------------------------- */

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return *rng >> 33;
}

static void random_kills_lose_nothing_and_repeat_nothing(void **state) /* P1 P2 P4 */
{
    (void)state;
    enum { STEPS = 3000 };
    uint64_t rng = 11;
    struct shard s;
    shard_init(&s, programs);
    int64_t sum = 0;
    char id[32];
    for (uint64_t i = 0; i < STEPS; i++) {
        int64_t by = (int64_t)(next(&rng) % 100);
        (void)snprintf(id, sizeof id, "id%d", (int)i);
        /* Asked until there is an answer: the same id each time. */
        for (;;) {
            shard_submit(&s, i, id, "a:Counter/c", "add", skn_value_int(by));
            (void)shard_step(&s);
            if (next(&rng) % 4 == 0) {
                if (next(&rng) % 2) shard_durable(&s);
                shard_kill(&s, true);
                continue;
            }
            shard_settle(&s);
            break;
        }
        sum += by;
        assert_int_equal(skn_value_as_int(expect_reply(&s, i, SKN_OK)), sum);
        expect_none(&s);
        if (s.count > 1500) break; /* a kill replays all of them */
    }
    assert_int_equal(skn_store_verify(s.store, &s.diag), SKN_OK);
    shard_fini(&s);
}

/* Against what another implementation says. */
static void names_are_hmac_sha256_of_the_store_secret(void **state)
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    uint8_t mac[32];
    assert_int_equal(skn_core_mac(s.store, SKN_LIT("label"), SKN_LIT("text"), mac, NULL), SKN_OK);
    static const uint8_t golden[32] = {0x10, 0x61, 0xa4, 0x5d, 0x68, 0x02, 0xe8, 0x22,
                                       0x2e, 0xc5, 0x5b, 0x0f, 0x86, 0x76, 0xc1, 0x3d,
                                       0x93, 0xb7, 0xb1, 0x7c, 0xf4, 0x56, 0xc4, 0x58,
                                       0xd3, 0xf2, 0x41, 0xa6, 0x4f, 0xd7, 0x6a, 0x57};
    assert_memory_equal(mac, golden, sizeof golden);
    shard_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_before_its_batch_is_durable),
        cmocka_unit_test(a_request_id_gives_the_same_answer_after_a_kill),
        cmocka_unit_test(what_was_not_durable_never_happened),
        cmocka_unit_test(mail_survives_and_arrives_once_and_in_order),
        cmocka_unit_test(a_fault_drops_the_slice_and_keeps_the_message),
        cmocka_unit_test(a_timer_fires_once_at_its_time_whatever_dies),
        cmocka_unit_test(an_intent_is_tried_again_after_growing_delays_under_one_key),
        cmocka_unit_test(an_attempt_cut_off_is_interrupted_and_goes_on_when_it_is_taken_up),
        cmocka_unit_test(five_interruptions_in_a_row_wait_for_a_person),
        cmocka_unit_test(a_cancelled_attempt_ends_when_it_has_ended),
        cmocka_unit_test(a_waiting_intent_is_cancelled_at_once),
        cmocka_unit_test(state_that_no_row_has_is_found),
        cmocka_unit_test(limits_are_refused_by_name),
        cmocka_unit_test(a_bound_on_what_is_not_durable_makes_the_shard_wait),
        cmocka_unit_test(random_kills_lose_nothing_and_repeat_nothing),
        cmocka_unit_test(names_are_hmac_sha256_of_the_store_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
