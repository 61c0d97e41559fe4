/* test_timer.c - durable timers: once, in order, never early, and only a minute of them in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "base/rng.h"
#include "core/core_internal.h"
#include "lib/shard.h"
#include "lib/test.h"

#include <stdio.h>

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

/* --- a program of timers --------------------------------------------------------------------------- */

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

static struct skn_slice number_key(uint8_t key[9], uint64_t number)
{
    key[0] = 'f';
    for (int i = 0; i < 8; i++)
        key[1 + i] = (uint8_t)(number >> (56 - 8 * i));
    return skn_slice(key, 9);
}

/* A timer leaves a row with its number. What may not happen leaves a row that says so. */
static enum skn_rc fired(struct skn_cx *cx, const struct skn_message *m)
{
    uint8_t key[9];
    struct skn_slice bytes;
    enum skn_rc rc = skn_cx_get(cx, number_key(key, m->number), &bytes);
    if (rc == SKN_OK) skn_cx_put_value(cx, SKN_LIT("twice"), skn_value_int(1));
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    if (skn_cx_stamp(cx) <= m->stamp) skn_cx_put_value(cx, SKN_LIT("early"), skn_value_int(1));
    rc = skn_cx_get(cx, SKN_LIT("last"), &bytes);
    if (rc == SKN_OK && (uint64_t)skn_value_as_int(skn_value_view(bytes)) > m->stamp)
        skn_cx_put_value(cx, SKN_LIT("disorder"), skn_value_int(1));
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    skn_cx_put_value(cx, SKN_LIT("last"), skn_value_int((int64_t)m->stamp));
    skn_cx_put_value(cx, number_key(key, m->number), skn_value_int((int64_t)m->stamp));
    skn_cx_signal(cx, SKN_LIT("fired"), skn_value_int((int64_t)m->stamp));
    return SKN_OK;
}

/* at ms: a timer; answers its number. many n: n timers from an hour on, a millisecond apart. cancel n.
 * boom: faults. ask: a query. */
static enum skn_rc
clock_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    if (m->kind == SKN_MESSAGE_TIMER) return fired(cx, m);
    if (is(m->name, "boom")) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    int64_t n = skn_value_as_int(m->payload);
    if (is(m->name, "at"))
        skn_cx_reply(cx, skn_value_int((int64_t)skn_cx_timer_set(cx, (uint64_t)n, SKN_LIT("t"))));
    if (is(m->name, "cancel")) skn_cx_timer_cancel(cx, (uint64_t)n);
    for (int64_t i = 0; is(m->name, "many") && i < n; i++)
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + HOUR + (uint64_t)i, SKN_LIT("t"));
    return cx->rc;
}

static const struct skn_program clocks = {.type = "Clock", .module = 1, .handle = clock_handle};
static const struct skn_program held = {
    .type = "Held", .module = 1, .is_held = true, .handle = clock_handle};
static const struct skn_program *const programs[] = {&clocks, &held, NULL};

/* --- helpers ---------------------------------------------------------------------------------------- */

static bool has_row(struct shard *s, const char *address, struct skn_slice key)
{
    struct skn_slice value;
    return skn_core_get(s->store, skn_slice_str(address), key, &value, NULL) == SKN_OK;
}

static bool has_fired(struct shard *s, const char *address, uint64_t number)
{
    uint8_t key[9];
    return has_row(s, address, number_key(key, number));
}

static void expect_no_wrong(struct shard *s, const char *address)
{
    assert_false(has_row(s, address, SKN_LIT("twice")));
    assert_false(has_row(s, address, SKN_LIT("early")));
    assert_false(has_row(s, address, SKN_LIT("disorder")));
}

static uint64_t arm(struct shard *s, const char *address, uint64_t due_ms)
{
    shard_submit(s, 1, "", address, "at", skn_value_int((int64_t)due_ms));
    shard_settle(s);
    struct skn_output out;
    while (shard_next(s, &out)) {
        if (out.kind == SKN_OUTPUT_REPLY)
            return (uint64_t)skn_value_as_int(skn_value_view(out.value));
    }
    fail_msg("no answer");
    return 0;
}

static void drain(struct shard *s)
{
    struct skn_output out;
    while (shard_next(s, &out))
        continue;
}

/* --- tests ------------------------------------------------------------------------------------------ */

static void later_timers_are_rows_and_nothing_else(void **state) /* DESIGN 6, P6 */
{
    (void)state;
    enum { DOMAINS = 20, EACH = 1000 };
    struct shard s;
    shard_init(&s, programs);
    uint64_t begin = s.now_ms;
    for (int i = 0; i < DOMAINS; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:%s/%d", i % 2 ? "Clock" : "Held", i);
        shard_submit(&s, 1, "", address, "many", skn_value_int(EACH));
        shard_settle(&s);
    }
    drain(&s);
    assert_int_equal(skn_core_counts(s.core).timers, 0);
    assert_int_equal(skn_core_counts(s.core).domains, 0);
    for (int all = 0; all < 2; all++) {
        shard_kill(&s, all);
        shard_settle(&s);
        assert_int_equal(skn_core_counts(s.core).timers, 0);
        assert_int_equal(skn_core_counts(s.core).domains, 0);
        assert_in_range(skn_core_next_due_ms(s.core), begin + HOUR, begin + HOUR + 1);
    }
    /* A minute before the first is due they come, and no domain with them. */
    s.now_ms = begin + HOUR - MINUTE / 4;
    for (int i = 0; i < 100; i++)
        shard_settle(&s);
    assert_in_range(skn_core_counts(s.core).timers, SKN_TIMERS_SOON_MAX / 2, SKN_TIMERS_SOON_MAX);
    assert_int_equal(skn_core_counts(s.core).domains, 0);
    for (uint64_t end = begin + HOUR + EACH + 2; s.now_ms < end;) {
        uint64_t due = skn_core_next_due_ms(s.core);
        if (due == UINT64_MAX) break;
        assert_true(due > s.now_ms);
        s.now_ms = due;
        shard_settle(&s);
        drain(&s);
        assert_true(skn_core_counts(s.core).timers <= SKN_TIMERS_SOON_MAX);
    }
    assert_int_equal(skn_core_next_due_ms(s.core), UINT64_MAX);
    assert_int_equal(skn_core_counts(s.core).timers_fired, DOMAINS * EACH);
    assert_int_equal(skn_core_counts(s.core).domains, 0);
    for (int i = 0; i < DOMAINS; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:%s/%d", i % 2 ? "Clock" : "Held", i);
        for (uint64_t n = 0; n < EACH; n++)
            assert_true(has_fired(&s, address, n));
        expect_no_wrong(&s, address);
    }
    shard_fini(&s);
}

/* Timers at, before and behind the minute that is in memory, set in any order. */
static void the_edge_of_the_minute_is_no_edge(void **state) /* [E51] */
{
    (void)state;
    static const uint64_t after[] = {1,
                                     MINUTE / 2 - 1,
                                     MINUTE / 2,
                                     MINUTE / 2 + 1,
                                     MINUTE - 1,
                                     MINUTE,
                                     MINUTE + 1,
                                     2 * MINUTE,
                                     HOUR};
    enum { N = SKN_ARRAY_LEN(after) };
    for (size_t from = 0; from < N; from++) {
        struct shard s;
        shard_init(&s, programs);
        shard_settle(&s); /* what is read is read */
        uint64_t begin = s.now_ms, numbers[N];
        for (size_t i = 0; i < N; i++) {
            size_t which = (from + i * 4) % N;
            numbers[which] = arm(&s, "a:Clock/c", begin + after[which]);
        }
        for (size_t i = 0; i < N; i++) {
            uint64_t due = skn_core_next_due_ms(s.core);
            assert_in_range(due, begin + after[i], begin + after[i]);
            s.now_ms = due - 1;
            shard_settle(&s);
            assert_false(has_fired(&s, "a:Clock/c", numbers[i]));
            s.now_ms = due;
            shard_settle(&s);
            assert_true(has_fired(&s, "a:Clock/c", numbers[i]));
        }
        assert_int_equal(skn_core_next_due_ms(s.core), UINT64_MAX);
        expect_no_wrong(&s, "a:Clock/c");
        shard_fini(&s);
    }
}

/* What is due in one millisecond is handled in it, whatever else waits; those that are due before are
 * not behind those that are due later. */
static void ten_thousand_in_a_second_fire_in_their_order(void **state) /* [E51] */
{
    (void)state;
    enum { DOMAINS = 100, TIMERS = 10000 };
    struct shard s;
    shard_init(&s, programs);
    uint64_t begin = s.now_ms + 100;
    for (int i = 0; i < TIMERS; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Clock/%d", i % DOMAINS);
        int64_t due = (int64_t)begin + (i * 7919) % 1000;
        shard_submit(&s, 1, "", address, "at", skn_value_int(due));
        if (i % 1000 < 999) continue;
        shard_settle(&s);
        drain(&s);
    }
    uint64_t seen = 0, last = 0;
    for (uint64_t ms = 0; ms <= 1000; ms++) {
        s.now_ms = begin + ms;
        shard_settle(&s);
        struct skn_output out;
        while (shard_next(&s, &out)) {
            uint64_t due = (uint64_t)skn_value_as_int(skn_value_view(out.value));
            assert_true(due >= last && due <= skn_hlc_at(s.now_ms));
            last = due;
            seen++;
        }
        assert_int_equal(seen, ms < 1000 ? 10 * (ms + 1) : TIMERS);
    }
    shard_fini(&s);
}

/* More than may be in memory, all due in one minute; some are cancelled, others set meanwhile. */
static void more_timers_than_memory_keeps_fire_all_the_same(void **state) /* DESIGN 6 */
{
    (void)state;
    enum { DOMAINS = 7, TIMERS = SKN_TIMERS_SOON_MAX + 5000 };
    static struct {
        uint64_t number, due;
        int domain;
        bool is_cancelled;
    } timers[TIMERS];
    struct skn_rng rng;
    skn_rng_init(&rng, 5);
    print_message("seed 5\n");
    struct shard s;
    shard_init(&s, programs);
    s.options.check_rebuild = false;
    shard_kill(&s, true);
    uint64_t begin = s.now_ms;
    uint64_t next[DOMAINS] = {0};
    for (int i = 0; i < TIMERS; i++) {
        timers[i].domain = i % DOMAINS;
        timers[i].number = next[i % DOMAINS]++;
        timers[i].due = begin + 1 + skn_rng_below(&rng, 50000);
        char address[32];
        (void)snprintf(address, sizeof address, "a:Clock/%d", timers[i].domain);
        shard_submit(&s, 1, "", address, "at", skn_value_int((int64_t)timers[i].due));
        if (i % 500 == 499) {
            shard_settle(&s);
            drain(&s);
        }
        if (i == TIMERS / 2) s.now_ms += 1; /* reading on begins while more are set */
        assert_true(skn_core_counts(s.core).timers <= SKN_TIMERS_SOON_MAX);
    }
    for (int i = 0; i < TIMERS; i += 97) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Clock/%d", timers[i].domain);
        shard_submit(&s, 1, "", address, "cancel", skn_value_int((int64_t)timers[i].number));
        timers[i].is_cancelled = true;
    }
    shard_settle(&s);
    for (int step = 0; step < 50; step++) {
        s.now_ms = begin + 1000 * (uint64_t)(step + 1);
        shard_settle(&s);
        drain(&s);
        /* A turn reads one page: as long as timers are due it is a turn with something to do. */
        assert_true(skn_core_next_due_ms(s.core) > s.now_ms);
        for (int i = step % 7; i < TIMERS; i += step < 49 ? 7 : 1) {
            char address[32];
            (void)snprintf(address, sizeof address, "a:Clock/%d", timers[i].domain);
            bool expected = timers[i].due <= s.now_ms && !timers[i].is_cancelled;
            assert_int_equal(has_fired(&s, address, timers[i].number), expected);
        }
    }
    assert_int_equal(skn_core_counts(s.core).timers, 0);
    shard_fini(&s);
}

/* --- held and faulted domains ------------------------------------------------------------------------ */

static void a_held_domain_with_timers_only_is_not_in_memory(void **state) /* [E81] */
{
    (void)state;
    const struct skn_slice address = SKN_LIT("a:Held/h");
    for (int all = 0; all < 2; all++) {
        struct shard s;
        shard_init(&s, programs);
        uint64_t soon = arm(&s, "a:Held/h", s.now_ms + 1000);
        uint64_t late = arm(&s, "a:Held/h", s.now_ms + HOUR);
        uint64_t other = arm(&s, "a:Held/o", s.now_ms + HOUR);
        uint64_t free = arm(&s, "a:Clock/c", s.now_ms + 1000);
        shard_kill(&s, false);
        assert_true(skn_core_is_held(s.core, address));
        assert_true(skn_core_is_held(s.core, SKN_LIT("a:Held/o")));
        assert_false(skn_core_is_held(s.core, SKN_LIT("a:Held/unknown")));
        assert_false(skn_core_is_held(s.core, SKN_LIT("a:Clock/c")));
        s.now_ms += 2 * HOUR;
        shard_settle(&s);
        assert_true(has_fired(&s, "a:Clock/c", free)); /* nobody holds this one */
        assert_false(has_fired(&s, "a:Held/h", soon));
        assert_int_equal(skn_core_counts(s.core).domains, 0);
        assert_int_equal(skn_core_counts(s.core).timers, 0);
        assert_int_equal(skn_core_next_due_ms(s.core), UINT64_MAX);
        /* A request waits with it. One that begins now is not held. */
        shard_submit(&s, 7, "", "a:Held/h", "ask", skn_value_int(0));
        shard_submit(&s, 8, "", "a:Held/new", "at", skn_value_int((int64_t)s.now_ms + 10));
        shard_settle(&s);
        struct skn_output out;
        assert_true(shard_next(&s, &out) && out.kind == SKN_OUTPUT_SIGNAL);
        assert_true(shard_next(&s, &out) && out.number == 8);
        assert_false(shard_next(&s, &out));
        s.now_ms += 10;
        shard_settle(&s);
        assert_true(has_fired(&s, "a:Held/new", 0));
        drain(&s);

        struct skn_slice which = all ? (struct skn_slice){0} : address;
        assert_int_equal(skn_core_take_up(s.core, which, false), SKN_OK);
        assert_false(skn_core_is_held(s.core, address));
        assert_int_equal(skn_core_is_held(s.core, SKN_LIT("a:Held/o")), !all);
        shard_settle(&s);
        assert_true(shard_next(&s, &out) && out.number == 7); /* it came first, and is a query */
        assert_true(has_fired(&s, "a:Held/h", soon) && has_fired(&s, "a:Held/h", late));
        assert_int_equal(has_fired(&s, "a:Held/o", other), all);
        expect_no_wrong(&s, "a:Held/h");
        assert_int_equal(skn_core_take_up(s.core, address, false), SKN_ENOENT);
        /* What it sets from now on is its own of this opening. */
        uint64_t mine = arm(&s, "a:Held/h", s.now_ms + HOUR);
        drain(&s);
        assert_int_equal(skn_core_counts(s.core).domains, 0);
        assert_false(skn_core_is_held(s.core, address));
        s.now_ms += HOUR;
        shard_settle(&s);
        assert_true(has_fired(&s, "a:Held/h", mine));
        shard_fini(&s);
    }
}

static void who_was_taken_up_and_did_nothing_is_still_up(void **state) /* [E81] */
{
    (void)state;
    const struct skn_slice address = SKN_LIT("a:Held/h");
    struct shard s;
    shard_init(&s, programs);
    uint64_t first = arm(&s, "a:Held/h", s.now_ms + HOUR);
    uint64_t second = arm(&s, "a:Held/h", s.now_ms + 2 * HOUR);
    shard_kill(&s, false);
    assert_int_equal(skn_core_take_up(s.core, address, true), SKN_OK);
    shard_submit(&s, 7, "", "a:Held/h", "ask", skn_value_int(0)); /* a query leaves no row */
    shard_settle(&s);
    drain(&s);
    assert_false(skn_core_is_held(s.core, address));
    s.now_ms += HOUR;
    shard_settle(&s);
    assert_true(has_fired(&s, "a:Held/h", first));
    assert_int_equal(skn_core_counts(s.core).domains, 0);
    s.now_ms += HOUR;
    shard_settle(&s);
    assert_true(has_fired(&s, "a:Held/h", second));
    /* The next opening holds it again, if it has something. */
    shard_kill(&s, false);
    assert_false(skn_core_is_held(s.core, address));
    shard_fini(&s);
}

/* All are read again when all are taken up: what is queued already is not queued again. */
static void what_is_read_again_is_not_queued_again(void **state) /* [E51] */
{
    (void)state;
    enum { TIMERS = 10 };
    struct shard s;
    shard_init(&s, programs);
    for (uint64_t i = 0; i < TIMERS; i++)
        (void)arm(&s, "a:Clock/c", s.now_ms + 1000 + i);
    (void)arm(&s, "a:Held/h", s.now_ms + 1000);
    shard_kill(&s, false);
    s.now_ms += 2000;
    assert_int_equal(shard_step(&s), SKN_OK); /* the epoch */
    assert_int_equal(shard_step(&s), SKN_OK); /* one is handled, nine wait */
    assert_int_equal(skn_core_counts(s.core).timers_fired, TIMERS);
    assert_int_equal(skn_core_take_up(s.core, (struct skn_slice){0}, false), SKN_OK);
    shard_settle(&s);
    assert_int_equal(skn_core_counts(s.core).timers_fired, TIMERS + 1);
    for (uint64_t i = 0; i < TIMERS; i++)
        assert_true(has_fired(&s, "a:Clock/c", i));
    assert_true(has_fired(&s, "a:Held/h", 0));
    shard_fini(&s);
}

static void timers_of_a_faulted_domain_go_to_its_dead_letters(void **state) /* [E33] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    uint64_t number = arm(&s, "a:Clock/c", s.now_ms + HOUR);
    for (uint64_t i = 0; i < 3; i++) {
        shard_submit(&s, i, "", "a:Clock/c", "boom", skn_value_int(0));
        shard_settle(&s);
    }
    assert_true(skn_core_is_faulted(s.store, SKN_LIT("a:Clock/c")));
    s.now_ms += HOUR;
    shard_settle(&s);
    assert_false(has_fired(&s, "a:Clock/c", number));
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_dead(&key, SKN_LIT("a:Clock/c"), 3);
    assert_int_equal(skn_store_get(s.store, skn_key_slice(&key), &bytes, NULL), SKN_OK);
    assert_int_equal(skn_core_next_due_ms(s.core), UINT64_MAX);
    shard_fini(&s);
}

/* --- at random, killed at random ---------------------------------------------------------------------- */

enum { RANDOM_MAX = 4000, RANDOM_DOMAINS = 9 };

struct armed {
    char address[16];
    uint64_t number, due;
};

static uint64_t random_after(struct skn_rng *rng)
{
    static const uint64_t spans[] = {5, 1000, MINUTE / 2, MINUTE, 3 * MINUTE, HOUR};
    return skn_rng_below(rng, spans[skn_rng_below(rng, SKN_ARRAY_LEN(spans))]);
}

static bool is_later(void *ctx)
{
    struct skn_rng *rng = ctx;
    return skn_rng_chance(rng, 1, 10);
}

/* Who waits, if anybody does. */
static void take_up(struct shard *s, struct skn_slice address)
{
    enum skn_rc rc = skn_core_take_up(s->core, address, true);
    assert_true(rc == SKN_OK || rc == SKN_ENOENT);
}

static void settle_slowly(struct shard *s)
{
    enum skn_rc rc;
    while ((rc = shard_step(s)) == SKN_OK || rc == SKN_ELATER)
        continue;
    assert_int_equal(rc, SKN_ENOENT);
}

/* Every timer that was durable fires once, in its time, whatever is killed and whenever. */
static void random_kills(uint64_t seed, bool is_slow)
{
    print_message("seed %u%s\n", (unsigned)seed, is_slow ? ", a store that answers later" : "");
    static struct armed timers[RANDOM_MAX];
    size_t count = 0, durable = 0;
    struct skn_rng rng, later;
    skn_rng_init(&rng, seed);
    skn_rng_init(&later, seed);
    struct shard s;
    shard_init(&s, programs);
    uint64_t next[RANDOM_DOMAINS] = {0}, next_durable[RANDOM_DOMAINS] = {0};
    for (int step = 0; step < 4000; step++) {
        uint64_t what = skn_rng_below(&rng, 100);
        if (what < 20 && count < RANDOM_MAX) {
            size_t d = skn_rng_below(&rng, RANDOM_DOMAINS);
            struct armed *t = &timers[count++];
            *t = (struct armed){.number = next[d]++, .due = s.now_ms + random_after(&rng)};
            (void)snprintf(t->address, sizeof t->address, "a:%s/%zu", d % 3 ? "Clock" : "Held", d);
            shard_submit(&s, 1, "", t->address, "at", skn_value_int((int64_t)t->due));
        }
        if (what == 99) { /* what was not durable never was: its numbers are given anew */
            shard_kill(&s, skn_rng_chance(&rng, 1, 2));
            count = durable;
            memcpy(next, next_durable, sizeof next);
            if (is_slow) skn_store_set_later(s.store, is_later, &later);
        }
        if (what == 98) take_up(&s, skn_slice_str(timers[0].address));
        for (uint64_t i = skn_rng_below(&rng, 4); i > 0; i--) {
            enum skn_rc rc = shard_step(&s);
            assert_true(rc == SKN_OK || rc == SKN_ENOENT || rc == SKN_ELATER);
        }
        if (what < 40) s.now_ms += random_after(&rng) / 20;
        if (what >= 90 && what < 98) {
            /* All that was submitted to domains that are up is handled first. */
            take_up(&s, (struct skn_slice){0});
            settle_slowly(&s);
            s.now_ms += 2; /* those that were set for the past are due just behind their slice */
            settle_slowly(&s);
            shard_durable(&s);
            drain(&s);
            durable = count;
            memcpy(next_durable, next, sizeof next);
            skn_store_set_later(s.store, NULL, NULL); /* not for us */
            for (size_t i = 0; i < count; i++)
                assert_int_equal(has_fired(&s, timers[i].address, timers[i].number),
                                 timers[i].due <= s.now_ms);
            if (is_slow) skn_store_set_later(s.store, is_later, &later);
        }
    }
    skn_store_set_later(s.store, NULL, NULL);
    for (size_t d = 0; d < RANDOM_DOMAINS; d++) {
        char address[16];
        (void)snprintf(address, sizeof address, "a:%s/%zu", d % 3 ? "Clock" : "Held", d);
        expect_no_wrong(&s, address);
    }
    shard_fini(&s);
}

static void each_timer_fires_once_whatever_is_killed(void **state) /* P2 [E51] */
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++)
        random_kills(seed, false);
}

static void a_slow_store_delays_timers_and_loses_none(void **state) /* P2 [E13] [E51] */
{
    (void)state;
    for (uint64_t seed = 101; seed <= 104; seed++)
        random_kills(seed, true);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_timers_are_rows_and_nothing_else),
        cmocka_unit_test(the_edge_of_the_minute_is_no_edge),
        cmocka_unit_test(ten_thousand_in_a_second_fire_in_their_order),
        cmocka_unit_test(more_timers_than_memory_keeps_fire_all_the_same),
        cmocka_unit_test(a_held_domain_with_timers_only_is_not_in_memory),
        cmocka_unit_test(who_was_taken_up_and_did_nothing_is_still_up),
        cmocka_unit_test(what_is_read_again_is_not_queued_again),
        cmocka_unit_test(timers_of_a_faulted_domain_go_to_its_dead_letters),
        cmocka_unit_test(each_timer_fires_once_whatever_is_killed),
        cmocka_unit_test(a_slow_store_delays_timers_and_loses_none),
    };
    return cmocka_run_group_tests_name("core/timer", tests, NULL, NULL);
}
