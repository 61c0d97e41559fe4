/* test_kit.c - places in texts, diagnostics and their rendering, nearest names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"

#include "base/rng.h"
#include "lang/kit/diags.h"
#include "lang/kit/suggest.h"
#include "lang/kit/utf8.h"

#include <string.h>

struct fixture {
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_buf shown;
};

static void setup(struct fixture *f, const char *text)
{
    skn_arena_init(&f->arena);
    assert_int_equal(skn_source_init(&f->source, &f->arena, SKN_LIT("a.pty"), skn_slice_str(text)),
                     SKN_OK);
    skn_diags_init(&f->diags, &f->arena, &f->source);
    skn_buf_init(&f->shown, 1 << 20);
}

static void teardown(struct fixture *f)
{
    skn_diags_check(&f->diags);
    skn_arena_fini(&f->arena);
    skn_buf_fini(&f->shown);
}

static struct skn_span span(uint32_t start, uint32_t end)
{
    return (struct skn_span){start, end};
}

static void places_count_lines_and_characters(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, line, column;
    } cases[] = {
        {0, 1, 1}, {2, 1, 3}, {3, 2, 1}, {5, 2, 2}, {8, 2, 3}, {9, 2, 4}, {10, 3, 1}, {99, 3, 1}};
    struct fixture f;
    setup(&f, "ab\n\xC3\xA9\xE2\x82\xAC\xFF\n");
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_place place = skn_source_place(&f.source, cases[i].offset);
        assert_int_equal(place.line, cases[i].line);
        assert_int_equal(place.column, cases[i].column);
        if (cases[i].offset <= 10)
            assert_int_equal(skn_source_offset(&f.source, place), cases[i].offset);
    }
    assert_int_equal(skn_source_offset(&f.source, (struct skn_place){9, 9}), 10);
    assert_int_equal(skn_source_offset(&f.source, (struct skn_place){1, 9}), 2);
    teardown(&f);
}

/* Slow and obvious: from the start of the text, a character at a time. */
static struct skn_place counted(struct skn_slice text, uint32_t offset)
{
    struct skn_place place = {1, 1};
    for (uint32_t at = 0; at < offset;) {
        uint32_t len = skn_utf8_next(text, at).len;
        place.column++;
        if (text.ptr[at] == '\n') place = (struct skn_place){place.line + 1, 1};
        at += len;
    }
    return place;
}

static void a_walk_finds_the_same_places(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "a", "\n", "\xC3\xA9", "\xF0\x9F\x98\x80", "\r\n", "\t", "\xFF"};
    struct skn_rng rng;
    skn_rng_init(&rng, 7);
    for (int round = 0; round < 300; round++) {
        char text[256] = "";
        struct fixture f;
        for (int i = 0; i < 40; i++)
            strncat(text, parts[skn_rng_below(&rng, SKN_ARRAY_LEN(parts))], 5);
        setup(&f, text);
        struct skn_source_walk walk = skn_source_walk(&f.source);
        for (uint32_t at = 0; at <= f.source.text.len;) {
            struct skn_place expected = counted(f.source.text, at);
            struct skn_place walked = skn_source_walk_to(&walk, at);
            struct skn_place found = skn_source_place(&f.source, at);
            assert_memory_equal(&walked, &expected, sizeof(expected));
            assert_memory_equal(&found, &expected, sizeof(expected));
            if (at == f.source.text.len) break;
            at += skn_utf8_next(f.source.text, at).len;
        }
        teardown(&f);
    }
}

static void the_caret_stands_under_what_is_meant(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f,
          "one\n\t\xE6\x97\xA5"
          "bad\r\n");
    skn_diags_add(&f.diags,
                  SKN_CODE_UNKNOWN_EVENT,
                  span(8, 11),
                  SKN_DIAG_ARGS(SKN_LIT("bad"), SKN_LIT("bat")));
    skn_diags_add(&f.diags, SKN_CODE_LONE_EVENT, span(0, 3), SKN_DIAG_ARGS(SKN_LIT("one")));
    skn_diags_render(&f.diags, &f.shown);
    assert_string_equal(
        skn_buf_str(&f.shown),
        "a.pty:1:1: warning[SKN-P107]: the event \"one\" cannot be looked up, because "
        "this file is in no project\n"
        "    1 | one\n"
        "      | ^^^\n"
        "      = skein init makes a project; its events are declared in events/.\n"
        "a.pty:2:3: error[SKN-P106]: no event is called \"bad\"\n"
        "    2 | \t\xE6\x97\xA5"
        "bad\n"
        "      | \t  ^^^\n"
        "      = Did you mean \"bat\"?\n");
    teardown(&f);
}

static void a_long_line_is_cut_around_the_caret(void **state)
{
    (void)state;
    char text[1001];
    struct fixture f;
    memset(text, 'x', 1000);
    text[1000] = '\0';
    text[500] = '!';
    setup(&f, text);
    skn_diags_add(&f.diags, SKN_CODE_BAD_CHAR, span(500, 501), SKN_DIAG_ARGS(SKN_LIT("!")));
    skn_diags_render(&f.diags, &f.shown);
    const char *shown = skn_buf_str(&f.shown);
    assert_true(f.shown.len < 300);
    const char *line = strstr(shown, "| ..") + 2;
    const char *caret = strstr(line, "| ") + 2;
    assert_int_equal(strchr(line, '!') - line, strchr(caret, '^') - caret);
    teardown(&f);
}

static void the_json_has_every_member(void **state)
{
    (void)state;
    struct fixture f;
    struct skn_json_writer w;
    setup(&f, "a\xC3\xA9 \"");
    skn_diags_add(&f.diags, SKN_CODE_OPEN_STRING, span(4, 5), SKN_DIAG_ARGS({0}));
    skn_json_begin(&w, &f.shown, SKN_JSON_PLAIN);
    skn_diags_write_json(&f.diags, &w);
    assert_int_equal(skn_json_end(&w, NULL), SKN_OK);
    assert_string_equal(
        skn_buf_str(&f.shown),
        "[{\"file\":\"a.pty\",\"line\":1,\"column\":4,\"end_line\":1,\"end_column\":5,"
        "\"severity\":\"error\",\"code\":\"SKN-P003\",\"message\":\"this string has no "
        "end\",\"hint\":\"Close it with \\\".\"}]");
    teardown(&f);
}

static void an_error_is_not_dropped_for_a_warning(void **state)
{
    (void)state;
    char text[201];
    struct fixture f;
    memset(text, 'x', 200);
    text[200] = '\0';
    setup(&f, text);
    for (uint32_t i = 0; i < 60; i++)
        skn_diags_add(&f.diags, SKN_CODE_LONE_EVENT, span(i, i + 1), SKN_DIAG_ARGS(SKN_LIT("w")));
    for (uint32_t i = 0; i < 60; i++)
        skn_diags_add(&f.diags, SKN_CODE_NOT_YET, span(199 - i, 200), SKN_DIAG_ARGS(SKN_LIT("e")));
    skn_diags_add(&f.diags, SKN_CODE_LONE_EVENT, span(0, 1), SKN_DIAG_ARGS(SKN_LIT("again")));
    assert_int_equal(f.diags.count, 50);
    assert_int_equal(f.diags.errors, 60);
    assert_int_equal(f.diags.warnings, 61);
    assert_int_equal(skn_diags_rc(&f.diags), SKN_ENOTYET);
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(f.diags.entries[i].code, SKN_CODE_NOT_YET);
        assert_int_equal(f.diags.entries[i].span.start, 140 + i);
    }
    skn_diags_add(&f.diags, SKN_CODE_EMPTY_GROUP, span(0, 1), SKN_DIAG_ARGS({0}));
    assert_int_equal(skn_diags_rc(&f.diags), SKN_ESYNTAX);
    assert_int_equal(f.diags.entries[0].code, SKN_CODE_EMPTY_GROUP);
    teardown(&f);
}

static void the_same_is_said_once(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, "x");
    for (int i = 0; i < 3; i++)
        skn_diags_add(&f.diags, SKN_CODE_RESERVED, span(0, 1), SKN_DIAG_ARGS(SKN_LIT("x")));
    skn_diags_add(&f.diags, SKN_CODE_RESERVED, span(0, 1), SKN_DIAG_ARGS(SKN_LIT("y")));
    assert_int_equal(f.diags.count, 2);
    assert_int_equal(f.diags.errors, 2);
    teardown(&f);
}

static void what_is_shown_has_no_control_characters(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, "x\x1b[31m");
    skn_diags_add(
        &f.diags, SKN_CODE_RESERVED, span(1, 2), SKN_DIAG_ARGS(SKN_LIT("\x1b[31m\xff\n")));
    skn_diags_render(&f.diags, &f.shown);
    assert_null(strchr(skn_buf_str(&f.shown), 0x1b));
    assert_non_null(strstr(skn_buf_str(&f.shown), "\\u001B[31m\\xFF\\u000A is a reserved"));
    teardown(&f);
}

static void the_nearest_name_is_suggested(void **state)
{
    (void)state;
    static const char *const names[] = {"Fetch", "Store", "Validate", "Go"};
    static const struct {
        const char *wanted;
        const char *best;
    } cases[] = {{"Fetsh", "Fetch"},
                 {"fetch", "Fetch"},
                 {"Stroe", "Store"},
                 {"Validat", "Validate"},
                 {"Vaildaet", "Validate"},
                 {"Fe", ""},
                 {"G", "Go"},
                 {"Charge", ""},
                 {"", ""}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_slice best =
            skn_suggest_among(skn_slice_str(cases[i].wanted), names, SKN_ARRAY_LEN(names));
        if (!skn_slice_eq(best, skn_slice_str(cases[i].best)))
            fail_msg("%s gives \"%.*s\"", cases[i].wanted, SKN_FMT(best));
    }
}

static void characters_survive_being_written_and_read(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10FFFF; point += point < 0x3000 ? 1 : 37) {
        if (point >= 0xD800 && point <= 0xDFFF) continue;
        uint8_t bytes[4];
        uint32_t len = skn_utf8_put(bytes, point);
        struct skn_utf8 read = skn_utf8_next(skn_slice(bytes, len), 0);
        assert_int_equal(read.point, point);
        assert_int_equal(read.len, len);
    }
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++) {
        const struct skn_code_info *info = skn_code_info((enum skn_code)i);
        assert_int_equal(strlen(info->name), strlen("SKN-P000"));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(info->name, skn_code_info((enum skn_code)j)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_count_lines_and_characters),
        cmocka_unit_test(a_walk_finds_the_same_places),
        cmocka_unit_test(the_caret_stands_under_what_is_meant),
        cmocka_unit_test(a_long_line_is_cut_around_the_caret),
        cmocka_unit_test(the_json_has_every_member),
        cmocka_unit_test(an_error_is_not_dropped_for_a_warning),
        cmocka_unit_test(the_same_is_said_once),
        cmocka_unit_test(what_is_shown_has_no_control_characters),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(characters_survive_being_written_and_read),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("lang kit", tests, NULL, NULL);
}
