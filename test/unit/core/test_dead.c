/* test_dead.c - dead letters: when they come to be, and how they are handed over again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/shards.h"

#include <stdio.h>

/* The program was mended: what faulted does so no more. */
static int64_t number(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, key, &bytes) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

/* Writes down the order in which it handles: "log" is a text of one letter each. A message whose name
 * begins with '!' faults until shard_is_fixed. "timer", "do": a timer in 10 ms, an intent; their tag says
 * whether what comes faults. "mail X": sends X to a:Scribe/s. */
static enum skn_rc
scribe_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    bool is_request = m->kind == SKN_MESSAGE_REQUEST;
    if (is_request && skn_slice_has_prefix(m->name, SKN_LIT("mail "))) {
        struct skn_slice to = SKN_LIT("a:Scribe/s");
        skn_cx_send(cx, to, m->priority, skn_slice_from(m->name, 5), m->payload);
        return SKN_OK;
    }
    if (is_request && skn_slice_eq(m->name, SKN_LIT("timer"))) {
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + 10, SKN_LIT("!T"));
        return SKN_OK;
    }
    if (is_request && skn_slice_eq(m->name, SKN_LIT("do"))) {
        const struct skn_intent_spec spec = {.identity = SKN_LIT("i"),
                                             .tag = SKN_LIT("!R"),
                                             .effect = skn_value_none(),
                                             .first_attempt = 1};
        (void)skn_cx_intent_start(cx, &spec);
        return SKN_OK;
    }
    struct skn_slice name = m->name.len > 0 ? m->name : m->tag;
    bool is_bad = name.len > 0 && name.ptr[0] == '!';
    if (is_bad && !shard_is_fixed) return SKN_FAIL(diag, SKN_EFAULT, "bad");
    if (is_bad) name = skn_slice_from(name, 1);
    struct skn_slice log = {0};
    struct skn_slice key = SKN_LIT("log");
    if (skn_cx_get(cx, key, &log) != SKN_OK) log = SKN_LIT("");
    struct skn_buf *text = skn_cx_scratch(cx);
    skn_buf_printf(text, "%.*s%.*s", SKN_FMT(log), SKN_FMT(name));
    skn_cx_put(cx, key, skn_buf_slice(text));
    if (skn_value_is(m->payload, SKN_T_STRING))
        skn_cx_put_value(
            cx, SKN_LIT("size"), skn_value_int((int64_t)skn_value_as_text(m->payload).len));
    if (m->kind == SKN_MESSAGE_ATTEMPT)
        skn_cx_put_value(
            cx, SKN_LIT("status"), skn_value_int((int64_t)m->status * 10 + m->is_final));
    skn_cx_reply(cx, skn_value_int(number(cx, SKN_LIT("size"))));
    return SKN_OK;
}

static const struct skn_program scribe = {.type = "Scribe", .module = 4, .handle = scribe_handle};
static const struct skn_program *const programs[] = {&scribe, NULL};
static const struct skn_slice address = {(const uint8_t *)"a:Scribe/s", 10};

static void begin(struct shards *s, const struct skn_core_limits *limits)
{
    shard_is_fixed = false;
    shards_init(s, 1, programs, limits, 1);
}

static void ask(struct shards *s, const char *name)
{
    shards_submit(s, "a:Scribe/s", name, SKN_PRIORITY_NORMAL, skn_value_none());
}

static struct skn_meta_row meta(struct shards *s)
{
    struct skn_meta_row row = {0};
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_meta(&key, address);
    if (skn_store_get(s->at[0].store, skn_key_slice(&key), &bytes, NULL) == SKN_OK)
        assert_int_equal(skn_meta_decode(bytes, &row, NULL), SKN_OK);
    return row;
}

static void expect_log(struct shards *s, const char *text)
{
    struct skn_slice log = SKN_LIT("");
    (void)!skn_core_get(s->at[0].store, address, SKN_LIT("log"), &log, NULL);
    if (!skn_slice_eq(log, skn_slice_str(text))) print_error("%.*s\n", SKN_FMT(log));
    assert_true(skn_slice_eq(log, skn_slice_str(text)));
}

static bool is_faulted(struct shards *s)
{
    return skn_core_is_faulted(s->at[0].store, address);
}

static enum skn_rc redeliver(struct shards *s, uint64_t letter, bool is_closing)
{
    const struct skn_redeliver r = {
        .number = 1, .address = address, .letter = letter, .is_closing = is_closing};
    s->last_rc = SKN_EINTERNAL;
    skn_core_redeliver(s->at[0].core, &r);
    shards_settle(s);
    return s->last_rc;
}

/* Rows of dead letters, their payloads too. */
static size_t letters(struct shards *s)
{
    struct skn_key from, end;
    static struct skn_row rows[4096];
    size_t count;
    skn_key_dead(&from, address, 0);
    skn_key_dead(&end, address, UINT64_MAX);
    assert_int_equal(skn_store_scan(s->at[0].store,
                                    skn_key_slice(&from),
                                    skn_key_slice(&end),
                                    rows,
                                    SKN_ARRAY_LEN(rows),
                                    &count,
                                    NULL),
                     SKN_OK);
    return count;
}

/* --- when a domain is FAULTED ------------------------------------------------------------------------- */

static void
a_domain_is_faulted_at_the_limit_of_its_letters_and_warned_before(void **state) /* [E33] */
{
    (void)state;
    struct shards s;
    const struct skn_core_limits limits = {.dead_letters = 10, .faults_in_row = 1000};
    begin(&s, &limits);
    for (int i = 1; i <= 11; i++) {
        ask(&s, "!x");
        shards_settle(&s);
        assert_int_equal(s.last_rc, SKN_EFAULT); /* answered in the batch that buries it */
        assert_int_equal(s.warned, i >= 8);      /* once, at 80 percent */
        assert_int_equal(is_faulted(&s), i >= 10);
        assert_int_equal(meta(&s).dead, i < 10 ? i : 10);
    }
    /* The eleventh was refused and is no letter. */
    assert_int_equal(letters(&s), 10);
    shards_fini(&s);
}

static void faults_in_a_row_are_counted_and_a_success_ends_the_row(void **state) /* [E33] */
{
    (void)state;
    struct shards s;
    static const struct skn_core_limits defaults;
    begin(&s, &defaults);
    static const char *const names[] = {"!x", "!x", "a", "!x", "!x"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++) {
        ask(&s, names[i]);
        shards_settle(&s);
        assert_false(is_faulted(&s));
    }
    ask(&s, "!x");
    shards_settle(&s);
    assert_true(is_faulted(&s));
    shards_fini(&s);
}

static void places_for_answers_have_a_limit_of_their_own(void **state) /* [E30] P10 */
{
    (void)state;
    struct shards s;
    const struct skn_core_limits limits = {.answers = 2, .mailbox_messages = 1, .faults_in_row = 9};
    begin(&s, &limits);
    shard_is_fixed = true;
    static const char *const names[] = {"timer", "do", "timer", "do"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++) {
        ask(&s, names[i]);
        shards_settle(&s);
        assert_int_equal(s.last_rc, i < 2 ? SKN_OK : SKN_EFULL);
    }
    s.at[0].now_ms += 10; /* the timer fires and its place is free */
    shards_settle(&s);
    ask(&s, "timer");
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    ask(&s, "timer");
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_EFULL);
    shard_kill(&s.at[0], true);
    ask(&s, "do");
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_EFULL);
    assert_int_equal(meta(&s).answers, 2);
    shards_fini(&s);
}

/* --- handing over again ---------------------------------------------------------------------------------- */

static void letters_come_again_in_order_and_before_the_mail(void **state) /* [E33] P3 */
{
    (void)state;
    struct shards s;
    static const struct skn_core_limits defaults;
    begin(&s, &defaults);
    static const char *const names[] = {"mail !a", "mail !b", "mail !c", "mail d", "mail e"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++)
        shards_submit(&s, "a:Scribe/o", names[i], SKN_PRIORITY_NORMAL, skn_value_none());
    shards_settle(&s);
    assert_true(is_faulted(&s));
    expect_log(&s, "");
    /* Not mended: they are letters again, under new numbers. */
    assert_int_equal(redeliver(&s, 0, false), SKN_OK);
    assert_int_equal(s.last_value, 3);
    assert_true(is_faulted(&s));
    assert_int_equal(meta(&s).dead, 3);
    assert_int_equal(letters(&s), 3);
    shard_is_fixed = true;
    assert_int_equal(redeliver(&s, 0, false), SKN_OK);
    assert_false(is_faulted(&s));
    expect_log(&s, "abcde");
    assert_int_equal(letters(&s), 0);
    assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_BUSY), 0);
    assert_int_equal(redeliver(&s, 0, false), SKN_OK); /* there is nothing, and nothing changes */
    assert_int_equal(s.last_value, 0);
    shards_fini(&s);
}

static void one_letter_is_chosen_by_its_number(void **state) /* [E33] */
{
    (void)state;
    struct shards s;
    const struct skn_core_limits limits = {.faults_in_row = 100};
    begin(&s, &limits);
    static const char *const names[] = {"!a", "!b", "!c", "!d"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++)
        ask(&s, names[i]);
    shards_settle(&s);
    shard_is_fixed = true;
    assert_int_equal(redeliver(&s, 2, false), SKN_OK);
    expect_log(&s, "b");
    assert_int_equal(redeliver(&s, 2, false), SKN_ENOENT);
    assert_int_equal(redeliver(&s, 5, false), SKN_ENOENT);
    assert_int_equal(redeliver(&s, 4, true), SKN_OK); /* closed */
    expect_log(&s, "b");
    assert_int_equal(letters(&s), 2);
    assert_int_equal(redeliver(&s, 0, false), SKN_OK);
    assert_int_equal(s.last_value, 2);
    expect_log(&s, "bac");
    shards_fini(&s);
}

static void results_and_timers_come_again_in_their_own_form(void **state) /* [E33] [E40] */
{
    (void)state;
    struct shards s;
    static const struct skn_core_limits defaults;
    begin(&s, &defaults);
    struct shard *shard = &s.at[0];
    ask(&s, "timer");
    shards_settle(&s);
    shard->now_ms += 10;
    shards_settle(&s);
    assert_true(is_faulted(&s)); /* at once */
    assert_int_equal(shard_rows(shard, SKN_SHARD_TIMERS), 0);
    shard_is_fixed = true;
    assert_int_equal(redeliver(&s, 0, false), SKN_OK);
    expect_log(&s, "T");
    shard_is_fixed = false;
    ask(&s, "do");
    shard_settle(shard);
    struct skn_output out;
    struct skn_attempt_result result = {
        .address = address, .status = SKN_ATTEMPT_SUCCESS, .value = skn_value_none()};
    while (shard_next(shard, &out)) {
        if (out.kind != SKN_OUTPUT_PERFORM) continue;
        result.number = out.number;
        result.attempt = out.attempt;
        result.epoch = out.epoch;
    }
    skn_core_result(shard->core, &result);
    shards_settle(&s);
    assert_true(is_faulted(&s));
    assert_int_equal(shard_rows(shard, SKN_SHARD_INTENTS), 0); /* the intent ended all the same */
    shard_is_fixed = true;
    shard_kill(shard, true);
    assert_int_equal(redeliver(&s, 0, false), SKN_OK);
    expect_log(&s, "TR");
    struct skn_slice bytes;
    assert_int_equal(skn_core_get(shard->store, address, SKN_LIT("status"), &bytes, NULL), SKN_OK);
    assert_int_equal(skn_value_as_int(skn_value_view(bytes)), SKN_ATTEMPT_SUCCESS * 10 + 1);
    shards_fini(&s);
}

static void the_largest_message_comes_again_whole(void **state) /* [E33] */
{
    (void)state;
    static uint8_t big[1 << 20];
    static const size_t sizes[] = {100, (512 << 10) - 40, (512 << 10) + 40, (1 << 20) - 8};
    for (size_t i = 0; i < SKN_ARRAY_LEN(sizes); i++) {
        struct shards s;
        static const struct skn_core_limits defaults;
        begin(&s, &defaults);
        memset(big, 'x', sizeof big);
        struct skn_value payload = skn_value_string(skn_slice(big, sizes[i]));
        shards_submit(&s, "a:Scribe/s", "!L", SKN_PRIORITY_NORMAL, payload);
        shards_settle(&s);
        assert_int_equal(letters(&s), sizes[i] > (512 << 10) ? 2 : 1);
        shard_is_fixed = true;
        shard_kill(&s.at[0], true);
        assert_int_equal(redeliver(&s, 0, false), SKN_OK);
        expect_log(&s, "L");
        struct skn_slice bytes;
        assert_int_equal(skn_core_get(s.at[0].store, address, SKN_LIT("size"), &bytes, NULL),
                         SKN_OK);
        assert_int_equal(skn_value_as_int(skn_value_view(bytes)), sizes[i]);
        assert_int_equal(letters(&s), 0);
        shards_fini(&s);
    }
}

static void handing_over_goes_on_after_a_kill_at_any_record(void **state) /* [E33] P2 */
{
    (void)state;
    for (int kill_at = 0; kill_at < 12; kill_at++) {
        for (int closing = 0; closing < 2; closing++) {
            struct shards s;
            const struct skn_core_limits limits = {.faults_in_row = 100};
            begin(&s, &limits);
            static const char *const names[] = {"!a", "!b", "!c", "!d", "!e", "!f"};
            for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++)
                ask(&s, names[i]);
            shards_settle(&s);
            shard_is_fixed = true;
            const struct skn_redeliver r = {.address = address, .is_closing = closing != 0};
            skn_core_redeliver(s.at[0].core, &r);
            assert_int_equal(shard_step(&s.at[0]), SKN_OK); /* it is asked for */
            shard_durable(&s.at[0]);
            for (int i = 0; i < kill_at; i++) {
                (void)!shard_step(&s.at[0]);
                if (i % 2) shard_durable(&s.at[0]);
            }
            shard_kill(&s.at[0], true);
            shards_settle(&s);
            expect_log(&s, closing ? "" : "abcdef");
            assert_int_equal(letters(&s), 0);
            assert_int_equal(meta(&s).dead, 0);
            assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_BUSY), 0);
            shards_fini(&s);
        }
    }
}

static void closing_many_takes_bounded_slices(void **state) /* [E33] */
{
    (void)state;
    struct shards s;
    const struct skn_core_limits limits = {.faults_in_row = 10000};
    begin(&s, &limits);
    for (int i = 0; i < 2500; i++)
        ask(&s, "!x");
    shards_settle(&s);
    assert_int_equal(letters(&s), 2500);
    size_t before = s.at[0].count;
    assert_int_equal(redeliver(&s, 0, true), SKN_OK);
    assert_int_equal(s.last_value, 2500);
    assert_int_equal(letters(&s), 0);
    assert_int_equal(s.at[0].count, before + 1 + 3);
    expect_log(&s, "");
    shards_fini(&s);
}

static void what_cannot_be_handed_over_is_refused_by_a_reply(void **state) /* [E33] P10 */
{
    (void)state;
    struct shards s;
    const struct skn_core_limits limits = {.faults_in_row = 100};
    begin(&s, &limits);
    struct skn_redeliver r = {.address = SKN_LIT("nobody")};
    skn_core_redeliver(s.at[0].core, &r);
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_ENOTREGISTERED);
    ask(&s, "!a");
    ask(&s, "!b");
    shards_settle(&s);
    /* A second one while the letters of the first are on their way. */
    r.address = address;
    skn_core_redeliver(s.at[0].core, &r);
    skn_core_redeliver(s.at[0].core, &r);
    shard_is_fixed = true;
    shards_settle(&s);
    expect_log(&s, "ab");
    /* One that was never there: nothing is made. */
    r.address = SKN_LIT("a:Scribe/none");
    r.letter = 1;
    skn_core_redeliver(s.at[0].core, &r);
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_ENOENT);
    s.last_rc = SKN_OK;
    r.letter = 0; /* all of a domain that is not there */
    skn_core_redeliver(s.at[0].core, &r);
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_ENOENT);
    struct skn_slice bytes;
    struct skn_key key;
    skn_key_meta(&key, r.address);
    assert_int_equal(skn_store_get(s.at[0].store, skn_key_slice(&key), &bytes, NULL), SKN_ENOENT);
    shards_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_is_faulted_at_the_limit_of_its_letters_and_warned_before),
        cmocka_unit_test(faults_in_a_row_are_counted_and_a_success_ends_the_row),
        cmocka_unit_test(places_for_answers_have_a_limit_of_their_own),
        cmocka_unit_test(letters_come_again_in_order_and_before_the_mail),
        cmocka_unit_test(one_letter_is_chosen_by_its_number),
        cmocka_unit_test(results_and_timers_come_again_in_their_own_form),
        cmocka_unit_test(the_largest_message_comes_again_whole),
        cmocka_unit_test(handing_over_goes_on_after_a_kill_at_any_record),
        cmocka_unit_test(closing_many_takes_bounded_slices),
        cmocka_unit_test(what_cannot_be_handed_over_is_refused_by_a_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
