/* test_warm.c - what memory keeps of domains changes nothing that they do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "core/cx.h"
#include "lib/shard.h"
#include "lib/test.h"

#include <stdio.h>

/* --- a program with a cache, and one that cheats with it ------------------------------------------------ */

/* The sum of all own rows, made by reading them. */
struct cache {
    int64_t sum;
    bool lies; /* counts what no row has */
};

static void *cache_wake(struct skn_cx *cx)
{
    struct cache *cache = skn_alloc_zero(1, sizeof *cache);
    struct skn_row row;
    struct skn_slice from = SKN_LIT("r");
    enum skn_rc rc;
    while ((rc = skn_cx_next(cx, SKN_LIT("r"), from, &row)) == SKN_OK) {
        cache->sum += skn_value_as_int(skn_value_view(row.value));
        uint8_t *after = skn_arena_zero(skn_cx_arena(cx), 1, row.key.len + 1);
        memcpy(after, row.key.ptr, row.key.len);
        from = skn_slice(after, row.key.len + 1);
    }
    if (rc == SKN_ENOENT) return cache;
    skn_free(cache); /* not all of it could be read */
    return NULL;
}

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

static void put_row(struct skn_cx *cx, struct cache *cache, unsigned which, int64_t n)
{
    char key[16];
    (void)snprintf(key, sizeof key, "r%06u", which);
    struct skn_slice old;
    enum skn_rc rc = skn_cx_get(cx, skn_slice_str(key), &old);
    if (rc == SKN_OK) cache->sum -= skn_value_as_int(skn_value_view(old));
    if (rc != SKN_OK && rc != SKN_ENOENT) return;
    cache->sum += n;
    skn_cx_put_value(cx, skn_slice_str(key), skn_value_int(n));
}

/* Whatever the payload's bits say: rows, timers, messages, faults behind any of them. `fill n`: n rows.
 * `lie`: writes what no row had. The answer is the sum. */
static enum skn_rc
cache_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    struct cache *cache = warm;
    if (!cache) return skn_cx_rc(cx);
    uint64_t bits =
        m->kind == SKN_MESSAGE_TIMER ? m->number * 77777 : (uint64_t)skn_value_as_int(m->payload);
    if (is(m->name, "fill")) {
        for (unsigned i = 0; i < bits; i++)
            put_row(cx, cache, i, i);
        return skn_cx_rc(cx);
    }
    if (is(m->name, "lie")) {
        skn_cx_put_value(cx, SKN_LIT("lie"), skn_value_bool(cache->lies));
        cache->lies = true;
        return skn_cx_rc(cx);
    }
    if (bits & 1) put_row(cx, cache, (unsigned)(bits >> 8) % 20, (int64_t)(bits >> 40));
    if (bits & 2) skn_cx_put_value(cx, SKN_LIT("sum"), skn_value_int(cache->sum));
    if ((bits & 12) == 12)
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + bits % 5000, SKN_LIT("t"));
    if ((bits & 48) == 48) {
        char address[16];
        (void)snprintf(address, sizeof address, "a:Cache/%u", (unsigned)(bits >> 20) % 8);
        skn_cx_send(cx,
                    skn_slice_str(address),
                    (enum skn_priority)(bits % SKN_PRIORITIES),
                    SKN_LIT("x"),
                    skn_value_int((int64_t)(bits >> 7 & ~UINT64_C(48))));
    }
    if (bits & 64) (void)skn_cx_charge(cx, bits % 3000);
    if ((bits & 896) == 896) return SKN_FAIL(diag, SKN_EFAULT, "by chance");
    skn_cx_reply(cx, skn_value_int(cache->sum));
    return SKN_OK;
}

static const struct skn_program cached = {
    .type = "Cache", .module = 1, .handle = cache_handle, .wake = cache_wake, .sleep = skn_free};

/* Answers; keeps nothing and writes nothing. */
static enum skn_rc
asked_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    (void)skn_cx_charge(cx, (uint64_t)skn_value_as_int(m->payload));
    skn_cx_reply(cx, skn_value_none());
    return skn_cx_rc(cx);
}

static const struct skn_program asked = {.type = "Asked", .module = 1, .handle = asked_handle};
static const struct skn_program *const programs[] = {&cached, &asked, NULL};

/* --- tests -------------------------------------------------------------------------------------------- */

static void open_warm(struct shard *s, uint32_t warm_domains, uint64_t slice_gas)
{
    shard_init(s, programs);
    shard_close(s);
    s->options.limits.warm_domains = warm_domains;
    s->options.limits.faults_in_row = 1000000;
    s->options.limits.slice_gas = slice_gas;
    s->options.check_rebuild = warm_domains != 1;
    shard_open(s, true);
}

static void expect_same_records(const struct shard *a, const struct shard *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct skn_record *x = &a->records[i], *y = &b->records[i];
        assert_int_equal(x->stamp, y->stamp);
        assert_int_equal(x->state_lo, y->state_lo);
        assert_true(skn_slice_eq(x->message, y->message));
        assert_true(skn_slice_eq(x->batch, y->batch));
    }
}

/* One core has room for one warm domain, another for all, a third is opened anew now and then: the
 * same messages give the same batches, and run out of gas at the same ones. */
static void a_domain_that_was_evicted_does_the_same(void **state) /* P4 [E24] */
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        struct shard shards[2];
        uint64_t gas = seed % 2 ? 0 : 1200; /* so little that some run out of it */
        open_warm(&shards[0], 1000, gas);
        open_warm(&shards[1], 1, gas);
        struct skn_rng rng;
        skn_rng_init(&rng, seed);
        for (int step = 0; step < 1500; step++) {
            uint64_t bits = skn_rng_u64(&rng) >> 2;
            char address[16];
            (void)snprintf(address, sizeof address, "a:Cache/%u", (unsigned)(bits % 8));
            uint64_t later = skn_rng_below(&rng, 40);
            for (size_t i = 0; i < SKN_ARRAY_LEN(shards); i++) {
                shard_submit(&shards[i], 1, "", address, "x", skn_value_int((int64_t)bits));
                if (step % 3 == 0) shard_settle(&shards[i]);
                shards[i].now_ms += later;
                struct skn_output out;
                while (shard_next(&shards[i], &out))
                    continue;
            }
        }
        for (size_t i = 0; i < SKN_ARRAY_LEN(shards); i++)
            shard_settle(&shards[i]);
        expect_same_records(&shards[0], &shards[1]);
        assert_true(skn_core_counts(shards[0].core).faults > 0);
        assert_int_equal(skn_core_counts(shards[0].core).gas, skn_core_counts(shards[1].core).gas);
        assert_true(skn_core_counts(shards[0].core).domains > 1);
        for (size_t i = 0; i < SKN_ARRAY_LEN(shards); i++)
            shard_fini(&shards[i]);
    }
}

/* How many slices pass until a lie is found, in a domain of so many rows. */
static int slices_until_found(int64_t rows)
{
    struct shard s;
    shard_init(&s, programs);
    shard_submit(&s, 1, "", "a:Cache/c", "fill", skn_value_int(rows));
    shard_settle(&s);
    enum skn_rc rc = SKN_OK;
    int slices = 0;
    while (rc == SKN_OK && slices < 1000) {
        shard_submit(&s, 1, "", "a:Cache/c", "lie", skn_value_int(0));
        rc = shard_step(&s);
        slices++;
    }
    assert_int_equal(rc, SKN_EINTERNAL);
    assert_non_null(strstr(s.diag.text, "[E24]"));
    /* P4: a lie that got into a record is found there. The one before the last has none before it. */
    struct shard *all = &s;
    struct skn_replay replay;
    struct skn_diag diag;
    enum skn_rc replayed = shard_replay(&all, 1, &replay, &diag);
    assert_int_equal(replayed, slices > 2 ? SKN_ECORRUPT : SKN_OK);
    if (slices > 2) assert_non_null(strstr(diag.text, "replay mismatch at index "));
    if (slices > 2) assert_non_null(strstr(diag.text, ": shard 0, \"lie\": row 0x"));
    s.no_replay = true;
    shard_fini(&s);
    return slices;
}

static void every_slice_is_compared_or_one_in_64(void **state) /* [E24] */
{
    (void)state;
    /* The first lie is as if it were new; the second is found. */
    assert_int_equal(slices_until_found(10), 2);
    assert_int_equal(slices_until_found(900), 2);
    assert_in_range(slices_until_found(2000), 3, 65);
}

/* Touched once, a million domains leave nothing behind, also those that owe gas meanwhile. */
static void a_million_domains_touched_once_leave_no_memory(void **state) /* DESIGN 6 */
{
    (void)state;
    enum { DOMAINS = 1000000, AT_ONCE = 1000 };
    struct shard s;
    shard_init(&s, programs);
    s.options.check_rebuild = false;
    shard_kill(&s, true);
    uint64_t most = 0;
    for (int i = 0; i < DOMAINS; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Asked/%d", i);
        shard_submit(&s, 1, "", address, "x", skn_value_int(i % 7 ? 10 : 4000));
        if (i % AT_ONCE < AT_ONCE - 1) continue;
        struct skn_output out;
        assert_int_equal(shard_step(&s), SKN_ENOENT); /* queries */
        while (shard_next(&s, &out))
            continue;
        uint64_t domains = skn_core_counts(s.core).domains;
        most = domains > most ? domains : most;
    }
    assert_int_equal(most, 0);
    assert_int_equal(skn_core_counts(s.core).slices, DOMAINS);
    shard_fini(&s);
}

/* The same where something is always ready, so that debts are paid and not forgiven. */
static void those_that_owe_go_when_they_have_paid(void **state) /* DESIGN 3.1 */
{
    (void)state;
    enum { DOMAINS = 8000, WAITING = 50 };
    struct shard s;
    shard_init(&s, programs);
    s.options.check_rebuild = false;
    shard_kill(&s, true);
    uint64_t most = 0, submitted = 0;
    struct skn_output out;
    while (submitted < DOMAINS || skn_core_counts(s.core).ready > 0) {
        while (submitted < DOMAINS && skn_core_counts(s.core).ready < WAITING) {
            char address[32];
            (void)snprintf(address, sizeof address, "a:Cache/%u", (unsigned)submitted);
            shard_submit(&s, 1, "", address, "fill", skn_value_int(submitted++ % 9 ? 1 : 100));
        }
        enum skn_rc rc = shard_step(&s);
        assert_true(rc == SKN_OK || rc == SKN_ENOENT);
        shard_durable(&s);
        while (shard_next(&s, &out))
            continue;
        uint64_t domains = skn_core_counts(s.core).domains;
        most = domains > most ? domains : most;
    }
    assert_true(most <= 1000 + 10 * WAITING); /* warm ones, ready ones, those that pay */
    assert_int_equal(shard_step(&s), SKN_ENOENT);
    assert_true(skn_core_counts(s.core).domains <= 1000);
    shard_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_that_was_evicted_does_the_same),
        cmocka_unit_test(every_slice_is_compared_or_one_in_64),
        cmocka_unit_test(a_million_domains_touched_once_leave_no_memory),
        cmocka_unit_test(those_that_owe_go_when_they_have_paid),
    };
    return cmocka_run_group_tests_name("core/warm", tests, NULL, NULL);
}
