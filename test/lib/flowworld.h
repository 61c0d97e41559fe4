/* flowworld.h - a flow given as text, walked on a test shard, with tasks that end as a script says.
 *
 * The script is "A=fs B=t": the first attempt of A fails and the second succeeds, the first of B is
 * too late; what it does not name succeeds. e: exit 75; d: the outcome "declined"; o: the outcome "3";
 * u: an outcome that nobody declared; w: runs until it is told to end, and ends badly then; g: the same,
 * and ends well. Time moves when nothing else does.
 */
#pragma once

#include "flow/flow.h"
#include "lang/pointy/pointy.h"
#include "lib/shard.h"

#include <stdio.h>

enum { TASKS_MAX = 4096 };

struct task { /* that runs in the world */
    struct skn_output output;
    char event[32];
    bool is_cancelled;
    bool is_leaving;
};

struct world {
    struct shard shard;
    const char *script;
    struct task tasks[TASKS_MAX];
    size_t count;
    size_t performed; /* in all */
    struct skn_arena arena;
    struct skn_buf text; /* what expect compares */
};

static const struct skn_program *const flow_programs[] = {&skn_flow_program, NULL};
#define RUN_ADDRESS "t:Run/r"

static inline void world_no_fault(void *ctx,
                                  enum skn_schema_fault fault,
                                  const struct skn_slice *path,
                                  uint32_t path_count,
                                  const char *wanted)
{
    (void)ctx, (void)fault, (void)path, (void)path_count;
    fail_msg("%s", wanted);
}

static inline void world_words(struct skn_arena *arena, struct skn_field *field, const char *json)
{
    struct skn_buf words;
    skn_buf_init(&words, 1 << 16);
    assert_int_equal(skn_json_parse(skn_slice_str(json), NULL, &words, NULL), SKN_OK);
    field->words = skn_arena_dup(arena, skn_buf_slice(&words));
    field->schema = skn_schema_compile(arena, skn_value_view(field->words), world_no_fault, NULL);
    skn_buf_fini(&words);
}

/* Events A to H take what is piped as `previous` and the run's `x`, both optional; Need takes a
 * required `x`, Int a required int, Few one of at most 5 [F31]; Deal has more outcomes; Pay is never
 * repeated when it was cut off. */
static inline const struct skn_project_events *world_events(struct skn_arena *arena)
{
    static const char *const names[] = {
        "A", "B", "C", "D", "E", "F", "G", "H", "Need", "Int", "Few", "Deal", "Once", "Pay"};
    static const struct skn_slice outcomes[] = {{(const uint8_t *)"declined", 8},
                                                {(const uint8_t *)"3", 1}};
    const struct skn_event_def **defs = skn_arena_zero(arena, 16, sizeof *defs);
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++) {
        struct skn_event_def *def = skn_arena_zero(arena, 1, sizeof *def);
        struct skn_field *fields = skn_arena_zero(arena, 2, sizeof *fields);
        struct skn_slice *argv = skn_arena_zero(arena, 1, sizeof *argv);
        bool is_need = strcmp(names[i], "Need") == 0, is_few = strcmp(names[i], "Few") == 0;
        bool is_int = strcmp(names[i], "Int") == 0 || is_few;
        argv[0] = SKN_LIT("prog");
        fields[0] = (struct skn_field){.name = SKN_LIT("previous"), .type = SKN_TYPE_ANY};
        fields[1] = (struct skn_field){.name = SKN_LIT("x"), .type = SKN_TYPE_ANY};
        if (is_int) fields[1].type = SKN_TYPE_INT;
        fields[1].required = is_need || is_int;
        if (is_few) world_words(arena, &fields[1], "{\"type\":\"int\",\"maximum\":5}");
        *def = (struct skn_event_def){.name = skn_slice_str(names[i]),
                                      .kind = SKN_EVENT_EXEC,
                                      .version = {1, 0, 0},
                                      .argv = argv,
                                      .argc = 1,
                                      .inputs = fields,
                                      .input_count = 2,
                                      .retry = {.attempts = 1, .factor_milli = 1000}};
        if (strcmp(names[i], "Deal") == 0) {
            def->outcomes = outcomes;
            def->outcome_count = SKN_ARRAY_LEN(outcomes);
        }
        def->ends_cut_off = strcmp(names[i], "Pay") == 0;
        if (strcmp(names[i], "Once") == 0) { /* tried again after a timeout only */
            def->retry.attempts = 3;
            def->retry_on = SKN_LIT("timeout\n");
        }
        defs[i] = def;
    }
    struct skn_project_events *events = skn_arena_zero(arena, 1, sizeof *events);
    assert_int_equal(skn_project_events_init(events, arena, defs, SKN_ARRAY_LEN(names), NULL),
                     SKN_OK);
    return events;
}

static inline const struct skn_graph *world_graph(struct skn_arena *arena, const char *text)
{
    struct skn_source source;
    struct skn_diags *diags = skn_arena_alloc(arena, sizeof *diags);
    const struct skn_graph *graph = NULL;
    assert_int_equal(skn_source_init(&source, arena, SKN_LIT("t.pty"), skn_slice_str(text)),
                     SKN_OK);
    skn_diags_init(diags, arena, &source);
    enum skn_rc rc = skn_pointy_compile(arena, &source, world_events(arena), diags, &graph);
    if (rc != SKN_OK) {
        struct skn_buf out;
        skn_buf_init(&out, 1 << 16);
        skn_diags_render(diags, &out);
        (void)fprintf(stderr, "%s\n", skn_buf_str(&out)); /* print_error cuts at 1 KiB */
        skn_buf_fini(&out);
    }
    assert_int_equal(rc, SKN_OK);
    return graph;
}

static inline void world_submit(struct world *w, const char *name, struct skn_value payload)
{
    shard_submit(&w->shard, 1, "", RUN_ADDRESS, name, payload);
}

/* Starts the flow; its start is not handled yet. `inputs` is JSON. */
static inline void world_start(struct world *w, const char *flow, const char *inputs)
{
    struct skn_buf graph, in, out;
    skn_buf_init(&graph, 1 << 20);
    skn_buf_init(&in, 1 << 20);
    skn_buf_init(&out, 4 << 20);
    assert_int_equal(skn_graph_encode(world_graph(&w->arena, flow), &graph), SKN_OK);
    assert_int_equal(skn_json_parse(skn_slice_str(inputs), NULL, &in, NULL), SKN_OK);
    struct skn_builder *b = skn_arena_alloc(&w->arena, sizeof *b);
    skn_builder_init(b, &out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("graph"));
    skn_build_bytes(b, skn_buf_slice(&graph));
    skn_build_key(b, SKN_LIT("flow"));
    skn_build_str(b, "t.pty");
    skn_build_key(b, SKN_LIT("inputs"));
    skn_build_value(b, skn_value_view(skn_buf_slice(&in)));
    skn_build_map_end(b);
    assert_int_equal(skn_build_end(b, NULL), SKN_OK);
    world_submit(w, "start", skn_value_view(skn_buf_slice(&out)));
    skn_buf_fini(&graph);
    skn_buf_fini(&in);
    skn_buf_fini(&out);
}

static inline void world_init(struct world *w, const char *script)
{
    *w = (struct world){.script = script};
    shard_init(&w->shard, flow_programs);
    skn_arena_init(&w->arena);
    skn_buf_init(&w->text, 1 << 20);
}

static inline void world_drop_tasks(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        skn_free((void *)(uintptr_t)w->tasks[i].output.value.ptr);
    w->count = 0;
}

static inline void world_fini(struct world *w)
{
    world_drop_tasks(w);
    shard_fini(&w->shard);
    skn_arena_fini(&w->arena);
    skn_buf_fini(&w->text);
}

static inline void world_kill(struct world *w)
{
    world_drop_tasks(w);
    shard_kill(&w->shard, true);
}

static inline void world_take_output(struct world *w, const struct skn_output *out)
{
    if (out->kind == SKN_OUTPUT_CANCEL) {
        for (size_t i = 0; i < w->count; i++) {
            if (w->tasks[i].output.number != out->number) continue;
            w->tasks[i].is_cancelled = true;
            w->tasks[i].is_leaving = out->is_leaving;
        }
    }
    if (out->kind != SKN_OUTPUT_PERFORM) return;
    assert_true(w->count < TASKS_MAX);
    struct task *task = &w->tasks[w->count++];
    w->performed++;
    *task = (struct task){.output = *out};
    task->output.value.ptr = (const uint8_t *)skn_dup(out->value.ptr, out->value.len);
    struct skn_value event;
    assert_true(skn_map_get(skn_value_view(task->output.value), SKN_LIT("event"), &event));
    (void)snprintf(task->event, sizeof task->event, "%.*s", SKN_FMT(skn_value_as_text(event)));
}

static inline struct skn_value world_view(struct world *w)
{
    struct skn_buf json, value;
    struct skn_json_writer *writer = skn_arena_alloc(&w->arena, sizeof *writer);
    skn_buf_init(&json, 4 << 20);
    skn_buf_init(&value, 4 << 20);
    skn_json_begin(writer, &json, SKN_JSON_PLAIN);
    struct skn_diag diag = {0};
    enum skn_rc rc =
        skn_flow_view(w->shard.store, SKN_LIT(RUN_ADDRESS), false, true, writer, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    assert_int_equal(skn_json_end(writer, NULL), SKN_OK);
    assert_int_equal(skn_json_parse(skn_buf_slice(&json), NULL, &value, &diag), SKN_OK);
    struct skn_value v = skn_value_view(skn_arena_dup(&w->arena, skn_buf_slice(&value)));
    skn_buf_fini(&json);
    skn_buf_fini(&value);
    return v;
}

static inline struct skn_slice world_member(struct skn_value map, const char *name)
{
    struct skn_value v;
    if (!skn_map_get(map, skn_slice_str(name), &v) || !skn_value_is(v, SKN_T_STRING))
        return SKN_LIT("-");
    return skn_value_as_text(v);
}

/* How many attempts of a context ended in a way that counts, as its rows say. */
static inline uint32_t world_ended(struct world *w, const struct task *task)
{
    struct skn_value path, contexts, context, attempts, attempt;
    uint32_t count = 0;
    assert_true(skn_map_get(skn_value_view(task->output.value), SKN_LIT("path"), &path));
    assert_true(skn_map_get(world_view(w), SKN_LIT("contexts"), &contexts));
    struct skn_value_iter iter = skn_value_iter(contexts);
    while (skn_value_next(&iter, NULL, &context)) {
        if (!skn_slice_eq(world_member(context, "path"), skn_value_as_text(path))) continue;
        assert_true(skn_map_get(context, SKN_LIT("attempts"), &attempts));
        count = 0; /* the last context with this path: the newest attempt of its group */
        struct skn_value_iter each = skn_value_iter(attempts);
        while (skn_value_next(&each, NULL, &attempt)) {
            struct skn_slice status = world_member(attempt, "status");
            count +=
                skn_slice_eq(status, SKN_LIT("failed")) || skn_slice_eq(status, SKN_LIT("timeout"));
        }
    }
    return count;
}

static inline char world_outcome(struct world *w, const struct task *task)
{
    char name[40];
    (void)snprintf(name, sizeof name, "%s=", task->event);
    const char *at = strstr(w->script, name);
    if (!at) return 's';
    at += strlen(name);
    for (uint32_t i = world_ended(w, task); i > 0 && at[1] >= 'a'; i--)
        at++;
    return *at;
}

/* How a task ends as a result says it. */
static inline void world_say(char outcome, struct skn_attempt_result *out)
{
    bool is_success = strchr("sgdou", outcome) != NULL;
    out->status = is_success       ? SKN_ATTEMPT_SUCCESS
                  : outcome == 't' ? SKN_ATTEMPT_TIMEOUT
                                   : SKN_ATTEMPT_FAILURE;
    out->reason = skn_slice_str(outcome == 't'   ? "timeout"
                                : outcome == 'e' ? "exit:75"
                                : outcome == 'd' ? "declined"
                                : outcome == 'o' ? "3"
                                : outcome == 'u' ? "unheard"
                                : is_success     ? ""
                                                 : "exit:1");
}

/* Ends the first task of the world; its result is {"by": event, "got": its inputs}. */
static inline void world_end_task(struct world *w, size_t index)
{
    struct task *task = &w->tasks[index];
    char outcome = world_outcome(w, task);
    if (task->is_cancelled && outcome != 'g') outcome = 'f';
    struct skn_buf out;
    struct skn_value in;
    assert_true(skn_map_get(skn_value_view(task->output.value), SKN_LIT("stdin"), &in));
    struct skn_builder *b = skn_alloc(sizeof *b);
    skn_buf_init(&out, 1 << 20);
    skn_builder_init(b, &out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("by"));
    skn_build_str(b, task->event);
    skn_build_key(b, SKN_LIT("got"));
    skn_build_value(b, in);
    skn_build_map_end(b);
    assert_int_equal(skn_build_end(b, NULL), SKN_OK);
    struct skn_attempt_result result = {.address = SKN_LIT(RUN_ADDRESS),
                                        .number = task->output.number,
                                        .attempt = task->output.attempt,
                                        .epoch = task->output.epoch,
                                        .value = skn_value_view(skn_buf_slice(&out))};
    world_say(outcome, &result);
    skn_core_result(w->shard.core, &result);
    skn_buf_fini(&out);
    skn_free(b);
    skn_free((void *)(uintptr_t)task->output.value.ptr);
    w->count--;
    memmove(task, task + 1, (w->count - index) * sizeof *task);
}

/* Everything that can happen without the end of a task and without time. */
static inline void world_settle(struct world *w)
{
    shard_settle(&w->shard);
    struct skn_output out;
    while (shard_next(&w->shard, &out))
        world_take_output(w, &out);
}

/* The first task that ends by itself or was told to; the count of all when there is none. */
static inline size_t world_next_task(struct world *w)
{
    size_t i = 0;
    while (i < w->count && !w->tasks[i].is_cancelled &&
           strchr("wg", world_outcome(w, &w->tasks[i])))
        i++;
    return i;
}

/* Until nothing is left to do: tasks end in the order of their start. */
static inline void world_run(struct world *w)
{
    for (;;) {
        world_settle(w);
        size_t next = world_next_task(w);
        if (next < w->count) {
            world_end_task(w, next);
            continue;
        }
        struct skn_run_info info;
        if (skn_flow_info(w->shard.store, SKN_LIT(RUN_ADDRESS), false, &info, NULL) != SKN_OK)
            return;
        uint64_t due = skn_core_next_due_ms(w->shard.core);
        if (info.status >= SKN_RUN_INTERRUPTED || due == UINT64_MAX) return;
        if (due > w->shard.now_ms) w->shard.now_ms = due;
    }
}

/* "succeeded: 1 A succeeded 2; 2 group failed 0" : path, event, status, attempts of each context;
 * interrupted attempts are not counted, so that a killed run reads like one that was not. */
static inline const char *world_tree(struct world *w)
{
    struct skn_value view = world_view(w), contexts, context;
    skn_buf_reset(&w->text);
    skn_buf_printf(&w->text, "%.*s:", SKN_FMT(world_member(view, "status")));
    assert_true(skn_map_get(view, SKN_LIT("contexts"), &contexts));
    struct skn_value_iter iter = skn_value_iter(contexts);
    while (skn_value_next(&iter, NULL, &context)) {
        struct skn_value attempts, attempt;
        assert_true(skn_map_get(context, SKN_LIT("attempts"), &attempts));
        int count = 0;
        struct skn_value_iter each = skn_value_iter(attempts);
        while (skn_value_next(&each, NULL, &attempt))
            count += !skn_slice_eq(world_member(attempt, "status"), SKN_LIT("interrupted"));
        struct skn_slice event = world_member(context, "event");
        if (skn_slice_eq(event, SKN_LIT("-"))) event = SKN_LIT("group");
        skn_buf_printf(&w->text,
                       " %.*s %.*s %.*s %d;",
                       SKN_FMT(world_member(context, "path")),
                       SKN_FMT(event),
                       SKN_FMT(world_member(context, "status")),
                       count);
    }
    return skn_buf_str(&w->text);
}

static inline const char *world_result(struct world *w)
{
    struct skn_value view = world_view(w), result = skn_value_none();
    (void)skn_map_get(view, SKN_LIT("result"), &result);
    skn_buf_reset(&w->text);
    assert_int_equal(skn_json_print(result, SKN_JSON_PLAIN, &w->text, NULL), SKN_OK);
    return skn_buf_str(&w->text);
}
