/* test_schema.c - the words of F31: what fits, what is wrong and where, and the same as a slow
 * reading of the words over generated declarations and values.
 *
 * SKN_SEED=N repeats one seed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lang/kit/pattern.h"
#include "lang/kit/schema.h"
#include "lib/test.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct skn_value json(struct skn_arena *arena, const char *text)
{
    struct skn_buf out;
    struct skn_diag diag;
    skn_buf_init(&out, 1 << 26);
    if (skn_json_parse(skn_slice_str(text), NULL, &out, &diag) != SKN_OK)
        fail_msg("%s: %s", text, diag.text);
    struct skn_value v = skn_value_view(skn_arena_dup(arena, skn_buf_slice(&out)));
    skn_buf_fini(&out);
    return v;
}

/* Faults one a line: the path and what is wanted. */
static void note(void *ctx,
                 enum skn_schema_fault fault,
                 const struct skn_slice *path,
                 uint32_t count,
                 const char *wanted)
{
    static const char *const kinds[] = {"value", "word", "type", "nothing"};
    struct skn_buf *out = ctx;
    for (uint32_t i = 0; i < count; i++)
        skn_buf_printf(out, "/%.*s", SKN_FMT(path[i]));
    skn_buf_printf(out, ": %s: %s\n", kinds[fault], wanted);
}

static void check_why(const char *declaration, const char *value, const char *wanted)
{
    struct skn_arena arena;
    struct skn_buf out;
    skn_arena_init(&arena);
    skn_buf_init(&out, 1 << 20);
    const struct skn_schema *schema =
        skn_schema_compile(&arena, json(&arena, declaration), note, &out);
    if (!schema) fail_msg("%s: %s", declaration, skn_buf_str(&out));
    struct skn_value v = json(&arena, value);
    bool fits = skn_schema_fits(schema, SKN_LIT("x"), v, &out);
    assert_int_equal(fits, skn_schema_fits(schema, SKN_LIT("x"), v, NULL));
    assert_int_equal(fits, wanted == NULL);
    if (wanted && strcmp(skn_buf_str(&out), wanted) != 0)
        fail_msg(
            "%s over %s must say\n%s\nbut says\n%s", declaration, value, wanted, skn_buf_str(&out));
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

static void every_word_says_what_is_wrong_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *declaration, *value, *wanted;
    } rows[] = {
        {"\"string\"", "\"a\"", NULL},
        {"\"string\"", "1", "/x: must be a string"},
        {"\"int\"", "1", NULL},
        {"\"int\"", "1.0", "/x: must be a whole number"},
        {"\"float\"", "1", NULL},
        {"\"float\"", "null", "/x: must be a number"},
        {"\"bool\"", "0", "/x: must be true or false"},
        {"\"list\"", "{}", "/x: must be a list"},
        {"\"object\"", "[]", "/x: must be an object"},
        {"\"any\"", "null", NULL},
        {"{\"type\":\"int\",\"minimum\":1}", "1", NULL},
        {"{\"type\":\"int\",\"minimum\":1}", "0", "/x: must be at least 1"},
        {"{\"type\":\"float\",\"maximum\":0.5}", "0.5", NULL},
        {"{\"type\":\"float\",\"maximum\":0.5}", "1", "/x: must be at most 0.5"},
        /* An int and a real are compared exactly: 2^53 + 1 is no double. */
        {"{\"maximum\":9007199254740992.0}",
         "9007199254740993",
         "/x: must be at most 9007199254740992.0"},
        {"{\"minimum\":9223372036854775807}", "9.3e18", NULL},
        {"{\"minimum\":-1e300}", "-9223372036854775808", NULL},
        {"{\"maximum\":-0.5}", "0", "/x: must be at most -0.5"},
        {"{\"minimum\":5}", "\"text\"", NULL}, /* says something about numbers only */
        {"{\"minLength\":2}", "\"a\"", "/x: must have at least 2 characters"},
        {"{\"minLength\":1}", "\"\"", "/x: must have at least 1 character"},
        {"{\"maxLength\":2}", "\"\\u00e9\\u00e9\"", NULL},
        {"{\"maxLength\":2}", "\"abc\"", "/x: must have at most 2 characters"},
        {"{\"pattern\":\"^a\"}", "\"ba\"", "/x: must match \"^a\""},
        {"{\"enum\":[\"a\",1,null]}", "null", NULL},
        {"{\"enum\":[\"a\",1,null]}", "1.0", NULL},
        {"{\"enum\":[\"b\",\"a\"]}", "\"c\"", "/x: must be one of \"b\", \"a\""},
        {"{\"enum\":[3]}", "4", "/x: must be 3"},
        {"{\"enum\":[1,2,3,4,5,6,7,8,9]}", "0", "/x: must be one of 1, 2, 3, 4, 5, 6, 7, 8, .."},
        {"{\"items\":\"int\"}", "[1,2,\"a\"]", "/x/2: must be a whole number"},
        {"{\"items\":{\"type\":\"object\",\"properties\":{\"price\":{\"type\":\"float\","
         "\"maximum\":100}}}}",
         "[{\"price\":1},{\"price\":2},{},{\"price\":101}]",
         "/x/3/price: must be at most 100"},
        {"{\"required\":[\"b\",\"a\"]}", "{\"a\":1,\"c\":2}", "/x/b: is missing"},
        {"{\"required\":[\"b\",\"a\"]}", "{\"a\":1,\"b\":null,\"c\":2}", NULL},
        {"{\"properties\":{\"b\":\"int\",\"d\":\"int\"}}",
         "{\"a\":\"\",\"b\":1,\"c\":\"\",\"d\":2,\"e\":\"\"}",
         NULL},
        {"{\"properties\":{\"b\":\"int\",\"d\":\"int\"}}",
         "{\"b\":1,\"d\":\"\"}",
         "/x/d: must be a whole number"},
        {"{\"properties\":{\"a/b~c\":\"int\"}}",
         "{\"a/b~c\":0.5}",
         "/x/a~1b~0c: must be a whole number"},
        {"{\"items\":{\"items\":{\"items\":\"bool\"}}}",
         "[[],[[],[true,1]]]",
         "/x/1/1/1: must be true or false"},
        {"{\"type\":\"list\",\"items\":{\"enum\":[[1],{\"a\":2}]}}",
         "[[1],{\"a\":2},[2]]",
         "/x/2: must be one of [1], {\"a\":2}"},
        {"{\"default\":5,\"description\":\"d\",\"type\":\"int\"}", "6", NULL},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++)
        check_why(rows[i].declaration, rows[i].value, rows[i].wanted);
}

static void check_faults(const char *declaration, const char *wanted, bool compiles)
{
    struct skn_arena arena;
    struct skn_buf out;
    skn_arena_init(&arena);
    skn_buf_init(&out, 1 << 20);
    bool is_good = skn_schema_compile(&arena, json(&arena, declaration), note, &out) != NULL;
    assert_string_equal(skn_buf_str(&out), wanted);
    assert_int_equal(is_good, compiles);
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

static void a_wrong_declaration_says_all_that_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *declaration, *wanted;
    } rows[] = {
        {"1", ": value: a type, or a mapping with a type\n"},
        {"\"strin\"", ": type: a type\n"},
        {"{\"type\":\"strin\"}", "/type: type: a type\n"},
        {"{\"type\":[\"int\"]}", "/type: value: a type\n"},
        {"{\"minimun\":1}", "/minimun: word: a word\n"},
        {"{\"minimum\":\"1\",\"maximum\":null}",
         "/maximum: value: a number\n/minimum: value: a number\n"},
        {"{\"minimum\":2,\"maximum\":1.5}", "/maximum: value: at least the minimum\n"},
        {"{\"minLength\":-1,\"maxLength\":1.0}",
         "/maxLength: value: a whole number, not negative\n/minLength: value: a whole number, not "
         "negative\n"},
        {"{\"minLength\":3,\"maxLength\":2}", "/maxLength: value: at least minLength\n"},
        {"{\"pattern\":\"(\"}", "/pattern: value: a pattern (the group has no end at 1)\n"},
        {"{\"pattern\":1}", "/pattern: value: a text\n"},
        {"{\"enum\":[]}", "/enum: value: a list of at least one value\n"},
        {"{\"required\":[\"a\",\"a\"]}", "/required: value: names, each once\n"},
        {"{\"required\":true}", "/required: value: names, each once\n"},
        {"{\"properties\":[]}", "/properties: value: a mapping of names\n"},
        {"{\"items\":[1]}", "/items: value: a type, or a mapping with a type\n"},
        {"{\"description\":{}}", "/description: value: a text\n"},
        {"{\"items\":{\"properties\":{\"a\":{\"maximum\":\"x\"}}}}",
         "/items/properties/a/maximum: value: a number\n"},
        {"{\"default\":5,\"maximum\":4}", "/default: value: one that fits (must be at most 4)\n"},
        {"{\"default\":[1,{\"a\":2}],\"items\":\"int\"}",
         "/default: value: one that fits (/1: must be a whole number)\n"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++)
        check_faults(rows[i].declaration, rows[i].wanted, false);
    check_faults("{\"type\":\"string\",\"minimum\":1}", "/minimum: nothing: numbers\n", true);
    check_faults("{\"type\":\"bool\",\"items\":\"int\"}", "/items: nothing: lists\n", true);
}

static void what_is_inside_is_known(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_buf out;
    skn_arena_init(&arena);
    skn_buf_init(&out, 1 << 20);
    const struct skn_schema *schema = skn_schema_compile(
        &arena, json(&arena, "{\"items\":{\"properties\":{\"a\":\"secret\"}}}"), note, &out);
    assert_true(skn_schema_has(schema, SKN_SCHEMA_SECRET));
    assert_true(skn_schema_has(schema, SKN_SCHEMA_ANY));
    assert_false(skn_schema_has(schema, SKN_SCHEMA_FILE));
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

/* P8, F19: nothing of a secret is in a message, neither what it is nor what it is made of. */
static void a_path_ends_at_a_secret(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_buf out, bytes;
    struct skn_builder b;
    skn_arena_init(&arena);
    skn_buf_init(&out, 1 << 20);
    skn_buf_init(&bytes, 1 << 20);
    const struct skn_schema *schema =
        skn_schema_compile(&arena,
                           json(&arena,
                                "{\"items\":{\"properties\":{\"k\":{\"items\":{\"type\":\"string\","
                                "\"maxLength\":3}}}}}"),
                           note,
                           &out);
    skn_builder_init(&b, &bytes);
    skn_build_list_begin(&b);
    for (int i = 0; i < 2; i++) {
        skn_build_secret_begin(&b);
        skn_build_map_begin(&b);
        skn_build_key(&b, SKN_LIT("k"));
        skn_build_list_begin(&b);
        skn_build_str(&b, i == 0 ? "abc" : "hidden");
        skn_build_list_end(&b);
        skn_build_map_end(&b);
        skn_build_secret_end(&b);
    }
    skn_build_int(&b, 7);
    skn_build_list_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    struct skn_value v = skn_value_view(skn_buf_slice(&bytes));
    assert_false(skn_schema_fits(schema, SKN_LIT("x"), v, &out));
    assert_string_equal(skn_buf_str(&out), "/x/1: must have at most 3 characters");

    /* Behind the secret the path is whole again. */
    schema =
        skn_schema_compile(&arena, json(&arena, "{\"items\":{\"type\":\"object\"}}"), note, &out);
    skn_buf_reset(&out);
    assert_false(skn_schema_fits(schema, SKN_LIT("x"), v, &out));
    assert_string_equal(skn_buf_str(&out), "/x/2: must be an object");
    skn_buf_fini(&bytes);
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

static void depth_and_cost_are_bounded(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_buf out, text;
    skn_arena_init(&arena);
    skn_buf_init(&out, 1 << 20);
    skn_buf_init(&text, 1 << 26);
    /* 120 deep in both: a path of that length is shown at its ends. */
    for (int i = 0; i < 120; i++)
        skn_buf_put_str(&text, "{\"items\":");
    skn_buf_put_str(&text, "\"int\"");
    for (int i = 0; i < 120; i++)
        skn_buf_put_str(&text, "}");
    const struct skn_schema *schema =
        skn_schema_compile(&arena, json(&arena, skn_buf_str(&text)), note, &out);
    assert_non_null(schema);
    skn_buf_reset(&text);
    for (int i = 0; i < 120; i++)
        skn_buf_put_str(&text, "[");
    skn_buf_put_str(&text, "1, \"a\"");
    for (int i = 0; i < 120; i++)
        skn_buf_put_str(&text, "]");
    assert_false(skn_schema_fits(schema, SKN_LIT("x"), json(&arena, skn_buf_str(&text)), &out));
    assert_string_equal(skn_buf_str(&out),
                        "/x/0/0/0/0/0/0/0/0/../0/0/0/0/0/0/0/1: must be a whole number");

    /* A pattern that is costly over a text of 1 MiB is given up by the count of steps. */
    skn_buf_reset(&out);
    schema = skn_schema_compile(&arena, json(&arena, "{\"pattern\":\"(a?){500}b\"}"), note, &out);
    assert_non_null(schema);
    skn_buf_reset(&text);
    skn_buf_put_str(&text, "\"");
    for (int i = 0; i < 1 << 20; i++)
        skn_buf_put_u8(&text, 'a');
    skn_buf_put_str(&text, "\"");
    assert_false(skn_schema_fits(schema, SKN_LIT("x"), json(&arena, skn_buf_str(&text)), &out));
    assert_string_equal(skn_buf_str(&out), "/x: is too large to be checked");
    skn_buf_fini(&text);
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

/* Of a file: all patterns together, and all defaults against them. */
static void what_a_file_costs_is_bounded(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_buf out, text;
    struct skn_schema_budget budget = SKN_SCHEMA_BUDGET;
    unsigned good = 0;
    skn_arena_init(&arena);
    skn_buf_init(&out, 1 << 20);
    skn_buf_init(&text, 1 << 20);
    /* Written out it is 2015 tokens, from 17 bytes of text. */
    struct skn_value pattern = json(&arena, "{\"pattern\":\"((a{9}){14}){8}\"}");
    size_t before = arena.used;
    for (int i = 0; i < 8000; i++)
        if (skn_schema_compile_within(&arena, pattern, &budget, note, &out)) good++;
    assert_int_equal(good, 64); /* 1009 states each: a join of two costs a token and no state */
    assert_int_equal(budget.states, 0);
    assert_true(arena.used - before < (size_t)4 << 20);
    assert_non_null(strstr(skn_buf_str(&out), "too large together"));

    /* Each default takes a fifth of the work of one value; of two hundred only the first few are read. */
    budget = SKN_SCHEMA_BUDGET;
    skn_buf_put_str(&text, "{\"pattern\":\"(a?){500}b\",\"default\":\"");
    for (int i = 0; i < 1 << 14; i++)
        skn_buf_put_u8(&text, 'a');
    skn_buf_put_str(&text, "b\"}");
    struct skn_value costly = json(&arena, skn_buf_str(&text));
    good = 0;
    for (int i = 0; i < 200; i++) {
        budget.states = SKN_SCHEMA_STATES_MAX;
        if (skn_schema_compile_within(&arena, costly, &budget, note, &out)) good++;
    }
    assert_true(good > 0 && good < 20);
    assert_int_equal(budget.steps, 0);
    skn_buf_fini(&text);
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

/* --- generated declarations, read slowly ------------------------------------------------------------ */

static void put_value(struct skn_rng *rng, int depth, struct skn_buf *out)
{
    static const char *const scalars[] = {"0",
                                          "1",
                                          "2",
                                          "-1",
                                          "1.0",
                                          "1.5",
                                          "true",
                                          "null",
                                          "\"\"",
                                          "\"a\"",
                                          "\"b\"",
                                          "\"ab\"",
                                          "\"\\u00e9\""};
    uint64_t kind = skn_rng_below(rng, depth > 0 ? 4 : 2);
    if (kind < 2) {
        skn_buf_put_str(out, scalars[skn_rng_below(rng, SKN_ARRAY_LEN(scalars))]);
        return;
    }
    uint64_t count = skn_rng_below(rng, 4);
    skn_buf_put_str(out, kind == 2 ? "[" : "{");
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0) skn_buf_put_str(out, ",");
        if (kind == 3) skn_buf_printf(out, "\"%c\":", (char)('a' + i));
        put_value(rng, depth - 1, out);
    }
    skn_buf_put_str(out, kind == 2 ? "]" : "}");
}

static void put_words(struct skn_rng *rng, int depth, struct skn_buf *out)
{
    static const char *const types[] = {"string", "int", "float", "bool", "list", "object", "any"};
    skn_buf_put_str(out, "{\"description\":\"\"");
    if (skn_rng_chance(rng, 1, 3))
        skn_buf_printf(out, ",\"type\":\"%s\"", types[skn_rng_below(rng, SKN_ARRAY_LEN(types))]);
    if (skn_rng_chance(rng, 1, 5))
        skn_buf_printf(out, ",\"minimum\":%d", (int)skn_rng_below(rng, 2));
    if (skn_rng_chance(rng, 1, 5)) skn_buf_put_str(out, ",\"maximum\":1.25");
    if (skn_rng_chance(rng, 1, 5))
        skn_buf_printf(out, ",\"minLength\":%d", (int)skn_rng_below(rng, 2));
    if (skn_rng_chance(rng, 1, 5)) skn_buf_put_str(out, ",\"maxLength\":1");
    if (skn_rng_chance(rng, 1, 6)) skn_buf_put_str(out, ",\"pattern\":\"^a?$\"");
    if (skn_rng_chance(rng, 1, 6)) {
        skn_buf_put_str(out, ",\"enum\":[1,\"a\",");
        put_value(rng, 1, out);
        skn_buf_put_str(out, "]");
    }
    if (skn_rng_chance(rng, 1, 6)) skn_buf_put_str(out, ",\"required\":[\"b\",\"a\"]");
    if (depth > 0 && skn_rng_chance(rng, 1, 2)) {
        skn_buf_put_str(out, ",\"items\":");
        put_words(rng, depth - 1, out);
    }
    if (depth > 0 && skn_rng_chance(rng, 1, 2)) {
        skn_buf_put_str(out, ",\"properties\":{\"a\":");
        put_words(rng, depth - 1, out);
        skn_buf_put_str(out, ",\"c\":");
        put_words(rng, depth - 1, out);
        skn_buf_put_str(out, "}");
    }
    skn_buf_put_str(out, "}");
}

static bool is_number(struct skn_value v)
{
    return skn_value_is(v, SKN_T_INT) || skn_value_is(v, SKN_T_REAL);
}

static double real_of(struct skn_value v) /* the generated ones are small: no rounding */
{
    return skn_value_is(v, SKN_T_INT) ? (double)skn_value_as_int(v) : skn_value_as_real(v);
}

static bool is_same(struct skn_value a, struct skn_value b)
{
    if (is_number(a) && is_number(b))
        return !(real_of(a) < real_of(b)) && !(real_of(b) < real_of(a));
    return skn_value_eq(a, b);
}

static bool word(struct skn_value words, const char *name, struct skn_value *out)
{
    return skn_map_get(words, skn_slice_str(name), out);
}

static bool is_of(struct skn_slice type, struct skn_value v)
{
    static const struct {
        const char *name;
        enum skn_tag tag;
    } tags[] = {{"string", SKN_T_STRING},
                {"int", SKN_T_INT},
                {"float", SKN_T_REAL},
                {"bool", SKN_T_BOOL},
                {"list", SKN_T_LIST},
                {"object", SKN_T_MAP}};
    if (skn_slice_eq(type, SKN_LIT("any"))) return true;
    if (skn_slice_eq(type, SKN_LIT("float")) && skn_value_is(v, SKN_T_INT)) return true;
    for (size_t i = 0; i < SKN_ARRAY_LEN(tags); i++)
        if (skn_slice_eq(type, skn_slice_str(tags[i].name))) return skn_value_is(v, tags[i].tag);
    abort();
}

static uint64_t characters(struct skn_slice text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] & 0xC0) != 0x80) n++;
    return n;
}

/* The words as RFC drafts read them, with recursion. */
static bool fits_slowly(struct skn_value words, struct skn_value v)
{
    struct skn_value w, inside;
    struct skn_slice key;
    struct skn_value_iter iter;
    if (word(words, "type", &w) && !is_of(skn_value_as_text(w), v)) return false;
    if (is_number(v) && word(words, "minimum", &w) && real_of(v) < real_of(w)) return false;
    if (is_number(v) && word(words, "maximum", &w) && real_of(v) > real_of(w)) return false;
    if (skn_value_is(v, SKN_T_STRING)) {
        struct skn_slice text = skn_value_as_text(v);
        if (word(words, "minLength", &w) && characters(text) < (uint64_t)skn_value_as_int(w))
            return false;
        if (word(words, "maxLength", &w) && characters(text) > (uint64_t)skn_value_as_int(w))
            return false;
        bool is_a = skn_slice_eq(text, SKN_LIT("")) || skn_slice_eq(text, SKN_LIT("a"));
        if (word(words, "pattern", &w) && !is_a) return false;
    }
    if (word(words, "enum", &w)) {
        bool found = false;
        iter = skn_value_iter(w);
        while (skn_value_next(&iter, NULL, &inside))
            found = found || is_same(inside, v);
        if (!found) return false;
    }
    if (skn_value_is(v, SKN_T_LIST) && word(words, "items", &w)) {
        iter = skn_value_iter(v);
        while (skn_value_next(&iter, NULL, &inside))
            if (!fits_slowly(w, inside)) return false;
    }
    if (!skn_value_is(v, SKN_T_MAP)) return true;
    if (word(words, "required", &w)) {
        struct skn_value name;
        iter = skn_value_iter(w);
        while (skn_value_next(&iter, NULL, &name))
            if (!skn_map_get(v, skn_value_as_text(name), &inside)) return false;
    }
    if (word(words, "properties", &w)) {
        struct skn_value declared;
        iter = skn_value_iter(w);
        while (skn_value_next(&iter, &key, &declared))
            if (skn_map_get(v, key, &inside) && !fits_slowly(declared, inside)) return false;
    }
    return true;
}

static void the_same_as_a_slow_reading_of_the_words(void **state)
{
    (void)state;
    const char *seed_text = getenv("SKN_SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 1;
    struct skn_rng rng;
    int good = 0;
    skn_rng_init(&rng, seed);
    for (int round = 0; round < 15000; round++) {
        struct skn_arena arena;
        struct skn_buf words, value, out;
        skn_arena_init(&arena);
        skn_buf_init(&words, 1 << 20);
        skn_buf_init(&value, 1 << 20);
        skn_buf_init(&out, 1 << 20);
        put_words(&rng, 3, &words);
        put_value(&rng, 4, &value);
        struct skn_value declaration = json(&arena, skn_buf_str(&words));
        struct skn_value v = json(&arena, skn_buf_str(&value));
        const struct skn_schema *schema = skn_schema_compile(&arena, declaration, note, &out);
        assert_non_null(schema);
        bool wanted = fits_slowly(declaration, v);
        skn_buf_reset(&out);
        if (skn_schema_fits(schema, SKN_LIT("x"), v, &out) != wanted)
            fail_msg("seed %llu, round %d: %s over %s must be %d; %s",
                     (unsigned long long)seed,
                     round,
                     skn_buf_str(&words),
                     skn_buf_str(&value),
                     wanted,
                     skn_buf_str(&out));
        assert_int_equal(out.len == 0, wanted);
        good += wanted;
        skn_buf_fini(&words);
        skn_buf_fini(&value);
        skn_buf_fini(&out);
        skn_arena_fini(&arena);
    }
    assert_in_range(good, 1500, 13500); /* both answers come often */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_says_what_is_wrong_and_where),
        cmocka_unit_test(a_wrong_declaration_says_all_that_is_wrong),
        cmocka_unit_test(what_is_inside_is_known),
        cmocka_unit_test(a_path_ends_at_a_secret),
        cmocka_unit_test(depth_and_cost_are_bounded),
        cmocka_unit_test(what_a_file_costs_is_bounded),
        cmocka_unit_test(the_same_as_a_slow_reading_of_the_words),
    };
    return cmocka_run_group_tests_name("kit schema", tests, NULL, NULL);
}
