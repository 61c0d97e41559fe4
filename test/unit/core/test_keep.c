/* test_keep.c - calls that are answered in a later slice: one answer each, whatever happens [E30]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "lib/shards.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the program ------------------------------------------------------------------------------------------
 *
 * A request "NAME TO" calls TO with that name, so often as its int says, with 0, 1, ..; at low priority
 * "low TO". "cancel" cancels the call of that number, "answer" and "refuse" end the call that is kept under
 * it, "boom" faults.
 * A call "keep" or "low" is kept; "timed" too, and answered a second later; "chain" calls back with one less
 * before that; "now" is kept and answered at once; "both" is kept and answered as if it were not; "boom"
 * is kept and faults.
 * Rows: "calls", "cancels" and the answers "right", "refused", "faulted", "gone" and "full" of who calls;
 * "kept" (the number of the last), "deep" (its depth) and "cancelled" of who is called; "wrong" says that
 * something was not as it should be. */

static int64_t count_of(struct skn_cx *cx, const char *key)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, skn_slice_str(key), &bytes) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

static void set(struct skn_cx *cx, const char *key, int64_t n)
{
    skn_cx_put_value(cx, skn_slice_str(key), skn_value_int(n));
}

static void bump(struct skn_cx *cx, const char *key)
{
    set(cx, key, count_of(cx, key) + 1);
}

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

static void call(struct skn_cx *cx, struct skn_slice to, struct skn_slice what, int64_t n)
{
    char tag[32];
    (void)snprintf(tag, sizeof tag, "%d", (int)n);
    (void)skn_cx_call(cx,
                      to,
                      is(what, "low") ? SKN_PRIORITY_LOW : SKN_PRIORITY_NORMAL,
                      what,
                      skn_value_int(n),
                      skn_slice_str(tag));
    bump(cx, "calls");
}

/* What stands in the tag of a call or timer: two numbers, the second 0 where there is none. */
static void read_tag(struct skn_slice tag, uint64_t out[2])
{
    char text[64] = "";
    assert_true(tag.len < sizeof text);
    if (tag.len > 0) memcpy(text, tag.ptr, tag.len);
    char *rest = text;
    for (int i = 0; i < 2; i++)
        out[i] = strtoull(rest, &rest, 10);
}

static void take_answer(struct skn_cx *cx, const struct skn_message *m)
{
    uint64_t n[2];
    read_tag(m->tag, n);
    bool is_right = (m->reason.len > 0) == (m->rc != SKN_OK);
    if (m->rc == SKN_OK)
        is_right &= skn_value_is(m->payload, SKN_T_INT) &&
                    skn_value_as_int(m->payload) == (int64_t)n[0] + 1;
    else
        is_right &= skn_value_is(m->payload, SKN_T_NONE);
    bump(cx,
         !is_right             ? "wrong"
         : m->rc == SKN_OK     ? "right"
         : m->rc == SKN_EARGS  ? "refused"
         : m->rc == SKN_EGONE  ? "gone"
         : m->rc == SKN_EFAULT ? "faulted"
         : m->rc == SKN_EFULL  ? "full"
                               : "wrong");
}

static enum skn_rc take_call(struct skn_cx *cx, const struct skn_message *m, struct skn_diag *diag)
{
    char tag[64];
    int64_t n = skn_value_as_int(m->payload);
    set(cx, "deep", m->depth);
    (void)snprintf(tag, sizeof tag, "%d", (int)n);
    uint64_t kept = skn_cx_call_keep(cx, skn_slice_str(tag));
    set(cx, "kept", (int64_t)kept);
    if (is(m->name, "boom")) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    if (is(m->name, "both")) skn_cx_reply(cx, skn_value_int(n + 1));
    if (is(m->name, "now") && !skn_cx_call_answer(cx, kept, skn_value_int(n + 1)))
        bump(cx, "wrong");
    (void)snprintf(tag, sizeof tag, "%d %d", (int)n, (int)kept);
    if (is(m->name, "timed") || is(m->name, "chain"))
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + 1000, skn_slice_str(tag));
    if (is(m->name, "chain")) skn_cx_put(cx, SKN_LIT("back"), m->sender);
    return skn_cx_rc(cx);
}

static void take_timer(struct skn_cx *cx, const struct skn_message *m)
{
    uint64_t n[2];
    struct skn_slice back;
    read_tag(m->tag, n);
    bool is_open = skn_cx_call_go_on(cx, n[1]);
    if (is_open && n[0] > 0 && skn_cx_get(cx, SKN_LIT("back"), &back) == SKN_OK)
        call(cx, back, SKN_LIT("chain"), (int64_t)n[0] - 1);
    bool is_sent = skn_cx_call_answer(cx, n[1], skn_value_int((int64_t)n[0] + 1));
    if (is_sent != is_open) bump(cx, "wrong");
}

static enum skn_rc
take_request(struct skn_cx *cx, const struct skn_message *m, struct skn_diag *diag)
{
    int64_t n = skn_value_as_int(m->payload);
    const char *space = memchr(m->name.ptr, ' ', m->name.len);
    bool is_done = false;
    if (is(m->name, "boom")) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    if (space) {
        size_t len = (size_t)(space - (const char *)m->name.ptr);
        for (int64_t i = 0; i < n; i++)
            call(cx, skn_slice_from(m->name, len + 1), skn_slice(m->name.ptr, len), i);
        return skn_cx_rc(cx);
    }
    if (is(m->name, "keep")) is_done = skn_cx_call_keep(cx, (struct skn_slice){0}) != 0;
    if (is(m->name, "cancel")) is_done = skn_cx_call_cancel(cx, (uint64_t)n);
    if (is(m->name, "cancel") && is_done) bump(cx, "cancels");
    if (is(m->name, "refuse"))
        is_done = skn_cx_call_refuse(cx, (uint64_t)n, SKN_EARGS, "not this one");
    if (is(m->name, "answer")) /* what it was called with is in no row here: it was 0 */
        is_done = skn_cx_call_answer(cx, (uint64_t)n, skn_value_int(1));
    skn_cx_reply(cx, skn_value_int(is_done));
    return skn_cx_rc(cx);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    uint64_t n[2];
    switch ((int)m->kind) {
    case SKN_MESSAGE_ANSWER: take_answer(cx, m); return skn_cx_rc(cx);
    case SKN_MESSAGE_CALL: return take_call(cx, m, diag);
    case SKN_MESSAGE_TIMER: take_timer(cx, m); return skn_cx_rc(cx);
    case SKN_MESSAGE_REQUEST: return take_request(cx, m, diag);
    case SKN_MESSAGE_CANCEL:
        read_tag(m->tag, n);
        bump(cx, "cancelled");
        set(cx, "cancelled/tag", (int64_t)n[0]);
        set(cx, "cancelled/number", (int64_t)m->number);
        return skn_cx_rc(cx);
    default: return SKN_OK;
    }
}

static const struct skn_program program = {.type = "Keep", .module = 6, .handle = handle};
static const struct skn_program *const programs[] = {&program, NULL};
static const struct skn_core_limits defaults;

/* --- helpers ------------------------------------------------------------------------------------------------ */

#define A "a:Keep/1"
#define B "a:Keep/2"

static int64_t row_of(struct shards *s, const char *address, const char *key)
{
    struct skn_slice bytes;
    enum skn_rc rc = skn_core_get(
        shards_of(s, address)->store, skn_slice_str(address), skn_slice_str(key), &bytes, NULL);
    return rc == SKN_OK ? skn_value_as_int(skn_value_view(bytes)) : 0;
}

static struct skn_meta_row meta_of(struct shards *s, const char *address)
{
    struct skn_meta_row meta = {0};
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_meta(&key, skn_slice_str(address));
    if (skn_store_get(shards_of(s, address)->store, skn_key_slice(&key), &bytes, NULL) == SKN_OK)
        assert_int_equal(skn_meta_decode(bytes, &meta, NULL), SKN_OK);
    return meta;
}

/* Rows of a domain, of this kind: 7 calls, 8 and 9 those that it keeps. */
static size_t rows_of(struct shards *s, const char *address, uint8_t kind)
{
    static struct skn_row rows[4096];
    struct skn_key from, end;
    size_t count;
    skn_key_meta(&from, skn_slice_str(address));
    from.bytes[from.len - 1] = kind;
    end = from;
    skn_key_end(&end);
    enum skn_rc rc = skn_store_scan(shards_of(s, address)->store,
                                    skn_key_slice(&from),
                                    skn_key_slice(&end),
                                    rows,
                                    SKN_ARRAY_LEN(rows),
                                    &count,
                                    NULL);
    assert_int_equal(rc, SKN_OK);
    return count;
}

static void ask(struct shards *s, const char *address, const char *name, int64_t n)
{
    shards_submit(s, address, name, SKN_PRIORITY_NORMAL, skn_value_int(n));
}

/* All that can happen now, happens; no time passes. What the request answered. */
static int64_t get(struct shards *s, const char *address, const char *name, int64_t n)
{
    s->last_value = -1;
    ask(s, address, name, n);
    shards_settle(s);
    return s->last_value;
}

static void remove_domain(struct shards *s, const char *address)
{
    const struct skn_remove r = {.number = 7, .address = skn_slice_str(address)};
    skn_core_remove(shards_of(s, address)->core, &r);
}

static void expect_kept(struct shards *s, const char *address, size_t n)
{
    assert_int_equal(meta_of(s, address).kept, n);
    assert_int_equal(rows_of(s, address, 8), n);
    assert_int_equal(rows_of(s, address, 9), n);
}

/* Nobody waits, and nobody keeps anything. */
static void expect_quiet(struct shards *s, const char *address)
{
    expect_kept(s, address, 0);
    assert_int_equal(rows_of(s, address, 7), 0);
    assert_int_equal(meta_of(s, address).answers, 0);
    assert_int_equal(row_of(s, address, "wrong"), 0);
}

static const char *name_on(struct shards *s, uint32_t shard, char out[32])
{
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(out, 32, "a:Keep/%d", i);
        if (skn_shard_of(skn_slice_str(out), s->count) == shard) return out;
    }
    abort();
}

static void kill_all(struct shards *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        shard_kill(&s->at[i], true);
}

/* --- answers ------------------------------------------------------------------------------------------------ */

static void a_later_slice_answers_once(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 3; count++) {
        struct shards s;
        shards_init(&s, count, programs, &defaults, 1);
        ask(&s, A, "keep " B, 1);
        shards_calm(&s);
        assert_int_equal(row_of(&s, A, "right"), 0);
        assert_int_equal(row_of(&s, B, "deep"), 1);
        expect_kept(&s, B, 1);
        kill_all(&s); /* all of it is rows */
        int64_t kept = row_of(&s, B, "kept");
        assert_int_equal(get(&s, B, "answer", kept), 1);
        assert_int_equal(get(&s, B, "answer", kept), 0);
        assert_int_equal(get(&s, B, "refuse", kept), 0);
        shards_calm(&s);
        assert_int_equal(row_of(&s, A, "right"), 1);
        assert_int_equal(row_of(&s, A, "refused"), 0);
        ask(&s, A, "keep " B, 1);
        shards_calm(&s);
        assert_int_equal(get(&s, B, "refuse", row_of(&s, B, "kept")), 1);
        shards_calm(&s);
        assert_int_equal(row_of(&s, A, "refused"), 1);
        expect_quiet(&s, A);
        expect_quiet(&s, B);
        shards_fini(&s);
    }
}

static void others_are_served_meanwhile_and_itself_too(void **state)
{
    (void)state;
    struct shards s;
    shards_init(&s, 2, programs, &defaults, 2);
    ask(&s, A, "timed " B, 5);
    ask(&s, A, "timed " A, 3); /* to itself */
    ask(&s, A, "now " B, 2);
    shards_settle(&s);
    assert_int_equal(row_of(&s, A, "right"), 2); /* those that were answered at once */
    expect_kept(&s, B, 5);
    shards_calm(&s);
    assert_int_equal(row_of(&s, A, "right"), 10);
    expect_quiet(&s, A);
    expect_quiet(&s, B);
    shards_fini(&s);
}

static void a_call_is_either_kept_or_answered(void **state)
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &defaults, 3);
    ask(&s, A, "both " B, 1);
    ask(&s, A, "boom " B, 1); /* dropped whole, with what it kept */
    shards_calm(&s);
    assert_int_equal(row_of(&s, A, "faulted"), 2);
    assert_int_equal(meta_of(&s, B).dead, 2);
    assert_int_equal(get(&s, B, "keep", 0), 0); /* a request is no call */
    expect_quiet(&s, A);
    expect_quiet(&s, B);
    shards_fini(&s);
}

/* --- cancel ------------------------------------------------------------------------------------------------- */

static void who_keeps_a_call_is_told_that_it_was_cancelled(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 3; count++) {
        struct shards s;
        shards_init(&s, count, programs, &defaults, 4);
        ask(&s, A, "keep " B, 3);
        shards_calm(&s);
        int64_t last = row_of(&s, B, "kept");
        assert_int_equal(get(&s, A, "cancel", 2), 1);
        assert_int_equal(get(&s, A, "cancel", 2), 0);
        shards_calm(&s);
        assert_int_equal(row_of(&s, B, "cancelled"), 1);
        assert_int_equal(row_of(&s, B, "cancelled/tag"), 2);
        assert_int_equal(row_of(&s, B, "cancelled/number"), last);
        assert_int_equal(get(&s, B, "answer", last), 0);
        expect_kept(&s, B, 2);
        assert_int_equal(rows_of(&s, A, 7), 2);
        shards_fini(&s);
    }
}

static void a_cancel_comes_behind_its_call_and_crosses_its_answer(void **state)
{
    (void)state;
    struct shards s;
    char a[32], b[32], text[64];
    shards_init(&s, 2, programs, &defaults, 5);
    name_on(&s, 0, a);
    name_on(&s, 1, b);
    (void)snprintf(text, sizeof text, "low %s", b);
    ask(&s, a, text, 1);
    ask(&s, a, "cancel", 0); /* neither is taken in before the other */
    shards_calm(&s);
    assert_int_equal(row_of(&s, b, "cancelled"), 1);
    (void)snprintf(text, sizeof text, "keep %s", b);
    ask(&s, a, text, 1);
    shards_calm(&s);
    ask(&s, b, "answer", row_of(&s, b, "kept"));
    ask(&s, a, "cancel", 1);
    shards_steps(&s.at[0]);
    shards_steps(&s.at[1]);
    shards_calm(&s);
    assert_int_equal(row_of(&s, a, "cancels"), 2);
    assert_int_equal(row_of(&s, a, "right"), 0);
    assert_int_equal(row_of(&s, b, "cancelled"), 1);
    expect_quiet(&s, a);
    expect_quiet(&s, b);
    shards_fini(&s);
}

/* It does not make a domain, does not fault where a message would, and finds nothing of a call that was
 * not kept. */
static void a_cancel_harms_nobody(void **state)
{
    (void)state;
    const struct skn_core_limits small = {
        .mailbox_messages = 1, .outbox_messages = 2, .faulted_waiting = 2, .faults_in_row = 1};
    struct shards s;
    shards_init(&s, 1, programs, &small, 6);
    ask(&s, B, "boom", 0);
    shards_calm(&s);
    assert_true(meta_of(&s, B).is_faulted);
    ask(&s, A, "keep " B, 3); /* one in the lane, two that wait: no more can */
    shards_calm(&s);
    assert_int_equal(meta_of(&s, B).waiting[SKN_PRIORITY_NORMAL], 2);
    uint64_t faulted = s.faulted;
    for (int i = 0; i < 3; i++)
        assert_int_equal(get(&s, A, "cancel", i), 1);
    assert_int_equal(s.faulted, faulted);
    remove_domain(&s, B);
    shards_calm(&s);
    ask(&s, A, "keep a:Keep/3", 1);
    shards_calm(&s);
    remove_domain(&s, "a:Keep/3");
    assert_int_equal(get(&s, A, "cancel", 3), 1); /* before the answer that it is gone */
    shards_calm(&s);
    struct skn_look_domain look;
    enum skn_rc rc = skn_look_domain(s.at[0].store, SKN_LIT("a:Keep/3"), &look, NULL);
    assert_int_equal(rc, SKN_ENOENT);
    expect_quiet(&s, A);
    shards_fini(&s);
}

/* --- the end of either side ----------------------------------------------------------------------------------- */

static void who_is_removed_answers_gone(void **state) /* [E14] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 2, programs, &defaults, 7);
    ask(&s, A, "keep " B, 1500); /* more than one batch removes */
    shards_calm(&s);
    expect_kept(&s, B, 1500);
    remove_domain(&s, B);
    shards_calm(&s);
    assert_int_equal(row_of(&s, A, "gone"), 1500);
    expect_quiet(&s, A);
    expect_quiet(&s, B);
    shards_fini(&s);
}

static void the_calls_of_who_is_removed_are_cancelled(void **state) /* [E14] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 2, programs, &defaults, 8);
    ask(&s, A, "keep " B, 300);
    ask(&s, A, "keep " A, 1);
    shards_calm(&s);
    remove_domain(&s, A);
    shards_calm(&s);
    assert_int_equal(row_of(&s, B, "cancelled"), 300);
    assert_int_equal(s.last_rc, SKN_OK);
    expect_quiet(&s, A);
    expect_quiet(&s, B);
    ask(&s, A, "keep " B, 1); /* one of that name, with the same numbers */
    shards_calm(&s);
    assert_int_equal(get(&s, B, "answer", row_of(&s, B, "kept")), 1);
    shards_calm(&s);
    assert_int_equal(row_of(&s, A, "right"), 1);
    shards_fini(&s);
}

static void who_is_faulted_answers_with_that(void **state) /* [E33] */
{
    (void)state;
    const struct skn_core_limits limits = {.faults_in_row = 1};
    for (int killed = 0; killed < 2; killed++) {
        struct shards s;
        shards_init(&s, 1, programs, &limits, 9);
        ask(&s, A, "keep " B, 600);
        shards_calm(&s);
        int64_t kept = row_of(&s, B, "kept");
        ask(&s, B, "boom", 0);
        while (!meta_of(&s, B).is_faulted)
            assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        shard_durable(&s.at[0]);
        expect_kept(&s, B, 600);
        if (killed) kill_all(&s);
        size_t before = s.at[0].count, slices = 0;
        shards_calm(&s);
        for (size_t i = before; i < s.at[0].count; i++) {
            struct skn_message message;
            struct skn_key_info mail;
            enum skn_rc rc = skn_look_message(&s.at[0].records[i], &message, &mail);
            slices += rc == SKN_OK && message.kind == SKN_MESSAGE_KEPT;
        }
        assert_int_equal(slices, 3); /* 256 in each */
        assert_int_equal(row_of(&s, A, "faulted"), 600);
        expect_quiet(&s, A);
        expect_quiet(&s, B);
        const struct skn_redeliver r = {.number = 5, .address = SKN_LIT(B), .is_closing = true};
        skn_core_redeliver(s.at[0].core, &r);
        shards_calm(&s);
        assert_int_equal(get(&s, B, "answer", kept), 0); /* it goes on, and finds it over */
        shards_fini(&s);
    }
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

static void a_domain_keeps_so_many_calls(void **state)
{
    (void)state;
    const struct skn_core_limits limits = {.kept_calls = 4, .faults_in_row = 10};
    static const int64_t calls[] = {3, 4, 5};
    for (size_t i = 0; i < SKN_ARRAY_LEN(calls); i++) {
        struct shards s;
        shards_init(&s, 1, programs, &limits, 10);
        ask(&s, A, "keep " B, calls[i]);
        shards_calm(&s);
        expect_kept(&s, B, calls[i] <= 4 ? (size_t)calls[i] : 4);
        assert_int_equal(row_of(&s, A, "full"), calls[i] > 4);
        assert_int_equal(get(&s, B, "answer", row_of(&s, B, "kept")), 1); /* that makes room */
        ask(&s, A, "keep " B, 1);
        shards_calm(&s);
        assert_int_equal(row_of(&s, A, "full"), calls[i] > 4);
        shards_fini(&s);
    }
}

/* A chain goes on over timers when its slices say for which call they work. */
static void a_chain_of_kept_calls_is_so_deep_and_no_deeper(void **state)
{
    (void)state;
    const struct skn_core_limits small = {.call_depth = 3, .faults_in_row = 10};
    for (int64_t calls = 2; calls <= 4; calls++) {
        struct shards s;
        char text[32];
        shards_init(&s, 2, programs, &small, 11);
        (void)snprintf(text, sizeof text, "chain %s", B);
        /* Only the last of them goes on. */
        ask(&s, A, text, calls);
        for (int i = 0; i < 3; i++)
            shards_calm(&s);
        uint32_t dead = meta_of(&s, A).dead + meta_of(&s, B).dead;
        int64_t deep = row_of(&s, A, "deep") > row_of(&s, B, "deep") ? row_of(&s, A, "deep")
                                                                     : row_of(&s, B, "deep");
        assert_int_equal(dead > 0, calls > 3);
        assert_int_equal(deep, calls > 3 ? 3 : calls);
        shards_fini(&s);
    }
}

/* --- at random ----------------------------------------------------------------------------------------------- */

/* Kills, lost and repeated packets, cancels: each call has one answer or was cancelled (P2), and all
 * records are made again byte for byte (P4). */
static void whatever_happens_each_call_ends_once(void **state)
{
    (void)state;
    enum { DOMAINS = 4, SEEDS = 12, STEPS = 1500 };
    static const char *const what[] = {"timed", "now", "timed", "boom"};
    int64_t all_told = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const struct skn_core_limits limits = {.mailbox_messages = (uint32_t)(1 + seed % 3),
                                               .outbox_messages = 20,
                                               .faults_in_row = 1000,
                                               .dead_letters = 5000};
        struct shards s;
        int64_t calls = 0, ended = 0, cancelled = 0, told = 0;
        shards_init(&s, (uint32_t)(1 + seed % 3), programs, &limits, seed);
        for (int i = 0; i < STEPS; i++) {
            char a[32], text[64];
            (void)snprintf(a, sizeof a, "a:Keep/%d", (int)skn_rng_below(&s.rng, DOMAINS));
            if (skn_rng_below(&s.rng, 12) == 0) {
                (void)snprintf(text,
                               sizeof text,
                               "%s a:Keep/%d",
                               what[skn_rng_below(&s.rng, SKN_ARRAY_LEN(what))],
                               (int)skn_rng_below(&s.rng, DOMAINS));
                ask(&s, a, text, (int64_t)(1 + skn_rng_below(&s.rng, 4)));
            }
            shards_random(&s);
        }
        shards_settle(&s); /* what is kept now is cancelled in part */
        for (int i = 0; i < DOMAINS; i++) {
            char a[32];
            (void)snprintf(a, sizeof a, "a:Keep/%d", i);
            for (int64_t n = 0; n < 200; n += 3)
                ask(&s, a, "cancel", n);
        }
        shards_calm(&s);
        for (int i = 0; i < DOMAINS; i++) {
            char a[32];
            (void)snprintf(a, sizeof a, "a:Keep/%d", i);
            calls += row_of(&s, a, "calls");
            ended += row_of(&s, a, "right") + row_of(&s, a, "faulted");
            cancelled += row_of(&s, a, "cancels");
            told += row_of(&s, a, "cancelled");
            expect_quiet(&s, a);
        }
        if (calls != ended + cancelled) print_error("seed %d\n", (int)seed);
        assert_int_equal(calls, ended + cancelled);
        assert_true(told <= cancelled); /* an answer may be on its way */
        assert_true(calls > 50);
        all_told += told;
        shards_fini(&s);
    }
    assert_true(all_told > 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_slice_answers_once),
        cmocka_unit_test(others_are_served_meanwhile_and_itself_too),
        cmocka_unit_test(a_call_is_either_kept_or_answered),
        cmocka_unit_test(who_keeps_a_call_is_told_that_it_was_cancelled),
        cmocka_unit_test(a_cancel_comes_behind_its_call_and_crosses_its_answer),
        cmocka_unit_test(a_cancel_harms_nobody),
        cmocka_unit_test(who_is_removed_answers_gone),
        cmocka_unit_test(the_calls_of_who_is_removed_are_cancelled),
        cmocka_unit_test(who_is_faulted_answers_with_that),
        cmocka_unit_test(a_domain_keeps_so_many_calls),
        cmocka_unit_test(a_chain_of_kept_calls_is_so_deep_and_no_deeper),
        cmocka_unit_test(whatever_happens_each_call_ends_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
