/* test_remove.c - ranges of rows and whole domains go at once, and leave nothing behind. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/shards.h"

#include <stdio.h>

/* --- the program ------------------------------------------------------------------------------------------ */

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

/* The part of a name behind a word and a space. */
static bool takes(struct skn_slice name, const char *word, struct skn_slice *rest)
{
    if (!skn_slice_has_prefix(name, skn_slice_str(word))) return false;
    *rest = skn_slice_from(name, strlen(word));
    return true;
}

/* put KEY, del KEY, range PREFIX, fill PREFIX (n rows PREFIX0000..), list (answers an FNV sum over all
 * keys in order and their number), send ADDRESS (n notes), timer, do (an intent), boom, note. */
static enum skn_rc
box_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct skn_slice rest;
    int64_t n = skn_value_is(m->payload, SKN_T_INT) ? skn_value_as_int(m->payload) : 0;
    if (m->kind == SKN_MESSAGE_TIMER || m->kind == SKN_MESSAGE_ATTEMPT || is(m->name, "note")) {
        skn_cx_put_value(cx, SKN_LIT("seen"), skn_value_int((int64_t)m->kind));
    } else if (takes(m->name, "put ", &rest)) {
        skn_cx_put(cx, rest, rest);
    } else if (takes(m->name, "del ", &rest)) {
        skn_cx_delete(cx, rest);
    } else if (takes(m->name, "range ", &rest)) {
        skn_cx_delete_range(cx, rest);
    } else if (takes(m->name, "fill ", &rest)) {
        for (int64_t i = 0; i < n; i++) {
            char key[64];
            int len = snprintf(key, sizeof key, "%.*s%04d", SKN_FMT(rest), (int)i);
            skn_cx_put(cx, skn_slice(key, (size_t)len), rest);
        }
    } else if (takes(m->name, "send ", &rest)) {
        for (int64_t i = 0; i < n; i++)
            skn_cx_send(cx, rest, SKN_PRIORITY_NORMAL, SKN_LIT("note"), skn_value_int(i));
    } else if (is(m->name, "timer")) {
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + (uint64_t)n, SKN_LIT("t"));
    } else if (is(m->name, "do")) {
        const struct skn_intent_spec spec = {.identity = SKN_LIT("i"),
                                             .effect = skn_value_none(),
                                             .policy = {.attempts = 5, .backoff_ms = 1000},
                                             .first_attempt = 1};
        (void)skn_cx_intent_start(cx, &spec);
    } else if (is(m->name, "boom")) {
        return SKN_FAIL(diag, SKN_EFAULT, "boom");
    } else if (is(m->name, "list")) {
        struct skn_row row;
        struct skn_slice from = {0};
        uint64_t sum = 14695981039346656037U, count = 0;
        while (skn_cx_next(cx, (struct skn_slice){0}, from, &row) == SKN_OK) {
            struct skn_slice value;
            if (skn_cx_get(cx, row.key, &value) != SKN_OK)
                return SKN_FAIL(diag, SKN_EINTERNAL, "a row that is listed is not there");
            for (size_t i = 0; i < row.key.len; i++)
                sum = (sum ^ row.key.ptr[i]) * 1099511628211U;
            count++;
            uint8_t *next = skn_arena_alloc(skn_cx_arena(cx), row.key.len + 1);
            memcpy(next, row.key.ptr, row.key.len);
            next[row.key.len] = 0;
            from = skn_slice(next, row.key.len + 1);
        }
        skn_cx_reply(cx, skn_value_int((int64_t)((sum << 20 >> 20) ^ count << 44)));
    }
    return skn_cx_rc(cx);
}

static void *box_wake(struct skn_cx *cx)
{
    /* Something made from rows: whether there is any row at all. */
    struct skn_row row;
    bool *has = skn_alloc_zero(1, sizeof *has);
    *has = skn_cx_next(cx, (struct skn_slice){0}, (struct skn_slice){0}, &row) == SKN_OK;
    return has;
}

static const struct skn_program box = {
    .type = "Box", .module = 5, .handle = box_handle, .wake = box_wake, .sleep = skn_free};
static const struct skn_program held = {
    .type = "Held", .module = 6, .is_held = true, .handle = box_handle};
static const struct skn_program *const programs[] = {&box, &held, NULL};
static const struct skn_core_limits defaults;

/* --- helpers ------------------------------------------------------------------------------------------------ */

static void ask(struct shards *s, const char *address, const char *name, int64_t n)
{
    shards_submit(s, address, name, SKN_PRIORITY_NORMAL, skn_value_int(n));
}

static int64_t told(struct shards *s, const char *address, const char *name, int64_t n)
{
    s->last_rc = SKN_EINTERNAL;
    ask(s, address, name, n);
    shards_settle(s);
    assert_int_equal(s->last_rc, SKN_OK);
    return s->last_value;
}

static void remove_domain(struct shards *s, const char *address)
{
    const struct skn_remove r = {.number = 7, .address = skn_slice_str(address)};
    skn_core_remove(shards_of(s, address)->core, &r);
}

static size_t rows_between(struct shard *s, const uint8_t *from, const uint8_t *end, size_t len)
{
    static struct skn_row rows[20000];
    size_t count;
    assert_int_equal(skn_store_scan(s->store,
                                    skn_slice(from, len),
                                    skn_slice(end, len),
                                    rows,
                                    SKN_ARRAY_LEN(rows),
                                    &count,
                                    NULL),
                     SKN_OK);
    return count;
}

static size_t domain_rows(struct shards *s, const char *address)
{
    struct skn_key from;
    skn_key_meta(&from, skn_slice_str(address));
    from.len--;
    struct skn_key end = from;
    end.bytes[end.len - 1] = 1;
    return rows_between(shards_of(s, address), from.bytes, end.bytes, from.len);
}

/* No row of any kind, but those that nobody deletes (ENGINE 11). */
static void expect_nothing_left(struct shards *s, const char *const *addresses)
{
    static const uint8_t stay[] = {1, 2, SKN_SHARD_ACKED, SKN_SHARD_SEEN};
    for (uint32_t i = 0; i < s->count; i++)
        s->at[i].now_ms += 26 * 60 * 60 * 1000; /* the sweep over request ids has its time */
    shards_settle(s);
    for (uint32_t i = 0; i < s->count; i++) {
        for (uint8_t kind = 1; kind < 0x40; kind++) {
            if (memchr(stay, kind, sizeof stay)) continue;
            size_t n = shard_rows(&s->at[i], kind);
            if (n > 0) print_error("shard %d kind %d: %zu rows\n", (int)i, kind, n);
            assert_int_equal(n, 0);
        }
        assert_int_equal(skn_store_verify(s->at[i].store, NULL), SKN_OK);
    }
    for (size_t i = 0; addresses[i]; i++)
        assert_int_equal(domain_rows(s, addresses[i]), 0);
}

/* --- ranges [E14] ----------------------------------------------------------------------------------------------- */

static bool has(struct shards *s, const char *address, const char *key)
{
    struct skn_slice value;
    return skn_core_get(shards_of(s, address)->store,
                        skn_slice_str(address),
                        skn_slice_str(key),
                        &value,
                        NULL) == SKN_OK;
}

static void a_small_range_goes_in_its_batch(void **state) /* [E14] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &defaults, 1);
    (void)told(&s, "a:Box/b", "fill x", 256);
    (void)told(&s, "a:Box/b", "put y", 0);
    ask(&s, "a:Box/b", "range x", 0);
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(domain_rows(&s, "a:Box/b"), 2); /* y, and the domain's own */
    assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_BUSY), 0);
    shards_fini(&s);
}

static void a_large_range_is_gone_at_once_and_removed_in_bounded_slices(void **state) /* [E14] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &defaults, 1);
    (void)told(&s, "a:Box/b", "fill x", 3500);
    (void)told(&s, "a:Box/b", "put y", 0);
    ask(&s, "a:Box/b", "range x", 0);
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_true(domain_rows(&s, "a:Box/b") > 3500);
    assert_false(has(&s, "a:Box/b", "x0000")); /* for nobody */
    assert_false(has(&s, "a:Box/b", "x3499"));
    assert_true(has(&s, "a:Box/b", "y"));
    struct skn_row row;
    assert_int_equal(skn_core_next_row(s.at[0].store,
                                       SKN_LIT("a:Box/b"),
                                       (struct skn_slice){0},
                                       (struct skn_slice){0},
                                       &row,
                                       NULL),
                     SKN_OK);
    assert_true(skn_slice_eq(row.key, SKN_LIT("y")));
    /* What is written now is there, and stays. */
    ask(&s, "a:Box/b", "put x0007", 0);
    ask(&s, "a:Box/b", "put x3000", 0);
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_true(has(&s, "a:Box/b", "x0007"));
    shard_durable(&s.at[0]);
    shard_kill(&s.at[0], true);
    assert_true(has(&s, "a:Box/b", "x3000"));
    assert_false(has(&s, "a:Box/b", "x3001"));
    size_t before = s.at[0].count;
    shards_settle(&s);
    assert_int_equal(s.at[0].count - before, 4);
    assert_int_equal(domain_rows(&s, "a:Box/b"), 4); /* x0007 x3000 y, and the domain's own */
    assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_BUSY), 0);
    shards_fini(&s);
}

static void more_ranges_than_may_wait_are_refused(void **state) /* [E14] P10 */
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &defaults, 1);
    enum { MARKS_MAX = 64 };
    for (int i = 0; i <= MARKS_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "fill %c%c", 'a' + i / 10, 'a' + i % 10);
        (void)told(&s, "a:Box/b", name, 300);
    }
    for (int i = 0; i <= MARKS_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "range %c%c", 'a' + i / 10, 'a' + i % 10);
        shards_submit(&s, "a:Box/b", name, SKN_PRIORITY_CRITICAL, skn_value_int(0));
        /* In a row, without a turn for their removal in between. */
        s.last_rc = SKN_EINTERNAL;
        while (s.last_rc == SKN_EINTERNAL) {
            assert_int_equal(shard_step(&s.at[0]), SKN_OK);
            shard_durable(&s.at[0]);
            shards_collect(&s, 0);
        }
        if (s.last_rc == SKN_EFULL) break;
        assert_int_equal(s.last_rc, SKN_OK);
    }
    shards_settle(&s);
    shards_fini(&s);
}

/* The model: which keys there are, in an ordered array. */
enum { KEYS = 4096 };
struct model {
    bool has[KEYS];
};

/* Keys of three hex digits: prefixes of 0 to 3 of them. */
static void model_key(char *out, int n, int digits)
{
    (void)snprintf(out, 8, "%03x", (unsigned)n);
    out[digits] = 0;
}

static int64_t model_list(const struct model *m)
{
    uint64_t sum = 14695981039346656037U, count = 0;
    for (int i = 0; i < KEYS; i++) {
        char key[8];
        if (!m->has[i]) continue;
        model_key(key, i, 3);
        for (int k = 0; k < 3; k++)
            sum = (sum ^ (uint8_t)key[k]) * 1099511628211U;
        count++;
    }
    return (int64_t)((sum << 20 >> 20) ^ count << 44);
}

static void random_ranges_agree_with_an_array(void **state) /* [E14] [E24] */
{
    (void)state;
    uint64_t marked = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct shards s;
        struct model m = {0};
        char key[8], name[32];
        shards_init(&s, 1, programs, &defaults, seed);
        for (int step = 0; step < 500; step++) {
            uint64_t what = skn_rng_below(&s.rng, 100);
            int n = (int)skn_rng_below(&s.rng, KEYS);
            if (what < 30) {
                model_key(key, n, 3);
                (void)snprintf(name, sizeof name, "put %s", key);
                m.has[n] = true;
                ask(&s, "a:Box/b", name, 0);
            } else if (what < 40) {
                model_key(key, n, 3);
                (void)snprintf(name, sizeof name, "del %s", key);
                m.has[n] = false;
                ask(&s, "a:Box/b", name, 0);
            } else if (what < 46) {
                int digits = (int)skn_rng_below(&s.rng, 4);
                model_key(key, n, digits);
                (void)snprintf(name, sizeof name, "range %s", key);
                for (int i = 0; i < KEYS; i++)
                    m.has[i] &= (i >> (4 * (3 - digits))) != (n >> (4 * (3 - digits)));
                ask(&s, "a:Box/b", name, 0);
            } else if (what < 52) { /* many at once, so that ranges are large */
                for (int i = 0; i < 400; i++) {
                    n = (int)skn_rng_below(&s.rng, KEYS);
                    model_key(key, n, 3);
                    (void)snprintf(name, sizeof name, "put %s", key);
                    m.has[n] = true;
                    ask(&s, "a:Box/b", name, 0);
                }
            } else if (what < 60) {
                ask(&s, "a:Box/b", "list", 0);
            }
            /* Requests are handled in order; what removes rows comes in between. */
            for (int i = 0; i < 1000; i++) {
                if (shard_step(&s.at[0]) != SKN_OK) break;
                marked += shard_rows(&s.at[0], SKN_SHARD_BUSY);
                if (skn_rng_below(&s.rng, 200) == 0) break;
            }
            if (what == 99) {
                shards_settle(&s); /* requests are in memory only */
                shard_kill(&s.at[0], true);
            }
            shard_durable(&s.at[0]);
            shards_collect(&s, 0);
            if (what > 90) assert_int_equal(told(&s, "a:Box/b", "list", 0), model_list(&m));
        }
        assert_int_equal(told(&s, "a:Box/b", "list", 0), model_list(&m));
        assert_int_equal(s.faulted, 0);
        size_t count = 0;
        for (int i = 0; i < KEYS; i++)
            count += m.has[i];
        assert_int_equal(domain_rows(&s, "a:Box/b"), count + 1);
        shards_fini(&s);
    }
    print_message("marked %d\n", (int)marked);
    assert_true(marked > 50);
}

/* --- whole domains [E14] ------------------------------------------------------------------------------------------ */

/* A domain with a row of every kind, on a shard of its own or beside the others. */
static void furnish(struct shards *s, const char *address, const char *other)
{
    static uint8_t big[600 << 10];
    char name[64];
    (void)told(s, address, "fill x", 2500);
    (void)told(s, address, "fill y", 300);
    (void)told(s, address, "timer", 100000);
    (void)told(s, address, "do", 0);
    (void)told(s, address, "do", 0);
    shards_submit(
        s, address, "boom", SKN_PRIORITY_NORMAL, skn_value_string(skn_slice(big, sizeof big)));
    shards_settle(s);
    struct skn_request request = {.caller = SKN_LIT("c"),
                                  .id = SKN_LIT("id"),
                                  .address = skn_slice_str(address),
                                  .name = SKN_LIT("put z"),
                                  .payload = skn_value_none(),
                                  .priority = SKN_PRIORITY_NORMAL};
    assert_int_equal(skn_core_submit(shards_of(s, address)->core, &request, NULL), SKN_OK);
    shards_settle(s);
    (void)snprintf(name, sizeof name, "send %s", other);
    (void)told(s, address, name, 3);
    assert_int_equal(shard_rows(shards_of(s, address), SKN_SHARD_INTENTS), 2);
    assert_int_equal(shard_rows(shards_of(s, address), SKN_SHARD_TIMERS), 1);
    assert_int_equal(shard_rows(shards_of(s, address), SKN_SHARD_REQUESTS), 1);
}

/* The results that the removal asked for. */
static void end_attempts(struct shards *s, const char *address, uint64_t epoch)
{
    for (uint64_t i = 0; i < 2; i++) {
        const struct skn_attempt_result result = {.address = skn_slice_str(address),
                                                  .number = i,
                                                  .attempt = 1,
                                                  .epoch = epoch,
                                                  .status = SKN_ATTEMPT_CANCELLED,
                                                  .value = skn_value_none()};
        skn_core_result(shards_of(s, address)->core, &result);
    }
}

static void a_removed_domain_leaves_nothing(void **state) /* [E14] ENGINE 11 */
{
    (void)state;
    for (uint32_t count = 1; count <= 2; count++) {
        struct shards s;
        const struct skn_core_limits limits = {.mailbox_messages = 2};
        static const char *const addresses[] = {"a:Box/0", "a:Box/1", NULL};
        const char *it = addresses[0], *other = addresses[1];
        shards_init(&s, count, programs, &limits, 1);
        furnish(&s, it, other);
        /* FAULTED, with mail, and with what waits. */
        for (int i = 0; i < 3; i++)
            ask(&s, it, "boom", 0);
        shards_settle(&s);
        assert_true(skn_core_is_faulted(shards_of(&s, it)->store, skn_slice_str(it)));
        char name[64];
        (void)snprintf(name, sizeof name, "send %s", it);
        (void)told(&s, other, name, 7);
        assert_int_equal(shard_rows(shards_of(&s, it), SKN_SHARD_WAITING), 5);
        remove_domain(&s, it);
        shards_settle(&s);
        /* It waits for its attempts; nobody sees it any more. */
        assert_int_not_equal(domain_rows(&s, it), 0);
        assert_false(has(&s, it, "y0001"));
        s.last_rc = SKN_EINTERNAL;
        end_attempts(&s, it, skn_core_epoch(shards_of(&s, it)->core));
        shards_calm(&s);
        assert_int_equal(s.last_rc, SKN_OK);
        assert_int_equal(domain_rows(&s, it), 0);
        remove_domain(&s, other);
        shards_calm(&s);
        assert_int_equal(s.last_rc, SKN_OK);
        expect_nothing_left(&s, addresses);
        remove_domain(&s, it);
        shards_settle(&s);
        assert_int_equal(s.last_rc, SKN_ENOENT);
        shards_fini(&s);
    }
}

static void a_removal_goes_on_after_a_kill_at_any_record(void **state) /* [E14] P2 */
{
    (void)state;
    size_t records = 20;
    for (size_t kill_at = 0; kill_at < records; kill_at++) {
        struct shards s;
        static const char *const addresses[] = {"a:Held/0", "a:Box/1", NULL};
        shards_init(&s, 1, programs, &defaults, 1);
        struct shard *shard = &s.at[0];
        furnish(&s, addresses[0], addresses[1]);
        remove_domain(&s, addresses[0]);
        remove_domain(&s, addresses[1]);
        assert_int_equal(shard_step(shard), SKN_OK);
        shard_durable(shard);
        end_attempts(&s, addresses[0], skn_core_epoch(shard->core));
        size_t i = 0;
        while (i < kill_at && shard_step(shard) == SKN_OK) {
            if (i++ % 3 == 0) shard_durable(shard);
        }
        if (i < kill_at) records = i;
        /* Held or not: no program sees anything of it. What was cut off has ended with the process. */
        shard_kill(shard, kill_at % 2 == 0);
        remove_domain(&s, addresses[0]); /* nobody heard of the first ones */
        remove_domain(&s, addresses[1]);
        shards_calm(&s);
        expect_nothing_left(&s, addresses);
        shards_fini(&s);
    }
    assert_true(records > 5 && records < 20);
}

static void what_comes_meanwhile_meets_a_fresh_domain(void **state) /* [E14] */
{
    (void)state;
    for (uint32_t count = 1; count <= 2; count++) {
        struct shards s;
        const char *it = "a:Box/0", *other = "a:Box/1";
        shards_init(&s, count, programs, &defaults, 1);
        furnish(&s, it, other);
        char name[64];
        (void)snprintf(name, sizeof name, "send %s", it);
        s.replies = 0;
        ask(&s, it, "put old", 0);
        remove_domain(&s, it);
        struct shard *shard = shards_of(&s, it);
        assert_int_equal(shard_step(shard), SKN_OK); /* it begins: the request is answered GONE */
        shard_durable(shard);
        shards_collect(&s, shard->options.shard);
        assert_int_equal(s.replies, 1);
        assert_int_equal(s.last_rc, SKN_EGONE);
        ask(&s, it, "put new", 0);
        (void)told(&s, other, name, 4);
        assert_int_equal(shard_rows(shard, SKN_SHARD_WAITING), 4);
        assert_false(has(&s, it, "new"));
        shard_kill(shard, true); /* the request is gone with the process, the messages are not */
        skn_mail_check(shard->core);
        ask(&s, it, "put new", 0);
        shards_settle(&s);
        shards_calm(&s);
        assert_true(has(&s, it, "new"));
        assert_true(has(&s, it, "seen"));
        assert_false(has(&s, it, "x0001"));
        assert_int_equal(domain_rows(&s, it), 3);
        assert_int_equal(shard_rows(shard, SKN_SHARD_MAIL), 0);
        assert_int_equal(shard_rows(shard, SKN_SHARD_WAITING), 0);
        assert_int_equal(shard_rows(shard, SKN_SHARD_INTENTS), 0);
        assert_int_equal(shard_rows(shard, SKN_SHARD_BUSY), 0);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(shard_rows(&s.at[i], SKN_SHARD_COUNTERS), 0);
        shards_fini(&s);
    }
}

static void a_removal_waits_until_what_was_sent_has_arrived(void **state) /* [E14] [E31] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 2, programs, &defaults, 1);
    const char *it = "a:Box/0";
    char other[32] = "", name[64];
    int i = 1;
    do
        (void)snprintf(other, sizeof other, "a:Box/%d", i++);
    while (shards_of(&s, other) == shards_of(&s, it));
    struct shard *home = shards_of(&s, it);
    (void)snprintf(name, sizeof name, "send %s", other);
    (void)told(&s, it, "put x", 0);
    ask(&s, it, name, 3);
    assert_int_equal(shard_step(home), SKN_OK);
    remove_domain(&s, it);
    for (i = 0; i < 10; i++)
        (void)!shard_step(home);
    shard_durable(home);
    assert_int_not_equal(domain_rows(&s, it), 0); /* nothing has been acknowledged */
    s.last_rc = SKN_EINTERNAL;
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    assert_int_equal(domain_rows(&s, it), 0);
    assert_true(has(&s, other, "seen"));
    shards_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_range_goes_in_its_batch),
        cmocka_unit_test(a_large_range_is_gone_at_once_and_removed_in_bounded_slices),
        cmocka_unit_test(more_ranges_than_may_wait_are_refused),
        cmocka_unit_test(random_ranges_agree_with_an_array),
        cmocka_unit_test(a_removed_domain_leaves_nothing),
        cmocka_unit_test(a_removal_goes_on_after_a_kill_at_any_record),
        cmocka_unit_test(what_comes_meanwhile_meets_a_fresh_domain),
        cmocka_unit_test(a_removal_waits_until_what_was_sent_has_arrived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
