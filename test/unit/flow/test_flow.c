/* test_flow.c - what flows mean, and that a kill at any record changes nothing of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/flowworld.h"
#include "lib/test.h"

struct example {
    const char *rule;
    const char *flow;
    const char *script;
    const char *tree;
    const char *result; /* NULL: not looked at */
};

#define GOT(by, in) "{\"by\":\"" by "\",\"got\":" in "}"
#define NOTHING     "{\"previous\":null,\"x\":null}"
#define FIRST       "{\"previous\":{},\"x\":null}" /* the run's whole input is piped */

static const struct example examples[] = {
    {"F11", "A -> B", "", "succeeded: 1 A succeeded 1; 2 B succeeded 1;", GOT("B", NOTHING)},
    {"F11",
     "A |-> B",
     "",
     "succeeded: 1 A succeeded 1; 2 B succeeded 1;",
     GOT("B", "{\"previous\":" GOT("A", FIRST) ",\"x\":null}")},
    {"F11", "A -> B", "A=f", "failed: 1 A failed 1;", "null"},
    {"F2 F14",
     "A -> B || C -> D",
     "",
     "succeeded: 1 A succeeded 1; 2 B succeeded 1; 3 C succeeded 1; 4 D succeeded 1;",
     NULL},
    {"F14",
     "A || B |-> C",
     "",
     "succeeded: 1 A succeeded 1; 2 B succeeded 1; 3 C succeeded 1;",
     GOT("C", "{\"previous\":[" GOT("A", FIRST) "," GOT("B", FIRST) "],\"x\":null}")},
    {"F14",
     "A || B || C -> D",
     "B=f",
     "failed: 1 A succeeded 1; 2 B failed 1; 3 C succeeded 1;",
     "null"},
    {"F15", "A * 3 -> B", "A=ffs", "succeeded: 1 A succeeded 3; 2 B succeeded 1;", NULL},
    {"F15", "A * 3 -> B", "A=ffff", "failed: 1 A failed 3;", NULL},
    {"F15", "A[retries=2] -> B", "A=ts", "succeeded: 1 A succeeded 2; 2 B succeeded 1;", NULL},
    {"F15",
     "3 * A (0 -> B, 1 -> C)",
     "A=fff",
     "succeeded: 1 A succeeded 3; 1.2 B succeeded 1;",
     NULL},
    {"F13",
     "A (0 -> B, 1 -> C) -> D",
     "",
     "succeeded: 1 A succeeded 1; 1.3 C succeeded 1; 4 D succeeded 1;",
     NULL},
    {"F13",
     "A (0 -> B, 1 -> C) |-> D",
     "A=f",
     "succeeded: 1 A succeeded 1; 1.2 B succeeded 1; 4 D succeeded 1;",
     NULL},
    {"F13",
     "A (failure |-> B) |-> C",
     "A=f",
     "succeeded: 1 A succeeded 1; 1.2 B succeeded 1; 3 C succeeded 1;",
     GOT("C",
         "{\"previous\":" GOT("B",
                              "{\"previous\":" GOT("A", FIRST) ",\"x\":null}") ",\"x\":null}")},
    {"F13", "A (failure -> B) -> C", "A=f B=f", "failed: 1 A failed 1; 1.2 B failed 1;", NULL},
    {"F13", "A (1 -> B)", "A=f", "failed: 1 A failed 1;", NULL},
    {"F13",
     "A (0 -> B -> C, 1 -> D || E) -> F",
     "A=f",
     "succeeded: 1 A succeeded 1; 1.2 B succeeded 1; 1.3 C succeeded 1; 6 F succeeded 1;",
     NULL},
    {"F16",
     "{A -> B} |-> C",
     "",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B succeeded 1; 4 C succeeded 1;",
     GOT("C", "{\"previous\":" GOT("B", NOTHING) ",\"x\":null}")},
    {"F11 F16", "A |-> {B |-> C} -> D", "", NULL, GOT("D", NOTHING)},
    {"F15 F16", "{A -> B}[retries=3] || {C -> D}", "B=fs", NULL, NULL},
    {"F12",
     "{A -> B} (failure -> C) -> D",
     "A=f",
     "succeeded: 1 group succeeded 0; 1.2 A failed 1; 1.4 C succeeded 1; 5 D succeeded 1;",
     NULL},
    {"F18", "Noop -> Noop", "", "succeeded: 1 Noop succeeded 0; 2 Noop succeeded 0;", "null"},
    {"F18", "Fail[reason=\"no\"]", "", "failed: 1 Fail failed 0;", NULL},
    {"F18", "Fail (failure -> A)", "", "succeeded: 1 Fail succeeded 0; 1.2 A succeeded 1;", NULL},
    {"F18", "Sleep[for=2h] -> A", "", "succeeded: 1 Sleep succeeded 0; 2 A succeeded 1;", NULL},
    {"F15",
     "{Sleep[for=2h] -> A}[timeout=1h] (failure -> B)",
     "",
     "succeeded: 1 group succeeded 0; 1.2 Sleep cancelled 0; 1.4 B succeeded 1;",
     NULL},
    {"F15", "@timeout: 1h\nSleep[for=2h] -> A", "", "failed: 1 Sleep cancelled 0;", NULL},
    /* The table of section 5 of POINTY, row by row, with A to H for its names; a row that no run can do
     * yet stands only among the programs of test/lang/pointy. */
    {"5.1",
     "A -> B || C -> D",
     "C=f",
     "failed: 1 A succeeded 1; 2 B succeeded 1; 3 C failed 1;",
     NULL},
    {"5.2",
     "A * 3 (failure -> B) |-> C",
     "A=fff",
     "succeeded: 1 A succeeded 3; 1.2 B succeeded 1; 3 C succeeded 1;",
     GOT("C", "{\"previous\":" GOT("B", NOTHING) ",\"x\":null}")},
    {"5.2",
     "A * 3 (failure -> B) |-> C",
     "A=ffs",
     "succeeded: 1 A succeeded 3; 3 C succeeded 1;",
     GOT("C", "{\"previous\":" GOT("A", FIRST) ",\"x\":null}")},
    {"5.3",
     "3 * A (0 -> B, 1 -> C)",
     "A=ffs",
     "succeeded: 1 A succeeded 3; 1.3 C succeeded 1;",
     NULL},
    {"5.3",
     "A * 3 (0 -> B, 1 -> C)",
     "A=ffs",
     "succeeded: 1 A succeeded 3; 1.3 C succeeded 1;",
     NULL},
    {"5.3",
     "A (0 -> B, 1 -> C) * 3",
     "A=ffs",
     "succeeded: 1 A succeeded 3; 1.3 C succeeded 1;",
     NULL},
    {"5.3",
     "A * 3 (0 -> B, 1 -> C)",
     "A=fff",
     "succeeded: 1 A succeeded 3; 1.2 B succeeded 1;",
     NULL},
    {"5.3",
     "A (0 -> B, 1 -> C) * 3",
     "A=fff",
     "succeeded: 1 A succeeded 3; 1.2 B succeeded 1;",
     NULL},
    {"5.4", "A (1 -> B)", "", "succeeded: 1 A succeeded 1; 1.2 B succeeded 1;", NULL},
    {"5.5",
     "A (0 -> B -> C, 1 -> D || E) -> F",
     "",
     "succeeded: 1 A succeeded 1; 1.4 D succeeded 1; 1.5 E succeeded 1; 6 F succeeded 1;",
     NULL},
    {"5.6",
     "(A || B || C) |-> D (0 -> E, 1 -> F)",
     "",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B succeeded 1; 1.4 C succeeded 1; "
     "5 D succeeded 1; 5.7 F succeeded 1;",
     NULL},
    {"5.6",
     "(A || B || C) |-> D (0 -> E, 1 -> F)",
     "D=f",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B succeeded 1; 1.4 C succeeded 1; "
     "5 D succeeded 1; 5.6 E succeeded 1;",
     NULL},
    {"5.7",
     "{A -> B}[retries=3] || {C -> D}",
     "B=f",
     "failed: 1 group failed 0; 1.2 A succeeded 1; 1.3 B failed 1; 1.2 A succeeded 1; 1.3 B failed "
     "1; "
     "1.2 A succeeded 1; 1.3 B failed 1; 4 group succeeded 0; 4.5 C succeeded 1; 4.6 D succeeded "
     "1;",
     NULL},
    /* When a step has succeeded, and what becomes of the rest of it. */
    {"F14",
     "{A || B || C}[evaluate=\"any\"] |-> D",
     "A=f",
     "succeeded: 1 group succeeded 0; 1.2 A failed 1; 1.3 B succeeded 1; 1.4 C cancelled 1; 5 D "
     "succeeded 1;",
     GOT("D", "{\"previous\":[null," GOT("B", FIRST) ",null],\"x\":null}")},
    {"F14",
     "{A || B || C}[evaluate=\"any\"] |-> D",
     "C=g",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B cancelled 1; 1.4 C succeeded 1; 5 D "
     "succeeded 1;",
     GOT("D", "{\"previous\":[" GOT("A", FIRST) ",null," GOT("C", FIRST) "],\"x\":null}")},
    {"F14",
     "{A || B}[evaluate=\"any\"] -> C",
     "A=f B=f",
     "failed: 1 group failed 0; 1.2 A failed 1; 1.3 B failed 1;",
     NULL},
    {"F14",
     "{A || B || C}[evaluate=\"any\", cancel_rest=false] -> D",
     "B=f",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B failed 1; 1.4 C succeeded 1; 5 D "
     "succeeded 1;",
     NULL},
    {"F14",
     "{A || B || C || D}[evaluate=\"majority\"]",
     "A=f",
     "succeeded: 1 group succeeded 0; 1.2 A failed 1; 1.3 B succeeded 1; 1.4 C succeeded 1; 1.5 D "
     "succeeded 1;",
     NULL},
    {"F14",
     "{A || B || C || D}[evaluate=\"majority\"]",
     "A=f B=f",
     "failed: 1 group failed 0; 1.2 A failed 1; 1.3 B failed 1; 1.4 C cancelled 1; 1.5 D cancelled "
     "1;",
     NULL},
    {"F14",
     "{A || B || C}[evaluate=\"at_least=2\"]",
     "A=f",
     "succeeded: 1 group succeeded 0; 1.2 A failed 1; 1.3 B succeeded 1; 1.4 C succeeded 1;",
     NULL},
    {"F14",
     "{A -> B || C || D}[result_evaluation_strategy=\"any_must_succeed\"] -> E",
     "B=f",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B failed 1; 1.4 C succeeded 1; 1.5 D "
     "cancelled 1; 6 E succeeded 1;",
     NULL},
    {"F14",
     "{A || {B -> C}[timeout=3h] || Sleep[for=2h] || D * 3}[evaluate=\"any\"]",
     "A=w B=w D=f",
     "succeeded: 1 group succeeded 0; 1.2 A cancelled 1; 1.3 group cancelled 0; 1.3.4 B cancelled "
     "1; "
     "1.6 Sleep succeeded 0; 1.7 D failed 3;",
     NULL},
    /* Nested groups do not inherit it, and a branch is no group. */
    {"F14",
     "{{A || B} || C}[evaluate=\"any\"]",
     "A=f C=f",
     "failed: 1 group failed 0; 1.2 group failed 0; 1.2.3 A failed 1; 1.2.4 B succeeded 1; 1.5 C "
     "failed 1;",
     NULL},
    {"F14",
     "{A (success -> B || C)}[evaluate=\"any\"]",
     "B=f",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.2.3 B failed 1; 1.2.4 C succeeded 1;",
     NULL},
    {"F14",
     "{A (failure -> B) || C}[evaluate=\"none_failed\"]",
     "A=f",
     "failed: 1 group failed 0; 1.2 A succeeded 1; 1.2.3 B succeeded 1; 1.4 C succeeded 1;",
     NULL},
    {"F14",
     "{A (failure -> B) || C}[evaluate=\"none_failed\"]",
     "",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.4 C succeeded 1;",
     NULL},
    {"F14",
     "{A (success -> B) || C}[evaluate=\"none_failed\"]",
     "",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.2.3 B succeeded 1; 1.4 C succeeded 1;",
     NULL},
    {"F14",
     "{A || B || C}[fail_fast=true] (failure -> D)",
     "B=f",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B failed 1; 1.4 C cancelled 1; 1.5 D "
     "succeeded 1;",
     NULL},
    /* A failure that was left behind is not why the run fails. */
    {"F12 F14",
     "{A || B}[evaluate=\"any\"] -> C",
     "A=f C=f",
     "failed: 1 group succeeded 0; 1.2 A failed 1; 1.3 B succeeded 1; 4 C failed 1;",
     NULL},
    {"F12",
     "A[on_failure=\"continue\"] |-> B",
     "A=f",
     "succeeded: 1 A succeeded 1; 2 B succeeded 1;",
     GOT("B", "{\"previous\":" GOT("A", FIRST) ",\"x\":null}")},
    {"F12",
     "{A -> B}[on_failure=\"continue\"] |-> C",
     "B=f",
     "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B failed 1; 4 C succeeded 1;",
     GOT("C", NOTHING)},
    {"F12",
     "A[on_failure=\"continue\"] (failure -> B) -> C",
     "A=f B=f",
     "failed: 1 A failed 1; 1.2 B failed 1;",
     NULL},
    {"F12 F14",
     "{A[on_failure=\"continue\"] || B}[evaluate=\"none_failed\"]",
     "A=f",
     "failed: 1 group failed 0; 1.2 A succeeded 1; 1.3 B succeeded 1;",
     NULL},
    {"F15", "A[retries=3, retry_on=[\"timeout\"]]", "A=tfs", "failed: 1 A failed 2;", NULL},
    {"F15", "A[retries=3, retry_on=[\"exit:75\"]]", "A=ees", "succeeded: 1 A succeeded 3;", NULL},
    {"F15", "A[retries=3, retry_on=[]]", "A=tfs", "succeeded: 1 A succeeded 3;", NULL},
    {"F15", "A[retries=3, no_retry_on=[\"exit:75\"]]", "A=fes", "failed: 1 A failed 2;", NULL},
    {"F15", "Once", "Once=tfs", "failed: 1 Once failed 2;", NULL},
    {"F15", "Once[retry_on=[]]", "Once=tfs", "succeeded: 1 Once succeeded 3;", NULL},
    {"F15",
     "{A}[retries=2, retry_on=[\"timeout\"]]",
     "A=f",
     "failed: 1 group failed 0; 1.2 A failed 1;",
     NULL},
    {"F22", "A[retries=3, stop_condition=\"on_error\"]", "A=fs", "failed: 1 A failed 1;", NULL},
    {"F22", "A * 3 [stop_condition=\"NEVER\"]", "A=fs", "succeeded: 1 A succeeded 2;", NULL},
    {"F15",
     "A[deadline=1h, retries=3] (failure -> B)",
     "A=w",
     "succeeded: 1 A succeeded 1; 1.2 B succeeded 1;",
     NULL},
    {"F15", "A[deadline=1h]", "A=g", "succeeded: 1 A succeeded 1;", NULL},
    {"F15",
     "A[deadline=3h, retries=9, backoff=2h] (failure -> B)",
     "A=fffffffff",
     "succeeded: 1 A succeeded 2; 1.2 B succeeded 1;",
     NULL},
    {"F15",
     "{Sleep[for=2h] -> A}[deadline=3h, retries=9] (failure -> B)",
     "A=f",
     "succeeded: 1 group succeeded 0; 1.2 Sleep succeeded 0; 1.3 A failed 1; 1.2 Sleep cancelled "
     "0; "
     "1.4 B succeeded 1;",
     NULL},
    {"F10",
     "Deal (declined |-> A, 3 -> B, 0 -> C) -> D",
     "Deal=d",
     "succeeded: 1 Deal succeeded 1; 1.2 A succeeded 1; 5 D succeeded 1;",
     NULL},
    {"F10",
     "Deal * 3 (declined -> A, 3 -> B, 0 -> C) -> D",
     "Deal=fo",
     "succeeded: 1 Deal succeeded 2; 1.3 B succeeded 1; 5 D succeeded 1;",
     NULL},
    {"F10 F11", "Deal * 3 -> A", "Deal=ds", "failed: 1 Deal failed 1;", NULL},
    {"F10",
     "Deal (declined -> A, 0 -> B)",
     "Deal=u",
     "succeeded: 1 Deal succeeded 1; 1.3 B succeeded 1;",
     NULL},
    {"F10 F14",
     "{Deal (declined -> A, 0 -> B) || C}[evaluate=\"none_failed\"]",
     "Deal=d",
     "failed: 1 group failed 0; 1.2 Deal succeeded 1; 1.2.3 A succeeded 1; 1.5 C succeeded 1;",
     NULL},
    {"5.9", "{A || B || C}[evaluate=\"any\"] -> D", "A=f B=f", NULL, GOT("D", NOTHING)},
    {"F19",
     "Need[x=5]",
     "",
     "succeeded: 1 Need succeeded 1;",
     GOT("Need", "{\"previous\":{},\"x\":5}")},
    {"F19",
     "@input: x: int\nA -> Int",
     "",
     "succeeded: 1 A succeeded 1; 2 Int succeeded 1;",
     GOT("Int", "{\"previous\":null,\"x\":7}")},
};

static const char *inputs_of(const struct example *e)
{
    return strstr(e->flow, "@input") ? "{\"x\":7}" : "{}";
}

static void flows_mean_what_they_look_like(void **state)
{
    (void)state;
    for (size_t i = 0; i < SKN_ARRAY_LEN(examples); i++) {
        const struct example *e = &examples[i];
        struct world w;
        world_init(&w, e->script);
        world_start(&w, e->flow, inputs_of(e));
        world_run(&w);
        const char *tree = world_tree(&w);
        if (e->tree && strcmp(tree, e->tree) != 0)
            print_error(
                "%s: %s with %s\n  is  %s\n  not %s\n", e->rule, e->flow, e->script, tree, e->tree);
        if (e->tree) assert_string_equal(tree, e->tree);
        const char *result = world_result(&w);
        if (e->result && strcmp(result, e->result) != 0) print_error("%s: %s\n", e->rule, e->flow);
        if (e->result) assert_string_equal(result, e->result);
        world_fini(&w);
    }
}

/* The same run, killed once behind every record, must end as if nothing had happened (P1 P2 P5). */
static void a_kill_at_any_record_changes_nothing(void **state)
{
    (void)state;
    size_t kills = 0;
    for (size_t i = 0; i < SKN_ARRAY_LEN(examples); i++) {
        const struct example *e = &examples[i];
        char tree[4096], result[4096];
        /* Told to end and killed before it ended well: then it did not. */
        if (strchr(e->script, 'g')) continue;
        for (size_t at = 0;; at++) {
            struct world w;
            world_init(&w, e->script);
            world_start(&w, e->flow, inputs_of(e));
            size_t before = w.shard.count;
            /* Up to record `at`, with tasks ending as soon as they are known. */
            while (w.shard.count < before + at) {
                enum skn_rc rc = shard_step(&w.shard);
                shard_durable(&w.shard);
                struct skn_output out;
                while (shard_next(&w.shard, &out))
                    world_take_output(&w, &out);
                if (rc == SKN_OK) continue;
                uint64_t due = skn_core_next_due_ms(w.shard.core);
                size_t next = world_next_task(&w);
                if (next < w.count)
                    world_end_task(&w, next);
                else if (due == UINT64_MAX)
                    break;
                else if (due > w.shard.now_ms)
                    w.shard.now_ms = due;
            }
            bool ended = at > 0 && w.shard.count < before + at;
            if (at > 0) world_kill(&w);
            world_run(&w);
            if (at == 0) {
                (void)snprintf(tree, sizeof tree, "%s", world_tree(&w));
                (void)snprintf(result, sizeof result, "%s", world_result(&w));
            } else {
                kills++;
                if (strcmp(tree, world_tree(&w)) != 0)
                    print_error("%s killed at record %zu\n", e->flow, at);
                assert_string_equal(world_tree(&w), tree);
                assert_string_equal(world_result(&w), result);
            }
            world_fini(&w);
            if (ended) break;
        }
    }
    print_message("%zu kills\n", kills);
    assert_true(kills > 100);
}

static void stopping_waits_and_resuming_goes_on(void **state) /* [E81] [E82] */
{
    (void)state;
    struct world w;
    world_init(&w, "");
    world_start(&w, "A || B -> C -> {D -> Sleep[for=1h] -> E}", "{}");
    world_settle(&w);
    assert_int_equal(w.count, 2);
    world_submit(&w, "stop", skn_value_none());
    world_settle(&w);
    assert_string_equal(world_tree(&w), "stopping: 1 A running 1; 2 B running 1;");
    world_end_task(&w, 0);
    world_end_task(&w, 0);
    world_settle(&w);
    assert_string_equal(world_tree(&w),
                        "interrupted: 1 A succeeded 1; 2 B succeeded 1; 3 C waiting 0;");
    world_kill(&w);
    world_submit(&w, "resume", skn_value_none());
    world_settle(&w);
    world_end_task(&w, 0);
    world_settle(&w);
    world_end_task(&w, 0);
    world_settle(&w); /* it sleeps */
    world_submit(&w, "stop", skn_value_none());
    world_settle(&w);
    assert_string_equal(
        world_tree(&w),
        "interrupted: 1 A succeeded 1; 2 B succeeded 1; 3 C succeeded 1; 4 group running 0; "
        "4.5 D succeeded 1; 4.6 Sleep waiting 0;");
    world_submit(&w, "resume", skn_value_none());
    world_run(&w);
    assert_string_equal(
        world_tree(&w),
        "succeeded: 1 A succeeded 1; 2 B succeeded 1; 3 C succeeded 1; 4 group succeeded 0; "
        "4.5 D succeeded 1; 4.6 Sleep succeeded 0; 4.7 E succeeded 1;");
    assert_int_equal(w.performed, 5);
    world_fini(&w);
}

/* To end what a step does not need any more takes more than a slice; when all of it has ended by itself
 * meanwhile, what the next step has started is left alone. */
static void what_is_left_of_ending_a_step_ends_no_other(void **state) /* F14 [E62] */
{
    (void)state;
    enum { GROUPS = 300 };
    struct world w;
    struct skn_buf text;
    skn_buf_init(&text, 1 << 16);
    skn_buf_put_str(&text, "{A");
    for (int i = 0; i < GROUPS; i++)
        skn_buf_put_str(&text, " || {B}");
    skn_buf_put_str(&text, "}[evaluate=\"any\"] -> C || D");
    world_init(&w, "");
    world_start(&w, skn_buf_str(&text), "{}");
    world_settle(&w);
    assert_int_equal(w.count, GROUPS + 1);
    while (w.count > 0)
        world_end_task(&w, 0); /* A first; all results wait at once */
    world_run(&w);
    const char *tree = world_tree(&w);
    assert_non_null(strstr(tree, "succeeded: 1 group succeeded 0;"));
    assert_non_null(strstr(tree, " C succeeded 1;"));
    assert_non_null(strstr(tree, " D succeeded 1;"));
    world_fini(&w);
    skn_buf_fini(&text);
}

/* An event with on_interrupt: fail is not started again, after a kill and after a `leave`, whatever attempts
 * it has left; its failure is one like any other. */
static void what_must_not_be_done_twice_is_not(void **state) /* [E41] F15 */
{
    (void)state;
    for (int is_leave = 0; is_leave < 2; is_leave++) {
        struct world w;
        world_init(&w, "");
        world_start(&w, "A -> Pay * 3 (failure -> B)", "{}");
        world_settle(&w);
        world_end_task(&w, 0);
        world_settle(&w);
        assert_int_equal(w.count, 1);
        assert_string_equal(w.tasks[0].event, "Pay");
        if (is_leave) {
            world_submit(&w, "leave", skn_value_none());
            world_settle(&w);
            assert_true(w.tasks[0].is_leaving);
            world_end_task(&w, 0);
            world_settle(&w);
            world_submit(&w, "resume", skn_value_none());
        } else {
            world_kill(&w);
        }
        world_run(&w);
        assert_string_equal(world_tree(&w),
                            "succeeded: 1 A succeeded 1; 2 Pay succeeded 0; 2.3 B succeeded 1;");
        assert_int_equal(w.performed, 3);
        world_fini(&w);
    }
}

/* What was late while it waited is not begun again by the next resume: its branch runs. */
static void a_branch_that_a_deadline_began_is_begun_once(void **state) /* F15 [E81] */
{
    (void)state;
    static const char *const flows[] = {"A[deadline=1h] (failure -> B)",
                                        "Fail[deadline=1h, retries=9, backoff=2h] (failure -> B)"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(flows); i++) {
        struct world w;
        world_init(&w, "");
        world_start(&w, flows[i], "{}");
        world_settle(&w);
        if (i > 0) w.shard.now_ms += 90 * 60 * 1000; /* between two attempts */
        world_settle(&w);
        for (int stops = 0; stops < 3; stops++) {
            world_submit(&w, "leave", skn_value_none());
            world_settle(&w);
            if (w.count > 0) world_end_task(&w, 0);
            world_settle(&w);
            w.shard.now_ms += 2 * 3600 * 1000;
            world_settle(&w);
            world_submit(&w, "resume", skn_value_none());
            world_submit(&w, "resume", skn_value_none());
            world_settle(&w);
            assert_true(w.count <= 1);
        }
        assert_int_equal(w.count, 1);
        assert_string_equal(w.tasks[0].event, "B");
        world_run(&w);
        assert_non_null(strstr(world_tree(&w), " 1.2 B succeeded 1;"));
        assert_int_equal(w.performed, 4); /* A and three attempts of B, or four of B */
        world_fini(&w);
    }
}

static void leaving_cuts_off_and_keeps_the_key(void **state) /* [E41] [E42] [E81] */
{
    (void)state;
    struct world w;
    world_init(&w, "");
    world_start(&w, "A * 2 -> B", "{}");
    world_settle(&w);
    uint8_t key[SKN_KEY_BYTES];
    memcpy(key, w.tasks[0].output.key, sizeof key);
    world_submit(&w, "leave", skn_value_none());
    world_settle(&w);
    assert_true(w.tasks[0].is_leaving);
    world_end_task(&w, 0);
    world_settle(&w);
    assert_string_equal(world_tree(&w), "interrupted: 1 A waiting 0;");
    world_submit(&w, "resume", skn_value_none());
    world_settle(&w);
    assert_int_equal(w.tasks[0].output.attempt, 2);
    assert_memory_equal(w.tasks[0].output.key, key, sizeof key);
    world_run(&w);
    assert_string_equal(world_tree(&w), "succeeded: 1 A succeeded 1; 2 B succeeded 1;");
    world_fini(&w);
}

static void a_time_limit_cancels_what_runs_inside(void **state) /* F15 */
{
    (void)state;
    struct world w;
    world_init(&w, "");
    world_start(&w, "{A || B || Sleep[for=2h]}[timeout=1h, retries=2] (failure -> C)", "{}");
    world_settle(&w);
    assert_int_equal(w.count, 2);
    w.shard.now_ms += 3600 * 1000;
    world_settle(&w);
    assert_true(w.tasks[0].is_cancelled && w.tasks[1].is_cancelled);
    world_end_task(&w, 0);
    world_settle(&w);
    assert_int_equal(w.count, 1); /* waits for the other before it tries again */
    world_end_task(&w, 0);
    world_settle(&w);
    w.shard.now_ms++;
    world_settle(&w);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.tasks[0].output.attempt, 1); /* of a new context */
    w.shard.now_ms += 3600 * 1000;
    world_settle(&w);
    world_run(&w);
    const char *tree = world_tree(&w);
    assert_non_null(strstr(tree, "succeeded: 1 group succeeded 0;"));
    assert_non_null(strstr(tree, "C succeeded 1;"));
    world_fini(&w);
}

static void ten_thousand_units_are_walked_in_slices(void **state) /* [E62] */
{
    (void)state;
    enum { UNITS = 3000 };
    struct skn_buf text;
    skn_buf_init(&text, 1 << 20);
    skn_buf_put_str(&text, "Noop");
    for (int i = 1; i < UNITS; i++)
        skn_buf_put_str(&text, i < UNITS / 2 ? " -> Noop" : " || Noop");
    struct world w;
    world_init(&w, "");
    world_start(&w, skn_buf_str(&text), "{}");
    world_run(&w);
    struct skn_run_info info;
    assert_int_equal(skn_flow_info(w.shard.store, SKN_LIT(RUN_ADDRESS), false, &info, NULL),
                     SKN_OK);
    assert_int_equal(info.status, SKN_RUN_SUCCEEDED);
    assert_true(skn_core_counts(w.shard.core).slices > UNITS / 256);
    world_fini(&w);
    skn_buf_fini(&text);
}

static void a_bad_start_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "");
    static const struct {
        const char *flow, *inputs;
    } bad[] = {{"@input: x: int\nA", "{}"}, {"A", "{\"y\":1}"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        world_start(&w, bad[i].flow, bad[i].inputs);
        shard_settle(&w.shard);
        struct skn_output out;
        assert_true(shard_next(&w.shard, &out));
        assert_int_equal(out.rc, SKN_EARGS);
        assert_false(shard_next(&w.shard, &out));
    }
    world_submit(&w, "resume", skn_value_none());
    shard_settle(&w.shard);
    struct skn_output out;
    assert_true(shard_next(&w.shard, &out));
    assert_int_equal(out.rc, SKN_ENOENT);
    struct skn_buf address;
    skn_buf_init(&address, 1000);
    assert_int_equal(skn_core_next_domain(w.shard.store, (struct skn_slice){0}, &address, NULL),
                     SKN_ENOENT);
    skn_buf_fini(&address);
    world_fini(&w);
}

/* What was handled is no error of the run, nor of the unit; its attempt keeps it. */
static void a_handled_failure_is_no_error(void **state) /* F13 */
{
    (void)state;
    struct world w;
    world_init(&w, "A=f");
    world_start(&w, "A (failure -> B)", "{}");
    world_run(&w);
    struct skn_value view = world_view(&w), contexts, context, attempts, attempt, error;
    assert_true(skn_map_get(view, SKN_LIT("error"), &error));
    assert_true(skn_value_is(error, SKN_T_NONE));
    assert_true(skn_map_get(view, SKN_LIT("contexts"), &contexts));
    assert_true(skn_list_at(contexts, 0, &context));
    assert_true(skn_map_get(context, SKN_LIT("error"), &error));
    assert_true(skn_value_is(error, SKN_T_NONE));
    assert_true(skn_map_get(context, SKN_LIT("attempts"), &attempts));
    assert_true(skn_list_at(attempts, 0, &attempt));
    assert_true(skn_slice_eq(world_member(attempt, "reason"), SKN_LIT("exit:1")));
    world_fini(&w);
}

/* A task whose input does not fit its words fails before it starts, and says where [F19] [F31]. */
static void an_input_that_does_not_fit_is_named(void **state)
{
    (void)state;
    struct world w;
    struct skn_value error;
    world_init(&w, "");
    world_start(&w, "@input: x: int\nFew", "{\"x\":7}");
    world_run(&w);
    assert_string_equal(world_tree(&w), "failed: 1 Few failed 0;");
    assert_true(skn_map_get(world_view(&w), SKN_LIT("error"), &error));
    struct skn_slice message = world_member(error, "message");
    if (!skn_slice_eq(message, SKN_LIT("Few failed: input /x: must be at most 5")))
        fail_msg("%.*s", SKN_FMT(message));
    world_fini(&w);

    world_init(&w, "");
    world_start(&w, "@input: x: int\nFew", "{\"x\":5}");
    world_run(&w);
    assert_string_equal(world_tree(&w), "succeeded: 1 Few succeeded 1;");
    world_fini(&w);
}

/* The nth read of the store answers later. */
static bool is_nth(void *ctx)
{
    unsigned *left = ctx;
    return *left > 0 && --*left == 0;
}

/* [E13] A view is whole or it is none: a row that is still to be fetched is no null. */
static void a_view_is_whole_or_later(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "A=f");
    world_start(&w, "{A || B}[retries=2] (failure -> C)", "{}");
    world_run(&w);
    struct skn_buf whole, part;
    skn_buf_init(&whole, 1 << 20);
    skn_buf_init(&part, 1 << 20);
    enum skn_rc rc = SKN_ELATER;
    unsigned nth = 0, later = 0;
    for (; rc == SKN_ELATER || nth < 2; nth++) {
        unsigned left = nth;
        struct skn_json_writer writer;
        struct skn_buf *out = nth == 0 ? &whole : &part;
        skn_buf_reset(out);
        skn_json_begin(&writer, out, SKN_JSON_PLAIN);
        skn_store_set_later(w.shard.store, is_nth, &left);
        rc = skn_flow_view(w.shard.store, SKN_LIT(RUN_ADDRESS), false, true, &writer, NULL);
        later += rc == SKN_ELATER;
        if (rc == SKN_ELATER) continue;
        assert_int_equal(rc, SKN_OK);
        assert_int_equal(skn_json_end(&writer, NULL), SKN_OK);
    }
    assert_string_equal(skn_buf_str(&part), skn_buf_str(&whole));
    assert_true(later > 20);
    skn_store_set_later(w.shard.store, NULL, NULL);
    skn_buf_fini(&part);
    skn_buf_fini(&whole);
    world_fini(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_mean_what_they_look_like),
        cmocka_unit_test(a_kill_at_any_record_changes_nothing),
        cmocka_unit_test(a_handled_failure_is_no_error),
        cmocka_unit_test(an_input_that_does_not_fit_is_named),
        cmocka_unit_test(a_view_is_whole_or_later),
        cmocka_unit_test(stopping_waits_and_resuming_goes_on),
        cmocka_unit_test(leaving_cuts_off_and_keeps_the_key),
        cmocka_unit_test(a_branch_that_a_deadline_began_is_begun_once),
        cmocka_unit_test(what_must_not_be_done_twice_is_not),
        cmocka_unit_test(what_is_left_of_ending_a_step_ends_no_other),
        cmocka_unit_test(a_time_limit_cancels_what_runs_inside),
        cmocka_unit_test(ten_thousand_units_are_walked_in_slices),
        cmocka_unit_test(a_bad_start_is_refused_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
