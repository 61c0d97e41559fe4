/* test_request.c - request ids: the same answer, their limits, and the sweep that forgets them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net_program.h"
#include "lib/shards.h"

enum { HOUR_MS = 60 * 60 * 1000 };

/* add n: adds and answers the sum. */
static enum skn_rc
sum_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    int64_t n = net_row(cx, SKN_LIT("n"));
    if (skn_value_is(m->payload, SKN_T_INT)) n += skn_value_as_int(m->payload);
    skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(n));
    skn_cx_reply(cx, skn_value_int(n));
    return SKN_OK;
}

static const struct skn_program sum = {.type = "Sum", .module = 1, .handle = sum_handle};
static const struct skn_program *const programs[] = {&sum, NULL};

static void
put(struct shards *s, const char *caller, const char *id, const char *name, int64_t n, int priority)
{
    struct skn_request request = {.number = 1,
                                  .caller = skn_slice_str(caller),
                                  .id = skn_slice_str(id),
                                  .address = SKN_LIT("a:Sum/s"),
                                  .name = skn_slice_str(name),
                                  .payload = skn_value_int(n),
                                  .priority = (enum skn_priority)priority};
    assert_int_equal(skn_core_submit(s->at[0].core, &request, NULL), SKN_OK);
}

static enum skn_rc ask(struct shards *s, const char *caller, const char *id, int64_t n)
{
    s->last_rc = SKN_EINTERNAL;
    put(s, caller, id, "add", n, SKN_PRIORITY_NORMAL);
    shards_settle(s);
    return s->last_rc;
}

static void begin(struct shards *s, const struct skn_core_limits *limits)
{
    shards_init(s, 1, programs, limits, 1);
}

/* --- the same answer ------------------------------------------------------------------------------------ */

static void another_name_or_payload_under_an_id_is_refused(void **state) /* [E34] */
{
    (void)state;
    struct shards s;
    static const struct skn_core_limits defaults;
    begin(&s, &defaults);
    assert_int_equal(ask(&s, "c", "id", 5), SKN_OK);
    assert_int_equal(ask(&s, "c", "id", 6), SKN_EIDREUSED);
    put(&s, "c", "id", "other", 5, SKN_PRIORITY_NORMAL);
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_EIDREUSED);
    assert_int_equal(ask(&s, "c", "id", 5), SKN_OK);
    assert_int_equal(s.last_value, 5);
    assert_int_equal(ask(&s, "d", "id", 6), SKN_OK); /* another caller's id is another one */
    assert_int_equal(s.last_value, 11);
    shards_fini(&s);
}

static void the_same_id_while_the_first_waits_gets_its_answer(void **state) /* [E34] P2 */
{
    (void)state;
    for (int priority = 0; priority < SKN_PRIORITIES; priority++) {
        struct shards s;
        static const struct skn_core_limits defaults;
        begin(&s, &defaults);
        put(&s, "c", "id", "add", 5, SKN_PRIORITY_NORMAL);
        put(&s, "c", "id", "add", 5, priority); /* it may even be handled first */
        put(&s, "c", "id", "add", 5, SKN_PRIORITY_NORMAL);
        shards_settle(&s);
        assert_int_equal(s.replies, 3);
        assert_int_equal(s.last_value, 5);
        assert_int_equal(s.last_rc, SKN_OK);
        assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_REQUESTS), 1);
        shards_fini(&s);
    }
}

/* --- limits ----------------------------------------------------------------------------------------------- */

static void
a_caller_with_too_many_ids_is_refused_before_anything_changed(void **state) /* [E34] P10 */
{
    (void)state;
    struct shards s;
    const struct skn_core_limits limits = {.request_ids = 3};
    begin(&s, &limits);
    assert_int_equal(ask(&s, "c", "1", 1), SKN_OK);
    assert_int_equal(ask(&s, "c", "2", 1), SKN_OK); /* limit - 1 */
    assert_int_equal(ask(&s, "c", "3", 1), SKN_OK); /* the limit */
    size_t before = s.at[0].count;
    assert_int_equal(ask(&s, "c", "4", 1), SKN_ERATELIMITED);
    assert_int_equal(s.at[0].count, before);
    assert_int_equal(ask(&s, "c", "3", 1), SKN_OK); /* what is known is answered all the same */
    assert_int_equal(s.last_value, 3);
    assert_int_equal(ask(&s, "d", "4", 1), SKN_OK); /* others are not concerned */
    assert_int_equal(ask(&s, "c", "", 1), SKN_OK);  /* nor is what needs no memory */
    shard_kill(&s.at[0], true);
    assert_int_equal(ask(&s, "c", "4", 1), SKN_ERATELIMITED);
    s.at[0].now_ms += 26 * (uint64_t)HOUR_MS;
    shards_settle(&s);
    assert_int_equal(ask(&s, "c", "4", 1), SKN_OK);
    shards_fini(&s);
}

static void bytes_of_answers_are_limited_too(void **state) /* [E34] P10 */
{
    (void)state;
    struct shards s;
    static const struct skn_core_limits defaults;
    begin(&s, &defaults);
    assert_int_equal(ask(&s, "c", "1", 1), SKN_OK);
    struct skn_key key;
    struct skn_slice bytes;
    struct skn_kept_row kept;
    skn_key_caller(&key, SKN_LIT("c"));
    assert_int_equal(skn_store_get(s.at[0].store, skn_key_slice(&key), &bytes, NULL), SKN_OK);
    assert_int_equal(skn_kept_decode(bytes, &kept, NULL), SKN_OK);
    assert_int_equal(kept.ids, 1);
    shards_fini(&s);
    for (int extra = 0; extra < 2; extra++) {
        const struct skn_core_limits limits = {.request_bytes =
                                                   (uint32_t)kept.bytes + (uint32_t)extra};
        begin(&s, &limits);
        assert_int_equal(ask(&s, "c", "1", 1), SKN_OK);
        assert_int_equal(ask(&s, "c", "2", 1), extra ? SKN_OK : SKN_ERATELIMITED);
        shards_fini(&s);
    }
}

/* --- the sweep ---------------------------------------------------------------------------------------------- */

static void a_sweep_goes_in_bounded_batches_and_survives_kills(void **state) /* [E34] ENGINE 11 */
{
    (void)state;
    struct shards s;
    static const struct skn_core_limits defaults;
    begin(&s, &defaults);
    struct shard *shard = &s.at[0];
    enum { OLD = 2500, YOUNG = 300 };
    char id[32];
    for (int i = 0; i < OLD + YOUNG; i++) {
        if (i == OLD) shard->now_ms += 5 * HOUR_MS;
        (void)snprintf(id, sizeof id, "%d", i * 7919 % 10007);
        put(&s, i % 3 ? "c" : "d", id, "add", 1, SKN_PRIORITY_NORMAL);
        if (i % 100 == 99) shards_settle(&s);
    }
    assert_int_equal(shard_rows(shard, SKN_SHARD_REQUESTS), OLD + YOUNG);
    assert_int_equal(shard_rows(shard, SKN_SHARD_CALLERS), 2);
    assert_int_equal(shard_rows(shard, SKN_SHARD_SWEEP), 1);
    shard->now_ms += 20 * (uint64_t)HOUR_MS; /* 25 for the old ones, and the hour they were in */
    size_t before = shard->count, records = 0;
    for (int i = 0; i < 100; i++) {
        enum skn_rc rc = shard_step(shard);
        records += rc == SKN_OK;
        shard_durable(shard);
        if (i == 1) shard_kill(shard, true); /* it begins again, over fewer */
        if (rc == SKN_ENOENT && skn_core_next_due_ms(shard->core) > shard->now_ms) break;
    }
    assert_true(shard->count > before && records >= 3 && records <= 8);
    assert_int_equal(shard_rows(shard, SKN_SHARD_REQUESTS), YOUNG);
    assert_int_equal(shard_rows(shard, SKN_SHARD_SWEEP), 1);
    assert_int_equal(ask(&s, "c", "no such", 1), SKN_OK);
    shard->now_ms += 30 * (uint64_t)HOUR_MS;
    for (int i = 0; i < 10; i++)
        shards_settle(&s);
    assert_int_equal(shard_rows(shard, SKN_SHARD_REQUESTS), 0);
    assert_int_equal(shard_rows(shard, SKN_SHARD_CALLERS), 0);
    assert_int_equal(shard_rows(shard, SKN_SHARD_SWEEP), 0);
    assert_int_equal(skn_store_verify(shard->store, NULL), SKN_OK);
    shards_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_name_or_payload_under_an_id_is_refused),
        cmocka_unit_test(the_same_id_while_the_first_waits_gets_its_answer),
        cmocka_unit_test(a_caller_with_too_many_ids_is_refused_before_anything_changed),
        cmocka_unit_test(bytes_of_answers_are_limited_too),
        cmocka_unit_test(a_sweep_goes_in_bounded_batches_and_survives_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
