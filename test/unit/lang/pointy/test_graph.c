/* test_graph.c - what a run asks a graph, and the events of a project. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_test.h"

#include "lang/pointy/build_internal.h"
#include "lang/pointy/number.h"

#include <string.h>

static void a_branch_is_found_by_its_outcome(void **state)
{
    (void)state;
    struct compiled c;
    compile(&c, SKN_LIT("Noop (success -> Noop) -> Noop (1 -> Noop, 0 |-> Noop)"), NULL);
    assert_int_equal(c.rc, SKN_OK);
    assert_int_equal(skn_graph_branch_for(c.graph, 0, SKN_OUTCOME_SUCCESS, (struct skn_slice){0}),
                     0);
    assert_int_equal(skn_graph_branch_for(c.graph, 0, SKN_OUTCOME_FAILURE, (struct skn_slice){0}),
                     SKN_GRAPH_NONE);
    assert_int_equal(skn_graph_branch_for(c.graph, 1, SKN_OUTCOME_FAILURE, (struct skn_slice){0}),
                     SKN_GRAPH_NONE);
    assert_int_equal(skn_graph_branch_for(c.graph, 2, SKN_OUTCOME_SUCCESS, (struct skn_slice){0}),
                     1);
    uint32_t failure = skn_graph_branch_for(c.graph, 2, SKN_OUTCOME_FAILURE, (struct skn_slice){0});
    assert_int_equal(failure, 2);
    assert_true(c.graph->branches[failure].piped);
    assert_true(c.graph->steps[c.graph->bodies[c.graph->branches[failure].body].first_step].piped);
    compiled_fini(&c);
}

static struct skn_event_def event(const char *name, uint32_t major, uint32_t minor)
{
    return (struct skn_event_def){.name = skn_slice_str(name),
                                  .kind = SKN_EVENT_EXEC,
                                  .version = {major, minor, 0},
                                  .retry = {.attempts = 1, .factor_milli = 1000}};
}

static void the_newest_version_of_an_event_counts(void **state)
{
    (void)state;
    struct skn_event_def defs[] = {
        event("B", 1, 2), event("A", 2, 0), event("B", 1, 10), event("B", 0, 99), event("A", 1, 9)};
    const struct skn_event_def *pointers[SKN_ARRAY_LEN(defs)];
    struct skn_project_events events;
    struct skn_arena arena;
    struct skn_diag diag = {0};
    for (size_t i = 0; i < SKN_ARRAY_LEN(defs); i++)
        pointers[i] = &defs[i];
    skn_arena_init(&arena);
    assert_int_equal(skn_project_events_init(&events, &arena, pointers, 5, &diag), SKN_OK);
    assert_int_equal(events.count, 5);
    bool has_name;
    assert_ptr_equal(skn_project_find_event(&events, SKN_LIT("A"), SKN_LIT(""), &has_name),
                     events.sorted[0]);
    assert_ptr_equal(events.sorted[0], &defs[1]);
    assert_ptr_equal(skn_project_find_event(&events, SKN_LIT("B"), SKN_LIT(""), &has_name),
                     &defs[2]);
    assert_null(skn_project_find_event(&events, SKN_LIT("B"), SKN_LIT("99"), &has_name));
    assert_true(has_name);
    assert_null(skn_project_find_event(&events, SKN_LIT("C"), SKN_LIT(""), &has_name));
    assert_false(has_name);
    defs[3] = defs[0];
    assert_int_equal(skn_project_events_init(&events, &arena, pointers, 5, &diag), SKN_EEXIST);
    assert_non_null(strstr(diag.text, "\"B\" 1.2.0"));
    assert_int_equal(skn_project_events_init(&events, &arena, pointers, 0, &diag), SKN_OK);
    assert_int_equal(events.count, 0);
    skn_arena_fini(&arena);
}

/* What a run holds must not die with the text it came from. */
static void a_graph_borrows_nothing(void **state)
{
    (void)state;
    char text[] = "@input: url: string = \"u\" Fetch[url=\"x\"] -> Fail[reason=\"why\"]";
    struct project project;
    struct compiled c;
    struct skn_buf before, after;
    project_init(&project);
    skn_buf_init(&before, 4096);
    skn_buf_init(&after, 4096);
    compile(&c, skn_slice_str(text), &project.events);
    assert_int_equal(c.rc, SKN_OK);
    skn_graph_dump(c.graph, &before);
    memset(text, '?', sizeof(text));
    memset(project.defs, 0, sizeof(project.defs));
    skn_graph_dump(c.graph, &after);
    assert_string_equal(skn_buf_str(&before), skn_buf_str(&after));
    skn_buf_fini(&before);
    skn_buf_fini(&after);
    compiled_fini(&c);
    project_fini(&project);
}

static void durations_are_read_alike_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum skn_number_result result;
        uint64_t ms;
    } cases[] = {
        {"0ms", SKN_NUMBER_OK, 0},
        {"250ms", SKN_NUMBER_OK, 250},
        {"30s", SKN_NUMBER_OK, 30000},
        {"5m", SKN_NUMBER_OK, 300000},
        {"2h", SKN_NUMBER_OK, 7200000},
        {"1d", SKN_NUMBER_OK, 86400000},
        {"36500d", SKN_NUMBER_OK, SKN_DURATION_MS_MAX},
        {"36501d", SKN_NUMBER_TOO_LARGE, 0},
        {"99999999999999999999s", SKN_NUMBER_TOO_LARGE, 0},
        {"1.5h", SKN_NUMBER_MALFORMED, 0},
        {"-1s", SKN_NUMBER_MALFORMED, 0},
        {"s", SKN_NUMBER_MALFORMED, 0},
        {"1", SKN_NUMBER_MALFORMED, 0},
        {"1 s", SKN_NUMBER_MALFORMED, 0},
        {"1S", SKN_NUMBER_MALFORMED, 0},
        {"", SKN_NUMBER_MALFORMED, 0},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        uint64_t ms = 0;
        assert_int_equal(skn_number_duration(skn_slice_str(cases[i].text), &ms), cases[i].result);
        assert_int_equal(ms, cases[i].ms);
    }
}

static enum skn_code event_code(struct skn_slice text)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    const struct skn_event_def *def;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x.yaml"), text), SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    enum skn_rc rc = skn_event_parse(&arena, &source, &diags, &def);
    assert_int_equal(rc == SKN_OK, diags.errors == 0);
    enum skn_code code = diags.count > 0 ? diags.entries[0].code : SKN_CODE_COUNT;
    skn_arena_fini(&arena);
    return code;
}

static void event_files_have_limits(void **state)
{
    (void)state;
    static const char head[] = "event: A\nversion: 1.0.0\nrun: { exec: [x";
    for (uint32_t arguments = 255; arguments <= 256; arguments++) {
        struct skn_buf text;
        skn_buf_init(&text, 1 << 20);
        skn_buf_put_str(&text, head);
        for (uint32_t i = 0; i < arguments; i++)
            skn_buf_put_str(&text, ",x");
        skn_buf_put_str(&text, "] }\n");
        assert_int_equal(event_code(skn_buf_slice(&text)),
                         arguments == 255 ? SKN_CODE_COUNT : SKN_CODE_BAD_VALUE);
        skn_buf_fini(&text);
    }
    struct skn_buf text;
    skn_buf_init(&text, 1 << 21);
    for (int i = 0; i < 20000; i++)
        skn_buf_put_str(&text, "- x\n");
    assert_int_equal(event_code(skn_buf_slice(&text)), SKN_CODE_TOO_MANY);
    while (text.len <= SKN_EVENT_BYTES_MAX)
        skn_buf_put_str(&text, "# a comment\n");
    assert_int_equal(event_code(skn_buf_slice(&text)), SKN_CODE_TOO_MANY);
    skn_buf_fini(&text);
    assert_int_equal(event_code(SKN_LIT("event: A\0\n")), SKN_CODE_BAD_CHAR);
    assert_int_equal(event_code(SKN_LIT("\xEF\xBB\xBF"
                                        "event: A\n")),
                     SKN_CODE_BAD_CHAR);
    assert_int_equal(event_code(SKN_LIT("event: \xff\n")), SKN_CODE_BAD_UTF8);
    assert_int_equal(
        event_code(SKN_LIT("event: A\nversion: 1.0.0\nrun: { exec: [x, \"a\\0b\"] }\n")),
        SKN_CODE_BAD_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_branch_is_found_by_its_outcome),
        cmocka_unit_test(the_newest_version_of_an_event_counts),
        cmocka_unit_test(a_graph_borrows_nothing),
        cmocka_unit_test(durations_are_read_alike_everywhere),
        cmocka_unit_test(event_files_have_limits),
    };
    return cmocka_run_group_tests_name("pointy graph", tests, NULL, NULL);
}
