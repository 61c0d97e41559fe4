/* test_tree.c - golden text of views: trees, changes, tables; widths, heights and hostile text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "cli/view_internal.h"
#include "lang/kit/utf8.h"
#include "lib/test.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 22 };

/* A view from JSON; its bytes live until the next call but seven. */
static struct skn_value view_of(const char *json)
{
    static struct skn_buf bufs[8];
    static size_t next;
    struct skn_buf *buf = &bufs[next++ % 8];
    skn_buf_fini(buf);
    skn_buf_init(buf, TEXT_MAX);
    struct skn_diag diag;
    if (skn_json_parse(skn_slice_str(json), NULL, buf, &diag) != SKN_OK) fail_msg("%s", diag.text);
    return skn_value_view(skn_buf_slice(buf));
}

#define T0 "\"2026-11-21T12:00:00.000Z\""
#define T1 "\"2026-11-21T12:00:01.250Z\""
#define ATTEMPT(n, status, reason)                                                      \
    "{\"number\":" #n ",\"key\":\"k\",\"epoch\":1,\"started\":" T0 ",\"ended\":" T1     \
    ",\"status\":\"" status "\",\"reason\":" reason ",\"log\":\".skein/logs/r1/2.2." #n \
    ".0.log\"}"

static const char running[] =
    "{\"run\":\"r1\",\"name\":null,\"flow\":\"words.pty\",\"status\":\"running\",\"outcome\":null,"
    "\"result\":null,\"error\":null,\"started\":" T0 ",\"ended\":null,\"labels\":{},\"epoch\":1,"
    "\"contexts\":[{\"path\":\"1\",\"kind\":\"event\",\"event\":\"Collect\",\"status\":"
    "\"succeeded\","
    "\"result\":{\"n\":3},\"error\":null,\"started\":" T0 ",\"ended\":" T1
    ",\"attempts\":[" ATTEMPT(
        1,
        "succeeded",
        "null") "]},"
                "{\"path\":\"2\",\"kind\":\"parallel\",\"event\":null,\"status\":\"running\","
                "\"started\":" T1 ",\"ended\":null,\"error\":null,\"result\":null,\"attempts\":[]},"
                "{\"path\":\"2.1\",\"kind\":\"event\",\"event\":\"Words\",\"status\":\"running\","
                "\"started\":" T1 ",\"ended\":null,\"error\":null,\"result\":null,\"attempts\":[]},"
                "{\"path\":\"2.2\",\"kind\":\"event\",\"event\":\"Lines\",\"status\":\"failed\","
                "\"started\":" T0 ",\"ended\":" T1
                ",\"result\":null,\"error\":{\"code\":\"EXECUTION_FAILED\","
                "\"message\":\"exit code 3\",\"path\":\"2.2\"},\"attempts\":[" ATTEMPT(
                    1, "failed", "\"exit code 2\"") "," ATTEMPT(2,
                                                                "failed",
                                                                "\"exit code 3\"") "]}]}";

/* 12:00:05 */
static const struct skn_style plain = {.now_ms = INT64_C(1795262405000)};

static void assert_tree(const char *json, const struct skn_style *style, const char *expected)
{
    struct skn_buf out;
    skn_buf_init(&out, TEXT_MAX);
    skn_view_tree(view_of(json), style, &out);
    assert_string_equal(skn_buf_str(&out), expected);
    skn_buf_fini(&out);
}

static void a_tree_has_a_line_per_context(void **state)
{
    (void)state;
    assert_tree(
        running,
        &plain,
        "r1 words.pty  running  5.00 s\n"
        "  1    Collect   succeeded    1.25 s\n"
        "  2    parallel  running      3.75 s\n"
        "  2.1    Words   running      3.75 s\n"
        "  2.2    Lines   failed       1.25 s  2 attempts  EXECUTION_FAILED: exit code 3\n");
}

static void details_are_results_and_attempts(void **state)
{
    (void)state;
    struct skn_style style = plain;
    style.detail = true;
    assert_tree(running,
                &style,
                "r1 words.pty  running  5.00 s\n"
                "  1    Collect   succeeded    1.25 s  = {\"n\":3}\n"
                "  2    parallel  running      3.75 s\n"
                "  2.1    Words   running      3.75 s\n"
                "  2.2    Lines   failed       1.25 s  2 attempts  EXECUTION_FAILED: exit code 3\n"
                "         attempt 1  failed  1.25 s  exit code 2\n"
                "         attempt 2  failed  1.25 s  exit code 3\n");
}

static void colors_take_no_columns(void **state)
{
    (void)state;
    struct skn_style style = plain;
    style.color = true;
    style.width = 30;
    assert_tree(running,
                &style,
                "r1 words.pty  \033[36mrunning\033[0m  5.00 s\n"
                "  1    Collect   \033[32msucceeded\033[0m   \xe2\x80\xa6\033[0m\n"
                "  2    parallel  \033[36mrunning\033[0m     \xe2\x80\xa6\033[0m\n"
                "  2.1    Words   \033[36mrunning\033[0m     \xe2\x80\xa6\033[0m\n"
                "  2.2    Lines   \033[31mfailed\033[0m      \xe2\x80\xa6\033[0m\n");
}

static void when_there_is_no_room_what_runs_or_failed_stays(void **state)
{
    (void)state;
    struct skn_style style = plain;
    style.height = 4;
    assert_tree(running,
                &style,
                "r1 words.pty  running  5.00 s\n"
                "  2.1    Words   running      3.75 s\n"
                "  2.2    Lines   failed       1.25 s  2 attempts  EXECUTION_FAILED: exit code 3\n"
                "  (2 more)\n");
}

static void text_from_outside_cannot_move_the_cursor(void **state)
{
    (void)state;
    assert_tree("{\"run\":\"r1\",\"flow\":\"a\\u001b[2Jb\",\"status\":\"run\\u0007\","
                "\"error\":{\"code\":\"X\",\"message\":\"one\\ntwo\\u009b3m\\u202e\"},"
                "\"contexts\":[{\"path\":\"1\",\"event\":\"\\u001b]0;x\",\"error\":\"a\\tb\"}]}",
                &plain,
                "r1 a\xef\xbf\xbd[2Jb  run\xef\xbf\xbd  X: one two\xef\xbf\xbd"
                "3m\xef\xbf\xbd\n"
                "  1  \xef\xbf\xbd]0;x               a b\n");
}

static void wide_characters_take_two_columns(void **state)
{
    (void)state;
    struct skn_style style = {.width = 9};
    assert_tree("{\"run\":\"\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\"}",
                &style,
                "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\n");
    style.width = 7;
    assert_tree("{\"run\":\"\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\"}",
                &style,
                "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe2\x80\xa6\n");
}

static void anything_is_a_view(void **state)
{
    (void)state;
    assert_tree("{}", &plain, "\n");
    assert_tree("null", &plain, "\n");
    assert_tree("[1]", &plain, "\n");
    assert_tree(
        "{\"contexts\":[1,null,{\"attempts\":5,\"path\":[]}],\"run\":7}", &plain, "\n\n\n\n");
}

static void assert_changes(struct skn_value a, const char *b, const char *expected)
{
    struct skn_buf out;
    skn_buf_init(&out, TEXT_MAX);
    skn_view_changes(a, view_of(b), &out);
    assert_string_equal(skn_buf_str(&out), expected);
    skn_buf_fini(&out);
}

static void only_what_changed_is_said(void **state)
{
    (void)state;
    assert_changes(skn_value_none(),
                   running,
                   "r1 words.pty: running\n"
                   "1 Collect: succeeded in 1.25 s\n"
                   "2 parallel: running\n"
                   "2.1 Words: running\n"
                   "2.2 Lines: failed in 1.25 s, attempt 2: EXECUTION_FAILED: exit code 3\n");
    assert_changes(view_of(running), running, "");
    char *later = strdup(running);
    assert_non_null(later);
    memcpy(strstr(later,
                  "\"status\":\"running\",\"started\":" T1 ",\"ended\":null,\"error\":null,"
                  "\"result\":null,\"attempts\":[]},{\"path\":\"2.2\"") +
               10,
           "waiting",
           7);
    assert_changes(view_of(running), later, "2.1 Words: waiting\n");
    free(later);
    assert_changes(view_of(running),
                   "{\"run\":\"r1\",\"flow\":\"words.pty\",\"status\":\"succeeded\",\"started\":" T0
                   ",\"ended\":" T1 "}",
                   "r1 words.pty: succeeded in 1.25 s\n");
}

static void durations_are_short(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{-5, "0 ms"},
                {0, "0 ms"},
                {999, "999 ms"},
                {1000, "1.00 s"},
                {59999, "59.99 s"},
                {60000, "1 min 00 s"},
                {3599999, "59 min 59 s"},
                {3600000, "1 h 00 min"},
                {360000000, "100 h 00 min"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct skn_buf out;
        skn_buf_init(&out, 100);
        skn_view_duration(&out, rows[i].ms);
        assert_string_equal(skn_buf_str(&out), rows[i].text);
        skn_buf_fini(&out);
    }
}

static void times_are_read_exactly(void **state)
{
    (void)state;
    int64_t ms;
    assert_true(skn_view_time(SKN_LIT("1970-01-01T00:00:00.000Z"), &ms));
    assert_int_equal(ms, 0);
    assert_true(skn_view_time(SKN_LIT("2000-02-29T23:59:59.999Z"), &ms));
    assert_int_equal(ms, INT64_C(951868799999));
    assert_true(skn_view_time(SKN_LIT("2026-11-21T12:00:00.000Z"), &ms));
    assert_int_equal(ms, INT64_C(1795262400000));
    assert_true(skn_view_time(SKN_LIT("1969-12-31T23:59:59.000Z"), &ms));
    assert_int_equal(ms, -1000);
    assert_true(skn_view_time(SKN_LIT("2026-11-21T12:00:00Z"), &ms));
    assert_int_equal(ms, INT64_C(1795262400000));
    assert_true(skn_view_time(SKN_LIT("2026-11-21T12:00:00.123999Z"), &ms));
    assert_int_equal(ms, INT64_C(1795262400123));
    assert_true(skn_view_time(SKN_LIT("2026-11-21T12:00:00.123456789Z"), &ms));
    assert_false(skn_view_time(SKN_LIT("2026-11-21T12:00:00"), &ms));
    assert_false(skn_view_time(SKN_LIT("2026-11-21T12:00:00.Z"), &ms));
    assert_false(skn_view_time(SKN_LIT("2026-11-21T12:00:00.12Z"), &ms));
    assert_false(skn_view_time(SKN_LIT("2026-11-21T12:00:00.12xZ"), &ms));
    assert_false(skn_view_time(SKN_LIT("2026-11-21 12:00:00.000Z"), &ms));
    assert_false(skn_view_time(SKN_LIT("2026-13-21T12:00:00.000Z"), &ms));
    assert_false(skn_view_time(SKN_LIT(""), &ms));
}

static void a_result_is_text_or_json(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"result\":\"hi\"}", "hi\n"},
        {"{\"result\":\"hi\\n\"}", "hi\n"},
        {"{\"result\":\"\"}", "\n"},
        {"{\"result\":null}", ""},
        {"{}", ""},
        {"{\"result\":{\"a\":[1]}}", "{\n  \"a\": [\n    1\n  ]\n}\n"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct skn_buf out;
        skn_buf_init(&out, 1000);
        skn_view_result(view_of(rows[i][0]), &out);
        assert_string_equal(skn_buf_str(&out), rows[i][1]);
        skn_buf_fini(&out);
    }
}

static void a_table_has_a_heading_and_the_newest_run_first(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_buf out;
    size_t count;
    skn_arena_init(&arena);
    skn_buf_init(&out, 10000);
    const struct skn_value *views = skn_view_newest_first(
        &arena,
        view_of("[{\"run\":\"r1\",\"started\":\"2026-11-21T11:59:59.999Z\"},{\"run\":\"r3\"},"
                "{\"run\":\"r2\",\"name\":\"n\",\"flow\":\"a.pty\",\"status\":\"running\","
                "\"started\":\"2026-11-21T12:00:00Z\",\"ended\":null}]"),
        &count);
    skn_view_table(views, count, &plain, &out);
    assert_string_equal(skn_buf_str(&out),
                        "RUN  NAME  FLOW   STATUS   TIME\n"
                        "r2   n     a.pty  running  5.00 s\n"
                        "r1                         5.00 s\n"
                        "r3\n");
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

/* Random contexts of random text: no line is too wide, there are never too many, and nothing that
 * could steer a terminal is in them. */
static void no_view_breaks_the_terminal(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, 11);
    for (int round = 0; round < 400; round++) {
        struct skn_buf json, out;
        skn_buf_init(&json, TEXT_MAX);
        skn_buf_init(&out, TEXT_MAX);
        skn_buf_put_str(&json, "{\"run\":\"r\",\"contexts\":[");
        uint64_t count = skn_rng_below(&rng, 40);
        for (uint64_t i = 0; i < count; i++) {
            skn_buf_printf(
                &json, "%s{\"path\":\"%s1\",\"event\":\"", i ? "," : "", i % 3 ? "1." : "");
            for (uint64_t n = skn_rng_below(&rng, 60); n > 0; n--)
                skn_buf_printf(&json, "\\u%04x", (unsigned)skn_rng_below(&rng, 0xd800));
            skn_buf_printf(&json, "\",\"status\":\"%s\"}", i % 4 ? "succeeded" : "running");
        }
        skn_buf_put_str(&json, "]}");
        struct skn_style style = {.width = (uint32_t)skn_rng_range(&rng, 1, 100),
                                  .height = (uint32_t)skn_rng_range(&rng, 1, 50)};
        skn_view_tree(view_of(skn_buf_str(&json)), &style, &out);
        struct skn_slice text = skn_buf_slice(&out);
        uint32_t width = 0, lines = 0;
        for (size_t at = 0; at < text.len;) {
            struct skn_utf8 c = skn_utf8_next(text, at);
            if (c.point == '\n') {
                lines++;
                width = 0;
            } else {
                assert_false(c.point < 0x20 || (c.point >= 0x7f && c.point < 0xa0));
                width += skn_utf8_width(c.point);
            }
            if (width > style.width) fail_msg("round %d: width %u", round, width);
            at += c.len;
        }
        if (lines > style.height) fail_msg("round %d: %u lines", round, lines);
        skn_buf_fini(&json);
        skn_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_has_a_line_per_context),
        cmocka_unit_test(details_are_results_and_attempts),
        cmocka_unit_test(colors_take_no_columns),
        cmocka_unit_test(when_there_is_no_room_what_runs_or_failed_stays),
        cmocka_unit_test(text_from_outside_cannot_move_the_cursor),
        cmocka_unit_test(wide_characters_take_two_columns),
        cmocka_unit_test(anything_is_a_view),
        cmocka_unit_test(only_what_changed_is_said),
        cmocka_unit_test(durations_are_short),
        cmocka_unit_test(times_are_read_exactly),
        cmocka_unit_test(a_result_is_text_or_json),
        cmocka_unit_test(a_table_has_a_heading_and_the_newest_run_first),
        cmocka_unit_test(no_view_breaks_the_terminal),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
