/* test_json_print.c - writing JSON: values of every kind, modes, the writer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "lib/tree.h"
#include "value/json.h"

#include <time.h>

enum { OUT_MAX = 1 << 20 };

struct fixture {
    struct skn_buf buf;
    struct skn_buf text;
    struct skn_builder b;
    struct skn_json_writer w;
    struct skn_diag diag;
};

static void setup(struct fixture *f)
{
    skn_buf_init(&f->buf, OUT_MAX);
    skn_buf_init(&f->text, OUT_MAX);
    skn_builder_init(&f->b, &f->buf);
    skn_json_begin(&f->w, &f->text, SKN_JSON_PLAIN);
}

static void teardown(struct fixture *f)
{
    skn_buf_fini(&f->buf);
    skn_buf_fini(&f->text);
}

static const char *print(struct fixture *f, struct skn_value v, enum skn_json_mode mode)
{
    skn_buf_reset(&f->text);
    f->diag.text[0] = '\0';
    enum skn_rc rc = skn_json_print(v, mode, &f->text, &f->diag);
    assert_int_equal(rc == SKN_OK, f->text.len > 0);
    return rc == SKN_OK ? skn_buf_str(&f->text) : f->diag.text;
}

static void each_kind_of_value_has_its_text(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    const struct {
        struct skn_value v;
        const char *text;
    } cases[] = {
        {skn_value_none(), "null"},
        {skn_value_bool(false), "false"},
        {skn_value_int(INT64_MIN), "-9223372036854775808"},
        {skn_value_real(1), "1.0"},
        {skn_value_string(SKN_LIT("a\"\x01\x7f\xc3\xa4/")), "\"a\\\"\\u0001\x7f\xc3\xa4/\""},
        {skn_value_symbol(SKN_LIT("ok")), "\"ok\""},
        {skn_value_bytes(SKN_LIT("")), "\"\""},
        {skn_value_bytes(SKN_LIT("\x00")), "\"AA==\""},
        {skn_value_bytes(SKN_LIT("\xff\xfe")), "\"//4=\""},
        {skn_value_bytes(SKN_LIT("foobar")), "\"Zm9vYmFy\""},
        {skn_value_time(0), "\"1970-01-01T00:00:00Z\""},
        {skn_value_time(-1), "\"1969-12-31T23:59:59.999999999Z\""},
        {skn_value_time(951827696500000000), "\"2000-02-29T12:34:56.500Z\""},
        {skn_value_time(1000), "\"1970-01-01T00:00:00.000001Z\""},
        {skn_value_time(INT64_MAX), "\"2262-04-11T23:47:16.854775807Z\""},
        {skn_value_time(INT64_MIN), "\"1677-09-21T00:12:43.145224192Z\""},
        {skn_value_duration(0), "\"0s\""},
        {skn_value_duration(1500000000), "\"1.5s\""},
        {skn_value_duration(-1), "\"-0.000000001s\""},
        {skn_value_duration(100000000000), "\"100s\""},
        {skn_value_duration(INT64_MIN), "\"-9223372036.854775808s\""},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++)
        assert_string_equal(print(&f, cases[i].v, SKN_JSON_PLAIN), cases[i].text);
    teardown(&f);
}

static void each_day_has_the_date_that_the_library_gives(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (int64_t day = -106751; day <= 106751; day++) { /* what fits in nanoseconds */
        char expected[60];
        struct tm tm;
        time_t s = (time_t)(day * 86400 + 3723);
        assert_non_null(gmtime_r(&s, &tm));
        assert_true(strftime(expected, sizeof expected, "\"%Y-%m-%dT%H:%M:%SZ\"", &tm) > 0);
        struct skn_value v = skn_value_time((int64_t)s * 1000000000);
        assert_string_equal(print(&f, v, SKN_JSON_PLAIN), expected);
    }
    teardown(&f);
}

static struct skn_value build_all(struct fixture *f)
{
    skn_build_map_begin(&f->b);
    skn_build_key(&f->b, SKN_LIT("secret"));
    skn_build_secret_begin(&f->b);
    skn_build_str(&f->b, "hidden");
    skn_build_secret_end(&f->b);
    skn_build_key(&f->b, SKN_LIT("error"));
    skn_build_error_begin(&f->b, SKN_LIT("E"), SKN_LIT("m"));
    skn_build_list_begin(&f->b);
    skn_build_error_begin(&f->b, SKN_LIT("F"), SKN_LIT(""));
    skn_build_error_end(&f->b);
    skn_build_list_end(&f->b);
    skn_build_error_end(&f->b);
    skn_build_key(&f->b, SKN_LIT("blob"));
    skn_build_blob(
        &f->b, (const uint8_t *)"0123456789abcdef0123456789abcdef", UINT64_MAX, SKN_LIT("a/b"));
    skn_build_key(&f->b, SKN_LIT("none"));
    skn_build_list_begin(&f->b);
    skn_build_list_end(&f->b);
    skn_build_map_end(&f->b);
    assert_int_equal(skn_build_end(&f->b, NULL), SKN_OK);
    return skn_value_view(skn_buf_slice(&f->buf));
}

#define HASH_HEX "3031323334353637383961626364656630313233343536373839616263646566"

static void composites_print_on_one_line_or_indented_and_secrets_as_stars(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    struct skn_value v = build_all(&f);
    assert_string_equal(
        print(&f, v, SKN_JSON_PLAIN),
        "{\"blob\":{\"blob\":\"" HASH_HEX "\",\"size\":18446744073709551615,\"type\":\"a/b\"},"
        "\"error\":{\"code\":\"E\",\"message\":\"m\",\"data\":[{\"code\":\"F\",\"message\":\"\"}]},"
        "\"none\":[],\"secret\":\"***\"}");
    assert_string_equal(print(&f, v, SKN_JSON_PRETTY),
                        "{\n"
                        "  \"blob\": {\n"
                        "    \"blob\": \"" HASH_HEX "\",\n"
                        "    \"size\": 18446744073709551615,\n"
                        "    \"type\": \"a/b\"\n"
                        "  },\n"
                        "  \"error\": {\n"
                        "    \"code\": \"E\",\n"
                        "    \"message\": \"m\",\n"
                        "    \"data\": [\n"
                        "      {\n"
                        "        \"code\": \"F\",\n"
                        "        \"message\": \"\"\n"
                        "      }\n"
                        "    ]\n"
                        "  },\n"
                        "  \"none\": [],\n"
                        "  \"secret\": \"***\"\n"
                        "}");
    teardown(&f);
}

static void what_has_no_text_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    double zero = 0;
    assert_string_equal(print(&f, skn_value_real(1 / zero), SKN_JSON_PLAIN),
                        "JSON cannot say it: a real is not finite");
    assert_string_equal(print(&f, skn_value_string(SKN_LIT("a\xff")), SKN_JSON_PRETTY),
                        "JSON cannot say it: a text is not UTF-8");
    assert_string_equal(print(&f, skn_value_symbol(SKN_LIT("s")), SKN_JSON_CANONICAL),
                        "JSON cannot say it: it has no symbol");
    assert_string_equal(print(&f, build_all(&f), SKN_JSON_CANONICAL),
                        "JSON cannot say it: it has no blob");
    skn_buf_fini(&f.text);
    skn_buf_init(&f.text, 20);
    assert_string_equal(print(&f, skn_value_view(skn_buf_slice(&f.buf)), SKN_JSON_PLAIN),
                        "JSON cannot say it: the text is longer than its limit");
    teardown(&f);
}

/* Any value prints as JSON, or fails because of its bytes; no secret shows. */
static void whatever_is_printed_is_json(void **state)
{
    (void)state;
    static struct forest forest = {.rng = 11};
    struct fixture f;
    setup(&f);
    int printed = 0;
    for (int round = 0; round < 4000; round++) {
        forest.used = 0;
        skn_buf_reset(&f.buf);
        skn_builder_init(&f.b, &f.buf);
        tree_build(tree_make(&forest, 3), &f.b);
        assert_int_equal(skn_build_end(&f.b, NULL), SKN_OK);
        struct skn_value v = skn_value_view(skn_buf_slice(&f.buf));
        for (int mode = SKN_JSON_PLAIN; mode <= SKN_JSON_CANONICAL; mode++) {
            struct skn_buf back;
            skn_buf_init(&back, OUT_MAX);
            skn_buf_reset(&f.text);
            const struct skn_json_options options = {.big_ints_as_reals =
                                                         true}; /* sizes of blobs */
            if (skn_json_print(v, (enum skn_json_mode)mode, &f.text, NULL) == SKN_OK) {
                printed++;
                if (skn_json_parse(skn_buf_slice(&f.text), &options, &back, &f.diag) != SKN_OK)
                    fail_msg("round %d: %s", round, f.diag.text);
                if (mode == SKN_JSON_CANONICAL) {
                    assert_true(skn_slice_eq(skn_buf_slice(&back), skn_buf_slice(&f.buf)));
                }
            }
            skn_buf_fini(&back);
        }
    }
    assert_true(printed > 2000);
    teardown(&f);
}

static void the_writer_writes_piece_by_piece(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    skn_json_object_begin(&f.w);
    skn_json_key_str(&f.w, "z");
    skn_json_list_begin(&f.w);
    skn_json_uint(&f.w, UINT64_MAX);
    skn_json_int(&f.w, -1);
    skn_json_real(&f.w, 0.5);
    skn_json_bool(&f.w, true);
    skn_json_none(&f.w);
    skn_json_any_text(&f.w, SKN_LIT("a\xff\xc3z"));
    skn_json_list_end(&f.w);
    skn_json_key(&f.w, SKN_LIT("a\n"));
    skn_json_object_begin(&f.w);
    skn_json_object_end(&f.w);
    skn_json_key_str(&f.w, "v");
    skn_json_value(&f.w, skn_value_int(3));
    skn_json_object_end(&f.w);
    assert_int_equal(skn_json_end(&f.w, NULL), SKN_OK);
    assert_string_equal(
        skn_buf_str(&f.text),
        "{\"z\":[18446744073709551615,-1,0.5,true,null,\"a\xef\xbf\xbd\xef\xbf\xbdz\"],"
        "\"a\\n\":{},\"v\":3}");
    teardown(&f);
}

static void the_first_failure_of_a_writer_sticks(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    skn_buf_put_str(&f.text, "before ");
    skn_json_begin(&f.w, &f.text, SKN_JSON_PLAIN);
    skn_json_list_begin(&f.w);
    skn_json_string(&f.w, SKN_LIT("\x80"));
    skn_json_int(&f.w, 1);
    skn_json_list_end(&f.w);
    assert_int_equal(skn_json_end(&f.w, &f.diag), SKN_EARGS);
    assert_string_equal(skn_buf_str(&f.text), "before ");
    for (int i = 0; i <= SKN_JSON_WRITE_DEPTH; i++)
        skn_json_list_begin(&f.w);
    skn_json_list_end(&f.w);
    assert_int_equal(skn_json_end(&f.w, &f.diag), SKN_ETOOLARGE);
    skn_json_int(&f.w, 1);
    assert_int_equal(skn_json_end(&f.w, NULL), SKN_OK);
    assert_string_equal(skn_buf_str(&f.text), "before 1");
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_value_has_its_text),
        cmocka_unit_test(each_day_has_the_date_that_the_library_gives),
        cmocka_unit_test(composites_print_on_one_line_or_indented_and_secrets_as_stars),
        cmocka_unit_test(what_has_no_text_is_an_error_and_leaves_nothing),
        cmocka_unit_test(whatever_is_printed_is_json),
        cmocka_unit_test(the_writer_writes_piece_by_piece),
        cmocka_unit_test(the_first_failure_of_a_writer_sticks),
    };
    return cmocka_run_group_tests_name("json_print", tests, NULL, NULL);
}
