/* test_explain.c - "skein explain": every code has what, why and two examples, and the examples do
 * what is said of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_project.h"

#include "lang/kit/explain.h"
#include "lang/pointy/options_internal.h"

/* Compiles an example; gives how many diagnostics there are besides those of what is not built, and
 * whether all of them have this code. */
static uint32_t judge(const struct skn_explanation *row,
                      const char *example,
                      enum skn_code code,
                      const struct skn_project_events *events,
                      bool *out_all_same)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_buf text;
    const struct skn_graph *graph;
    const struct skn_event_def *def;
    uint32_t count = 0;
    skn_arena_init(&arena);
    skn_buf_init(&text, 1 << 20);
    skn_explain_example(example, &text);
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x"), skn_buf_slice(&text)), SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    if (row->where == SKN_EXPLAIN_EVENT) {
        enum skn_rc rc = skn_event_parse_with(&arena, &source, &pty_host, &diags, &def);
        assert_int_equal(rc == SKN_OK, diags.errors == 0);
    } else {
        events = row->where == SKN_EXPLAIN_FLOW ? events : NULL;
        enum skn_rc rc = skn_pointy_compile(&arena, &source, events, &diags, &graph);
        assert_int_equal(rc == SKN_OK, diags.errors == 0);
    }
    *out_all_same = true;
    for (uint32_t i = 0; i < diags.count; i++) {
        enum skn_code got = diags.entries[i].code;
        bool lone = code == SKN_CODE_LONE_OPTION || code == SKN_CODE_LONE_OUTCOME;
        if (got == SKN_CODE_NOT_RUN && code != SKN_CODE_NOT_RUN) continue;
        if (got == SKN_CODE_LONE_EVENT && lone) continue; /* it is about such an event */
        if (diags.entries[i].code != code) {
            print_message("%s: also %s\n", skn_code_info(code)->name, diags.entries[i].text);
            *out_all_same = false;
        }
        count++;
    }
    skn_buf_fini(&text);
    skn_arena_fini(&arena);
    return count;
}

static void a_wrong_example_gives_its_code_and_a_right_one_nothing(void **state)
{
    (void)state;
    struct pty_project project;
    unsigned bad = 0;
    pty_project_init(&project);
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++) {
        enum skn_code code = (enum skn_code)i;
        const struct skn_explanation *row = skn_explain(code);
        bool same;
        uint32_t wrong = judge(row, row->wrong, code, &project.events, &same);
        if (wrong == 0 || !same) {
            print_message("%s: the wrong example gives %u\n", skn_code_info(code)->name, wrong);
            bad++;
        }
        if (judge(row, row->right, code, &project.events, &same) > 0) {
            print_message("%s: the right example is wrong\n", skn_code_info(code)->name);
            bad++;
        }
    }
    pty_project_fini(&project);
    assert_int_equal(bad, 0);
}

/* Issue 5: no message is without a hint or a reason. A hint that names an empty argument falls back
 * to this command, so the pattern is what is looked at. */
static void every_code_has_a_hint_and_a_reason(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++) {
        const struct skn_code_info *info = skn_code_info((enum skn_code)i);
        const struct skn_explanation *row = skn_explain((enum skn_code)i);
        if (info->hint[0] == 0) fail_msg("%s has no hint", info->name);
        assert_true(strlen(row->what) > 10);
        assert_true(strlen(row->why) > 10);
        assert_int_equal(row->what[strlen(row->what) - 1], '.');
        assert_int_equal(row->why[strlen(row->why) - 1], '.');
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(info->name, skn_code_info((enum skn_code)j)->name);
    }
}

/* Whatever is said in the answers of test/lang/pointy has a line that begins with "=". */
static void a_hint_stands_under_every_message(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x"), SKN_LIT("x")), SKN_OK);
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++) {
        skn_diags_init(&diags, &arena, &source);
        skn_diags_add(&diags, (enum skn_code)i, (struct skn_span){0, 1}, SKN_DIAG_ARGS({0}));
        assert_non_null(diags.entries[0].hint);
        assert_true(strlen(diags.entries[0].hint) > 5);
    }
    skn_arena_fini(&arena);
}

static void a_code_is_found_by_its_name(void **state)
{
    (void)state;
    enum skn_code code;
    assert_true(skn_code_find(SKN_LIT("SKN-P106"), &code));
    assert_int_equal(code, SKN_CODE_UNKNOWN_EVENT);
    assert_true(skn_code_find(SKN_LIT("p106"), &code));
    assert_int_equal(code, SKN_CODE_UNKNOWN_EVENT);
    assert_false(skn_code_find(SKN_LIT("SKN-P999"), &code));
    assert_false(skn_code_find(SKN_LIT(""), &code));
}

static void an_explanation_reads_like_this(void **state)
{
    (void)state;
    struct skn_buf out;
    skn_buf_init(&out, 1 << 16);
    skn_explain_render(SKN_CODE_UNREACHABLE, &out);
    assert_string_equal(skn_buf_str(&out),
                        "SKN-P302 (error)\n"
                        "\n"
                        "What stands before it never succeeds.\n"
                        "Only success goes on along an arrow.\n"
                        "\n"
                        "Wrong:\n"
                        "    Fail -> Noop\n"
                        "\n"
                        "Right:\n"
                        "    Fail (failure -> Noop)\n");
    skn_buf_fini(&out);
}

#define PAGE(name) SKN_TEST_LANG "/../../doc/" name

/* The tables of the manual are those of the program. */
static void the_manual_has_every_code_and_every_option(void **state)
{
    (void)state;
    struct skn_arena arena;
    const struct skn_option_rule *rule;
    skn_arena_init(&arena);
    const char *codes = (const char *)pty_read_file(&arena, PAGE("pointy-codes.md")).ptr;
    const char *options = (const char *)pty_read_file(&arena, PAGE("pointy-options.md")).ptr;
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++) {
        const char *name = skn_code_info((enum skn_code)i)->name;
        const char *row = strstr(codes, skn_arena_printf(&arena, "\n| %s | ", name));
        if (!row || !strstr(row, skn_explain((enum skn_code)i)->why))
            fail_msg("doc/pointy-codes.md: %s is not there, or says something else", name);
    }
    for (size_t i = 0; (rule = skn_option_at(i)) != NULL; i++) {
        const char *row = strstr(options, skn_arena_printf(&arena, "\n| `%s` | ", rule->name));
        if (!row || !strstr(row, rule->text))
            fail_msg("doc/pointy-options.md: %s is not there, or says something else", rule->name);
    }
    skn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_example_gives_its_code_and_a_right_one_nothing),
        cmocka_unit_test(every_code_has_a_hint_and_a_reason),
        cmocka_unit_test(a_hint_stands_under_every_message),
        cmocka_unit_test(a_code_is_found_by_its_name),
        cmocka_unit_test(an_explanation_reads_like_this),
        cmocka_unit_test(the_manual_has_every_code_and_every_option),
    };
    return cmocka_run_group_tests_name("pointy explain", tests, NULL, NULL);
}
