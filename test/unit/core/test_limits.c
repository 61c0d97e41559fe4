/* test_limits.c - every limit of a core one below, at, and one above it (P10, DESIGN 6). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cx.h"
#include "core/gas.h"
#include "lib/shard.h"
#include "lib/test.h"

#include <stdio.h>

/* --- a program that takes exactly so much ------------------------------------------------------------ */

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

/* A value whose encoding has `size` bytes. */
static struct skn_value bytes_of_size(struct skn_arena *arena, size_t size)
{
    size_t head = skn_value_size(skn_value_bytes(SKN_LIT("")));
    uint8_t *bytes = skn_arena_zero(arena, 1, size);
    struct skn_value value = skn_value_bytes(skn_slice(bytes, size - head));
    while (skn_value_size(value) > size) /* its length takes more bytes than that of none */
        value = skn_value_bytes(skn_slice(bytes, size - ++head));
    assert_int_equal(skn_value_size(value), size);
    return value;
}

/* What the payload n asks for: gas, memory n: so much of it in all; reads n: rows looked up; row, rows, batch, key, tag, message,
 * answer, effect, name n: one of n bytes; boom: faults; ok: nothing; put: a row. */
static enum skn_rc
taker_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct skn_arena *arena = skn_cx_arena(cx);
    if (m->kind != SKN_MESSAGE_REQUEST) return SKN_OK;
    if (is(m->name, "boom")) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    if (!skn_value_is(m->payload, SKN_T_INT)) return SKN_OK;
    size_t n = (size_t)skn_value_as_int(m->payload);
    if (is(m->name, "gas")) {
        skn_cx_reply(cx, skn_value_none());
        (void)skn_cx_charge(cx, n - skn_cx_gas(cx));
    } else if (is(m->name, "memory")) {
        skn_cx_reply(cx, skn_value_none());
        size_t left = skn_cx_memory_left(cx);
        void *taken = skn_arena_alloc(arena, n <= 1 << 20 ? left - (1 << 20) + n : left + 16);
        (void)taken;
    } else if (is(m->name, "reads")) {
        struct skn_slice value;
        for (size_t i = 0; i < n && skn_cx_get(cx, SKN_LIT("none"), &value) == SKN_ENOENT; i++)
            continue;
    } else if (is(m->name, "rows")) {
        uint8_t *bytes = skn_arena_zero(arena, 1, 1 << 20);
        for (uint8_t i = 0; n > 0; i++) {
            size_t size = n < 1 << 20 ? n : 1 << 20;
            skn_cx_put(cx, skn_slice(&i, 1), skn_slice(bytes, size));
            n -= size;
        }
    } else if (is(m->name, "row")) {
        skn_cx_put(cx, SKN_LIT("r"), skn_slice(skn_arena_zero(arena, 1, n), n));
    } else if (is(m->name, "value")) {
        skn_cx_put_value(cx, SKN_LIT("r"), bytes_of_size(arena, n));
    } else if (is(m->name, "key")) {
        skn_cx_put(cx, skn_slice(skn_arena_zero(arena, 1, n), n), SKN_LIT("v"));
    } else if (is(m->name, "tag")) {
        struct skn_slice tag = skn_slice(skn_arena_zero(arena, 1, n), n);
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + 1000000, tag);
    } else if (is(m->name, "message")) {
        struct skn_value payload = bytes_of_size(arena, n);
        skn_cx_send(cx, SKN_LIT("a:Taker/other"), SKN_PRIORITY_LOW, SKN_LIT("x"), payload);
    } else if (is(m->name, "name")) {
        struct skn_slice name = skn_slice(skn_arena_zero(arena, 1, n), n);
        skn_cx_send(cx, SKN_LIT("a:Taker/other"), SKN_PRIORITY_LOW, name, skn_value_none());
    } else if (is(m->name, "answer")) {
        skn_cx_reply(cx, bytes_of_size(arena, n));
    } else if (is(m->name, "effect")) {
        struct skn_intent_spec spec = {.identity = SKN_LIT("i"),
                                       .effect = bytes_of_size(arena, n),
                                       .policy = {.attempts = 1},
                                       .first_attempt = 1};
        (void)skn_cx_intent_start(cx, &spec);
    }
    return SKN_OK;
}

static const struct skn_program taker = {.type = "Taker", .module = 1, .handle = taker_handle};

static uint64_t awake;

static void *warm_wake(struct skn_cx *cx)
{
    (void)cx;
    awake++;
    return skn_alloc(1);
}

static void warm_sleep(void *warm)
{
    awake--;
    skn_free(warm);
}

static const struct skn_program warmer = {
    .type = "Warm", .module = 1, .handle = taker_handle, .wake = warm_wake, .sleep = warm_sleep};
static const struct skn_program *const programs[] = {&taker, &warmer, NULL};

static void open_with(struct shard *s, const struct skn_core_limits *limits)
{
    shard_init(s, programs);
    shard_close(s);
    s->options.limits = *limits;
    shard_open(s, true);
}

/* Asks the first of two domains, so that one that faults can be left for the next. */
static enum skn_rc ask(struct shard *s, const char *address, const char *name, size_t n)
{
    shard_submit(s, 1, "", address, name, skn_value_int((int64_t)n));
    shard_settle(s);
    struct skn_output out;
    enum skn_rc rc = SKN_EINTERNAL;
    while (shard_next(s, &out)) {
        if (out.kind != SKN_OUTPUT_REPLY) continue;
        rc = out.rc;
        (void)snprintf(s->diag.text, sizeof s->diag.text, "%.*s", SKN_FMT(out.name));
    }
    return rc;
}

/* One below and at the limit it is done; one above it is refused with `rc`, and the text names the
 * limit and its value. */
static void
expect_limit(struct shard *s, const char *what, size_t limit, enum skn_rc rc, const char *text)
{
    char address[32];
    (void)snprintf(address, sizeof address, "a:Taker/%s", what);
    assert_int_equal(ask(s, address, what, limit - 1), SKN_OK);
    assert_int_equal(ask(s, address, what, limit), SKN_OK);
    uint64_t faults = skn_core_counts(s->core).faults;
    assert_int_equal(ask(s, address, what, limit + 1), rc);
    if (!strstr(s->diag.text, text)) print_error("%s\n", s->diag.text);
    assert_non_null(strstr(s->diag.text, text));
    assert_int_equal(skn_core_counts(s->core).faults, faults + 1);
    /* Others, and the domain itself, go on. */
    assert_int_equal(ask(s, address, "ok", 0), SKN_OK);
    assert_int_equal(ask(s, "a:Taker/else", "ok", 0), SKN_OK);
}

/* --- tests ------------------------------------------------------------------------------------------ */

static void the_defaults_are_those_of_the_documents(void **state) /* DESIGN 6 */
{
    (void)state;
    struct shard s;
    open_with(&s, &(struct skn_core_limits){0});
    expect_limit(&s, "row", 1 << 20, SKN_ETOOLARGE, "row_bytes is 1048576");
    expect_limit(&s, "value", 1 << 20, SKN_ETOOLARGE, "row_bytes is 1048576");
    expect_limit(&s, "message", 1 << 20, SKN_ETOOLARGE, "message_bytes is 1048576");
    expect_limit(&s, "answer", 1 << 20, SKN_ETOOLARGE, "message_bytes is 1048576");
    expect_limit(&s, "effect", 1 << 20, SKN_ETOOLARGE, "message_bytes is 1048576");
    expect_limit(&s, "gas", 100000000, SKN_EGAS, "slice_gas is 100000000");
    expect_limit(&s, "key", 3072, SKN_ETOOLARGE, "");
    expect_limit(&s, "tag", 3072, SKN_ETOOLARGE, "");
    expect_limit(&s, "name", SKN_NAME_MAX, SKN_ETOOLARGE, "");
    shard_fini(&s);
}

static void a_slice_has_so_much_gas_and_memory(void **state) /* DESIGN 3.3 */
{
    (void)state;
    static const size_t gas[] = {200, 1000, 123457};
    for (size_t i = 0; i < SKN_ARRAY_LEN(gas); i++) {
        struct shard s;
        open_with(&s, &(struct skn_core_limits){.slice_gas = gas[i]});
        char text[64];
        (void)snprintf(text, sizeof text, "slice_gas is %zu", gas[i]);
        expect_limit(&s, "gas", gas[i], SKN_EGAS, text);
        shard_fini(&s);
    }
    /* The program takes what is left, less 1 MiB, and n bytes more. */
    struct shard s;
    open_with(&s, &(struct skn_core_limits){.slice_memory = 2 << 20});
    assert_int_equal(ask(&s, "a:Taker/m", "memory", (1 << 20) - 16), SKN_OK);
    assert_int_equal(ask(&s, "a:Taker/m", "memory", 1 << 20), SKN_OK);
    assert_int_equal(ask(&s, "a:Taker/m", "memory", (1 << 20) + 1), SKN_EMEMORY);
    assert_non_null(strstr(s.diag.text, "slice_memory is 2097152"));
    shard_fini(&s);
}

static void a_slice_reads_so_many_rows(void **state) /* [E13]: what is pinned for it */
{
    (void)state;
    struct shard s;
    open_with(&s, &(struct skn_core_limits){.hot_rows = 50});
    expect_limit(&s, "reads", 50, SKN_EFULL, "hot_rows is 50");
    shard_fini(&s);
    open_with(&s, &(struct skn_core_limits){0});
    expect_limit(&s, "reads", 1000000, SKN_EFULL, "hot_rows is 1000000");
    shard_fini(&s);
}

/* What one batch may change is counted in bytes of keys and values, whatever way it was asked for. */
static void a_batch_has_so_many_bytes(void **state) /* DESIGN 6 */
{
    (void)state;
    struct shard s;
    /* A row of n bytes at a domain that has none yet: its key, and the meta and index rows behind. */
    open_with(&s, &(struct skn_core_limits){.batch_bytes = 5000});
    size_t low = 1, high = 5001; /* done, refused */
    while (high - low > 1) {
        size_t n = (low + high) / 2;
        char address[32];
        (void)snprintf(address, sizeof address, "a:Taker/%05zu", n);
        enum skn_rc rc = ask(&s, address, "row", n);
        assert_true(rc == SKN_OK || rc == SKN_ETOOLARGE);
        if (rc != SKN_OK) assert_non_null(strstr(s.diag.text, "batch_bytes is 5000"));
        if (rc == SKN_OK)
            low = n;
        else
            high = n;
    }
    assert_in_range(low, 4500, 4999);
    /* With one byte more the same row has room, with one less it has not. */
    for (int more = -1; more <= 1; more++) {
        shard_close(&s);
        while (s.count > 0)
            shard_drop_record(&s);
        s.durable = 0;
        s.options.limits.batch_bytes = (uint32_t)(5000 + more);
        shard_open(&s, true);
        assert_int_equal(ask(&s, "a:Taker/00000", "row", low), more < 0 ? SKN_ETOOLARGE : SKN_OK);
        assert_int_equal(ask(&s, "a:Taker/00001", "row", low + 1),
                         more < 1 ? SKN_ETOOLARGE : SKN_OK);
    }
    shard_fini(&s);
}

/* By rows of 1 MiB, so a batch of 8 MiB has room for seven and for most of an eighth. */
static void a_batch_has_8_mib_by_default(void **state) /* DESIGN 6 */
{
    (void)state;
    struct shard s;
    open_with(&s, &(struct skn_core_limits){0});
    size_t low = 7 << 20, high = (8 << 20) + 1;
    for (int i = 0; high - low > 1; i++) {
        size_t n = (low + high) / 2;
        char address[32];
        (void)snprintf(address, sizeof address, "a:Taker/%05d", i);
        enum skn_rc rc = ask(&s, address, "rows", n);
        if (rc != SKN_OK) assert_non_null(strstr(s.diag.text, "batch_bytes is 8388608"));
        if (rc == SKN_OK)
            low = n;
        else
            high = n;
    }
    assert_in_range(low, (8 << 20) - 2000, (8 << 20) - 8);
    shard_fini(&s);
}

static void requests_are_refused_at_the_door(void **state) /* [E34] */
{
    (void)state;
    struct shard s;
    open_with(&s, &(struct skn_core_limits){.requests_waiting = 3, .message_bytes = 100});
    struct skn_arena arena;
    skn_arena_init(&arena);
    struct skn_request request = {.address = SKN_LIT("a:Taker/t"), .name = SKN_LIT("ok")};
    for (size_t n = 99; n <= 101; n++) {
        request.payload = bytes_of_size(&arena, n);
        assert_int_equal(skn_core_submit(s.core, &request, &s.diag),
                         n > 100 ? SKN_ETOOLARGE : SKN_OK);
    }
    assert_non_null(strstr(s.diag.text, "message_bytes is 100"));
    request.payload = skn_value_none();
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_OK); /* the third */
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_EMAILBOXFULL);
    assert_non_null(strstr(s.diag.text, "requests_waiting is 3"));
    shard_settle(&s);
    assert_int_equal(skn_core_submit(s.core, &request, &s.diag), SKN_OK);
    shard_settle(&s);
    /* Names, ids, callers, addresses. */
    static uint8_t text[2000];
    memset(text, 'x', sizeof text);
    for (size_t over = 0; over < 2; over++) {
        enum skn_rc rc = over ? SKN_EARGS : SKN_OK;
        request.name = skn_slice(text, SKN_NAME_MAX + over);
        assert_int_equal(skn_core_submit(s.core, &request, &s.diag), rc);
        request.name = SKN_LIT("ok");
        request.id = skn_slice(text, SKN_REQUEST_ID_MAX + over);
        assert_int_equal(skn_core_submit(s.core, &request, &s.diag), rc);
        request.id = (struct skn_slice){0};
        request.caller = skn_slice(text, SKN_REQUEST_ID_MAX + over);
        assert_int_equal(skn_core_submit(s.core, &request, &s.diag), rc);
        request.caller = (struct skn_slice){0};
        memcpy(text, "a:Taker/", 8);
        request.address = skn_slice(text, SKN_ADDRESS_MAX + over);
        shard_settle(&s);
        assert_int_equal(skn_core_submit(s.core, &request, &s.diag),
                         over ? SKN_ENOTREGISTERED : SKN_OK);
        request.address = SKN_LIT("a:Taker/t");
        memset(text, 'x', sizeof text);
        shard_settle(&s);
    }
    skn_arena_fini(&arena);
    shard_fini(&s);
}

static void a_result_that_is_too_large_is_a_failure_that_says_so(void **state) /* [E40] */
{
    (void)state;
    for (size_t n = 199; n <= 201; n++) {
        struct shard s;
        open_with(&s, &(struct skn_core_limits){.message_bytes = 200});
        shard_submit(&s, 1, "", "a:Taker/t", "effect", skn_value_int(100));
        shard_settle(&s);
        struct skn_output out;
        assert_true(shard_next(&s, &out) && out.kind == SKN_OUTPUT_PERFORM);
        struct skn_arena arena;
        skn_arena_init(&arena);
        const struct skn_attempt_result result = {.address = SKN_LIT("a:Taker/t"),
                                                  .number = out.number,
                                                  .attempt = 1,
                                                  .epoch = out.epoch,
                                                  .status = SKN_ATTEMPT_SUCCESS,
                                                  .value = bytes_of_size(&arena, n)};
        skn_core_result(s.core, &result);
        size_t before = s.count;
        assert_int_equal(shard_step(&s), SKN_OK);
        static const char text[] = "TOO_LARGE: message_bytes is 200";
        const struct skn_slice message = s.records[before].message;
        bool says_so = false;
        for (size_t i = 0; i + sizeof text <= message.len; i++)
            says_so |= memcmp(message.ptr + i, text, sizeof text - 1) == 0;
        assert_int_equal(says_so, n > 200);
        skn_arena_fini(&arena);
        shard_fini(&s);
    }
}

/* What is sealed names no blob, so one value cannot have both [E45] [E46]. */
static void a_result_with_secrets_and_blobs_is_a_failure_that_says_so(void **state)
{
    (void)state;
    static const uint8_t hash[SKN_VALUE_HASH_BYTES];
    struct shard s;
    struct skn_buf bytes;
    struct skn_builder b;
    struct skn_output out;
    open_with(&s, &(struct skn_core_limits){0});
    shard_submit(&s, 1, "", "a:Taker/t", "effect", skn_value_int(100));
    shard_settle(&s);
    assert_true(shard_next(&s, &out) && out.kind == SKN_OUTPUT_PERFORM);
    skn_buf_init(&bytes, 4096);
    skn_builder_init(&b, &bytes);
    skn_build_list_begin(&b);
    skn_build_secret_begin(&b);
    skn_build_string(&b, SKN_LIT("hidden"));
    skn_build_secret_end(&b);
    skn_build_blob(&b, hash, 5, SKN_LIT(""));
    skn_build_list_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    const struct skn_attempt_result result = {.address = SKN_LIT("a:Taker/t"),
                                              .number = out.number,
                                              .attempt = 1,
                                              .epoch = out.epoch,
                                              .status = SKN_ATTEMPT_SUCCESS,
                                              .value = skn_value_view(skn_buf_slice(&bytes))};
    skn_core_result(s.core, &result);
    size_t before = s.count;
    assert_int_equal(shard_step(&s), SKN_OK);
    static const char text[] = "INVALID_ARGS: a result has secrets and blobs";
    const struct skn_slice message = s.records[before].message;
    assert_non_null(memmem(message.ptr, message.len, text, sizeof text - 1));
    assert_null(memmem(message.ptr, message.len, "hidden", 6));
    skn_buf_fini(&bytes);
    shard_fini(&s);
}

static void the_shard_waits_at_the_bound_of_what_is_not_durable(void **state) /* [E20] */
{
    (void)state;
    for (uint32_t limit = 1; limit <= 3; limit++) {
        struct shard s;
        open_with(&s, &(struct skn_core_limits){.speculative_batches = limit});
        for (uint64_t i = 0; i < 5; i++)
            shard_submit(&s, i, "", "a:Taker/t", "row", skn_value_int(1));
        shard_durable(&s);
        for (uint32_t i = 0; i < limit; i++)
            assert_int_equal(shard_step(&s), SKN_OK);
        assert_int_equal(shard_step(&s), SKN_ELATER);
        shard_durable(&s);
        assert_int_equal(shard_step(&s), SKN_OK);
        shard_fini(&s);
    }
    /* By bytes: one batch may begin while there is room for one byte. */
    struct shard s;
    open_with(&s, &(struct skn_core_limits){0});
    assert_int_equal(ask(&s, "a:Taker/t", "row", 1000), SKN_OK);
    shard_submit(&s, 1, "", "a:Taker/t", "row", skn_value_int(1000));
    assert_int_equal(shard_step(&s), SKN_OK);
    uint32_t size = (uint32_t)s.records[s.count - 1].batch.len;
    for (int more = -1; more <= 1; more++) {
        shard_kill(&s, true);
        shard_close(&s);
        s.options.limits.speculative_bytes = (uint32_t)((int)size + more);
        shard_open(&s, true);
        for (uint64_t i = 0; i < 3; i++)
            shard_submit(&s, i, "", "a:Taker/t", "row", skn_value_int(1000));
        assert_int_equal(shard_step(&s), SKN_OK);
        assert_int_equal(shard_step(&s), more > 0 ? SKN_OK : SKN_ELATER);
        shard_durable(&s);
    }
    shard_fini(&s);
}

static bool is_faulted_after(uint32_t faults, const struct skn_core_limits *limits, bool in_row)
{
    struct shard s;
    open_with(&s, limits);
    for (uint32_t i = 0; i < faults; i++) {
        (void)ask(&s, "a:Taker/t", "boom", 0);
        if (!in_row) (void)ask(&s, "a:Taker/t", "ok", 0);
    }
    bool is_faulted = skn_core_is_faulted(s.store, SKN_LIT("a:Taker/t"));
    shard_fini(&s);
    return is_faulted;
}

static void a_domain_is_faulted_after_so_many_faults(void **state) /* [E33] */
{
    (void)state;
    for (uint32_t n = 1; n <= 4; n++) {
        const struct skn_core_limits row = {.faults_in_row = n};
        if (n > 1) assert_false(is_faulted_after(n - 1, &row, true));
        assert_true(is_faulted_after(n, &row, true));
        assert_true(is_faulted_after(n + 1, &row, true));
        if (n > 1) assert_false(is_faulted_after(n + 1, &row, false));
    }
    const struct skn_core_limits dead = {.dead_letters = 5};
    assert_false(is_faulted_after(4, &dead, false));
    assert_true(is_faulted_after(5, &dead, false));
    assert_true(is_faulted_after(6, &dead, false));
    assert_false(is_faulted_after(20, &(struct skn_core_limits){0}, false));
}

static void so_many_idle_domains_stay_warm(void **state) /* DESIGN 6 */
{
    (void)state;
    struct shard s;
    awake = 0;
    open_with(&s, &(struct skn_core_limits){.warm_domains = 3});
    s.options.check_rebuild = false;
    shard_kill(&s, true);
    static const struct {
        const char *address;
        uint64_t awake;
    } steps[] = {{"a:Warm/1", 1},
                 {"a:Warm/2", 2},
                 {"a:Warm/3", 3},
                 {"a:Warm/1", 3},
                 {"a:Warm/4", 3},
                 {"a:Warm/2", 3}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(steps); i++) {
        assert_int_equal(ask(&s, steps[i].address, "ok", 0), SKN_OK);
        assert_int_equal(awake, steps[i].awake);
        assert_int_equal(skn_core_counts(s.core).domains, steps[i].awake);
    }
    shard_fini(&s);
    assert_int_equal(awake, 0);
}

/* A message that is buried was taken, whatever the limits are: they bind the program, not the core. */
static void the_smallest_limits_end_no_core(void **state) /* P10 */
{
    (void)state;
    struct shard s;
    open_with(&s,
              &(struct skn_core_limits){.slice_gas = 1,
                                        .slice_memory = 1,
                                        .batch_bytes = 1,
                                        .row_bytes = 1,
                                        .message_bytes = 100});
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(ask(&s, "a:Taker/t", "row", 1), i < 3 ? SKN_EGAS : SKN_EFAULT);
    assert_true(skn_core_is_faulted(s.store, SKN_LIT("a:Taker/t")));
    shard_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_documents),
        cmocka_unit_test(a_slice_has_so_much_gas_and_memory),
        cmocka_unit_test(a_slice_reads_so_many_rows),
        cmocka_unit_test(a_batch_has_so_many_bytes),
        cmocka_unit_test(a_batch_has_8_mib_by_default),
        cmocka_unit_test(requests_are_refused_at_the_door),
        cmocka_unit_test(a_result_that_is_too_large_is_a_failure_that_says_so),
        cmocka_unit_test(a_result_with_secrets_and_blobs_is_a_failure_that_says_so),
        cmocka_unit_test(the_shard_waits_at_the_bound_of_what_is_not_durable),
        cmocka_unit_test(a_domain_is_faulted_after_so_many_faults),
        cmocka_unit_test(so_many_idle_domains_stay_warm),
        cmocka_unit_test(the_smallest_limits_end_no_core),
    };
    return cmocka_run_group_tests_name("core/limits", tests, NULL, NULL);
}
