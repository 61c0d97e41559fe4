/* test_eval.c - what expressions over a result say [F30b]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lang/pointy/expr_internal.h"
#include "lang/pointy/pointy.h"
#include "lib/test.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F SKN_EXPR_FALSE
#define T SKN_EXPR_TRUE
#define X SKN_EXPR_FAULT

static const char sample[] =
    "{\"id\": 5, \"name\": \"Zo\u00eb\", \"rate\": 2.5, \"done\": true, \"no\": null, "
    "\"items\": [1, 2.0, \"x\", {\"k\": [7, 8]}], \"m\": {\"a b\": 1, \"k\": 3}}";

struct sample {
    struct skn_buf bytes;
    struct skn_value value;
};

static void sample_init(struct sample *s)
{
    skn_buf_init(&s->bytes, 1 << 16);
    assert_int_equal(skn_json_parse(skn_slice_str(sample), NULL, &s->bytes, NULL), SKN_OK);
    s->value = skn_value_view(skn_buf_slice(&s->bytes));
}

static void expressions_say_what_they_read_like(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum skn_expr_says says;
    } cases[] = {
        {"true", T},
        {"not done", F},
        {"id == 5", T},
        {"id == 5.0", T},
        {"5.5 > id", T},
        {"id != \"5\"", T},
        {"name == 'Zo\u00eb' and len(name) == 3", T},
        {"no == null and missing == null and missing.deeper[3] == null", T},
        {"items[3].k[0] == 7 and items[-1].k[-1] == 8 and items[9] == null", T},
        {"m[\"a b\"] == 1 and m.k == 3", T},
        {"result.id == id and len(result) == 7", T},
        /* precedence, and what is of one strength from the left */
        {"1 + 2 * 3 == 7 and (1 + 2) * 3 == 9", T},
        {"10 - 3 - 2 == 5 and 8 / 4 / 2 == 1", T},
        {"-id + 6 == 1 and - - id == 5 and -rate < 0", T},
        {"not id == 4", T},
        {"false and false or true", T},
        {"true or false and false", T},
        {"not true or true", T},
        {"1 < 2 and 2 <= 2 and 3 >= 3 and \"a\" < \"b\" and not (1 > 1.0)", T},
        /* lists, texts, members */
        {"id in [1, 5, 9] and 2 in items and \"x\" in items", T},
        {"id not in [] and \"k\" in m and \"o\" in name", T},
        {"[1, [2, 3]] == [1, [2, 3]] and len([]) == 0", T},
        {"\"a\\\"b\" == 'a\"b' and 'x' + 'y' == \"xy\"", T},
        {"7 / 2 == 3.5", T},
        /* what is not asked for is no fault */
        {"done or 1 / 0 > 1", T},
        {"not done and missing + 1 > 1", F},
        {"done and 1 / 0 > 1", X},
        {"1 / 0 > 1 or done", X},
        /* faults */
        {"id", X},
        {"no", X},
        {"id and done", X},
        {"done and id", X},
        {"not id", X},
        {"id < name", X},
        {"no > 1", X},
        {"name - 1 == 2", X},
        {"9223372036854775807 + 1 == 0", X},
        {"9223372036854775808 == 0", X},
        {"9223372036854775807 * 9223372036854775807 == 0", X},
        {"-(0 - 9223372036854775807 - 1) == 0", X},
        {"1 in 5", X},
        {"len(id) == 1", X},
        {"id.x == 1", X},
        {"items.k == 1", X},
        {"m[0] == 1", X},
        {"1 == ", X},
        {"(1", X},
        {"f(1)", X},
        {"1 < 2 < 3", X},
    };
    struct sample s;
    sample_init(&s);
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        const char *why = "never set";
        enum skn_expr_says says = skn_expr_eval(skn_slice_str(cases[i].text), s.value, &why);
        if (says != cases[i].says) print_error("%s: %d %s\n", cases[i].text, says, why);
        assert_int_equal(says, cases[i].says);
        assert_int_equal(why != NULL, says == SKN_EXPR_FAULT);
    }
    skn_buf_fini(&s.bytes);
}

static void a_result_that_is_no_object_is_asked_by_its_name(void **state)
{
    (void)state;
    const char *why;
    assert_int_equal(skn_expr_eval(SKN_LIT("result > 2"), skn_value_int(3), &why), SKN_EXPR_TRUE);
    assert_int_equal(skn_expr_eval(SKN_LIT("id == null"), skn_value_int(3), &why), SKN_EXPR_TRUE);
    assert_int_equal(skn_expr_eval(SKN_LIT("result == null"), skn_value_none(), &why),
                     SKN_EXPR_TRUE);
}

static void nothing_makes_it_deep(void **state)
{
    (void)state;
    const char *why;
    struct skn_buf text;
    skn_buf_init(&text, 1 << 20);
    for (int i = 0; i < 60; i++)
        skn_buf_put_str(&text, "(");
    skn_buf_put_str(&text, "id");
    for (int i = 0; i < 60; i++)
        skn_buf_put_str(&text, ")");
    skn_buf_put_str(&text, " == null");
    assert_int_equal(skn_expr_eval(skn_buf_slice(&text), skn_value_none(), &why), SKN_EXPR_TRUE);
    skn_buf_reset(&text);
    for (int i = 0; i < 10000; i++)
        skn_buf_put_str(&text, "not ");
    skn_buf_put_str(&text, "true");
    assert_int_equal(skn_expr_eval(skn_buf_slice(&text), skn_value_none(), &why), SKN_EXPR_FAULT);
    skn_buf_reset(&text);
    skn_buf_put_str(&text, "1");
    for (int i = 0; i < 10000; i++) /* one after the other needs no room */
        skn_buf_put_str(&text, " + 1");
    skn_buf_put_str(&text, " == 10001");
    assert_int_equal(skn_expr_eval(skn_buf_slice(&text), skn_value_none(), &why), SKN_EXPR_TRUE);
    skn_buf_fini(&text);
}

/* Any words in any order: no crash, and what the check of event files takes is worked out. */
static void any_words_are_survived(void **state)
{
    (void)state;
    static const char *const words[] = {"id", "items", "m",   ".k",   "[0]",  "(",    ")",
                                        "[",  "]",     ",",   "len(", "not",  "and",  "or",
                                        "in", "==",    "<",   "+",    "-",    "*",    "/",
                                        "1",  "2.5",   "'x'", "\"",   "null", "true", "result"};
    const char *given = getenv("SKN_SEED"); /* NOLINT(concurrency-mt-unsafe): one thread */
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    struct sample s;
    struct skn_rng rng;
    struct skn_buf text;
    size_t well_formed = 0;
    sample_init(&s);
    skn_rng_init(&rng, seed);
    skn_buf_init(&text, 1 << 12);
    for (int i = 0; i < 200000; i++) {
        const char *why;
        skn_buf_reset(&text);
        for (uint64_t n = 1 + skn_rng_below(&rng, 9); n > 0; n--) {
            skn_buf_put_str(&text, words[skn_rng_below(&rng, SKN_ARRAY_LEN(words))]);
            skn_buf_put_str(&text, " ");
        }
        bool is_good = skn_expr_check(skn_buf_slice(&text)) == NULL;
        enum skn_expr_says says = skn_expr_eval(skn_buf_slice(&text), s.value, &why);
        well_formed += is_good;
        if (!is_good) assert_int_equal(says, SKN_EXPR_FAULT);
        if (why && strcmp(why, "it is malformed") == 0)
            fail_msg("seed %llu: %s", (unsigned long long)seed, skn_buf_str(&text));
    }
    assert_true(well_formed > 2000);
    skn_buf_fini(&text);
    skn_buf_fini(&s.bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_say_what_they_read_like),
        cmocka_unit_test(a_result_that_is_no_object_is_asked_by_its_name),
        cmocka_unit_test(nothing_makes_it_deep),
        cmocka_unit_test(any_words_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
