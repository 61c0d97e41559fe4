/* test_rows.c - the bytes and keys of the core's rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mail_internal.h"
#include "core/rows_internal.h"
#include "lib/test.h"

#include <stdio.h>
#include <string.h>

static void expect_hex(struct skn_slice bytes, const char *hex)
{
    char text[2048] = "";
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(text + 2 * i, sizeof text - 2 * i, "%02x", bytes.ptr[i]);
    assert_string_equal(text, hex);
}

enum { KINDS = 17 };

static const struct skn_meta_row meta = {
    .is_faulted = true,
    .faults = 3,
    .waiting = {[SKN_PRIORITY_HIGH] = 2, [SKN_PRIORITY_LOW] = 5},
    .again_from = 2,
    .again_to = 4,
    .is_closing = true,
    .removal = SKN_REMOVE_WAIT,
    .removed_at = 9,
    .removal_at = 8,
    .ranges = 7,
    .next_range = 6,
    .answers = 5,
    .dead = 1,
    .next_wait = 7,
    .next_timer = 8,
    .next_intent = 9,
    .last_dead = 10,
    .epoch = 11};

static struct skn_intent_row intent_row(void)
{
    struct skn_intent_row row = {
        .state = SKN_INTENT_WAITING,
        .cancel = SKN_CANCEL,
        .attempt = 2,
        .counted = 1,
        .interruptions = 4,
        .epoch = 6,
        .timer = 11,
        .policy = {.attempts = 3, .backoff_ms = 100, .factor_milli = 2000, .max_ms = 60000},
        .tag = SKN_LIT("tag"),
        .effect = SKN_LIT("\0")};
    memset(row.key, 0xab, sizeof row.key);
    return row;
}

static struct skn_message message_row(void)
{
    return (struct skn_message){.kind = SKN_MESSAGE_ATTEMPT,
                                .priority = SKN_PRIORITY_LOW,
                                .stamp = 1,
                                .sender = SKN_LIT("s"),
                                .name = SKN_LIT("n"),
                                .payload = skn_value_bool(true),
                                .tag = SKN_LIT("t"),
                                .number = 2,
                                .status = SKN_ATTEMPT_TIMEOUT,
                                .attempt = 3,
                                .epoch = 4,
                                .is_final = true,
                                .next_due_ms = 5,
                                .reason = SKN_LIT("r")};
}

static void encode(int which, struct skn_buf *out)
{
    struct skn_intent_row intent = intent_row();
    struct skn_message message = message_row();
    struct skn_answer_row answer = {.rc = SKN_EIO,
                                    .hour = 0x00070605,
                                    .hash = {.lo = 1, .hi = 2},
                                    .text = SKN_LIT("x"),
                                    .value = SKN_LIT("\0")};
    skn_buf_reset(out);
    if (which == 0) skn_meta_encode(&meta, out);
    struct skn_timer_row timer = {
        .kind = SKN_TIMER_RETRY, .due_stamp = 0x0102030405060708, .intent = 5, .tag = SKN_LIT("t")};
    if (which == 1) skn_timer_encode(&timer, out);
    if (which == 2) skn_intent_encode(&intent, out);
    if (which == 3) skn_answer_encode(&answer, out);
    if (which == 4) skn_message_encode(&message, out);
    const struct skn_counter_row counter = {.messages = 3, .bytes = 258};
    if (which == 5) skn_counter_encode(&counter, out);
    const struct skn_note note = {.kind = SKN_NOTE_WAITS,
                                  .is_faulted = true,
                                  .messages = -1,
                                  .bytes = -2,
                                  .target = SKN_LIT("t"),
                                  .sender = SKN_LIT("s")};
    const struct skn_kept_row kept = {.ids = 5, .bytes = 6};
    if (which == 6) skn_kept_encode(&kept, out);
    if (which == 7) skn_note_encode(&note, out);
    message.kind = SKN_MESSAGE_SEND;
    if (which == 8) skn_message_encode(&message, out);
    intent.state = SKN_INTENT_ASKING;
    intent.limit = (struct skn_limit){.key = SKN_LIT("k"),
                                      .places = 2,
                                      .rate = 3,
                                      .burst = 4,
                                      .rate_ms = 1000,
                                      .priority = SKN_PRIORITY_LOW};
    intent.ticket = 0x0102030405060708;
    if (which == 9) skn_intent_encode(&intent, out);
    struct skn_call_row call = {.depth = 2,
                                .priority = SKN_PRIORITY_NORMAL,
                                .stamp = 0x0102030405060708,
                                .target = SKN_LIT("a:T/k"),
                                .tag = SKN_LIT("t")};
    if (which == 10) skn_call_encode(&call, out);
    call.priority = SKN_PRIORITY_LOW;
    if (which == 13) skn_call_encode(&call, out);
    const struct skn_kept_call_row kept_call = {.depth = 2,
                                                .number = 3,
                                                .called = 0x0102030405060708,
                                                .caller = SKN_LIT("a:T/k"),
                                                .name = SKN_LIT("n"),
                                                .tag = SKN_LIT("t")};
    if (which == 14) skn_kept_call_encode(&kept_call, out);
    const struct skn_meta_row keeps = {.next_wait = 1, .kept = 300};
    if (which == 15) skn_meta_encode(&keeps, out);
    message.kind = SKN_MESSAGE_ANSWER;
    message.depth = 3;
    message.rc = SKN_EGONE;
    message.called = 0x0102030405060708;
    if (which == 11) skn_message_encode(&message, out);
    static const struct skn_meta_row plain = {.next_wait = 1};
    if (which == 12) skn_meta_encode(&plain, out);
    struct skn_intent_row choosy = intent_row();
    choosy.policy.jitter_milli = 500;
    choosy.policy.only = SKN_LIT("a\n");
    choosy.policy.never = SKN_LIT("b\n");
    choosy.policy.ends_cut_off = true;
    if (which == 16) skn_intent_encode(&choosy, out);
}

static enum skn_rc decode(int which, struct skn_slice bytes)
{
    struct skn_meta_row m;
    struct skn_timer_row t;
    struct skn_intent_row i;
    struct skn_answer_row a;
    struct skn_message message;
    struct skn_diag diag;
    struct skn_call_row call;
    struct skn_kept_call_row kept_call;
    if (which == 0 || which == 12 || which == 15) return skn_meta_decode(bytes, &m, &diag);
    if (which == 10 || which == 13) return skn_call_decode(bytes, &call, &diag);
    if (which == 14) return skn_kept_call_decode(bytes, &kept_call, &diag);
    if (which == 1) return skn_timer_decode(bytes, &t, &diag);
    if (which == 2 || which == 9 || which == 16) return skn_intent_decode(bytes, &i, &diag);
    if (which == 3) return skn_answer_decode(bytes, &a, &diag);
    if (which == 4 || which == 8 || which == 11) return skn_message_decode(bytes, &message, &diag);
    struct skn_counter_row counter;
    struct skn_note note;
    struct skn_kept_row kept;
    if (which == 6) return skn_kept_decode(bytes, &kept, &diag);
    if (which == 5) return skn_counter_decode(bytes, &counter, &diag);
    return skn_note_decode(bytes, &note, &diag);
}

static void rows_are_golden(void **state)
{
    (void)state;
    static const char *const golden[] = {
        "023f03010708090a0b0a02050204020908070605",
        "0102080706050403020105000000000000000100000074",
        ("01020102000000010000000400000006000000000000000b00000000000000abababababababab"
         "abababababababab030000006400000000000000d007000060ea0000000000000300000074616701"
         "00000000"),
        "011b000000050607000100000000000000020000000000000001000000780100000000",
        ("01040303010100000000000000020000000000000003000000040000000000000005000000000000"
         "000100000073010000006e01000000740100000072020000000101"),
        "01030000000201000000000000",
        "0105000000000000000600000000000000",
        "010101fffffffffeffffffffffffff01000000740100000073",
        "010203030101000000000000000100000073010000006e01000000740100000072020000000101",
        ("01830102000000010000000400000006000000000000000b00000000000000abababababababab"
         "abababababababab030000006400000000000000d007000060ea0000000000000300000074616701"
         "00000000010000006b020000000300000004000000e803000000000000030807060504030201"),
        "0102000000080706050403020105000000613a542f6b0100000074",
        ("010a03030101000000000000000200000000000000030000002500000008070605040302010100"
         "000073010000006e01000000740100000072020000000101"),
        "02000000010000000000",
        "0102000001080706050403020105000000613a542f6b0100000074",
        "010200000003000000000000000807060504030201050000"
        "00613a542f6b010000006e0100000074",
        "02400000010000000000ac02",
        ("01420102000000010000000400000006000000000000000b00000000000000abababababababab"
         "abababababababab030000006400000000000000d007000060ea0000000000000300000074616701"
         "00000000f401000002000000610a02000000620a01"),
    };
    struct skn_buf out;
    skn_buf_init(&out, 4096);
    for (int i = 0; i < KINDS; i++) {
        encode(i, &out);
        expect_hex(skn_buf_slice(&out), golden[i]);
    }
    skn_buf_fini(&out);
}

static void every_cut_and_every_longer_row_is_refused(void **state)
{
    (void)state;
    struct skn_buf out;
    skn_buf_init(&out, 4096);
    for (int i = 0; i < KINDS; i++) {
        encode(i, &out);
        assert_int_equal(decode(i, skn_buf_slice(&out)), SKN_OK);
        for (size_t n = 0; n < out.len; n++)
            assert_int_equal(decode(i, skn_slice(out.ptr, n)), SKN_ECORRUPT);
        uint8_t level = out.ptr[0];
        out.ptr[0] = (uint8_t)(level + 1);
        assert_int_equal(decode(i, skn_buf_slice(&out)), SKN_ENEWER);
        out.ptr[0] = level;
        skn_buf_put_u8(&out, 0);
        assert_int_equal(decode(i, skn_buf_slice(&out)), SKN_ECORRUPT);
    }
    skn_buf_fini(&out);
}

/* What a record holds of a message that never was a row [E3]. */
static void a_records_message_is_golden_and_refused_when_malformed(void **state)
{
    (void)state;
    struct skn_handled handled = {.message = {.kind = SKN_MESSAGE_REQUEST,
                                              .priority = SKN_PRIORITY_NORMAL,
                                              .name = SKN_LIT("n"),
                                              .payload = skn_value_none()},
                                  .address = SKN_LIT("x:T/y"),
                                  .caller = SKN_LIT("c"),
                                  .id = SKN_LIT("i")};
    struct skn_handled out;
    struct skn_buf buf, again;
    skn_buf_init(&buf, 4096);
    skn_buf_init(&again, 4096);
    skn_handled_encode(&handled, &buf);
    expect_hex(skn_buf_slice(&buf),
               "0101020000000000000000000000000000010000006e0000000000000000010000000005000000"
               "783a542f7901000000630100000069");
    for (size_t n = 0; n < buf.len; n++)
        assert_int_equal(skn_handled_decode(skn_slice(buf.ptr, n), &out, NULL), SKN_ECORRUPT);
    assert_int_equal(skn_handled_decode(skn_buf_slice(&buf), &out, NULL), SKN_OK);
    skn_handled_encode(&out, &again);
    assert_true(skn_slice_eq(skn_buf_slice(&buf), skn_buf_slice(&again)));
    skn_buf_put_u8(&buf, 0);
    assert_int_equal(skn_handled_decode(skn_buf_slice(&buf), &out, NULL), SKN_ECORRUPT);
    /* A caller is the middle of a key, so it has no zero. */
    handled.caller = skn_slice((const uint8_t *)"c\0d", 3);
    skn_buf_reset(&buf);
    skn_handled_encode(&handled, &buf);
    assert_int_equal(skn_handled_decode(skn_buf_slice(&buf), &out, NULL), SKN_ECORRUPT);
    skn_buf_fini(&buf);
    skn_buf_fini(&again);
}

static void numbers_of_a_domain_have_one_form_only(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        0, 1, 127, 128, 16383, 16384, UINT32_MAX, (UINT64_C(1) << 63) - 1, UINT64_MAX};
    struct skn_buf out;
    skn_buf_init(&out, 4096);
    for (size_t i = 0; i < SKN_ARRAY_LEN(numbers); i++) {
        struct skn_meta_row row = {.next_wait = numbers[i], .epoch = numbers[i]}, back;
        skn_buf_reset(&out);
        skn_meta_encode(&row, &out);
        assert_int_equal(skn_meta_decode(skn_buf_slice(&out), &back, NULL), SKN_OK);
        assert_true(back.next_wait == numbers[i] && back.epoch == numbers[i]);
    }
    /* Level, flags, then seven numbers and the lanes: zeros behind a number, one that is too large for
     * its field, one over 64 bits, flags and lanes that nobody knows. */
    static const char *const bad[] = {"\2\0\200\0\0\0\0\0\0\0\0",
                                      "\2\0\200\200\200\200\20\0\0\0\0\0\0\0",
                                      "\2\0\0\0\377\377\377\377\377\377\377\377\377\2\0\0\0\0\0",
                                      "\2\100\0\0\0\0\0\0\0\0",
                                      "\2\0\0\0\0\0\0\0\0\40",
                                      "\2\0\0\0\0\0\0\0\0\1\0",
                                      "\1\0\0\0\0\0\0\0\0\1\0\0"};
    static const size_t lens[] = {11, 14, 19, 10, 10, 11, 12};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        struct skn_meta_row row;
        assert_int_equal(skn_meta_decode(skn_slice(bad[i], lens[i]), &row, NULL), SKN_ECORRUPT);
    }
    skn_buf_fini(&out);
}

/* Level 1 said how many messages a lane has. Its rows say that, so it is read and not believed. */
static void the_row_of_a_domain_of_level_1_is_read(void **state)
{
    (void)state;
    static const uint8_t old[] = {0x01, 0x3f, 0x03, 0x01, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0a, 0x02,
                                  0x00, 0x01, 0x05, 0x02, 0x04, 0x02, 0x09, 0x08, 0x07, 0x06, 0x05};
    struct skn_meta_row row;
    assert_int_equal(skn_meta_decode(skn_slice(old, sizeof old), &row, NULL), SKN_OK);
    assert_int_equal(row.waiting[SKN_PRIORITY_HIGH], 0);
    assert_int_equal(row.waiting[SKN_PRIORITY_LOW], 5);
    assert_int_equal(row.next_wait, 7);
    assert_int_equal(row.epoch, 11);
    assert_int_equal(row.again_to, 4);
    assert_int_equal(row.answers, 5);
}

static void decoding_gives_back_what_was_encoded(void **state)
{
    (void)state;
    struct skn_buf out, again;
    skn_buf_init(&out, 4096);
    skn_buf_init(&again, 4096);
    encode(2, &out);
    struct skn_intent_row intent;
    assert_int_equal(skn_intent_decode(skn_buf_slice(&out), &intent, NULL), SKN_OK);
    skn_intent_encode(&intent, &again);
    assert_true(skn_slice_eq(skn_buf_slice(&out), skn_buf_slice(&again)));
    encode(4, &out);
    struct skn_message message;
    assert_int_equal(skn_message_decode(skn_buf_slice(&out), &message, NULL), SKN_OK);
    skn_buf_reset(&again);
    skn_message_encode(&message, &again);
    assert_true(skn_slice_eq(skn_buf_slice(&out), skn_buf_slice(&again)));
    skn_buf_fini(&out);
    skn_buf_fini(&again);
}

static void keys_are_golden_and_sort_by_number(void **state)
{
    (void)state;
    struct skn_key a, b;
    skn_key_mail(&a, SKN_LIT("x:T/y"), SKN_PRIORITY_NORMAL, 255);
    expect_hex(skn_key_slice(&a), "010400783a542f79000200000000000000ff");
    skn_key_mail(&b, SKN_LIT("x:T/y"), SKN_PRIORITY_NORMAL, 256);
    assert_true(skn_slice_cmp(skn_key_slice(&a), skn_key_slice(&b)) < 0);
    skn_key_timer_index(&a, 1, 2, SKN_LIT("d"));
    expect_hex(skn_key_slice(&a), "0103000000000000000001000000000000000264");
    skn_key_intent(&a, SKN_LIT("d"), 3);
    expect_hex(skn_key_slice(&a), "01050064000000000000000003");
    skn_key_request(&a, SKN_LIT("d"), SKN_LIT("c"), SKN_LIT("i"));
    expect_hex(skn_key_slice(&a), "0106006400630069");
    skn_key_domain(&a, SKN_LIT("d"));
    expect_hex(skn_key_slice(&a), "01080064");
    skn_key_outbox(&a, 2, SKN_STREAM_NOTES, 3);
    expect_hex(skn_key_slice(&a), "01090000000002050000000000000003");
    skn_key_acked(&a, 2, 1);
    expect_hex(skn_key_slice(&a), "010a000000000201");
    skn_key_seen(&a, 2, 1);
    expect_hex(skn_key_slice(&a), "010b000000000201");
    skn_key_waiting(&a, SKN_LIT("t"), SKN_PRIORITY_LOW, 4, SKN_LIT("s"), 5);
    expect_hex(skn_key_slice(&a), "010c00740003000000000000000473000000000000000005");
    skn_key_counter(&a, SKN_LIT("t"), SKN_LIT("s"));
    expect_hex(skn_key_slice(&a), "010d00740073");
    skn_key_faulted(&a, SKN_LIT("t"));
    expect_hex(skn_key_slice(&a), "010e0074");
    skn_key_caller(&a, SKN_LIT("c"));
    expect_hex(skn_key_slice(&a), "01070063");
    skn_key_sweep(&a);
    expect_hex(skn_key_slice(&a), "011000");
    skn_key_busy(&a, SKN_LIT("d"));
    expect_hex(skn_key_slice(&a), "010f0064");
    skn_key_epoch(&a);
    expect_hex(skn_key_slice(&a), "010100");
    skn_key_meta(&a, SKN_LIT("d"));
    expect_hex(skn_key_slice(&a), "02640001");
    skn_key_timer(&a, SKN_LIT("d"), 1);
    expect_hex(skn_key_slice(&a), "026400020000000000000001");
    skn_key_dead(&a, SKN_LIT("d"), 1);
    expect_hex(skn_key_slice(&a), "026400030000000000000001");
    skn_key_exception(&a, SKN_LIT("d"), 2, SKN_LIT("k"));
    expect_hex(skn_key_slice(&a), "0264000400000000000000026b");
    skn_key_range(&a, SKN_LIT("d"), 2);
    expect_hex(skn_key_slice(&a), "026400050000000000000002");
    skn_key_own(&a, SKN_LIT("d"), SKN_LIT("k"));
    expect_hex(skn_key_slice(&a), "026400106b");
}

static void delays_grow_up_to_their_cap(void **state) /* F15 */
{
    (void)state;
    struct skn_retry_policy policy = {.backoff_ms = 100, .factor_milli = 2000, .max_ms = 1000};
    static const uint64_t expected[] = {100, 200, 400, 800, 1000, 1000};
    for (uint32_t i = 0; i < SKN_ARRAY_LEN(expected); i++)
        assert_int_equal(skn_retry_delay_ms(&policy, i + 1, 7), expected[i]);
    assert_int_equal(skn_retry_delay_ms(&policy, 1000000, 7), 1000);
    policy = (struct skn_retry_policy){.backoff_ms = 100};
    assert_int_equal(skn_retry_delay_ms(&policy, 1000000, 7), 100);
    static const struct {
        struct skn_retry_policy policy;
        uint32_t ended;
        uint64_t delay_ms;
    } cases[] = {
        {{.attempts = 5, .backoff_ms = 0, .factor_milli = 2000, .max_ms = 0}, 3, 0},
        {{.attempts = 5, .backoff_ms = 1000, .factor_milli = 2000, .max_ms = 0}, 4, 8000},
        {{.attempts = 5, .backoff_ms = 1000, .factor_milli = 2000, .max_ms = 3000}, 3, 3000},
        {{.attempts = 5, .backoff_ms = 100, .factor_milli = 1500, .max_ms = 0}, 3, 225},
        {{.attempts = 5, .backoff_ms = 1, .factor_milli = 1001, .max_ms = 0},
         1000000,
         1}, /* rounds down and so never grows */
        {{.attempts = 5, .backoff_ms = 5000, .factor_milli = 1000, .max_ms = 100}, 1, 100},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++)
        assert_int_equal(skn_retry_delay_ms(&cases[i].policy, cases[i].ended, 7),
                         cases[i].delay_ms);
    policy = (struct skn_retry_policy){.backoff_ms = UINT64_MAX, .factor_milli = UINT32_MAX};
    assert_true(skn_retry_delay_ms(&policy, 50, 7) < UINT64_C(1) << 48);
    policy = (struct skn_retry_policy){0};
    assert_int_equal(skn_retry_delay_ms(&policy, 7, 7), 0);
}

static void delays_are_shorter_by_chance(void **state) /* F15: jitter */
{
    (void)state;
    struct skn_retry_policy policy = {.backoff_ms = 1000, .jitter_milli = 250};
    bool least = false, most = false;
    for (uint64_t chance = 0; chance < 1000; chance++) {
        uint64_t delay = skn_retry_delay_ms(&policy, 1, chance);
        assert_true(delay >= 750 && delay <= 1000);
        least = least || delay == 750;
        most = most || delay == 1000;
    }
    assert_true(least && most);
    policy.jitter_milli = 1000;
    assert_int_equal(skn_retry_delay_ms(&policy, 1, 1000), 0);
    policy.backoff_ms = UINT64_MAX;
    assert_true(skn_retry_delay_ms(&policy, 1, UINT64_MAX) < UINT64_C(1) << 48);
}

static void failures_are_chosen_by_their_reason(void **state) /* F15: retry_on, no_retry_on */
{
    (void)state;
    static const struct {
        const char *only, *never, *reason;
        bool is_taken;
    } cases[] = {
        {"", "", "exit:1", true},
        {"timeout\n", "", "timeout", true},
        {"timeout\n", "", "timeouts", false},
        {"timeout\n", "", "exit:1", false},
        {"timeout\nexit:75\n", "", "exit:75", true},
        {"exit:7\n", "", "exit:75", false},
        {"exit\n", "", "exit:75", true},
        {"exit\n", "exit:75\n", "exit:75", false},
        {"exit\n", "exit:75\n", "exit:76", true},
        {"", "TOO_LARGE\n", "TOO_LARGE: a result is over 1 MiB", false},
        {"", "signal\n", "signal:9 (killed)", false},
        {"\n", "", "", false},
        {"", "\n", "", true},
        {"a", "", "a", true},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_retry_policy policy = {.only = skn_slice_str(cases[i].only),
                                          .never = skn_slice_str(cases[i].never)};
        assert_int_equal(skn_retry_takes(&policy, skn_slice_str(cases[i].reason)),
                         cases[i].is_taken);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_golden),
        cmocka_unit_test(every_cut_and_every_longer_row_is_refused),
        cmocka_unit_test(a_records_message_is_golden_and_refused_when_malformed),
        cmocka_unit_test(numbers_of_a_domain_have_one_form_only),
        cmocka_unit_test(the_row_of_a_domain_of_level_1_is_read),
        cmocka_unit_test(decoding_gives_back_what_was_encoded),
        cmocka_unit_test(keys_are_golden_and_sort_by_number),
        cmocka_unit_test(delays_grow_up_to_their_cap),
        cmocka_unit_test(delays_are_shorter_by_chance),
        cmocka_unit_test(failures_are_chosen_by_their_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
