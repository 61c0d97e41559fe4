/* test_log.c - log lines that are read back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/observe.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "lib/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { STEPS = 100000 };

static const uint64_t seed = 42;

/* 2026-11-21T11:02:11.123Z */
static const uint64_t moment_ms = UINT64_C(1795258931123);

struct capture {
    struct skn_buf text;
    unsigned lines;
};

static void keep(void *ctx, struct skn_slice line)
{
    struct capture *c = ctx;
    skn_buf_reset(&c->text);
    skn_buf_put(&c->text, line);
    c->lines++;
}

struct fixture {
    struct skn_observe observe;
    struct skn_log log;
    struct capture capture;
};

static void setup(struct fixture *f, enum skn_log_format format, enum skn_level least)
{
    *f = (struct fixture){0};
    skn_buf_init(&f->capture.text, 1 << 16);
    skn_observe_init(&f->observe);
    skn_log_init(&f->log, format, least, keep, &f->capture);
    skn_observe_listen(&f->observe, &f->log.listener);
}

static void teardown(struct fixture *f)
{
    skn_log_fini(&f->log);
    skn_buf_fini(&f->capture.text);
    assert_true(skn_list_is_empty(&f->observe.listeners));
}

static void emit_failed(struct fixture *f, const char *reason)
{
    skn_signal_node_failed(&f->observe,
                           moment_ms,
                           &(struct skn_signal_node_failed){.code = SKN_LIT("SYNC_FAILED"),
                                                            .reason = skn_slice_str(reason),
                                                            .exit = -70});
}

static void a_line_of_text_is_key_value(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, SKN_LOG_TEXT, SKN_LEVEL_DEBUG);
    emit_failed(&f, "could not sync \"/x\": a\nb\t\x1b[1m");
    assert_string_equal(skn_buf_str(&f.capture.text),
                        "time=2026-11-21T11:02:11.123Z level=error signal=node_failed "
                        "code=SYNC_FAILED reason=\"could not sync \\\"/x\\\": a\\nb\\t\\u001b[1m\" "
                        "exit=-70\n");
    emit_failed(&f, "");
    assert_non_null(strstr(skn_buf_str(&f.capture.text), " reason=\"\" "));
    emit_failed(&f, "a=b");
    assert_non_null(strstr(skn_buf_str(&f.capture.text), " reason=\"a=b\" "));
    emit_failed(&f, "/var/x:1");
    assert_non_null(strstr(skn_buf_str(&f.capture.text), " reason=/var/x:1 "));
    teardown(&f);
}

static void a_line_of_json_is_an_object(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, SKN_LOG_JSON, SKN_LEVEL_DEBUG);
    emit_failed(&f, "caf\xC3\xA9 \xFF \xC2\x9B \xE2\x80\xA8");
    assert_string_equal(skn_buf_str(&f.capture.text),
                        "{\"time\":\"2026-11-21T11:02:11.123Z\",\"level\":\"error\","
                        "\"signal\":\"node_failed\",\"code\":\"SYNC_FAILED\","
                        "\"reason\":\"caf\xC3\xA9 \xEF\xBF\xBD \\u009b \\u2028\","
                        "\"exit\":-70}\n");
    teardown(&f);
}

static void signals_below_the_level_make_no_line_but_are_counted(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, SKN_LOG_TEXT, SKN_LEVEL_WARNING);
    skn_signal_run_started(&f.observe, 0, &(struct skn_signal_run_started){0});
    assert_int_equal(f.capture.lines, 0);
    emit_failed(&f, "x");
    assert_int_equal(f.capture.lines, 1);
    assert_int_equal(skn_observe_read(&f.observe, SKN_METRIC_SIGNALS, SKN_LABEL_LEVEL_INFO), 1);
    assert_int_equal(skn_observe_read(&f.observe, SKN_METRIC_SIGNALS, SKN_LABEL_LEVEL_ERROR), 1);
    teardown(&f);
}

/* Reads a JSON string that log.c wrote; only the escapes that it uses. Returns what is behind. */
static const char *read_string(const char *at, struct skn_buf *out)
{
    skn_buf_reset(out);
    assert_int_equal(*at++, '"');
    for (; *at != '"'; at++) {
        assert_true((uint8_t)*at >= 0x20);
        if (*at != '\\') {
            skn_buf_put_u8(out, (uint8_t)*at);
            continue;
        }
        at++;
        if (*at == 'n' || *at == 't' || *at == 'r') {
            skn_buf_put_u8(out, *at == 'n' ? '\n' : *at == 't' ? '\t' : '\r');
        } else if (*at == 'u') {
            unsigned point;
            assert_int_equal(sscanf(at + 1, "%4x", &point), 1);
            if (point >= 0x800) {
                skn_buf_put_u8(out, (uint8_t)(0xE0 | point >> 12));
                skn_buf_put_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3F)));
                skn_buf_put_u8(out, (uint8_t)(0x80 | (point & 0x3F)));
            } else if (point >= 0x80) {
                skn_buf_put_u8(out, (uint8_t)(0xC0 | point >> 6));
                skn_buf_put_u8(out, (uint8_t)(0x80 | (point & 0x3F)));
            } else {
                skn_buf_put_u8(out, (uint8_t)point);
            }
            at += 4;
        } else {
            assert_true(*at == '"' || *at == '\\');
            skn_buf_put_u8(out, (uint8_t)*at);
        }
    }
    return at + 1;
}

/* Slow and obvious: what a reader should get of `text`. */
static void expected_of(struct skn_slice text, struct skn_buf *out)
{
    skn_buf_reset(out);
    size_t at = 0;
    while (at < text.len) {
        size_t len = skn_utf8_len(skn_slice_from(text, at));
        size_t step = len > 0 ? len : 1;
        if (at + step > SKN_LOG_TEXT_MAX) {
            skn_buf_put_str(out, "...");
            return;
        }
        skn_buf_put(out, len > 0 ? skn_slice(text.ptr + at, len) : SKN_LIT("\xEF\xBF\xBD"));
        at += step;
    }
}

static struct skn_slice random_text(struct skn_rng *rng, uint8_t *bytes, size_t size)
{
    static const char *const pieces[] = {"a",
                                         " ",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\r",
                                         "=",
                                         "\x7f",
                                         "\x01",
                                         "\xC2\x85",
                                         "\xE2\x80\xA9",
                                         "\xF0\x9F\x90\x8C",
                                         "\xFF",
                                         "\xE2\x80",
                                         "}",
                                         ","};
    size_t want = skn_rng_chance(rng, 1, 50) ? size - 4 : skn_rng_below(rng, 20);
    size_t len = 0;
    while (len < want) {
        const char *piece = pieces[skn_rng_below(rng, SKN_ARRAY_LEN(pieces))];
        memcpy(bytes + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return skn_slice(bytes, len);
}

/* One newline, at the end; nothing else that a terminal or a line reader would act on. */
static void check_line(struct skn_slice line)
{
    assert_true(skn_utf8_is_text(line));
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.ptr[i];
        if (i + 1 == line.len) assert_int_equal(c, '\n');
        if (i + 1 < line.len) assert_true(c >= 0x20 && c != 0x7F);
        if (c == 0xC2) assert_true(line.ptr[i + 1] >= 0xA0);
        if (c == 0xE2 && line.ptr[i + 1] == 0x80) assert_true((line.ptr[i + 2] & 0xFE) != 0xA8);
    }
}

static void any_text_is_read_back_from_one_line(void **state)
{
    (void)state;
    struct fixture f;
    struct skn_buf got;
    struct skn_buf expected;
    struct skn_rng rng;
    setup(&f, SKN_LOG_JSON, SKN_LEVEL_DEBUG);
    skn_buf_init(&got, 1 << 16);
    skn_buf_init(&expected, 1 << 16);
    skn_rng_init(&rng, seed);
    for (int step = 0; step < STEPS; step++) {
        uint8_t bytes[SKN_LOG_TEXT_MAX + 20];
        struct skn_slice text = random_text(&rng, bytes, sizeof bytes);
        f.log.format = step % 2 == 0 ? SKN_LOG_JSON : SKN_LOG_TEXT;
        skn_signal_context_waiting(
            &f.observe, moment_ms, &(struct skn_signal_context_waiting){.on = text});
        const char *line = skn_buf_str(&f.capture.text);
        check_line(skn_buf_slice(&f.capture.text));
        const char *at = strstr(line, step % 2 == 0 ? "\"on\":" : " on=");
        assert_non_null(at);
        at += step % 2 == 0 ? 5 : 4;
        if (*at == '"') {
            at = read_string(at, &got);
        } else {
            size_t len = strcspn(at, " \n");
            skn_buf_reset(&got);
            skn_buf_put(&got, skn_slice(at, len));
            at += len;
        }
        expected_of(text, &expected);
        assert_string_equal(at, step % 2 == 0 ? "}\n" : "\n");
        if (!skn_slice_eq(skn_buf_slice(&got), skn_buf_slice(&expected)))
            fail_msg("seed %" PRIu64 ", step %d: %s", seed, step, line);
    }
    skn_buf_fini(&got);
    skn_buf_fini(&expected);
    teardown(&f);
}

/* Every field as large as it can be shown: the line must hold it all. */
static void the_longest_line_of_every_signal_fits(void **state)
{
    (void)state;
    uint8_t ones[SKN_LOG_TEXT_MAX + 1];
    memset(ones, 1, sizeof ones);
    struct fixture f;
    setup(&f, SKN_LOG_JSON, SKN_LEVEL_DEBUG);
    for (int id = 0; id < SKN_SIGNAL_COUNT; id++) {
        const struct skn_signal_info *info = skn_signal_info((enum skn_signal_id)id);
        uint64_t fields[2 * SKN_SIGNAL_FIELDS_MAX] = {0};
        assert_in_range(info->field_count, 1, SKN_SIGNAL_FIELDS_MAX);
        for (size_t i = 0; i < info->field_count; i++) {
            struct skn_slice text = skn_slice(ones, sizeof ones);
            uint64_t n = UINT64_MAX;
            bool is_text = info->fields[i].type == SKN_FIELD_TEXT;
            uint8_t *to = (uint8_t *)fields + info->fields[i].offset;
            memcpy(to, is_text ? (void *)&text : (void *)&n, is_text ? sizeof text : sizeof n);
        }
        skn_observe_emit(&f.observe, (enum skn_signal_id)id, UINT64_MAX, fields);
        assert_int_equal(f.capture.lines, id + 1);
        assert_non_null(strstr(skn_buf_str(&f.capture.text), info->name));
    }
    teardown(&f);
}

static void the_date_agrees_with_the_c_library(void **state)
{
    (void)state;
    struct fixture f;
    struct skn_rng rng;
    setup(&f, SKN_LOG_TEXT, SKN_LEVEL_DEBUG);
    skn_rng_init(&rng, seed);
    for (int step = 0; step < 20000; step++) {
        uint64_t ms = skn_rng_below(&rng, UINT64_C(253402300800000));
        if (step % 4 == 0) ms = ms / 86400000 * 86400000 - (step % 8 == 0); /* ends of days */
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        char expected[64];
        assert_non_null(gmtime_r(&seconds, &tm));
        size_t len = strftime(expected, sizeof expected, "time=%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(expected + len, sizeof expected - len, ".%03uZ ", (unsigned)(ms % 1000));
        skn_signal_leftover_killed(&f.observe, ms, &(struct skn_signal_leftover_killed){.pid = 1});
        if (strncmp(skn_buf_str(&f.capture.text), expected, strlen(expected)) != 0)
            fail_msg("%s is not %s", skn_buf_str(&f.capture.text), expected);
    }
    teardown(&f);
}

struct counting_listener {
    struct skn_listener listener;
    unsigned order;
    unsigned *turn;
};

static void note_turn(struct skn_listener *listener, const struct skn_signal *signal)
{
    struct counting_listener *c = SKN_CONTAINER_OF(listener, struct counting_listener, listener);
    const struct skn_signal_run_started *fields = signal->fields;
    assert_int_equal(signal->info->id, SKN_SIGNAL_RUN_STARTED);
    assert_true(skn_slice_eq(fields->run, SKN_LIT("r1")));
    assert_int_equal(*c->turn, c->order);
    *c->turn += 1;
}

static void listeners_are_called_in_order_with_the_fields(void **state)
{
    (void)state;
    struct skn_observe observe;
    struct counting_listener c[3];
    unsigned turn = 0;
    skn_observe_init(&observe);
    for (unsigned i = 0; i < 3; i++) {
        c[i] = (struct counting_listener){.listener.fn = note_turn, .order = i, .turn = &turn};
        skn_list_init(&c[i].listener.link);
        skn_observe_listen(&observe, &c[i].listener);
    }
    skn_signal_run_started(
        &observe, moment_ms, &(struct skn_signal_run_started){.run = SKN_LIT("r1")});
    assert_int_equal(turn, 3);
    skn_observe_unlisten(&c[2].listener);
    skn_observe_unlisten(&c[2].listener);
    turn = 0;
    skn_signal_run_started(
        &observe, moment_ms, &(struct skn_signal_run_started){.run = SKN_LIT("r1")});
    assert_int_equal(turn, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_text_is_key_value),
        cmocka_unit_test(a_line_of_json_is_an_object),
        cmocka_unit_test(signals_below_the_level_make_no_line_but_are_counted),
        cmocka_unit_test(any_text_is_read_back_from_one_line),
        cmocka_unit_test(the_longest_line_of_every_signal_fits),
        cmocka_unit_test(the_date_agrees_with_the_c_library),
        cmocka_unit_test(listeners_are_called_in_order_with_the_fields),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
