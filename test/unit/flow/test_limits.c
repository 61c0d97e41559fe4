/* test_limits.c - runs at the limits of rows, batches and depth: they end, and never stand still. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/flowworld.h"
#include "lib/test.h"

static enum skn_run_status status_of(struct world *w)
{
    struct skn_run_info info;
    assert_int_equal(skn_flow_info(w->shard.store, SKN_LIT(RUN_ADDRESS), false, &info, NULL),
                     SKN_OK);
    return info.status;
}

/* Ends the first task with a string of `size` bytes. */
static void end_with(struct world *w, enum skn_attempt_status status, size_t size)
{
    struct task *task = &w->tasks[0];
    char *bytes = skn_alloc(size + 1);
    memset(bytes, 'x', size);
    struct skn_attempt_result result = {.address = SKN_LIT(RUN_ADDRESS),
                                        .number = task->output.number,
                                        .attempt = task->output.attempt,
                                        .epoch = task->output.epoch,
                                        .status = status,
                                        .value = skn_value_string(skn_slice(bytes, size))};
    skn_core_result(w->shard.core, &result);
    skn_free(bytes);
    skn_free((void *)(uintptr_t)task->output.value.ptr);
    w->count--;
    memmove(task, task + 1, w->count * sizeof *task);
    world_settle(w);
}

static void end_all(struct world *w, size_t size)
{
    while (w->count > 0)
        end_with(w, SKN_ATTEMPT_SUCCESS, size);
}

static void open_at(struct world *w, const char *flow)
{
    world_init(w, "");
    w->shard.options.check_rebuild = true;
    world_start(w, flow, "{}");
    world_settle(w);
}

/* "first A || A || .. last" */
static void wide(struct skn_buf *text, const char *first, unsigned units, const char *last)
{
    skn_buf_init(text, 4 << 20);
    skn_buf_put_str(text, first);
    for (unsigned i = 0; i < units; i++)
        skn_buf_put_str(text, i == 0 ? "A" : " || A");
    skn_buf_put_str(text, last);
}

/* The run's error says so; its contexts may be too many bytes to be shown. */
static void expect_too_large(struct world *w)
{
    struct skn_json_writer writer;
    struct skn_buf json;
    skn_buf_init(&json, 1 << 20);
    skn_json_begin(&writer, &json, SKN_JSON_PLAIN);
    assert_int_equal(
        skn_flow_view(w->shard.store, SKN_LIT(RUN_ADDRESS), false, false, &writer, &w->shard.diag),
        SKN_OK);
    assert_int_equal(skn_json_end(&writer, NULL), SKN_OK);
    assert_non_null(strstr(skn_buf_str(&json), "TOO_LARGE"));
    skn_buf_fini(&json);
}

static void a_result_over_a_row_fails_its_task_by_name(void **state) /* F32 P10 */
{
    (void)state;
    static const struct {
        const char *flow;
        unsigned tasks;
        size_t size;
        enum skn_run_status status;
    } cases[] = {
        {"A", 1, (1 << 20) - 100, SKN_RUN_SUCCEEDED},
        {"A", 1, 1 << 20, SKN_RUN_FAILED},
        {"A (failure -> C)", 2, 1 << 20, SKN_RUN_SUCCEEDED},
        {"A || B", 2, 600 << 10, SKN_RUN_FAILED},
        {"{A || B} -> C", 2, 600 << 10, SKN_RUN_FAILED},
        {"{A || B} (failure -> C)", 3, 600 << 10, SKN_RUN_SUCCEEDED},
        {"C (1 -> A || B)", 3, 600 << 10, SKN_RUN_FAILED},
        {"A || B |-> C", 2, 600 << 10, SKN_RUN_FAILED},
        {"A || B || C || D || E || F || G || H |-> A", 8, 1000 << 10, SKN_RUN_FAILED},
        {"A || B -> C", 3, 600 << 10, SKN_RUN_SUCCEEDED},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct world w;
        open_at(&w, cases[i].flow);
        unsigned tasks = 0;
        for (; w.count > 0; tasks++)
            end_with(
                &w, SKN_ATTEMPT_SUCCESS, strcmp(w.tasks[0].event, "C") == 0 ? 10 : cases[i].size);
        if (status_of(&w) != cases[i].status || tasks != cases[i].tasks)
            print_error("%s: %u tasks\n", cases[i].flow, tasks);
        assert_int_equal(status_of(&w), cases[i].status);
        assert_int_equal(tasks, cases[i].tasks);
        assert_int_equal(skn_core_counts(w.shard.core).faults, 0);
        if (status_of(&w) == SKN_RUN_FAILED) {
            expect_too_large(&w);
        }
        world_fini(&w);
    }
}

static void more_than_a_batch_is_started_and_resumed_in_several(void **state) /* [E62] P10 */
{
    (void)state;
    enum { UNITS = 20, BIG = 900 << 10 }; /* together more than twice what one batch holds */
    struct skn_buf text;
    struct world w;
    wide(&text, "B |-> ", UNITS, " -> Noop");
    open_at(&w, skn_buf_str(&text));
    end_with(&w, SKN_ATTEMPT_SUCCESS, BIG);
    assert_int_equal(w.count, UNITS);
    world_submit(&w, "leave", skn_value_none());
    world_settle(&w);
    for (size_t i = 0; i < w.count; i++)
        assert_true(w.tasks[i].is_leaving);
    while (w.count > 0)
        end_with(&w, SKN_ATTEMPT_FAILURE, 0);
    assert_int_equal(status_of(&w), SKN_RUN_INTERRUPTED);
    world_submit(&w, "resume", skn_value_none());
    world_settle(&w);
    assert_int_equal(w.count, UNITS);
    end_all(&w, 10);
    assert_int_equal(status_of(&w), SKN_RUN_SUCCEEDED);
    assert_int_equal(skn_core_counts(w.shard.core).faults, 0);
    world_fini(&w);
    skn_buf_fini(&text);
}

static void more_than_a_batch_is_cancelled_in_several(void **state) /* F15 P10 */
{
    (void)state;
    enum { UNITS = 20, BIG = 900 << 10 };
    struct skn_buf text;
    struct world w;
    wide(&text, "B |-> {", UNITS, " || Sleep[for=2h]}[timeout=1h] (failure -> C)");
    open_at(&w, skn_buf_str(&text));
    end_with(&w, SKN_ATTEMPT_SUCCESS, BIG);
    assert_int_equal(w.count, UNITS);
    w.shard.now_ms += 3600 * 1000;
    world_settle(&w);
    for (size_t i = 0; i < w.count; i++)
        assert_true(w.tasks[i].is_cancelled);
    for (size_t i = 0; i < UNITS; i++)
        end_with(&w, SKN_ATTEMPT_FAILURE, 0);
    assert_int_equal(w.count, 1);
    assert_string_equal(w.tasks[0].event, "C");
    end_all(&w, 10);
    assert_int_equal(status_of(&w), SKN_RUN_SUCCEEDED);
    assert_int_equal(skn_core_counts(w.shard.core).faults, 0);
    world_fini(&w);
    skn_buf_fini(&text);
}

static void flows_nest_as_deep_as_a_text_may(void **state) /* F13 */
{
    (void)state;
    static const struct {
        const char *open, *inner, *close;
    } nests[] = {
        {"{", "A", "}"}, {"B (0 -> C, 1 -> ", "A", ")"}, {"{A}[retries=2] (0 -> ", "A", ")"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(nests); i++) {
        for (unsigned depth = 240; depth < SKN_GRAPH_DEPTH_MAX; depth += 15) {
            struct skn_buf text;
            skn_buf_init(&text, 1 << 20);
            for (unsigned d = 0; d < depth; d++)
                skn_buf_put_str(&text, nests[i].open);
            skn_buf_put_str(&text, nests[i].inner);
            for (unsigned d = 0; d < depth; d++)
                skn_buf_put_str(&text, nests[i].close);
            struct world w;
            open_at(&w, skn_buf_str(&text));
            w.script = "A=fff";
            unsigned tasks = 0;
            for (; w.count > 0; tasks++) {
                bool fails = i == 2 && tasks < 2 * depth;
                end_with(&w, fails ? SKN_ATTEMPT_FAILURE : SKN_ATTEMPT_SUCCESS, 1);
                w.shard.now_ms++;
                world_settle(&w);
            }
            assert_int_equal(tasks, i == 0 ? 1 : i == 1 ? depth + 1 : 2 * depth + 1);
            assert_int_equal(status_of(&w), SKN_RUN_SUCCEEDED);
            world_fini(&w);
            skn_buf_fini(&text);
        }
    }
}

static void a_wide_step_costs_as_much_as_it_is_wide(void **state) /* [E62] */
{
    (void)state;
    enum { UNITS = 8000 };
    struct skn_buf text;
    struct world w;
    skn_buf_init(&text, 4 << 20);
    skn_buf_put_str(&text, "Noop -> {{{Noop");
    for (int i = 1; i < UNITS; i++)
        skn_buf_put_str(&text, " || Noop");
    skn_buf_put_str(&text, "}}}");
    world_init(&w, "");
    w.shard.options.check_rebuild = false;
    shard_kill(&w.shard, true);
    world_start(&w, skn_buf_str(&text), "{}");
    world_settle(&w);
    assert_int_equal(status_of(&w), SKN_RUN_SUCCEEDED);
    size_t bytes = 0;
    for (size_t i = 0; i < w.shard.count; i++)
        bytes += w.shard.records[i].batch.len + w.shard.records[i].message.len;
    print_message("%zu bytes in %zu records\n", bytes, w.shard.count);
    assert_true(bytes < (size_t)UNITS * 300);
    world_fini(&w);
    skn_buf_fini(&text);
}

static void a_resume_while_tasks_are_cut_off_goes_on(void **state) /* [E81] */
{
    (void)state;
    for (int kills = 0; kills < 2; kills++) {
        struct world w;
        open_at(&w, "A -> B");
        world_submit(&w, "leave", skn_value_none());
        world_settle(&w);
        world_submit(&w, "resume", skn_value_none());
        world_settle(&w);
        if (kills)
            world_kill(&w);
        else
            end_with(&w, SKN_ATTEMPT_FAILURE, 1);
        world_settle(&w);
        assert_int_equal(w.count, 1);
        assert_int_equal(w.tasks[0].output.attempt, 2);
        end_all(&w, 1);
        assert_int_equal(status_of(&w), SKN_RUN_SUCCEEDED);
        world_fini(&w);
    }
}

static void a_group_that_was_too_late_failed_whatever_ends_in_its_grace(void **state) /* F15 */
{
    (void)state;
    struct world w;
    open_at(&w, "{A || B}[timeout=1h] (failure -> C)");
    w.shard.now_ms += 3600 * 1000;
    world_settle(&w);
    assert_true(w.tasks[0].is_cancelled && w.tasks[1].is_cancelled);
    end_with(&w, SKN_ATTEMPT_SUCCESS, 1);
    end_with(&w, SKN_ATTEMPT_SUCCESS, 1);
    assert_string_equal(w.tasks[0].event, "C");
    end_all(&w, 1);
    assert_string_equal(world_tree(&w),
                        "succeeded: 1 group succeeded 0; 1.2 A succeeded 1; 1.3 B succeeded 1; "
                        "1.4 C succeeded 1;");
    world_fini(&w);
}

static void a_run_that_faulted_is_shown_as_failed(void **state) /* [E33] */
{
    (void)state;
    struct world w;
    open_at(&w, "A -> B");
    world_drop_tasks(&w);
    assert_int_equal(status_of(&w), SKN_RUN_RUNNING);
    w.shard.options.limits.slice_gas = 150; /* too few for the attempt that was cut off */
    w.shard.no_replay = true;
    shard_kill(&w.shard, true);
    world_settle(&w);
    assert_int_equal(skn_core_counts(w.shard.core).faults, 1);
    assert_int_equal(status_of(&w), SKN_RUN_FAILED);
    struct skn_value error;
    assert_true(skn_map_get(world_view(&w), SKN_LIT("error"), &error));
    assert_true(skn_slice_eq(world_member(error, "code"), SKN_LIT("FAULT")));
    world_fini(&w);
}

static void the_error_names_a_failure_that_nothing_handled(void **state) /* F12 */
{
    (void)state;
    struct world w;
    world_init(&w, "A=f B=f");
    world_start(&w, "{A || D} (failure -> C) || {{B || Noop} -> Noop}", "{}");
    world_settle(&w);
    for (const char *next = "ABDC"; *next; next++) { /* A was noted first and is handled last */
        size_t i = 0;
        while (w.tasks[i].event[0] != *next)
            assert_true(++i < w.count);
        world_end_task(&w, i);
        world_settle(&w);
    }
    assert_int_equal(status_of(&w), SKN_RUN_FAILED);
    struct skn_value error;
    assert_true(skn_map_get(world_view(&w), SKN_LIT("error"), &error));
    assert_true(skn_slice_eq(world_member(error, "path"), SKN_LIT("5.6.7")));
    world_fini(&w);
}

static void inputs_of_another_type_are_refused_at_the_start(void **state) /* F19 */
{
    (void)state;
    static const struct {
        const char *flow, *inputs;
        enum skn_rc rc;
    } bad[] = {{"@input: x: int\nA", "{\"x\":\"seven\"}", SKN_EARGS},
               {"@input: x: int\nA", "{\"x\":null}", SKN_EARGS},
               {"@input: x: int?\nA", "{\"x\":\"seven\"}", SKN_EARGS},
               {"@input: x: int?\nA", "{\"x\":null}", SKN_OK}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        struct world w;
        world_init(&w, "");
        world_start(&w, bad[i].flow, bad[i].inputs);
        shard_settle(&w.shard);
        struct skn_output out;
        assert_true(shard_next(&w.shard, &out));
        assert_int_equal(out.kind, SKN_OUTPUT_REPLY);
        assert_int_equal(out.rc, bad[i].rc);
        world_fini(&w);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_over_a_row_fails_its_task_by_name),
        cmocka_unit_test(more_than_a_batch_is_started_and_resumed_in_several),
        cmocka_unit_test(more_than_a_batch_is_cancelled_in_several),
        cmocka_unit_test(flows_nest_as_deep_as_a_text_may),
        cmocka_unit_test(a_wide_step_costs_as_much_as_it_is_wide),
        cmocka_unit_test(a_group_that_was_too_late_failed_whatever_ends_in_its_grace),
        cmocka_unit_test(a_run_that_faulted_is_shown_as_failed),
        cmocka_unit_test(the_error_names_a_failure_that_nothing_handled),
        cmocka_unit_test(inputs_of_another_type_are_refused_at_the_start),
        cmocka_unit_test(a_resume_while_tasks_are_cut_off_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
