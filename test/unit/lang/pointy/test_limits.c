/* test_limits.c - every limit at its edge and over it, and texts made to be slow. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_test.h"

#include "lang/pointy/parse_internal.h"

#include <string.h>

static void repeat(struct skn_buf *out, const char *text, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        skn_buf_put_str(out, text);
}

static void text_init(struct skn_buf *text)
{
    skn_buf_init(text, (size_t)64 << 20);
}

/* Compiles and gives the first diagnostic's code, or SKN_CODE_COUNT when there is none. */
static enum skn_code first_code(struct skn_buf *text, uint32_t *out_errors)
{
    struct compiled c;
    compile(&c, skn_buf_slice(text), NULL);
    enum skn_code code = SKN_CODE_COUNT;
    for (uint32_t i = c.diags.count; i > 0; i--)
        if (skn_code_info(c.diags.entries[i - 1].code)->severity == SKN_SEVERITY_ERROR)
            code = c.diags.entries[i - 1].code;
    if (out_errors) *out_errors = c.diags.errors;
    compiled_fini(&c);
    skn_buf_fini(text);
    return code;
}

static enum skn_code nested(const char *open, const char *close, uint32_t depth)
{
    struct skn_buf text;
    text_init(&text);
    repeat(&text, open, depth);
    repeat(&text, "Noop", 1);
    repeat(&text, close, depth);
    return first_code(&text, NULL);
}

static void groups_nest_256_deep(void **state)
{
    (void)state;
    assert_int_equal(nested("(", ")", 256), SKN_CODE_COUNT);
    assert_int_equal(nested("{", "}", 256), SKN_CODE_COUNT);
    assert_int_equal(nested("(", ")", 257), SKN_CODE_TOO_DEEP);
    assert_int_equal(nested("(", "", 200000), SKN_CODE_TOO_DEEP);
}

static void branches_nest_256_deep(void **state)
{
    (void)state;
    assert_int_equal(nested("Noop(0->", ")", 256), SKN_CODE_COUNT);
    assert_int_equal(nested("Noop(0->", ")", 257), SKN_CODE_TOO_DEEP);
    assert_int_equal(nested("Noop(0->", "", 200000), SKN_CODE_TOO_DEEP);
}

static void lists_nest_64_deep(void **state)
{
    (void)state;
    struct skn_buf text;
    for (uint32_t depth = 64; depth <= 65; depth++) {
        text_init(&text);
        repeat(&text, "A[x=", 1);
        repeat(&text, "[", depth);
        repeat(&text, "]", depth);
        repeat(&text, "]", 1);
        assert_int_equal(first_code(&text, NULL), depth == 64 ? SKN_CODE_COUNT : SKN_CODE_TOO_DEEP);
    }
}

static void a_text_has_at_most_so_many_units(void **state)
{
    (void)state;
    struct skn_buf text;
    text_init(&text);
    repeat(&text, "Noop||", SKN_GRAPH_UNITS_MAX - 1);
    repeat(&text, "Noop", 1);
    assert_int_equal(first_code(&text, NULL), SKN_CODE_COUNT);
    text_init(&text);
    repeat(&text, "Noop||", SKN_GRAPH_UNITS_MAX);
    repeat(&text, "Noop", 1);
    assert_int_equal(first_code(&text, NULL), SKN_CODE_TOO_MANY);
}

static void a_source_has_at_most_16_mib(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_source source;
    uint8_t *bytes = skn_alloc_zero(SKN_SOURCE_BYTES_MAX + 1, 1);
    skn_arena_init(&arena);
    assert_int_equal(
        skn_source_init(&source, &arena, SKN_LIT("x"), skn_slice(bytes, SKN_SOURCE_BYTES_MAX + 1)),
        SKN_ETOOLARGE);
    assert_int_equal(
        skn_source_init(&source, &arena, SKN_LIT("x"), skn_slice(bytes, SKN_SOURCE_BYTES_MAX)),
        SKN_OK);
    skn_arena_fini(&arena);
    skn_free(bytes);
}

static enum skn_code listed(const char *head, const char *item, uint32_t count, const char *tail)
{
    struct skn_buf text;
    text_init(&text);
    skn_buf_put_str(&text, head);
    for (uint32_t i = 0; i < count; i++)
        skn_buf_printf(&text, "%s%u%s", item, (unsigned)i, tail);
    return first_code(&text, NULL);
}

static void options_branches_and_inputs_are_counted(void **state)
{
    (void)state;
    /* The closing bracket is forgotten on purpose: the earlier error comes first. */
    assert_int_equal(listed("A[", "o", 257, "=1,"), SKN_CODE_TOO_MANY);
    assert_int_equal(listed("", "@input: a", 256, ": int "), SKN_CODE_EMPTY_PROGRAM);
    assert_int_equal(listed("", "@input: a", 257, ": int "), SKN_CODE_TOO_MANY);
    assert_int_equal(listed("A(", "o", 65, "->B,"), SKN_CODE_UNCLOSED);
}

static void attempts_and_durations_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum skn_code code;
    } cases[] = {
        {"Noop * 2", SKN_CODE_COUNT},
        {"Noop * 1000000", SKN_CODE_COUNT},
        {"Noop * 1", SKN_CODE_BAD_ATTEMPTS},
        {"Noop * 1000001", SKN_CODE_BAD_ATTEMPTS},
        {"Noop * 99999999999999999999999", SKN_CODE_BAD_ATTEMPTS},
        {"Noop[timeout=36500d]", SKN_CODE_COUNT},
        {"Noop[timeout=36501d]", SKN_CODE_BAD_NUMBER},
        {"Noop[timeout=3153600000]", SKN_CODE_COUNT},
        {"Noop[timeout=3153600001]", SKN_CODE_BAD_VALUE},
        {"Noop[timeout=1ms]", SKN_CODE_COUNT},
        {"Noop[timeout=0ms]", SKN_CODE_BAD_VALUE},
        {"Noop[timeout=0.0001]", SKN_CODE_BAD_VALUE},
        {"A[x=9223372036854775807, y=-9223372036854775808]", SKN_CODE_COUNT},
        {"A[x=9223372036854775808]", SKN_CODE_BAD_NUMBER},
        {"A[x=-9223372036854775809]", SKN_CODE_BAD_NUMBER},
        {"A[x=8388607TiB]", SKN_CODE_COUNT},
        {"A[x=8388608TiB]", SKN_CODE_BAD_NUMBER},
        {"A@18446744073709551616", SKN_CODE_BAD_VERSION},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_buf text;
        text_init(&text);
        skn_buf_put_str(&text, cases[i].text);
        enum skn_code code = first_code(&text, NULL);
        if (code != cases[i].code) print_message("%s\n", cases[i].text);
        assert_int_equal(code, cases[i].code);
    }
}

static void at_most_50_diagnostics_are_kept_and_all_are_counted(void **state)
{
    (void)state;
    struct skn_buf text;
    struct skn_buf shown;
    struct compiled c;
    text_init(&text);
    repeat(&text, "; $ ", 10000);
    skn_buf_init(&shown, 1 << 20);
    compile(&c, skn_buf_slice(&text), NULL);
    assert_int_equal(c.diags.count, SKN_DIAGS_MAX);
    assert_int_equal(c.diags.errors, 20001); /* and there is no flow */
    assert_int_equal(c.diags.entries[0].span.start, 0);
    assert_int_equal(c.diags.entries[49].span.start, 98);
    skn_diags_render(&c.diags, &shown);
    assert_non_null(strstr(skn_buf_str(&shown), "and 19951 more\n"));
    compiled_fini(&c);
    skn_buf_fini(&shown);
    skn_buf_fini(&text);
}

/* What would be quadratic if anything in the compiler were: a text of 256 KiB of each. They end in
 * well under the time that a test has; the worst took minutes once (a column counted per unit). */
static void long_texts_are_not_slow(void **state)
{
    (void)state;
    static const char *const parts[] = {"Noop -> ",
                                        "Noop || ",
                                        "A[x=1] -> ",
                                        ") ",
                                        "A B ",
                                        "@input: a: int ",
                                        "{Noop} -> ",
                                        "A (0 -> B) -> ",
                                        "# x\n",
                                        "\"",
                                        "[",
                                        "A, "};
    for (size_t i = 0; i < SKN_ARRAY_LEN(parts); i++) {
        struct skn_buf text;
        text_init(&text);
        repeat(&text, parts[i], (uint32_t)((1 << 18) / strlen(parts[i])));
        repeat(&text, "Noop", 1);
        (void)first_code(&text, NULL);
    }
}

static void around(struct skn_buf *text, const char *open, uint32_t depth, const char *inside)
{
    text_init(text);
    skn_buf_put_str(text, "@input: x: any ");
    repeat(text, open, depth);
    skn_buf_put_str(text, inside);
    repeat(text, "}", depth);
}

/* X exports v, R reads it; both are of a project. */
static void variables_init(struct skn_arena *arena, struct skn_project_events *events)
{
    static const struct skn_slice argv[] = {{(const uint8_t *)"true", 4}};
    static const struct skn_slice exports[] = {{(const uint8_t *)"v", 1}};
    static const struct skn_field v = {.name = {(const uint8_t *)"v", 1}, .type = SKN_TYPE_ANY};
    static const struct skn_event_def defs[] = {{.name = {(const uint8_t *)"R", 1},
                                                 .kind = SKN_EVENT_EXEC,
                                                 .argv = argv,
                                                 .argc = 1,
                                                 .inputs = &v,
                                                 .input_count = 1,
                                                 .retry = {.attempts = 1, .factor_milli = 1000}},
                                                {.name = {(const uint8_t *)"X", 1},
                                                 .kind = SKN_EVENT_EXEC,
                                                 .argv = argv,
                                                 .argc = 1,
                                                 .outputs = &v,
                                                 .output_count = 1,
                                                 .exports = exports,
                                                 .export_count = 1,
                                                 .retry = {.attempts = 1, .factor_milli = 1000}}};
    static const struct skn_event_def *const rows[] = {&defs[0], &defs[1]};
    skn_arena_init(arena);
    assert_int_equal(skn_project_events_init(events, arena, rows, 2, NULL), SKN_OK);
}

/* A name is looked for in at most 16 scopes, so that what a graph holds is linear in its text. */
static void at_most_16_groups_around_each_other_set_a_name(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_project_events events;
    variables_init(&arena, &events);
    for (uint32_t depth = 15; depth <= 16; depth++) { /* and the run itself */
        struct skn_buf text;
        struct compiled c;
        around(&text, "X -> {", depth, "X -> R");
        compile(&c, skn_buf_slice(&text), &events);
        assert_int_equal(c.rc == SKN_OK, depth == 15);
        if (depth == 15) assert_int_equal(c.graph->bind_count, 16);
        if (depth == 16)
            assert_int_equal(c.diags.entries[c.diags.count - 1].code, SKN_CODE_TOO_MANY);
        compiled_fini(&c);
        skn_buf_fini(&text);
    }
    skn_arena_fini(&arena);
}

/* Scopes that are not around a unit do not count, nor those that set another name. */
static void deep_flows_with_many_readers_stay_small(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_project_events events;
    struct skn_buf text, inside;
    struct compiled c;
    variables_init(&arena, &events);
    text_init(&inside);
    for (int i = 0; i < 20000; i++)
        skn_buf_put_str(&inside, i == 0 ? "X || R" : " -> R || {X}");
    around(&text, "{R -> ", 240, skn_buf_str(&inside));
    compile(&c, skn_buf_slice(&text), &events);
    assert_int_equal(c.rc, SKN_OK);
    assert_true(c.graph->bind_count < 2 * c.graph->unit_count);
    assert_true(c.arena.used < (size_t)32 << 20);
    compiled_fini(&c);
    skn_buf_fini(&text);
    skn_buf_fini(&inside);
    skn_arena_fini(&arena);
}

static void arrays_grow_to_the_end_of_their_index(void **state)
{
    (void)state;
    assert_int_equal(skn_parse_cap(0), 16);
    assert_int_equal(skn_parse_cap(16), 32);
    assert_int_equal(skn_parse_cap(UINT32_C(1) << 30), UINT32_C(1) << 31);
    assert_int_equal(skn_parse_cap(UINT32_C(1) << 31), UINT32_MAX);
    assert_int_equal(skn_parse_cap(UINT32_MAX), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_nest_256_deep),
        cmocka_unit_test(branches_nest_256_deep),
        cmocka_unit_test(lists_nest_64_deep),
        cmocka_unit_test(a_text_has_at_most_so_many_units),
        cmocka_unit_test(a_source_has_at_most_16_mib),
        cmocka_unit_test(options_branches_and_inputs_are_counted),
        cmocka_unit_test(attempts_and_durations_have_limits),
        cmocka_unit_test(at_most_50_diagnostics_are_kept_and_all_are_counted),
        cmocka_unit_test(long_texts_are_not_slow),
        cmocka_unit_test(at_most_16_groups_around_each_other_set_a_name),
        cmocka_unit_test(deep_flows_with_many_readers_stay_small),
        cmocka_unit_test(arrays_grow_to_the_end_of_their_index),
    };
    return cmocka_run_group_tests_name("pointy limits", tests, NULL, NULL);
}
