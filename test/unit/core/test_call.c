/* test_call.c - calls between domains: one answer each, whatever happens to either side [E30] [E33]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "lib/shards.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the program ------------------------------------------------------------------------------------------
 *
 * A request "add TO", "none TO", "refuse TO", "boom TO", "chain TO" calls TO so often as its int says,
 * "flood TO" sends notes, "cancel" cancels the call of that number, "crash" lets each answer fault.
 * Rows: "calls"; "asked/N" until the answer of call N; "right", "refused", "faulted", "gone" count
 * answers; "wrong" says that one came twice, or with another value; "deep" the depth of the last call. */

static int64_t count_of(struct skn_cx *cx, const char *key)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, skn_slice_str(key), &bytes) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

static void bump(struct skn_cx *cx, const char *key)
{
    skn_cx_put_value(cx, skn_slice_str(key), skn_value_int(count_of(cx, key) + 1));
}

static void set(struct skn_cx *cx, const char *key, int64_t n)
{
    skn_cx_put_value(cx, skn_slice_str(key), skn_value_int(n));
}

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

static void call(struct skn_cx *cx, struct skn_slice to, struct skn_slice what, int64_t n)
{
    char tag[32], key[64];
    (void)snprintf(tag, sizeof tag, "tag of %d", (int)n);
    uint64_t number =
        skn_cx_call(cx, to, SKN_PRIORITY_NORMAL, what, skn_value_int(n), skn_slice_str(tag));
    (void)snprintf(key, sizeof key, "asked/%d", (int)number);
    set(cx, key, n);
    bump(cx, "calls");
}

static enum skn_rc
take_answer(struct skn_cx *cx, const struct skn_message *m, struct skn_diag *diag)
{
    char key[64], tag[32];
    struct skn_slice bytes;
    if (count_of(cx, "crash") && !shard_is_fixed) return SKN_FAIL(diag, SKN_EFAULT, "crash");
    (void)snprintf(key, sizeof key, "asked/%d", (int)m->number);
    if (skn_cx_get(cx, skn_slice_str(key), &bytes) != SKN_OK) {
        bump(cx, "wrong");
        return SKN_OK;
    }
    int64_t n = skn_value_as_int(skn_value_view(bytes));
    (void)snprintf(tag, sizeof tag, "tag of %d", (int)n);
    skn_cx_delete(cx, skn_slice_str(key));
    bool has_text = m->reason.len > 0;
    bool is_right = is(m->tag, tag) && has_text == (m->rc != SKN_OK);
    if (m->rc == SKN_OK && is(m->name, "add"))
        is_right &= skn_value_is(m->payload, SKN_T_INT) && skn_value_as_int(m->payload) == n + 1;
    else
        is_right &= skn_value_is(m->payload, SKN_T_NONE);
    bump(cx,
         !is_right                ? "wrong"
         : m->rc == SKN_OK        ? "right"
         : m->rc == SKN_EARGS     ? "refused"
         : m->rc == SKN_EGONE     ? "gone"
         : m->rc == SKN_EFAULT    ? "faulted"
         : m->rc == SKN_ETOOLARGE ? "large"
                                  : "wrong");
    return skn_cx_rc(cx);
}

static enum skn_rc take_call(struct skn_cx *cx, const struct skn_message *m, struct skn_diag *diag)
{
    int64_t n = skn_value_as_int(m->payload);
    set(cx, "deep", m->depth);
    if (is(m->name, "boom") && !shard_is_fixed) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    if (is(m->name, "refuse"))
        skn_cx_refuse(cx, SKN_EARGS, "not this one");
    else if (is(m->name, "add"))
        skn_cx_reply(cx, skn_value_int(n + 1));
    if (is(m->name, "chain") && n > 0) call(cx, m->sender, m->name, n - 1);
    return skn_cx_rc(cx);
}

static enum skn_rc
ask_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    if (m->kind == SKN_MESSAGE_ANSWER) return take_answer(cx, m, diag);
    if (m->kind == SKN_MESSAGE_CALL) return take_call(cx, m, diag);
    if (m->kind != SKN_MESSAGE_REQUEST) return SKN_OK;
    int64_t n = skn_value_as_int(m->payload);
    const char *space = memchr(m->name.ptr, ' ', m->name.len);
    if (is(m->name, "cancel")) {
        skn_cx_reply(cx, skn_value_bool(skn_cx_call_cancel(cx, (uint64_t)n)));
    } else if (is(m->name, "crash")) {
        set(cx, "crash", 1);
    } else if (is(m->name, "look")) {
        set(cx, "looked", 1);
    } else {
        size_t len = (size_t)(space - (const char *)m->name.ptr);
        struct skn_slice what = skn_slice(m->name.ptr, len), to = skn_slice_from(m->name, len + 1);
        if (is(what, "chain")) {
            call(cx, to, what, n);
            return skn_cx_rc(cx);
        }
        for (int64_t i = 0; i < n; i++) {
            if (is(what, "flood"))
                skn_cx_send(cx, to, SKN_PRIORITY_NORMAL, SKN_LIT("note"), skn_value_int(i));
            else
                call(cx, to, what, i);
        }
    }
    return skn_cx_rc(cx);
}

static const struct skn_program ask_program = {.type = "Ask", .module = 4, .handle = ask_handle};
static const struct skn_program told_program = {.type = "Told", .module = 5, .handle = ask_handle};
static const struct skn_program *const programs[] = {&ask_program, &told_program, NULL};
static const struct skn_program *const fewer[] = {&told_program, NULL};
static const struct skn_core_limits defaults;

/* --- helpers ------------------------------------------------------------------------------------------------ */

static int64_t row_of(struct shards *s, const char *address, const char *key)
{
    struct skn_slice bytes;
    if (skn_core_get(
            shards_of(s, address)->store, skn_slice_str(address), skn_slice_str(key), &bytes, NULL))
        return 0;
    return skn_value_as_int(skn_value_view(bytes));
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

static bool is_there(struct shards *s, const char *address)
{
    struct skn_look_domain look;
    return skn_look_domain(shards_of(s, address)->store, skn_slice_str(address), &look, NULL) ==
           SKN_OK;
}

static void ask(struct shards *s, const char *address, const char *name, int64_t n)
{
    shards_submit(s, address, name, SKN_PRIORITY_NORMAL, skn_value_int(n));
}

static void redeliver(struct shards *s, const char *address)
{
    const struct skn_redeliver r = {.number = 5, .address = skn_slice_str(address)};
    skn_core_redeliver(shards_of(s, address)->core, &r);
}

static void remove_domain(struct shards *s, const char *address)
{
    const struct skn_remove r = {.number = 7, .address = skn_slice_str(address)};
    skn_core_remove(shards_of(s, address)->core, &r);
}

/* No call is under way and no place reserved. */
static void expect_quiet(struct shards *s, const char *address)
{
    assert_int_equal(meta_of(s, address).answers, 0);
    assert_int_equal(mail_of(s, address, SKN_LANE_ANSWERS), 0);
    assert_int_equal(row_of(s, address, "wrong"), 0);
    struct skn_key from;
    struct skn_row row;
    size_t count;
    skn_key_call(&from, skn_slice_str(address), 0);
    from.len -= 8;
    struct skn_key end = from;
    skn_key_end(&end);
    struct skn_store *store = shards_of(s, address)->store;
    assert_int_equal(
        skn_store_scan(store, skn_key_slice(&from), skn_key_slice(&end), &row, 1, &count, NULL),
        SKN_OK);
    assert_int_equal(count, 0);
}

/* One domain of each shard, so that both ways are taken. */
static const char *name_on(struct shards *s, uint32_t shard, char out[32])
{
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(out, 32, "a:Ask/%d", i);
        if (skn_shard_of(skn_slice_str(out), s->count) == shard) return out;
    }
    abort();
}

/* --- answers ------------------------------------------------------------------------------------------------ */

static void each_call_has_one_answer(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 2; count++) {
        struct shards s;
        char a[32], b[32], text[64];
        shards_init(&s, count, programs, &defaults, 1);
        name_on(&s, 0, a);
        if (count == 1)
            (void)snprintf(b, sizeof b, "a:Ask/other");
        else
            name_on(&s, 1, b);
        (void)snprintf(text, sizeof text, "add %s", b);
        ask(&s, a, text, 5);
        (void)snprintf(text, sizeof text, "none %s", b);
        ask(&s, a, text, 2);
        (void)snprintf(text, sizeof text, "refuse %s", b);
        ask(&s, a, text, 3);
        (void)snprintf(text, sizeof text, "add %s", a); /* itself */
        ask(&s, a, text, 1);
        shards_calm(&s);
        assert_int_equal(row_of(&s, a, "calls"), 11);
        assert_int_equal(row_of(&s, a, "right"), 8);
        assert_int_equal(row_of(&s, a, "refused"), 3);
        assert_int_equal(row_of(&s, b, "deep"), 1);
        expect_quiet(&s, a);
        shards_fini(&s);
    }
}

/* [E33] In the batch that moves it to the dead letters; what a letter answers later finds no call. */
static void a_call_that_faults_is_answered_with_the_fault(void **state)
{
    (void)state;
    struct shards s;
    char a[32], b[32], text[64];
    shards_init(&s, 2, programs, &defaults, 2);
    name_on(&s, 0, a);
    name_on(&s, 1, b);
    (void)snprintf(text, sizeof text, "boom %s", b);
    ask(&s, a, text, 2);
    shards_calm(&s);
    assert_int_equal(row_of(&s, a, "faulted"), 2);
    assert_int_equal(meta_of(&s, b).dead, 2);
    expect_quiet(&s, a);
    shard_is_fixed = true;
    redeliver(&s, b);
    shards_calm(&s);
    assert_int_equal(meta_of(&s, b).dead, 0);
    assert_int_equal(row_of(&s, b, "deep"), 1);
    assert_int_equal(row_of(&s, a, "faulted"), 2);
    expect_quiet(&s, a);
    shards_fini(&s);
    shard_is_fixed = false;
}

/* [E40] An answer comes once, so a domain that faults at it stands still; redeliver gives it again. */
static void an_answer_whose_handling_faults_makes_its_domain_faulted(void **state)
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &defaults, 3);
    ask(&s, "a:Ask/1", "crash", 0);
    ask(&s, "a:Ask/1", "add a:Ask/2", 2);
    shards_calm(&s);
    assert_true(meta_of(&s, "a:Ask/1").is_faulted);
    assert_int_equal(meta_of(&s, "a:Ask/1").dead, 1);
    assert_int_equal(mail_of(&s, "a:Ask/1", SKN_LANE_ANSWERS), 1);
    assert_int_equal(meta_of(&s, "a:Ask/1").answers, 1);
    shard_is_fixed = true;
    redeliver(&s, "a:Ask/1");
    shards_calm(&s);
    assert_int_equal(row_of(&s, "a:Ask/1", "right"), 2);
    expect_quiet(&s, "a:Ask/1");
    shards_fini(&s);
    shard_is_fixed = false;
}

/* An answer that is there already when its call is cancelled is dropped, as is one that comes later. */
static void a_call_that_is_cancelled_has_no_answer(void **state)
{
    (void)state;
    struct shards s;
    char a[32], b[32], text[64];
    shards_init(&s, 2, programs, &defaults, 4);
    name_on(&s, 0, a);
    name_on(&s, 1, b);
    (void)snprintf(text, sizeof text, "add %s", b);
    ask(&s, a, text, 2);
    shards_steps(&s.at[0]);
    ask(&s, a, "cancel", 0);
    shards_calm(&s);
    assert_int_equal(row_of(&s, b, "deep"), 1);
    assert_int_equal(row_of(&s, a, "right"), 1);
    assert_int_equal(row_of(&s, a, "wrong"), 0);
    assert_int_equal(meta_of(&s, a).answers, 0);
    shards_fini(&s);
    /* In one shard the request can come between the answer and its handling. */
    shards_init(&s, 1, programs, &defaults, 4);
    ask(&s, "a:Ask/1", "add a:Ask/2", 1);
    for (int i = 0; i < 100 && mail_of(&s, "a:Ask/1", SKN_LANE_ANSWERS) == 0; i++)
        (void)shard_step(&s.at[0]);
    assert_int_equal(mail_of(&s, "a:Ask/1", SKN_LANE_ANSWERS), 1);
    ask(&s, "a:Ask/1", "cancel", 0);
    ask(&s, "a:Ask/1", "cancel", 0);
    shards_calm(&s);
    assert_int_equal(row_of(&s, "a:Ask/1", "right") + row_of(&s, "a:Ask/1", "wrong"), 0);
    assert_int_equal(meta_of(&s, "a:Ask/1").answers, 0);
    assert_int_equal(mail_of(&s, "a:Ask/1", SKN_LANE_ANSWERS), 0);
    shards_fini(&s);
}

/* --- places and limits ------------------------------------------------------------------------------------ */

/* [E30] A full lane with more behind it does not stop an answer. */
static void an_answer_has_a_place_of_its_own(void **state)
{
    (void)state;
    const struct skn_core_limits small = {.mailbox_messages = 1, .faults_in_row = 1};
    struct shards s;
    char a[32], b[32], text[64];
    shards_init(&s, 2, programs, &small, 5);
    name_on(&s, 0, a);
    name_on(&s, 1, b);
    (void)snprintf(text, sizeof text, "add %s", b);
    ask(&s, a, text, 1);
    shards_steps(&s.at[0]);
    (void)snprintf(text, sizeof text, "boom %s", a);
    ask(&s, a, text, 1); /* it calls itself, and is FAULTED: its mail stays */
    shards_steps(&s.at[0]);
    assert_true(meta_of(&s, a).is_faulted);
    (void)snprintf(text, sizeof text, "flood %s", a);
    ask(&s, b, text, 3);
    shards_calm(&s);
    assert_int_equal(mail_of(&s, a, SKN_PRIORITY_NORMAL), 1);
    assert_int_equal(meta_of(&s, a).waiting[SKN_PRIORITY_NORMAL], 2);
    assert_int_equal(mail_of(&s, a, SKN_LANE_ANSWERS), 2);
    shard_is_fixed = true;
    redeliver(&s, a);
    shards_calm(&s);
    assert_int_equal(row_of(&s, a, "right"), 1);
    assert_int_equal(row_of(&s, a, "faulted"), 1);
    expect_quiet(&s, a);
    shards_fini(&s);
    shard_is_fixed = false;
}

/* Between two shards alone; what is for others stays out. */
static void carry(struct shards *s, uint32_t from, uint32_t to)
{
    shards_steps(&s->at[from]);
    shards_collect(s, from);
    for (size_t at = s->flying; at-- > 0;) {
        if (s->net[at].from != from || s->net[at].to != to) continue;
        shards_deliver(s, at);
        shards_drop(s, at);
    }
    shards_steps(&s->at[to]);
}

/* [E32] Who rests, because too much of it waits at others, takes answers all the same. */
static void who_rests_takes_answers(void **state)
{
    (void)state;
    const struct skn_core_limits small = {.outbox_messages = 2};
    struct shards s;
    char a[32], b[32], c[32], text[64];
    shards_init(&s, 3, programs, &small, 5);
    name_on(&s, 0, a);
    name_on(&s, 1, b);
    name_on(&s, 2, c);
    (void)snprintf(text, sizeof text, "add %s", c);
    ask(&s, a, text, 1);
    (void)snprintf(text, sizeof text, "flood %s", b); /* to where nothing arrives */
    ask(&s, a, text, 2);
    shards_steps(&s.at[0]);
    ask(&s, a, "look", 0);
    shards_steps(&s.at[0]);
    assert_int_equal(skn_core_counts(s.at[0].core).resting, 1);
    assert_int_equal(row_of(&s, a, "looked"), 0);
    carry(&s, 0, 2);
    carry(&s, 2, 0);
    assert_int_equal(skn_core_counts(s.at[0].core).resting, 1);
    assert_int_equal(row_of(&s, a, "right"), 1);
    assert_int_equal(row_of(&s, a, "looked"), 0);
    for (uint32_t i = 0; i < s.count; i++)
        for (uint32_t k = 0; k < s.count; k++)
            if (i != k) skn_core_resend(s.at[i].core, k);
    shards_calm(&s);
    assert_int_equal(row_of(&s, a, "looked"), 1);
    expect_quiet(&s, a);
    shards_fini(&s);
}

static void a_domain_has_so_many_calls_at_once(void **state)
{
    (void)state;
    const struct skn_core_limits limits = {.answers = 4};
    static const int64_t calls[] = {3, 4, 5};
    for (size_t i = 0; i < SKN_ARRAY_LEN(calls); i++) {
        struct shards s;
        shards_init(&s, 1, programs, &limits, 6);
        ask(&s, "a:Ask/1", "add a:Ask/2", calls[i]);
        shards_calm(&s);
        assert_int_equal(s.last_rc, calls[i] <= 4 ? SKN_OK : SKN_EFULL);
        assert_int_equal(row_of(&s, "a:Ask/1", "right"), calls[i] <= 4 ? calls[i] : 0);
        expect_quiet(&s, "a:Ask/1");
        shards_fini(&s);
    }
}

/* Two domains call each other, each while it handles the other's call. */
static int64_t deepest(const struct skn_core_limits *limits, int64_t calls, uint32_t shards)
{
    struct shards s;
    char a[32], b[32], text[64];
    shards_init(&s, shards, programs, limits, 7);
    name_on(&s, 0, a);
    if (shards > 1)
        name_on(&s, 1, b);
    else
        (void)snprintf(b, sizeof b, "a:Ask/other");
    (void)snprintf(text, sizeof text, "chain %s", b);
    ask(&s, a, text, calls - 1);
    shards_calm(&s);
    int64_t at_a = row_of(&s, a, "deep"), at_b = row_of(&s, b, "deep");
    int64_t dead = meta_of(&s, a).dead + meta_of(&s, b).dead;
    int64_t ended = row_of(&s, a, "large") + row_of(&s, b, "large");
    assert_int_equal(ended, 0);
    expect_quiet(&s, a);
    expect_quiet(&s, b);
    shards_fini(&s);
    return dead > 0 ? -1 : at_a > at_b ? at_a : at_b;
}

/* DESIGN 6: call depth 256. */
static void calls_are_so_deep_and_no_deeper(void **state)
{
    (void)state;
    const struct skn_core_limits small = {.call_depth = 3};
    for (uint32_t shards = 1; shards <= 2; shards++) {
        assert_int_equal(deepest(&small, 2, shards), 2);
        assert_int_equal(deepest(&small, 3, shards), 3);
    }
    assert_int_equal(deepest(&defaults, 255, 1), 255);
    assert_int_equal(deepest(&defaults, 256, 1), 256);
    /* The one too many faults, and who made the call before it is told. */
    struct shards s;
    shards_init(&s, 1, programs, &small, 8);
    ask(&s, "a:Ask/1", "chain a:Ask/2", 3);
    shards_calm(&s);
    assert_int_equal(meta_of(&s, "a:Ask/1").dead + meta_of(&s, "a:Ask/2").dead, 1);
    assert_int_equal(s.codes[SKN_EFULL], 1);
    assert_int_equal(meta_of(&s, "a:Ask/1").answers + meta_of(&s, "a:Ask/2").answers, 0);
    shards_fini(&s);
}

/* --- removal [E14] ----------------------------------------------------------------------------------------- */

static void calls_to_a_domain_that_is_removed_are_answered_gone(void **state)
{
    (void)state;
    const struct skn_core_limits small = {.mailbox_messages = 2, .outbox_messages = 100};
    struct shards s;
    shards_init(&s, 1, programs, &small, 9);
    ask(&s, "a:Ask/2", "crash", 0);
    ask(&s, "a:Ask/2", "add a:Ask/2", 1); /* FAULTED from now on: it keeps its mail */
    shards_calm(&s);
    assert_true(meta_of(&s, "a:Ask/2").is_faulted);
    ask(&s, "a:Ask/1", "add a:Ask/2", 5); /* two in its lane, three that wait */
    shards_calm(&s);
    assert_int_equal(meta_of(&s, "a:Ask/2").waiting[SKN_PRIORITY_NORMAL], 3);
    remove_domain(&s, "a:Ask/2");
    shards_calm(&s);
    assert_int_equal(row_of(&s, "a:Ask/1", "gone"), 5);
    expect_quiet(&s, "a:Ask/1");
    assert_false(is_there(&s, "a:Ask/2"));
    shards_fini(&s);
}

/* Its calls are over with it: no answer makes it again, and none is taken by one that came after it. */
static void answers_to_a_domain_that_was_removed_are_dropped(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        struct shards s;
        char a[32], b[32], text[64];
        shards_init(&s, 2, programs, &defaults, 10);
        name_on(&s, 0, a);
        name_on(&s, 1, b);
        (void)snprintf(text, sizeof text, "add %s", b);
        ask(&s, a, text, 1);
        shards_steps(&s.at[0]);
        shards_collect(&s, 0);
        for (size_t i = 0; i < s.flying; i++)
            shards_deliver(&s, i);
        while (s.flying > 0)
            shards_drop(&s, 0);
        shards_steps(
            &s.at[1]); /* it has answered; its acknowledgement goes before the answer does */
        shards_collect(&s, 1);
        remove_domain(&s, a);
        skn_core_resend(s.at[0].core, 1);
        for (int i = 0; i < 5 && is_there(&s, a); i++) {
            s.at[0].now_ms += 1001;
            shards_steps(&s.at[0]);
            shards_collect(&s, 0);
            for (size_t k = 0; k < s.flying; k++)
                if (s.net[k].to == 1) shards_deliver(&s, k);
            shards_steps(&s.at[1]);
            /* Acknowledgements go at once; what is a message stays out. */
            for (size_t k = 0; k < s.flying; k++)
                if (s.net[k].to == 0 && s.net[k].bytes[1] == 2) shards_deliver(&s, k);
            shards_collect(&s, 1);
        }
        assert_false(is_there(&s, a));
        if (again) {
            (void)snprintf(text, sizeof text, "refuse %s", b);
            ask(&s, a, text, 1); /* the same number, to be answered otherwise */
            shards_steps(&s.at[0]);
        }
        shards_calm(&s);
        assert_int_equal(is_there(&s, a), again);
        assert_int_equal(row_of(&s, a, "right"), 0);
        assert_int_equal(row_of(&s, a, "refused"), again);
        if (again) expect_quiet(&s, a);
        shards_fini(&s);
    }
}

/* The type of who called is there no more, as after an opening by another build. */
static void an_answer_to_a_type_that_is_gone_harms_nobody(void **state)
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &defaults, 11);
    ask(&s, "a:Ask/1", "add a:Told/1", 1);
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    shard_durable(&s.at[0]);
    s.at[0].options.programs = fewer;
    s.at[0].no_replay = true;
    shard_kill(&s.at[0], true);
    shards_calm(&s);
    assert_int_equal(row_of(&s, "a:Told/1", "deep"), 1);
    assert_int_equal(mail_of(&s, "a:Ask/1", SKN_LANE_ANSWERS), 1);
    s.at[0].options.programs = programs;
    shard_kill(&s.at[0], true);
    shards_calm(&s);
    assert_int_equal(row_of(&s, "a:Ask/1", "right"), 1);
    expect_quiet(&s, "a:Ask/1");
    shards_fini(&s);
}

/* --- at random ----------------------------------------------------------------------------------------------- */

/* Kills, lost and repeated packets: each call has one answer (P2), and the records of it are made again
 * byte for byte (P4). */
static void whatever_happens_each_call_has_one_answer(void **state)
{
    (void)state;
    enum { DOMAINS = 5, SEEDS = 12, STEPS = 1500 };
    static const char *const what[] = {"add", "none", "refuse", "boom"};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const struct skn_core_limits limits = {.mailbox_messages = (uint32_t)(1 + seed % 3),
                                               .outbox_messages = 20,
                                               .faults_in_row = 1000,
                                               .dead_letters = 5000};
        struct shards s;
        shards_init(&s, (uint32_t)(1 + seed % 3), programs, &limits, seed);
        for (int i = 0; i < STEPS; i++) {
            char a[32], text[64];
            if (skn_rng_below(&s.rng, 12) == 0) {
                (void)snprintf(a, sizeof a, "a:Ask/%d", (int)skn_rng_below(&s.rng, DOMAINS));
                (void)snprintf(text,
                               sizeof text,
                               "%s a:Ask/%d",
                               what[skn_rng_below(&s.rng, SKN_ARRAY_LEN(what))],
                               (int)skn_rng_below(&s.rng, DOMAINS));
                ask(&s, a, text, (int64_t)(1 + skn_rng_below(&s.rng, 4)));
            }
            shards_random(&s);
        }
        shards_calm(&s);
        int64_t calls = 0, answers = 0;
        for (int i = 0; i < DOMAINS; i++) {
            char a[32];
            (void)snprintf(a, sizeof a, "a:Ask/%d", i);
            calls += row_of(&s, a, "calls");
            answers += row_of(&s, a, "right") + row_of(&s, a, "refused") + row_of(&s, a, "faulted");
            expect_quiet(&s, a);
        }
        if (calls != answers) print_error("seed %d\n", (int)seed);
        assert_int_equal(calls, answers);
        assert_true(calls > 50);
        shards_fini(&s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_has_one_answer),
        cmocka_unit_test(a_call_that_faults_is_answered_with_the_fault),
        cmocka_unit_test(an_answer_whose_handling_faults_makes_its_domain_faulted),
        cmocka_unit_test(a_call_that_is_cancelled_has_no_answer),
        cmocka_unit_test(an_answer_has_a_place_of_its_own),
        cmocka_unit_test(who_rests_takes_answers),
        cmocka_unit_test(a_domain_has_so_many_calls_at_once),
        cmocka_unit_test(calls_are_so_deep_and_no_deeper),
        cmocka_unit_test(calls_to_a_domain_that_is_removed_are_answered_gone),
        cmocka_unit_test(answers_to_a_domain_that_was_removed_are_dropped),
        cmocka_unit_test(an_answer_to_a_type_that_is_gone_harms_nobody),
        cmocka_unit_test(whatever_happens_each_call_has_one_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
