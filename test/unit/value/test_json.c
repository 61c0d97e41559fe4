/* test_json.c - reading JSON: the conformance suite, limits, messages with their places. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lib/test.h"
#include "value/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 1 << 24 };

/* Where RFC 8259 leaves it open: what is accepted. Everything else of the i_ files is refused. */
static const char *const accepted_freely[] = {
    "i_number_double_huge_neg_exp.json", /* rounds to 0.0 */
    "i_number_real_underflow.json",
};

static void read_file(const char *path, struct skn_buf *out)
{
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot open %s", path);
    skn_buf_reset(out);
    for (size_t n = 1; n > 0;) {
        uint8_t *p = skn_buf_reserve(out, 65536);
        assert_non_null(p);
        n = fread(p, 1, 65536, f);
        skn_buf_commit(out, n);
    }
    (void)fclose(f);
}

static bool is_accepted_freely(const char *name)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(accepted_freely); i++)
        if (strcmp(name, accepted_freely[i]) == 0) return true;
    return false;
}

/* Every mode gives the same value back; canonical text is the same for the same value. */
static void assert_prints_and_reads_back(struct skn_slice bytes, const char *name)
{
    struct skn_buf text, again;
    skn_buf_init(&text, OUT_MAX);
    skn_buf_init(&again, OUT_MAX);
    struct skn_value v = skn_value_view(bytes);
    for (int mode = SKN_JSON_PLAIN; mode <= SKN_JSON_CANONICAL; mode++) {
        skn_buf_reset(&text);
        skn_buf_reset(&again);
        assert_int_equal(skn_json_print(v, (enum skn_json_mode)mode, &text, NULL), SKN_OK);
        assert_int_equal(skn_json_parse(skn_buf_slice(&text), NULL, &again, NULL), SKN_OK);
        if (!skn_slice_eq(bytes, skn_buf_slice(&again))) fail_msg("%s: reads back as other", name);
    }
    skn_buf_fini(&again);
    skn_buf_fini(&text);
}

static void the_conformance_suite_is_read_as_it_demands(void **state)
{
    (void)state;
    struct skn_buf text, out;
    skn_buf_init(&text, OUT_MAX);
    skn_buf_init(&out, OUT_MAX);
    const struct skn_json_options options = {.last_wins = true};
    int seen = 0;
    DIR *dir = opendir(SKN_TEST_DATA "/json");
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        const char *name = e->d_name;
        if (!strstr(name, ".json")) continue;
        char path[1000];
        (void)snprintf(path, sizeof path, "%s/json/%s", SKN_TEST_DATA, name);
        read_file(path, &text);
        skn_buf_reset(&out);
        struct skn_diag diag = {0};
        enum skn_rc rc = skn_json_parse(skn_buf_slice(&text), &options, &out, &diag);
        bool expected = name[0] == 'y' || is_accepted_freely(name);
        if (expected != (rc == SKN_OK)) fail_msg("%s: %s", name, diag.text);
        if (rc != SKN_OK && strncmp(diag.text, "JSON ", 5) != 0) fail_msg("%s: no place", name);
        if (rc == SKN_OK) {
            assert_int_equal(skn_value_check(skn_buf_slice(&out), NULL), SKN_OK);
            assert_prints_and_reads_back(skn_buf_slice(&out), name);
        }
        seen++;
    }
    (void)closedir(dir);
    assert_int_equal(seen, 318);
    skn_buf_fini(&out);
    skn_buf_fini(&text);
}

struct failure {
    struct skn_slice text;
    enum skn_rc rc;
    const char *message;
};

static void malformed_text_is_refused_with_line_column_and_reason(void **state)
{
    (void)state;
    const struct failure cases[] = {
        {SKN_LIT(""), SKN_ESYNTAX, "JSON 1:1: expected a value, not the end"},
        {SKN_LIT("{\n  \"a\": 1,\n  }"),
         SKN_ESYNTAX,
         "JSON 3:3: expected a key in quotes, not \"}\""},
        {SKN_LIT("[1,\n2 3]"), SKN_ESYNTAX, "JSON 2:3: expected \",\" or \"]\", not \"3\""},
        {SKN_LIT("{\"a\" 1}"), SKN_ESYNTAX, "JSON 1:6: expected \":\" behind the key, not \"1\""},
        {SKN_LIT("[1}"), SKN_ESYNTAX, "JSON 1:3: expected \",\" or \"]\", not \"}\""},
        {SKN_LIT("[1,]"), SKN_ESYNTAX, "JSON 1:4: expected a value, not \"]\""},
        {SKN_LIT("true x"), SKN_ESYNTAX, "JSON 1:6: expected nothing behind the value, not \"x\""},
        {SKN_LIT("[\"\xc3\xa4\", x]"), SKN_ESYNTAX, "JSON 1:7: expected a value, not \"x\""},
        {SKN_LIT("\xef\xbb\xbf{}"), SKN_ESYNTAX, "JSON 1:1: JSON has no byte order mark"},
        {SKN_LIT("[\x00]"), SKN_ESYNTAX, "JSON 1:2: expected a value, not the byte 0x00"},
        {SKN_LIT(" \"abc"), SKN_ESYNTAX, "JSON 1:2: this string has no end"},
        {SKN_LIT(" \"abc\\"), SKN_ESYNTAX, "JSON 1:2: this string has no end"},
        {SKN_LIT("\"a\tb\""), SKN_ESYNTAX, "JSON 1:3: the control character 0x09 needs an escape"},
        {SKN_LIT("\"a\\x\""), SKN_ESYNTAX, "JSON 1:3: this escape is unknown"},
        {SKN_LIT("\"\\u12g4\""), SKN_ESYNTAX, "JSON 1:2: \\u needs four hexadecimal digits"},
        {SKN_LIT("\"\\uD800\\u0041\""),
         SKN_ESYNTAX,
         "JSON 1:2: \\ud800 is half of a surrogate pair"},
        {SKN_LIT("{\"x\":{\"k\":1},\"k\":1,\"k\":2}"),
         SKN_ESYNTAX,
         "JSON 1:20: the key \"k\" stands twice in this object"},
        {SKN_LIT("\"\\uD800\\uDBFF\""),
         SKN_ESYNTAX,
         "JSON 1:2: \\ud800 is half of a surrogate pair"},
        {SKN_LIT("\"\\uDC00\""), SKN_ESYNTAX, "JSON 1:2: \\udc00 is half of a surrogate pair"},
        {SKN_LIT("\"\xc0\x80\""), SKN_ESYNTAX, "JSON 1:2: the byte 0xc0 is not UTF-8"},
        {SKN_LIT("\"\xed\xa0\x80\""), SKN_ESYNTAX, "JSON 1:2: the byte 0xed is not UTF-8"},
        {SKN_LIT("01"), SKN_ESYNTAX, "JSON 1:1: a number begins with a zero too many"},
        {SKN_LIT("-"), SKN_ESYNTAX, "JSON 1:1: a minus stands without a number"},
        {SKN_LIT("1."), SKN_ESYNTAX, "JSON 1:1: a number lacks digits"},
        {SKN_LIT("1e400"), SKN_ETOOLARGE, "JSON 1:1: this number is over the largest real"},
        {SKN_LIT("[9223372036854775808]"), SKN_ETOOLARGE, "JSON 1:2: this integer is outside "},
        {SKN_LIT("-9223372036854775809"), SKN_ETOOLARGE, "JSON 1:1: this integer is outside "},
        {SKN_LIT("{\"b\":{\"a\":1},\n \"a\":1, \"c\\u0041\":[{\"a\":2}],\n \"cA\":3}"),
         SKN_ESYNTAX,
         "JSON 3:2: the key \"cA\" stands twice in this object"},
        {SKN_LIT("[{\"x\":{\"b\":1,\"\":0,\"\":2}}]"),
         SKN_ESYNTAX,
         "JSON 1:19: the key \"\" stands twice in this object"},
    };
    struct skn_buf out;
    skn_buf_init(&out, OUT_MAX);
    skn_buf_put_str(&out, "kept");
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_diag diag = {0};
        enum skn_rc rc = skn_json_parse(cases[i].text, NULL, &out, &diag);
        if (rc != cases[i].rc ||
            strncmp(diag.text, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("case %zu: %d \"%s\", not \"%s\"", i, rc, diag.text, cases[i].message);
        assert_string_equal(skn_buf_str(&out), "kept");
    }
    skn_buf_fini(&out);
}

/* Reads and gives the plain text of what was read. */
static const char *again(const char *text, const struct skn_json_options *options)
{
    static char result[2000];
    struct skn_buf out, printed;
    struct skn_diag diag = {0};
    skn_buf_init(&out, OUT_MAX);
    skn_buf_init(&printed, sizeof result - 1);
    if (skn_json_parse(skn_slice_str(text), options, &out, &diag) != SKN_OK)
        fail_msg("%s", diag.text);
    struct skn_value v = skn_value_view(skn_buf_slice(&out));
    assert_int_equal(skn_json_print(v, SKN_JSON_PLAIN, &printed, &diag), SKN_OK);
    memcpy(result, skn_buf_str(&printed), printed.len + 1);
    skn_buf_fini(&printed);
    skn_buf_fini(&out);
    return result;
}

static void numbers_keep_what_they_are(void **state)
{
    (void)state;
    assert_string_equal(again("[9223372036854775807,-9223372036854775808,0,-0]", NULL),
                        "[9223372036854775807,-9223372036854775808,0,0]");
    assert_string_equal(again("[1.0,1e2,-0.0,0.1,1E+2,10000000000000000000.0]", NULL),
                        "[1.0,100.0,0.0,0.1,100.0,10000000000000000000.0]");
    const struct skn_json_options rounded = {.big_ints_as_reals = true};
    assert_string_equal(again("[9223372036854775807,9223372036854775808,-1e5]", &rounded),
                        "[9223372036854775807,9223372036854776000.0,-100000.0]");
}

static void strings_are_unescaped_and_escaped_as_needed(void **state)
{
    (void)state;
    assert_string_equal(
        again("\"\\u0041\\n\\/\\\"\\\\\\u00e4\\u20ac\\uD834\\uDD1E\\u0000\\u001f\"", NULL),
        "\"A\\n/\\\"\\\\\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e\\u0000\\u001f\"");
    assert_string_equal(again(" { \"b\\t\" : [ ] , \"a\" : { } } ", NULL),
                        "{\"a\":{},\"b\\t\":[]}");
}

static void the_last_of_equal_keys_wins_only_when_asked(void **state)
{
    (void)state;
    const struct skn_json_options lenient = {.last_wins = true};
    assert_string_equal(again("{\"a\":1,\"b\":2,\"a\":3}", &lenient), "{\"a\":3,\"b\":2}");
    assert_string_equal(again("{\"a\":1,\"a\":2,\"a\":{\"c\":1,\"c\":2}}", &lenient),
                        "{\"a\":{\"c\":2}}");
}

static enum skn_rc parse_nested(uint32_t depth, const struct skn_json_options *options, size_t max)
{
    struct skn_buf text, out;
    skn_buf_init(&text, OUT_MAX);
    skn_buf_init(&out, max);
    for (uint32_t i = 0; i < depth; i++)
        skn_buf_put_str(&text, i % 2 == 0 ? "[" : "{\"k\":");
    skn_buf_put_str(&text, "0");
    for (uint32_t i = depth; i > 0; i--)
        skn_buf_put_str(&text, i % 2 == 1 ? "]" : "}");
    enum skn_rc rc = skn_json_parse(skn_buf_slice(&text), options, &out, NULL);
    if (rc == SKN_OK) assert_int_equal(skn_value_check(skn_buf_slice(&out), NULL), SKN_OK);
    skn_buf_fini(&out);
    skn_buf_fini(&text);
    return rc;
}

static void depth_text_and_value_have_limits(void **state)
{
    (void)state;
    struct skn_json_options options = {0};
    assert_int_equal(parse_nested(256, NULL, OUT_MAX), SKN_OK);
    assert_int_equal(parse_nested(257, NULL, OUT_MAX), SKN_ETOOLARGE);
    assert_int_equal(parse_nested(100000, NULL, OUT_MAX), SKN_ETOOLARGE);
    options.depth_max = 3;
    assert_int_equal(parse_nested(3, &options, OUT_MAX), SKN_OK);
    assert_int_equal(parse_nested(4, &options, OUT_MAX), SKN_ETOOLARGE);
    options = (struct skn_json_options){.text_max = 9};
    assert_int_equal(parse_nested(2, &options, OUT_MAX), SKN_OK);
    assert_int_equal(parse_nested(3, &options, OUT_MAX), SKN_ETOOLARGE);
    assert_int_equal(parse_nested(20, NULL, 200), SKN_EFULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_conformance_suite_is_read_as_it_demands),
        cmocka_unit_test(malformed_text_is_refused_with_line_column_and_reason),
        cmocka_unit_test(numbers_keep_what_they_are),
        cmocka_unit_test(strings_are_unescaped_and_escaped_as_needed),
        cmocka_unit_test(the_last_of_equal_keys_wins_only_when_asked),
        cmocka_unit_test(depth_text_and_value_have_limits),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
