/* test_edges.c - a shard at its limits, with a slow store, and with a clock that goes back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cx.h"
#include "lib/shard.h"
#include "lib/test.h"

#include <stdio.h>

/* --- programs -------------------------------------------------------------------------------------- */

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

static uint32_t attempts_of(struct skn_value payload)
{
    return skn_value_is(payload, SKN_T_INT) ? (uint32_t)skn_value_as_int(payload) : 1;
}

/* add n, get; boom: faults; order: answers how many were handled before; tick n: a timer in n ms;
 * do: an intent; pass: sends "boom" with the same payload to itself. */
enum { WIDE_BYTES = 2000, WIDE_ROWS = 300 };
static const uint8_t wide_bytes[WIDE_BYTES];

static struct skn_slice wide_key(struct skn_cx *cx, int64_t i)
{
    return skn_slice_str(skn_arena_printf(skn_cx_arena(cx), "w%05d", (int)i));
}

static enum skn_rc
sum_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct skn_slice bytes;
    int64_t n = 0;
    enum skn_rc rc = skn_cx_get(cx, SKN_LIT("n"), &bytes);
    if (rc == SKN_OK) n = skn_value_as_int(skn_value_view(bytes));
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    if (is(m->name, "get")) {
        skn_cx_reply(cx, skn_value_int(n));
        return SKN_OK;
    }
    if (is(m->name, "boom")) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    if (is(m->name, "pass")) {
        skn_cx_send(cx, skn_cx_address(cx), SKN_PRIORITY_LOW, SKN_LIT("boom"), m->payload);
        return SKN_OK;
    }
    for (int64_t i = 0; is(m->name, "fill") && i < skn_value_as_int(m->payload); i++)
        skn_cx_put_value(cx, wide_key(cx, i), skn_value_bytes(skn_slice(wide_bytes, WIDE_BYTES)));
    if (is(m->name, "fill")) return skn_cx_rc(cx);
    if (is(m->name, "wide")) {
        /* Backwards and by halves, so that no answer of the backend has what comes next. */
        int64_t all = skn_value_as_int(m->payload);
        for (int64_t i = 0; i < all; i++) {
            rc = skn_cx_get(cx, wide_key(cx, i % 2 ? i : all - 1 - i), &bytes);
            if (rc != SKN_OK) return rc;
        }
        skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(all));
        return skn_cx_rc(cx);
    }
    if (is(m->name, "tick")) {
        uint64_t due = skn_cx_now_ms(cx) + (uint64_t)skn_value_as_int(m->payload);
        (void)skn_cx_timer_set(cx, due, SKN_LIT("t"));
        return SKN_OK;
    }
    if (is(m->name, "do")) {
        struct skn_intent_spec spec = {.identity = SKN_LIT("i"),
                                       .effect = skn_value_none(),
                                       .policy = {.attempts = attempts_of(m->payload)},
                                       .first_attempt = 1};
        (void)skn_cx_intent_start(cx, &spec);
        return SKN_OK;
    }
    if (m->kind == SKN_MESSAGE_ATTEMPT) return SKN_OK;
    n += m->kind == SKN_MESSAGE_TIMER ? 1 : skn_value_as_int(m->payload);
    skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(n));
    skn_cx_reply(cx, skn_value_int(n));
    return SKN_OK;
}

static const struct skn_program sum = {.type = "Sum", .module = 1, .handle = sum_handle};
static const struct skn_program held = {
    .type = "Held", .module = 1, .is_held = true, .handle = sum_handle};
static const struct skn_program *const programs[] = {&sum, &held, NULL};

static struct skn_value expect_reply(struct shard *s, uint64_t number, enum skn_rc rc)
{
    struct skn_output out = {0};
    while (shard_next(s, &out) && out.kind != SKN_OUTPUT_REPLY)
        continue;
    assert_int_equal(out.kind, SKN_OUTPUT_REPLY);
    assert_int_equal(out.number, number);
    assert_int_equal(out.rc, rc);
    return skn_value_view(out.value);
}

static int64_t
ask(struct shard *s, const char *id, const char *address, const char *name, int64_t n)
{
    shard_submit(s, 1, id, address, name, skn_value_int(n));
    shard_settle(s);
    struct skn_value answer = expect_reply(s, 1, SKN_OK);
    return skn_value_is(answer, SKN_T_INT) ? skn_value_as_int(answer) : 0;
}

/* --- limits ------------------------------------------------------------------------------------------ */

static void
the_largest_message_that_faults_has_room_among_the_dead_letters(void **state) /* [E33] */
{
    (void)state;
    static uint8_t big[1 << 20];
    static const char *const names[] = {"boom", "pass"};
    for (size_t n = 0; n < SKN_ARRAY_LEN(names); n++) {
        for (size_t len = sizeof big - 400; len < sizeof big; len += 9) {
            struct skn_value payload = skn_value_string(skn_slice(big, len));
            if (skn_value_size(payload) > 1 << 20) break;
            struct shard s;
            shard_init(&s, programs);
            shard_submit(&s, 1, "id", "a:Sum/s", names[n], payload);
            shard_settle(&s);
            assert_int_equal(skn_core_counts(s.core).faults, 1);
            struct skn_output out;
            while (shard_next(&s, &out))
                continue;
            assert_int_equal(ask(&s, "", "a:Sum/s", "add", 3), 3);
            shard_kill(&s, true);
            assert_int_equal(ask(&s, "", "a:Sum/s", "get", 0), 3);
            shard_fini(&s);
        }
    }
}

static void what_no_request_may_be_is_refused(void **state) /* P10 */
{
    (void)state;
    static char name[2000];
    memset(name, 'n', sizeof name - 1);
    struct shard s;
    shard_init(&s, programs);
    struct skn_request request = {.address = SKN_LIT("a:Sum/s"),
                                  .name = skn_slice_str(name),
                                  .payload = skn_value_none(),
                                  .priority = SKN_PRIORITY_LOW};
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_EARGS);
    request.name = SKN_LIT("get");
    request.priority = SKN_PRIORITIES;
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_EARGS);
    request.priority = SKN_PRIORITY_BACKGROUND;
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_OK);
    shard_settle(&s);
    shard_fini(&s);
}

static void an_id_is_answered_the_same_after_its_domain_is_faulted(void **state) /* [E33] [E34] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    assert_int_equal(ask(&s, "id", "a:Sum/s", "add", 5), 5);
    for (uint64_t i = 0; i < 3; i++) {
        shard_submit(&s, i, "", "a:Sum/s", "boom", skn_value_none());
        shard_settle(&s);
        (void)expect_reply(&s, i, SKN_EFAULT);
    }
    assert_int_equal(ask(&s, "id", "a:Sum/s", "add", 5), 5);
    shard_submit(&s, 8, "other", "a:Sum/s", "add", skn_value_int(5));
    shard_settle(&s);
    (void)expect_reply(&s, 8, SKN_EFAULT);
    shard_fini(&s);
}

static void asking_makes_no_domain(void **state) /* ENGINE 11 */
{
    (void)state;
    struct shard s;
    struct skn_buf address;
    skn_buf_init(&address, 1000);
    shard_init(&s, programs);
    assert_int_equal(ask(&s, "id", "a:Sum/nobody", "get", 0), 0);
    assert_int_equal(ask(&s, "id", "a:Sum/nobody", "get", 0), 0);
    assert_int_equal(skn_core_next_domain(s.store, (struct skn_slice){0}, &address, NULL),
                     SKN_ENOENT);
    skn_buf_fini(&address);
    shard_fini(&s);
}

static size_t rows_of(struct shard *s, uint8_t kind)
{
    uint8_t from[3] = {1, kind, 0}, end[3] = {1, kind, 1};
    static struct skn_row rows[4096];
    size_t count;
    assert_int_equal(skn_store_scan(s->store,
                                    skn_slice(from, 3),
                                    skn_slice(end, 3),
                                    rows,
                                    SKN_ARRAY_LEN(rows),
                                    &count,
                                    NULL),
                     SKN_OK);
    return count;
}

static void request_ids_expire_also_where_there_is_always_something_to_do(void **state) /* [E34] */
{
    (void)state;
    struct shard s;
    char id[32];
    shard_init(&s, programs);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        (void)ask(&s, id, "a:Sum/s", "add", 1);
    }
    assert_int_equal(rows_of(&s, 6), 100);
    s.now_ms += 26 * 60 * 60 * 1000;
    for (int i = 0; i < 600; i++) {
        shard_submit(&s, 1, "", "a:Sum/s", "add", skn_value_int(1));
        shard_submit(&s, 1, "", "a:Sum/s", "add", skn_value_int(1));
        assert_int_equal(shard_step(&s), SKN_OK);
        shard_durable(&s);
    }
    assert_int_equal(rows_of(&s, 6), 0);
    assert_int_equal(rows_of(&s, 7), 0);
    shard_fini(&s);
}

static void what_is_durable_makes_room_also_while_more_comes(void **state) /* [E20] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_close(&s);
    s.options.limits.speculative_bytes = 2000;
    shard_open(&s, true);
    for (uint64_t i = 0; i < 500; i++)
        shard_submit(&s, i, "", "a:Sum/s", "add", skn_value_int(1));
    for (int i = 0; i < 500; i++) {
        assert_int_equal(shard_step(&s), SKN_OK);
        /* The newest record is always on its way. */
        skn_core_durable(s.core, s.records[s.count - 1].index - 1);
    }
    shard_fini(&s);
}

/* --- order ------------------------------------------------------------------------------------------- */

static void what_is_urgent_does_not_wait_behind_what_is_not(void **state) /* DESIGN 3.1 */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Sum/s", "pass", skn_value_none());
    assert_int_equal(shard_step(&s), SKN_OK); /* its low mail makes it ready at low */
    for (uint64_t i = 10; i < 20; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Sum/%d", (int)i);
        shard_submit(&s, i, "", address, "add", skn_value_int(1));
    }
    struct skn_request urgent = {.number = 2,
                                 .address = SKN_LIT("a:Sum/s"),
                                 .name = SKN_LIT("add"),
                                 .payload = skn_value_int(1),
                                 .priority = SKN_PRIORITY_CRITICAL};
    assert_int_equal(skn_core_submit(s.core, &urgent, &s.diag), SKN_OK);
    assert_int_equal(shard_step(&s), SKN_OK);
    shard_durable(&s);
    (void)expect_reply(&s, 1, SKN_OK);
    (void)expect_reply(&s, 2, SKN_OK);
    shard_fini(&s);
}

static void a_clock_that_goes_back_loses_no_timer(void **state) /* [E50] [E51] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    (void)ask(&s, "", "a:Held/h", "tick", 1000);
    shard_kill(&s, false);
    s.now_ms += 5000;
    shard_settle(&s); /* it is due, and waits for its domain */
    s.now_ms -= 5000;
    (void)ask(&s, "", "a:Sum/s", "tick", 1);
    s.now_ms += 6000;
    shard_settle(&s);
    assert_int_equal(ask(&s, "", "a:Sum/s", "get", 0), 1);
    assert_int_equal(skn_core_take_up(s.core, SKN_LIT("a:Held/h"), true), SKN_OK);
    shard_settle(&s);
    assert_int_equal(ask(&s, "", "a:Held/h", "get", 0), 1);
    assert_int_equal(rows_of(&s, 3), 0);
    shard_fini(&s);
}

/* --- opening ----------------------------------------------------------------------------------------- */

static void one_intent_that_is_interrupted_too_often_holds_its_domain(void **state) /* [E41] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Held/h", "do", skn_value_none());
    shard_settle(&s);
    for (int i = 0; i < 4; i++) {
        shard_kill(&s, true);
        shard_settle(&s);
    }
    shard_submit(&s, 2, "", "a:Held/h", "do", skn_value_none()); /* behind it, and younger */
    shard_settle(&s);
    shard_kill(&s, true);
    shard_settle(&s);
    assert_false(skn_core_is_held(s.core, SKN_LIT("a:Held/h")));
    shard_kill(&s, true);
    assert_true(skn_core_is_held(s.core, SKN_LIT("a:Held/h")));
    assert_int_equal(skn_core_take_up(s.core, SKN_LIT("a:Held/h"), false), SKN_ENOENT);
    assert_int_equal(skn_core_take_up(s.core, SKN_LIT("a:Held/h"), true), SKN_OK);
    shard_fini(&s);
}

static void result(struct shard *s, const struct skn_output *of, enum skn_attempt_status status)
{
    const struct skn_attempt_result r = {.address = SKN_LIT("a:Held/h"),
                                         .number = of->number,
                                         .attempt = of->attempt,
                                         .epoch = of->epoch,
                                         .status = status,
                                         .value = skn_value_none()};
    skn_core_result(s->core, &r);
    shard_settle(s);
}

static void a_failure_counts_for_the_current_attempt_only(void **state) /* [E40] */
{
    (void)state;
    struct shard s;
    struct skn_output out, first = {0}, second = {0};
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Held/h", "do", skn_value_int(3)); /* attempts */
    shard_settle(&s);
    while (shard_next(&s, &out))
        if (out.kind == SKN_OUTPUT_PERFORM) first = out;
    result(&s, &first, SKN_ATTEMPT_FAILURE);
    s.now_ms += 10;
    shard_settle(&s);
    while (shard_next(&s, &out))
        if (out.kind == SKN_OUTPUT_PERFORM) second = out;
    assert_int_equal(second.attempt, 2);
    result(&s, &first, SKN_ATTEMPT_FAILURE); /* told again: dropped */
    result(&s, &first, SKN_ATTEMPT_INTERRUPTED);
    assert_int_equal(skn_core_counts(s.core).dropped_results, 2);
    result(&s, &second, SKN_ATTEMPT_SUCCESS);
    assert_int_equal(rows_of(&s, 5), 0);
    result(&s, &second, SKN_ATTEMPT_SUCCESS);
    assert_int_equal(skn_core_counts(s.core).dropped_results, 3);
    shard_fini(&s);
}

/* --- a store that answers later ---------------------------------------------------------------------- */

/* Rows that have been forgotten are read from a backend that never answers at once. */
struct slow {
    struct skn_backend *backend;
    struct skn_store *store;
    struct skn_core *core;
    struct skn_buf rows;
    uint64_t records, later;
};

/* Answers the oldest thing that is wanted; false: nothing is. */
static bool answer_one(struct slow *s)
{
    struct skn_read read;
    uint64_t number;
    bool is_end;
    if (!skn_store_next_want(s->store, &read, &number)) return false;
    skn_buf_reset(&s->rows);
    assert_int_equal(skn_backend_read(s->backend, &read, true, &s->rows, &is_end, NULL), SKN_OK);
    assert_int_equal(skn_store_fetched(s->store, number, skn_buf_slice(&s->rows), is_end, NULL),
                     SKN_OK);
    skn_core_fetched(s->core, number);
    s->later++;
    return true;
}

/* Everything becomes clean, and then most of it is forgotten. */
static void checkpoint(struct slow *s)
{
    struct skn_shard_position at = {.position = skn_store_mark(s->store)};
    skn_buf_reset(&s->rows);
    while (skn_store_next_dirty(s->store, &s->rows, 1000))
        continue;
    assert_int_equal(skn_backend_write(s->backend, 0, skn_buf_slice(&s->rows), NULL), SKN_OK);
    assert_int_equal(skn_backend_commit(s->backend, &at, 1, NULL), SKN_OK);
    skn_store_flushed(s->store);
    skn_store_shrink(s->store);
}

static enum skn_rc slow_step(struct slow *s, uint64_t now_ms)
{
    struct skn_record record;
    struct skn_diag diag;
    enum skn_rc rc = skn_core_step(s->core, now_ms, &record, &diag);
    if (rc == SKN_OK) skn_core_durable(s->core, record.index);
    if (rc == SKN_OK && ++s->records % 7 == 0) checkpoint(s);
    return rc;
}

static void a_store_that_answers_later_changes_only_when(void **state) /* [E13] */
{
    (void)state;
    static const uint8_t secret[SKN_SECRET_BYTES] = "0123456789abcdef0123456789abcde";
    struct slow s = {.backend = skn_backend_memory_create()};
    struct skn_diag diag;
    skn_buf_init(&s.rows, 8 << 20);
    skn_backend_memory_set_slow(s.backend, true);
    const struct skn_store_options store = {.backend = s.backend, .cache_bytes = 400};
    assert_int_equal(skn_store_open(&store, &s.store, &diag), SKN_OK);
    const struct skn_core_options options = {
        .store = s.store, .programs = programs, .check_rebuild = true};
    s.core = skn_core_create(&options);
    const struct skn_core_opening opening = {
        .secret = secret, .take_up_all = true, .writes_at_once = true};
    assert_int_equal(skn_core_open(s.core, &opening, &diag), SKN_OK);
    enum { REQUESTS = 3000 };
    uint64_t replies = 0;
    for (uint64_t i = 0; i < REQUESTS; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Sum/%d", (int)(i % 7));
        struct skn_request request = {.number = i,
                                      .address = skn_slice_str(address),
                                      .name = i % 3 ? SKN_LIT("add") : SKN_LIT("get"),
                                      .payload = skn_value_int(1),
                                      .priority = (enum skn_priority)(i % SKN_PRIORITIES)};
        assert_int_equal(skn_core_submit(s.core, &request, &diag), SKN_OK);
        enum skn_rc rc = SKN_OK;
        while (i % 10 == 9 && rc != SKN_ENOENT) {
            rc = slow_step(&s, 1000 + i);
            assert_true(rc == SKN_OK || rc == SKN_ELATER || rc == SKN_ENOENT);
            bool is_waiting = rc == SKN_ELATER || rc == SKN_ENOENT;
            if (is_waiting && answer_one(&s)) rc = SKN_OK;
        }
        struct skn_output out;
        while (skn_core_next_output(s.core, &out))
            replies += out.kind == SKN_OUTPUT_REPLY;
    }
    assert_int_equal(replies, REQUESTS);
    assert_true(s.later > REQUESTS / 50);
    assert_true(skn_store_counts(s.store).fetches > REQUESTS / 50);
    assert_int_equal(skn_core_counts(s.core).faults, 0);
    /* The sums are those of a store that has everything in memory. */
    skn_store_set_blocking(s.store, true);
    int64_t sums[7] = {0};
    for (uint64_t i = 0; i < REQUESTS; i++)
        sums[i % 7] += i % 3 ? 1 : 0;
    for (int i = 0; i < 7; i++) {
        char address[32];
        struct skn_slice value;
        (void)snprintf(address, sizeof address, "a:Sum/%d", i);
        assert_int_equal(skn_core_get(s.store, skn_slice_str(address), SKN_LIT("n"), &value, &diag),
                         SKN_OK);
        assert_int_equal(skn_value_as_int(skn_value_view(value)), sums[i]);
    }
    skn_store_set_blocking(s.store, false);
    /* One that never answers: the step says so, however many queries wait beside it. */
    checkpoint(&s);
    for (int i = 0; i < 50; i++)
        skn_store_shrink(s.store);
    struct skn_request request = {
        .address = SKN_LIT("a:Sum/1"), .name = SKN_LIT("get"), .payload = skn_value_none()};
    for (int i = 0; i < 5; i++)
        assert_int_equal(skn_core_submit(s.core, &request, &diag), SKN_OK);
    assert_int_equal(slow_step(&s, 9000), SKN_ELATER);
    skn_core_destroy(s.core);
    skn_store_destroy(s.store);
    skn_backend_destroy(s.backend);
    skn_buf_fini(&s.rows);
}

/* Steps until there is nothing to do. The cache forgets all it may between any two. */
static size_t turns_until_done(struct slow *s)
{
    for (size_t turns = 0; turns < 20 * WIDE_ROWS; turns++) {
        enum skn_rc rc = slow_step(s, 1000);
        assert_true(rc == SKN_OK || rc == SKN_ELATER || rc == SKN_ENOENT);
        for (int i = 0; i < 10; i++)
            skn_store_shrink(s->store);
        bool has_answer = answer_one(s);
        for (int i = 0; i < 10; i++)
            skn_store_shrink(s->store);
        if (rc == SKN_ENOENT && !has_answer) return turns;
    }
    fail_msg("it is never done");
    return 0;
}

static void what_a_message_waits_for_stays_until_it_is_done(void **state) /* [E13] */
{
    (void)state;
    static const uint8_t secret[SKN_SECRET_BYTES] = "0123456789abcdef0123456789abcde";
    static const char *const names[] = {"fill", "wide"};
    struct slow s = {.backend = skn_backend_memory_create()};
    struct skn_diag diag;
    struct skn_output out;
    skn_buf_init(&s.rows, 8 << 20);
    skn_backend_memory_set_slow(s.backend, true);
    const struct skn_store_options store = {.backend = s.backend, .cache_bytes = 1};
    assert_int_equal(skn_store_open(&store, &s.store, &diag), SKN_OK);
    const struct skn_core_options options = {
        .store = s.store, .programs = programs, .check_rebuild = true};
    s.core = skn_core_create(&options);
    const struct skn_core_opening opening = {
        .secret = secret, .take_up_all = true, .writes_at_once = true};
    assert_int_equal(skn_core_open(s.core, &opening, &diag), SKN_OK);
    for (size_t k = 0; k < SKN_ARRAY_LEN(names); k++) {
        for (uint64_t i = 0; i < 3; i++) { /* three of them wait at once */
            char address[16];
            (void)snprintf(address, sizeof address, "a:Sum/%d", (int)i);
            struct skn_request request = {.number = i,
                                          .address = skn_slice_str(address),
                                          .name = skn_slice_str(names[k]),
                                          .payload = skn_value_int(WIDE_ROWS)};
            assert_int_equal(skn_core_submit(s.core, &request, &diag), SKN_OK);
        }
        (void)turns_until_done(&s);
        checkpoint(&s);
        for (int i = 0; i < 2000; i++)
            skn_store_shrink(s.store);
        size_t replies = 0;
        while (skn_core_next_output(s.core, &out))
            replies += out.kind == SKN_OUTPUT_REPLY && out.rc == SKN_OK;
        assert_int_equal(replies, 3);
        /* Afterwards nothing is held back. */
        assert_int_equal(skn_store_counts(s.store).pins, 0);
        assert_int_equal(skn_store_counts(s.store).entries, 0);
    }
    assert_true(skn_store_counts(s.store).fetches > 3 * WIDE_ROWS / 64);
    skn_core_destroy(s.core);
    skn_store_destroy(s.store);
    skn_backend_destroy(s.backend);
    skn_buf_fini(&s.rows);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_message_that_faults_has_room_among_the_dead_letters),
        cmocka_unit_test(what_no_request_may_be_is_refused),
        cmocka_unit_test(an_id_is_answered_the_same_after_its_domain_is_faulted),
        cmocka_unit_test(asking_makes_no_domain),
        cmocka_unit_test(request_ids_expire_also_where_there_is_always_something_to_do),
        cmocka_unit_test(what_is_durable_makes_room_also_while_more_comes),
        cmocka_unit_test(what_is_urgent_does_not_wait_behind_what_is_not),
        cmocka_unit_test(a_clock_that_goes_back_loses_no_timer),
        cmocka_unit_test(one_intent_that_is_interrupted_too_often_holds_its_domain),
        cmocka_unit_test(a_failure_counts_for_the_current_attempt_only),
        cmocka_unit_test(a_store_that_answers_later_changes_only_when),
        cmocka_unit_test(what_a_message_waits_for_stays_until_it_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
